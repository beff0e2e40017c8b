"""A store: transactions on SQLite or PostgreSQL, and what is done in them."""

from __future__ import annotations

import logging
import os
import random
import threading
import time
import weakref
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import QueuePool

from hpcore.errors import DamagedStore, HpcoreError, InvalidArgument, StorageError, UnsupportedStore
from hpcore.storage import schema
from hpcore.storage.forks import in_transaction
from hpcore.storage.records import StudyRecord
from hpcore.storage.transaction import Transaction

__all__ = ["Storage"]

log = logging.getLogger("hpcore")

T = TypeVar("T")


def _dispose(engine: Engine, pid: int) -> None:
    """Close the connections of a store that nobody has any more, if they are this process's own."""
    if os.getpid() == pid:
        engine.dispose()


# SQLite says what is wrong in words; these have been the same since 3.0. The codes behind them reach Python from 3.11.
_DAMAGED = ("malformed", "decode", "not a database", "database corruption", "unsupported file format", "encoding")
_BUSY = ("locked", "busy")
# Any number, the same in every process: who makes the tables holds this lock of PostgreSQL's.
_MAKING = 0x6870636F
# Without a state: threads in the background must not draw from the generator that a program has seeded, and forked
# workers must not go in step.
_jitter = random.SystemRandom()


class Storage:
    """A store of studies; made by `hpcore.storage.open_storage`. May be shared by threads, and survives a fork.

    Parameters
    ----------
    engine : sqlalchemy.Engine
        Connects.
    path : Path or None
        The file, if it is one.
    shown : str
        The store's name for people, without passwords.
    read_only : bool
        Refuse to write.
    patience : float
        Seconds for which a busy or absent database is tried again.

    Attributes
    ----------
    url : str
        What opens the same store in another process.
    troubles : tuple of type
        What the database, and not the work in a transaction, may raise inside one.
    """

    def __init__(self, engine: Engine, path: Path | None, shown: str, read_only: bool, patience: float) -> None:
        self.path, self.shown, self.read_only, self.patience = path, shown, read_only, patience
        self.url = str(path) if path is not None else "sqlite:///:memory:"
        self.postgres = engine.dialect.name == "postgresql"
        self._engine = engine
        self._pid = os.getpid()
        self._inherited: list[Engine] = []
        weakref.finalize(self, _dispose, engine, self._pid)
        # A database in memory is one connection.
        self.shared = path is None and not self.postgres
        self._turn: Any = threading.RLock() if self.shared else nullcontext()
        # What the driver raises where SQLAlchemy does not see it: when a transaction begins.
        # The file that was opened, by device and inode, and what it holds of the studies that were looked at.
        self._file: tuple[int, int] | None = None
        self.seen: dict[int, StudyRecord] = {}
        # How often another file was found in the place of the first; what is known of the old one may not hold.
        self.generation = 0
        self._native: type[Exception] = engine.dialect.dbapi.Error  # type: ignore[union-attr]
        # Of a damaged file the very message of an error may be no text.
        self.troubles = (SQLAlchemyError, OSError, UnicodeError, StorageError, self._native)

    def __reduce__(self) -> Any:
        if self.shared:
            raise InvalidArgument("a storage in memory cannot be sent to another process; use a file")
        from hpcore.storage.opening import open_storage

        return (partial(open_storage, self.url, read_only=self.read_only, patience=self.patience), ())

    def __repr__(self) -> str:
        return f"Storage({self.shown!r})"

    def close(self) -> None:
        """Close idle connections; the store may be used again."""
        if not self.shared:
            self.engine.dispose()

    @property
    def engine(self) -> Engine:
        """The engine, with connections of this process's own."""
        if os.getpid() != self._pid:
            # A child's copies of the parent's connections must neither be used nor closed: kept, out of the way.
            self._inherited.append(self._engine)
            self._engine = self._renewed()
            self._pid = os.getpid()
            weakref.finalize(self, _dispose, self._engine, self._pid)
        return self._engine

    def _renewed(self) -> Engine:
        if self.path is None and not self.postgres:
            raise StorageError("a storage in memory does not reach across a fork; use a file")
        if self.path is not None:
            from hpcore.storage.sqlite import make_engine

            return make_engine(self.path, self.read_only)
        self._engine.dispose(close=False)
        return self._engine

    # --- transactions --------------------------------------------------------------------------------------------

    def write(self, work: Callable[[Transaction], T], patience: float | None = None) -> T:
        """Do something in one transaction, which is on the disk when this returns.

        Parameters
        ----------
        work : callable
            ``work(transaction)``; called again if the database was busy or went away, so it must begin anew each time.
        patience : float, optional
            Seconds for which it is tried, instead of the store's own.

        Raises
        ------
        StorageError
            The database stayed away for `patience`, or refuses.
        """
        if self.read_only:
            raise StorageError(f"storage {self.shown} was opened for reading only")
        patience = self.patience if patience is None else min(patience, self.patience)
        return self._try(work, {"hpcore_patience": patience}, patience)

    def read(self, work: Callable[[Transaction], T]) -> T:
        """Do something that only reads, on one state of the database."""
        options: dict[str, Any] = {"hpcore_reading": True}
        if self.postgres:
            options.update(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        return self._try(work, options, self.patience)

    def _try(self, work: Callable[[Transaction], T], options: dict[str, Any], patience: float) -> T:
        until = time.monotonic() + patience
        nap = 0.01
        while True:
            self._check_file()
            try:
                with in_transaction, self._turn, self.engine.connect().execution_options(**options) as connection:
                    result = work(Transaction(connection, self))
                    self._check_place()
                    connection.commit()
                    return result
            except self.troubles as error:
                if isinstance(error, StorageError):
                    raise
                self._check_place()  # what SQLite says of a file that is gone, it says of a broken disk as well
                if not self._passing(error) or time.monotonic() >= until:
                    raise self._translated(error) from error
            time.sleep(_jitter.uniform(0.5, 1.0) * nap)
            nap = min(2 * nap, 1.0 if self.postgres else 0.05)

    def _check_file(self) -> None:
        """See that the file is the one that was opened, or a copy of it that holds the same studies.

        Raises
        ------
        StorageError
            It is gone, or something else is in its place.
        """
        if self.path is None:
            return
        from hpcore.storage.sqlite import identity

        found = identity(self.path)
        if found is not None and (found == self._file or self._file is None):
            self._file = found
            return
        if self._file is not None:
            self._leave_file()
        if found is None:
            raise StorageError(self._gone())
        before, self._file = self._file, found
        try:
            if not self.read(self._known):
                raise StorageError(f"storage {self.shown} was replaced by an empty file while it was in use")
            now = {record.id: record for record in self.read(lambda transaction: transaction.studies())}
            for record in list(self.seen.values()):
                other = now.get(record.id)
                if other is None or (other.name, other.created) != (record.name, record.created):
                    raise StorageError(
                        f"storage {self.shown} was replaced by another file while it was in use: it does not hold "
                        f"study {record.name!r:.80} any more; put the right file there to go on, or open the study anew"
                    )
                if other.n_trials < record.n_trials:
                    raise StorageError(
                        f"storage {self.shown} was replaced by an older file while it was in use: it holds "
                        f"{other.n_trials} of {record.n_trials} trials of study {record.name!r:.80}; put the right "
                        "file there to go on, or open the study anew"
                    )
        except BaseException:
            self.engine.dispose()
            self._file = before
            raise
        self.generation += 1

    def _leave_file(self) -> None:
        """Close the connections to a file that is no longer in its place, and make it whole, wherever it is."""
        from hpcore.storage.sqlite import complete_moved

        pool = self.engine.pool
        if isinstance(pool, QueuePool) and pool.checkedin():  # a new one would open what is there now
            try:
                with self.engine.connect() as connection:
                    complete_moved(connection.connection.driver_connection, self._file)
            except self.troubles as error:
                log.warning("what the log of storage %s holds is left there: %s", self.shown, error)
        self.engine.dispose()

    def _check_place(self) -> None:
        """See that the file of a transaction is still where it was."""
        if self.path is None:
            return
        from hpcore.storage.sqlite import identity

        found = identity(self.path)
        if found is None:
            raise StorageError(self._gone())
        if found != self._file:
            raise StorageError(f"storage {self.shown} was replaced by another file in the middle of a transaction")

    def _gone(self) -> str:
        return (
            f"storage {self.shown} is gone: there is no file of that name any more; it was moved or removed while it "
            "was in use. What is known so far stays in memory; put the file back, and go on with the study"
        )

    def _passing(self, error: BaseException) -> bool:
        """Whether the same may succeed a moment later."""
        if isinstance(error, PoolTimeout):
            return True
        if not isinstance(error, DBAPIError | self._native):
            return False
        if self.postgres:
            # Restarting, out of connections, deadlocked or serialised: SQLSTATE classes 08, 40, 53 and 57, or none at
            # all when the server could not even be reached.
            cause = getattr(error, "orig", error)
            state = getattr(cause, "sqlstate", None)
            gone = state is None and type(cause).__name__ == "OperationalError"
            lost = getattr(error, "connection_invalidated", False)
            return lost or gone or (state or "")[:2] in ("08", "40", "53", "57")
        return any(word in str(error) for word in _BUSY)

    def _translated(self, error: BaseException) -> HpcoreError:
        cause = " ".join(str(getattr(error, "orig", None) or error).split())
        if not self.postgres and any(word in cause for word in _DAMAGED):
            new = self.path is not None and "not a database" in cause
            what = "is not a database of SQLite" if new else "is damaged"
            return DamagedStore(f"storage {self.shown} {what} ({cause}); 'hpcore repair' saves what is intact")
        if "readonly" in cause or "read-only" in cause:
            if self.path is None:
                return StorageError(f"storage {self.shown} is read-only ({cause})")
            from hpcore.storage.sqlite import refusal

            return StorageError(refusal(self.path, f"SQLite says {cause!r}"))
        if "unable to open" in cause and self.path is not None:
            from hpcore.storage.sqlite import refusal

            return StorageError(refusal(self.path, f"SQLite can neither open nor make the log beside it ({cause})"))
        if "full" in cause or "No space" in cause:
            return StorageError(
                f"storage {self.shown} has no space left ({cause}); free some, and go on with the study"
            )
        return StorageError(f"storage {self.shown} failed: {cause}")

    # --- the tables ----------------------------------------------------------------------------------------------

    def check(self, create: bool) -> None:
        """See that the tables are ours and of a version that this hpcore knows; make them in an empty database.

        Raises
        ------
        UnsupportedStore, UntrustedStore, DamagedStore, InvalidArgument, StorageError
            They are not.
        """
        if self.read(self._known):
            return
        if not create or self.read_only:
            raise InvalidArgument(f"storage must be an existing store, and {self.shown} is empty")
        self.write(self._make)

    def _known(self, transaction: Transaction) -> bool:
        connection = transaction.connection
        version = self._version(connection)
        if version is not None and version != str(schema.VERSION):
            newer = version.isdecimal() and int(version[:9]) > schema.VERSION
            if newer:
                raise UnsupportedStore(
                    f"storage {self.shown} was written by a newer hpcore (tables of version {version:.20}, "
                    f"this one knows {schema.VERSION}); upgrade hpcore. It was not changed"
                )
            raise DamagedStore(f"storage {self.shown} is damaged: its version is {version!r:.40}")
        if self.postgres:
            return version is not None
        from hpcore.storage.sqlite import check_schema

        rows = connection.execute(text("SELECT type, name, tbl_name, sql FROM sqlite_master")).fetchall()
        if not check_schema([tuple(row) for row in rows], self.shown):
            return False
        if version is None:
            raise DamagedStore(f"storage {self.shown} is damaged: it does not say its version")
        return True

    def _version(self, connection: Connection) -> str | None:
        if self.postgres:
            there = connection.execute(text("SELECT to_regclass('hpcore_meta') IS NOT NULL")).scalar()
        else:
            # Exactly our table, or its contents are not looked at: a view of that name could hold anything.
            from hpcore.storage.sqlite import check_schema

            found = "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE type IN ('trigger', 'view')"
            check_schema([tuple(row) for row in connection.execute(text(found))], self.shown)
            statement = (
                "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'hpcore_meta' AND sql = :sql"
            )
            there = connection.execute(text(statement), {"sql": schema.ddl("sqlite")["hpcore_meta"]}).scalar()
        if not there:
            return None
        value = connection.execute(schema.meta.select().where(schema.meta.c.name == "schema")).fetchone()
        if value is None or not isinstance(value[1], str):
            raise DamagedStore(f"storage {self.shown} is damaged: it does not say its version")
        return value[1]

    def _make(self, transaction: Transaction) -> None:
        connection = transaction.connection
        if self.postgres:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MAKING})
        if self._known(transaction):
            return  # another process was quicker
        for statement in schema.ddl("postgresql" if self.postgres else "sqlite").values():
            connection.exec_driver_sql(statement)
        connection.execute(schema.meta.insert(), {"name": "schema", "value": str(schema.VERSION)})
