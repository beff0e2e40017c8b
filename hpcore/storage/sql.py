"""A store: transactions, tried again where the database is busy or away, and tables of a known version."""

from __future__ import annotations

import logging
import os
import random
import threading
import time
import weakref
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import QueuePool

from hpcore.errors import DamagedStore, InvalidArgument, StorageError, UnsupportedStore
from hpcore.storage import schema
from hpcore.storage.dialects.base import Dialect
from hpcore.storage.files import complete_moved, identity
from hpcore.storage.forks import in_transaction
from hpcore.storage.records import StudyRecord
from hpcore.storage.transaction import Transaction
from hpcore.storage.versions.migration import OLD_TABLES, migrate
from hpcore.storage.versions.one import TABLES_ONE
from hpcore.storage.versions.reading import OldTransaction

__all__ = ["Storage"]

log = logging.getLogger("hpcore")

T = TypeVar("T")


def _dispose(engine: Engine, pid: int) -> None:
    """Close the connections of a store that nobody has any more, if they are this process's own."""
    if os.getpid() == pid:
        engine.dispose()


# Without a state: threads in the background must not draw from the generator that a program has seeded, and forked
# workers must not go in step.
_jitter = random.SystemRandom()


class Storage:
    """A store of studies; made by `hpcore.storage.open_storage`. May be shared by threads, and survives a fork.

    Parameters
    ----------
    dialect : Dialect
        The database.
    reopen : callable
        ``reopen()`` opens the same store in another process; travels with a pickle.
    read_only : bool
        Refuse to write.
    patience : float
        Seconds for which a busy or absent database is tried again.

    Attributes
    ----------
    path : Path or None
        The file, if it is one.
    shown : str
        Name for people, without passwords.
    private : bool
        True if the store is this process's memory, which nobody else sees.
    troubles : tuple of type
        Errors that the database, and not the work in a transaction, may raise inside one.
    seen : dict of int to StudyRecord
        Studies that were looked at, by which the store knows its file again.
    generation : int
        Count of the times that another file was found in the place of the first: knowledge of the old one may not hold.
    """

    def __init__(self, dialect: Dialect, reopen: Callable[[], Storage], read_only: bool, patience: float) -> None:
        self.path, self.shown, self.private = dialect.path, dialect.shown, dialect.private
        self.read_only, self.patience = read_only, patience
        self._dialect, self._reopen = dialect, reopen
        self._engine = dialect.connect()
        self._pid = os.getpid()
        self._inherited: list[Engine] = []
        weakref.finalize(self, _dispose, self._engine, self._pid)
        # A database in memory is one connection.
        self._turn: Any = threading.RLock() if self.private else nullcontext()
        # The file that was opened, by device and inode.
        self._file: tuple[int, int] | None = None
        self.seen: dict[int, StudyRecord] = {}
        self.generation = 0
        # None before the tables are looked at; older than the newest only of a store that may not be written.
        self._version: int | None = None
        self._arrived: dict[tuple[int, int, float], int] = {}
        # Of a damaged file the very message of an error may be no text.
        self.troubles = (SQLAlchemyError, OSError, UnicodeError, StorageError, dialect.native)

    def __reduce__(self) -> Any:
        if self.private:
            raise InvalidArgument("a storage in memory cannot be sent to another process; use a file")
        return self._reopen, ()

    def __repr__(self) -> str:
        return f"Storage({self.shown!r})"

    def close(self) -> None:
        """Close idle connections; the store may be used again."""
        if not self.private:
            self.engine.dispose()

    @property
    def engine(self) -> Engine:
        """The engine, with connections of this process's own."""
        if os.getpid() != self._pid:
            # A child's copies of the parent's connections must neither be used nor closed: kept, out of the way.
            self._inherited.append(self._engine)
            self._engine = self._dialect.renew(self._engine)
            self._pid = os.getpid()
            weakref.finalize(self, _dispose, self._engine, self._pid)
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
        return self._try(work, self._dialect.reading(), self.patience)

    def _try(self, work: Callable[[Transaction], T], options: dict[str, Any], patience: float) -> T:
        until = time.monotonic() + patience
        nap = 0.01
        while True:
            self._check_file()
            try:
                with in_transaction, self._turn, self.engine.connect().execution_options(**options) as connection:
                    result = work(self._begin(connection))
                    self._check_place()
                    connection.commit()
                    return result
            except self.troubles as error:
                if isinstance(error, StorageError):
                    raise
                self._check_place()  # SQLite's error of a file that is gone is that of a broken disk
                if not self._dialect.is_passing(error) or time.monotonic() >= until:
                    raise self._dialect.translated(error) from error
            time.sleep(_jitter.uniform(0.5, 1.0) * nap)
            nap = min(2 * nap, self._dialect.longest_nap)

    def _begin(self, connection: Connection) -> Transaction:
        if self._version == 1:
            # Another process may have brought it to the newest version in the meantime.
            self._version = self._find_version(connection)
            if self._version == 1:
                return OldTransaction(connection, self._dialect, self.seen, self._arrived)
            self._arrived.clear()
            self.generation += 1
        return Transaction(connection, self._dialect, self.seen)

    def _check_file(self) -> None:
        """See that the file is the one that was opened, or a copy of it that holds the same studies.

        Raises
        ------
        StorageError
            It is gone, or something else is in its place.
        """
        if self.path is None:
            return
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
            if not self._settle():
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
        pool = self.engine.pool
        if isinstance(pool, QueuePool) and pool.checkedin():  # a new one would open what is there now
            try:
                with self.engine.connect() as connection:
                    complete_moved(connection.connection.driver_connection, self._file)
            except self.troubles as error:
                log.warning("the contents of the log of storage %s are left there: %s", self.shown, error)
        self.engine.dispose()

    def _check_place(self) -> None:
        """See that the file of a transaction is still where it was."""
        if self.path is None:
            return
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

    # --- the tables ----------------------------------------------------------------------------------------------

    def check(self, create: bool) -> None:
        """See that the tables are ours and of a version that this hpcore knows; make them in an empty database.

        Those of an older version are brought to the newest, unless the store may only be read.

        Raises
        ------
        UnsupportedStore, UntrustedStore, DamagedStore, InvalidArgument, StorageError
            They are not.
        """
        if self._settle():
            return
        if not create or self.read_only:
            raise InvalidArgument(f"storage must be an existing store, and {self.shown} is empty")
        self.write(self._make)
        self._settle()

    def _settle(self) -> bool:
        """Find the version of the tables, and bring them to the newest; False if there are none."""
        found = self.read(lambda transaction: self._find_version(transaction.connection))
        if found is not None and found < schema.VERSION and not self.read_only:
            self.write(self._migrate)
            found = schema.VERSION
        self._version = found
        return found is not None

    def _find_version(self, connection: Connection) -> int | None:
        """Check the tables; gives their version, None if there are none."""
        tables = schema.ddl(self._dialect.words)
        said = self._dialect.version(connection, tables["hpcore_meta"])
        if said == "1":
            tables = schema.ddl(self._dialect.words, TABLES_ONE)
        elif said is not None and said != str(schema.VERSION):
            if said.isdecimal() and int(said[:9]) > schema.VERSION:
                raise UnsupportedStore(
                    f"storage {self.shown} was written by a newer hpcore (tables of version {said:.20}, "
                    f"this one knows {schema.VERSION}); upgrade hpcore. It was not changed"
                )
            raise DamagedStore(f"storage {self.shown} is damaged: its version is {said!r:.40}")
        if not self._dialect.has_tables(connection, tables):
            return None
        if said is None:
            raise DamagedStore(f"storage {self.shown} is damaged: it does not say its version")
        return int(said)

    def _make(self, transaction: Transaction) -> None:
        connection = transaction.connection
        self._dialect.lock_tables(connection, ())
        if self._find_version(connection) is not None:
            return  # another process was quicker
        for statement in schema.ddl(self._dialect.words).values():
            connection.exec_driver_sql(statement)
        connection.execute(schema.meta.insert(), {"name": "schema", "value": str(schema.VERSION)})

    def _migrate(self, transaction: Transaction) -> None:
        connection = transaction.connection
        self._dialect.lock_tables(connection, ())
        if self._find_version(connection) == schema.VERSION:
            return  # another process was quicker
        self._dialect.lock_tables(connection, OLD_TABLES)
        migrate(connection, self._dialect)
        log.info("storage %s was brought to version %d of its tables", self.shown, schema.VERSION)
