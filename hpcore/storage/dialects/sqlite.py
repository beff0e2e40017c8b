"""SQLite: the library, the connections to a file, and the defence against files from elsewhere."""

from __future__ import annotations

import random
import re
import sqlite3
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import QueuePool, StaticPool

from hpcore.errors import DamagedStore, HpcoreError, InvalidArgument, StorageError, UntrustedStore
from hpcore.storage.files import is_writable, refusal

__all__ = ["Sqlite", "check_schema", "driver", "journal_mode"]

# Before 3.51.3 a race between a writer and a checkpoint that resets the write-ahead log could corrupt the database
# (all versions since 3.7.0, https://sqlite.org/wal.html#walresetbug): there the rollback journal is used, which costs
# a few more syncs a commit.
SAFE_WAL = (3, 51, 3)
# No value that hpcore stores comes near; a planted one would be read into memory whole.
LARGEST_VALUE = 64 * 2**20
# A writer that finds the file locked tries again after a wait of this many seconds at most. Locks are the kernel's:
# they are gone with the process that held them.
LONGEST_NAP = 0.01
# Without a state: threads in the background must not draw from the generator that a program has seeded, and forked
# workers must not go in step.
_jitter = random.SystemRandom()
# How long a statement other than the beginning of a transaction waits for readers.
BUSY_MILLISECONDS = 10_000
# SQLite says what is wrong in words; these have been the same since 3.0. The codes behind them reach Python from 3.11.
_DAMAGED = ("malformed", "decode", "not a database", "database corruption", "unsupported file format", "encoding")
_BUSY = ("locked", "busy")
_WORDS = {
    # AUTOINCREMENT: the id of a deleted study is not given to the next one, which a slow worker would then write to.
    "id": "INTEGER PRIMARY KEY AUTOINCREMENT",
    "real": "REAL",
    "blob": "BLOB",
    "end": " WITHOUT ROWID",
}
_SCHEMA = "SELECT type, name, tbl_name, sql FROM sqlite_master"


def driver() -> ModuleType:
    """Choose Python's own sqlite3, unless that is too old for the write-ahead log and pysqlite3 is there and is not."""
    if sqlite3.sqlite_version_info >= SAFE_WAL:
        return sqlite3
    try:
        import pysqlite3.dbapi2 as newer
    except ImportError:
        return sqlite3
    module: ModuleType = newer
    return module if module.sqlite_version_info >= SAFE_WAL else sqlite3


def journal_mode() -> str:
    """Choose ``"wal"``, or ``"persist"``: the rollback journal whose file stays, which spares updates of its folder."""
    return "wal" if driver().sqlite_version_info >= SAFE_WAL else "persist"


class Sqlite:
    """A file of SQLite's, or a database in memory.

    Parameters
    ----------
    path : Path or None
        The file, absolute; None for a database in memory.
    read_only : bool
        Write nothing.
    """

    longest_nap = 0.05
    words: Mapping[str, str] = _WORDS

    def __init__(self, path: Path | None, read_only: bool) -> None:
        self.path = path
        self.private = path is None
        self.shown = "memory" if path is None else str(path)
        self.native: type[Exception] = driver().Error
        self._read_only = read_only

    def connect(self) -> Engine:
        """See `Dialect.connect`."""
        return _make_engine(self.path, self._read_only)

    def renew(self, engine: Engine) -> Engine:
        """See `Dialect.renew`."""
        if self.private:
            raise StorageError("a storage in memory does not reach across a fork; use a file")
        return self.connect()

    def reading(self) -> dict[str, Any]:
        """See `Dialect.reading`."""
        return {"hpcore_reading": True}

    def is_passing(self, error: BaseException) -> bool:
        """See `Dialect.is_passing`."""
        if isinstance(error, PoolTimeout):
            return True
        return isinstance(error, DBAPIError | self.native) and any(word in str(error) for word in _BUSY)

    def translated(self, error: BaseException) -> HpcoreError:
        """See `Dialect.translated`."""
        cause = " ".join(str(getattr(error, "orig", None) or error).split())
        if any(word in cause for word in _DAMAGED):
            new = self.path is not None and "not a database" in cause
            what = "is not a database of SQLite" if new else "is damaged"
            return DamagedStore(f"storage {self.shown} {what} ({cause}); 'hpcore repair' saves what is intact")
        if "readonly" in cause or "read-only" in cause:
            if self.path is None:
                return StorageError(f"storage {self.shown} is read-only ({cause})")
            return StorageError(refusal(self.path, f"SQLite says {cause!r}"))
        if "unable to open" in cause and self.path is not None:
            return StorageError(refusal(self.path, f"SQLite can neither open nor make the log beside it ({cause})"))
        if "full" in cause or "No space" in cause:
            return StorageError(
                f"storage {self.shown} has no space left ({cause}); free some, and go on with the study"
            )
        return StorageError(f"storage {self.shown} failed: {cause}")

    def version(self, connection: Connection, meta: str) -> str | None:
        """See `Dialect.version`."""
        # Exactly our table, or its contents are not looked at: a view of that name could hold anything.
        planted = connection.execute(text(f"{_SCHEMA} WHERE type IN ('trigger', 'view')"))
        check_schema([tuple(row) for row in planted], self.shown, {})
        found = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'hpcore_meta' AND sql = :sql"
        if not connection.execute(text(found), {"sql": meta}).scalar():
            return None
        value = connection.execute(text("SELECT value FROM hpcore_meta WHERE name = 'schema'")).scalar()
        if not isinstance(value, str):
            raise DamagedStore(f"storage {self.shown} is damaged: it does not say its version")
        return value

    def has_tables(self, connection: Connection, tables: Mapping[str, str]) -> bool:
        """See `Dialect.has_tables`."""
        return check_schema([tuple(row) for row in connection.execute(text(_SCHEMA))], self.shown, tables)

    def lock_tables(self, connection: Connection, names: Iterable[str]) -> None:
        """See `Dialect.lock_tables`; a transaction that writes has all of SQLite for itself."""

    def lock_studies(self, connection: Connection) -> None:
        """See `Dialect.lock_studies`; a transaction that writes has all of SQLite for itself."""

    def row_lock(self, query: Any) -> Any | None:
        """See `Dialect.row_lock`; a transaction that writes has all of SQLite for itself."""
        return None

    def now(self, connection: Connection) -> float:
        """See `Dialect.now`."""
        return time.time()

    def last_id(self, connection: Connection, table: str) -> int:
        """See `Dialect.last_id`."""
        last = connection.execute(text("SELECT seq FROM sqlite_sequence WHERE name = :name"), {"name": table}).scalar()
        return last if isinstance(last, int) else 0

    def skip_ids(self, connection: Connection, table: str, last: int) -> None:
        """See `Dialect.skip_ids`."""
        values = {"name": table, "last": last}
        connection.execute(text("DELETE FROM sqlite_sequence WHERE name = :name"), values)
        connection.execute(text("INSERT INTO sqlite_sequence (name, seq) VALUES (:name, :last)"), values)


def _make_engine(path: Path | None, read_only: bool) -> Engine:
    """Make an engine for a file, or for a database in memory if there is none."""
    module = driver()

    def connect() -> Any:
        if path is None:
            return module.connect(":memory:", isolation_level=None, check_same_thread=False)
        # To read after a kill in the middle of a commit, SQLite must roll that back first: where the file may be
        # written it may, and `query_only` refuses the rest.
        place = is_writable(path.parent)
        writable = not read_only or (is_writable(path) and place)
        mode = "mode=rw" if writable else "mode=ro"
        logs = [path.with_name(path.name + end) for end in ("-wal", "-journal")]
        if not writable and not place and not any(log.exists() for log in logs):
            # Without a log nobody has it open for writing, and there is no place for the index that SQLite would make.
            mode += "&immutable=1"
        uri = f"file:{quote(str(path))}?{mode}"
        return module.connect(uri, uri=True, isolation_level=None, check_same_thread=False, timeout=0)

    pool: dict[str, Any] = {"poolclass": StaticPool} if path is None else {"poolclass": QueuePool, "pool_size": 4}
    engine = create_engine("sqlite://", module=module, creator=connect, hide_parameters=True, **pool)

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, record: Any) -> None:
        _defend(connection, module)
        cursor = connection.cursor()
        # A commit is on the disk before it is acknowledged. With a rollback journal that is deleted or cut, only EXTRA
        # would be; one that stays is overwritten and synced with FULL.
        cursor.execute("PRAGMA synchronous=FULL")
        if read_only:
            cursor.execute("PRAGMA query_only=ON")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        if connection.get_execution_options().get("hpcore_reading"):
            connection.exec_driver_sql("BEGIN")
            return
        until = time.monotonic() + connection.get_execution_options().get("hpcore_patience", 60.0)
        cursor = connection.connection.cursor()
        cursor.execute("PRAGMA busy_timeout=0")
        try:
            if path is not None and not connection.info.get("hpcore_journal"):
                # Not at connecting: a file that turns out to be no store of ours stays as it was.
                _set_journal(cursor)
                connection.info["hpcore_journal"] = True
            while True:
                try:
                    cursor.execute("BEGIN IMMEDIATE")
                    return
                except module.OperationalError as error:
                    if "locked" not in str(error) or time.monotonic() >= until:
                        raise
                # Of random length, so that workers do not go in step.
                time.sleep(_jitter.uniform(0.0005, LONGEST_NAP))
        finally:
            cursor.execute(f"PRAGMA busy_timeout={BUSY_MILLISECONDS}")
            cursor.close()

    return engine


def _defend(connection: Any, module: ModuleType) -> None:
    """Limit a file from elsewhere, before anything of it is read."""
    if hasattr(connection, "setlimit"):  # Python 3.11
        connection.setlimit(module.SQLITE_LIMIT_LENGTH, LARGEST_VALUE)
    if hasattr(connection, "setconfig"):  # Python 3.12
        connection.setconfig(module.SQLITE_DBCONFIG_DEFENSIVE, True)
        connection.setconfig(module.SQLITE_DBCONFIG_ENABLE_TRIGGER, False)
        connection.setconfig(module.SQLITE_DBCONFIG_ENABLE_VIEW, False)
    cursor = connection.cursor()
    cursor.execute("PRAGMA trusted_schema=OFF")
    cursor.execute("PRAGMA cell_size_check=ON")
    cursor.execute("PRAGMA mmap_size=0")
    cursor.execute(f"PRAGMA busy_timeout={BUSY_MILLISECONDS}")
    cursor.close()


def _set_journal(cursor: Any) -> None:
    wanted = journal_mode()
    ((mode,),) = cursor.execute("PRAGMA journal_mode").fetchall()
    if mode != wanted:
        cursor.execute(f"PRAGMA journal_mode={wanted}")


def check_schema(rows: list[tuple[Any, ...]], where: str, tables: Mapping[str, str]) -> bool:
    """Compare ``(type, name, tbl_name, sql)`` of all that a database holds with the tables that hpcore makes.

    Returns
    -------
    bool
        True if the tables are there; False for an empty database.

    Raises
    ------
    UntrustedStore
        Anything on or instead of our tables that hpcore did not make, or any trigger or view at all.
    InvalidArgument
        A database of something else.
    """
    found: dict[str, Any] = {}
    others = []
    for kind, name, on, sql in rows:
        if kind in ("trigger", "view"):
            raise UntrustedStore(
                f"storage {where} holds the {kind} {name!r:.80}, which hpcore never makes; it was not run"
            )
        if kind == "table" and name in tables:
            found[name] = sql
        elif on in tables and not (kind == "index" and sql is None):
            raise UntrustedStore(f"storage {where} holds the {kind} {name!r:.80}, which hpcore never makes")
        elif not str(name).startswith("sqlite_") and on not in tables:
            others.append(name)
    if not found:
        if others:
            raise InvalidArgument(
                f"storage must be a store of hpcore or a new file, and {where} is a database with {others[0]!r:.80}"
            )
        return False
    for name, sql in tables.items():
        if _normal(found.get(name, "")) != _normal(sql):
            raise UntrustedStore(f"storage {where} has another table {name!r} than hpcore makes")
    return True


def _normal(sql: Any) -> str:
    return re.sub(r"\s+", " ", sql if isinstance(sql, str) else "").strip()
