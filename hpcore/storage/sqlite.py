"""SQLite: which library, how a file is opened, and what a file from elsewhere may not do."""

from __future__ import annotations

import os
import random
import re
import sqlite3
import stat
import time
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import quote

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.pool import QueuePool, StaticPool

from hpcore.errors import InvalidArgument, StorageError, UntrustedStore
from hpcore.storage.schema import ddl

__all__ = [
    "check_schema",
    "complete_moved",
    "driver",
    "identity",
    "journal_mode",
    "make_engine",
    "prepare_file",
    "refusal",
]

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


def driver() -> ModuleType:
    """Python's own sqlite3, unless that is too old for the write-ahead log and pysqlite3 is there and is not."""
    if sqlite3.sqlite_version_info >= SAFE_WAL:
        return sqlite3
    try:
        import pysqlite3.dbapi2 as newer
    except ImportError:
        return sqlite3
    module: ModuleType = newer
    return module if module.sqlite_version_info >= SAFE_WAL else sqlite3


def journal_mode() -> str:
    """``"wal"``, or ``"persist"``: the rollback journal whose file stays, which saves the directory's updates."""
    return "wal" if driver().sqlite_version_info >= SAFE_WAL else "persist"


def prepare_file(path: Path, create: bool, read_only: bool) -> None:
    """See that a database may be at a path, and make an empty file, as the umask says, if there is none.

    Raises
    ------
    InvalidArgument
        A directory, or no such file where none may be made.
    StorageError
        The place cannot be written.
    """
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        if not create:
            raise InvalidArgument(f"storage must be an existing store, and there is no file {str(path)!r}") from None
        _create(path)
        return
    except OSError as error:
        raise StorageError(f"storage {str(path)!r} cannot be opened: {error.strerror}") from error
    if stat.S_ISDIR(mode):
        raise InvalidArgument(f"storage must be a file, and {str(path)!r} is a directory; name a file in it")
    if not stat.S_ISREG(mode):
        raise InvalidArgument(f"storage must be a regular file, and {str(path)!r} is not")
    if not read_only and not _is_writable(path):
        raise StorageError(refusal(path))
    if not read_only and not _is_writable(path.parent):
        raise StorageError(refusal(path, "its directory may not be written, where SQLite keeps its log"))


def refusal(path: Path, reason: str = "it may not be written") -> str:
    """Message about a file that may only be read, with what can be done."""
    return (
        f"storage {str(path)!r} is read-only: {reason}. Make it writable or copy it elsewhere to go on with it; to "
        "read it, give hpcore.storage.open_storage(FILE, read_only=True) to load_study, or use 'hpcore show' and "
        "'hpcore export'"
    )


def identity(path: Path) -> tuple[int, int] | None:
    """Device and inode of the file at a path; None if there is none."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StorageError(f"storage {str(path)!r} cannot be reached: {error.strerror}") from error
    return found.st_dev, found.st_ino


def _create(path: Path) -> None:
    try:
        # With the permissions of any new file: who shares a folder with others sets the umask so. SQLite gives its
        # journal files the same mode. Never opened if it exists: closing a second descriptor of a database would drop
        # the locks that this process holds on it.
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o666))
    except FileExistsError:
        pass  # another process was quicker
    except OSError as error:
        raise StorageError(
            f"storage {str(path)!r} cannot be made: {error.strerror}; its directory must exist and be writable"
        ) from error


def complete_moved(connection: Any, file: tuple[int, int] | None) -> None:
    """Bring the log into a database that was moved while it was open: the log stayed behind under the old name.

    Parameters
    ----------
    connection : sqlite3.Connection
        Opened before.
    file : tuple of int, optional
        Device and inode of the database.
    """
    # A log that is emptied cannot be mixed up with what is later done to the file under its new name. Of a file that is
    # removed (or was copied and removed) the log is all that is left, and stays.
    emptied = "TRUNCATE" if file is not None and _is_linked(file) else "PASSIVE"
    connection.execute(f"PRAGMA wal_checkpoint({emptied})")


def _is_linked(file: tuple[int, int]) -> bool:
    """Tell whether a file that this process has open still has a name; False where that cannot be known."""
    try:
        descriptors = list(Path("/proc/self/fd").iterdir())
    except OSError:
        return False
    for descriptor in descriptors:
        try:
            # Not opened: to close it again would drop the locks of this process.
            found = descriptor.stat()
        except OSError:
            continue
        if (found.st_dev, found.st_ino) == file:
            return found.st_nlink > 0
    return False


def _is_writable(path: Path) -> bool:
    # Asked of the mode as well, which the superuser's access does not show.
    return bool(path.stat().st_mode & 0o222) and os.access(path, os.W_OK)


def make_engine(path: Path | None, read_only: bool) -> Engine:
    """An engine for a file, or for a database in memory if there is none."""
    module = driver()

    def connect() -> Any:
        if path is None:
            return module.connect(":memory:", isolation_level=None, check_same_thread=False)
        # To read after a kill in the middle of a commit, SQLite must roll that back first: where the file may be
        # written it may, and `query_only` refuses the rest.
        place = _is_writable(path.parent)
        writable = not read_only or (_is_writable(path) and place)
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
                # Not at connecting: what turns out to be no store of ours stays as it was.
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
    """What a file from elsewhere may not do, before anything of it is read."""
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


def check_schema(rows: list[tuple[Any, ...]], where: str) -> bool:
    """Compare ``(type, name, tbl_name, sql)`` of all that a database holds with what hpcore makes.

    Returns
    -------
    bool
        Whether the tables are there; False for an empty database.

    Raises
    ------
    UntrustedStore
        Anything on or instead of our tables that hpcore did not make, or any trigger or view at all.
    InvalidArgument
        A database of something else.
    """
    ours = ddl("sqlite")
    found: dict[str, Any] = {}
    others = []
    for kind, name, on, sql in rows:
        if kind in ("trigger", "view"):
            raise UntrustedStore(
                f"storage {where} holds the {kind} {name!r:.80}, which hpcore never makes; it was not run"
            )
        if kind == "table" and name in ours:
            found[name] = sql
        elif on in ours and not (kind == "index" and sql is None):
            raise UntrustedStore(f"storage {where} holds the {kind} {name!r:.80}, which hpcore never makes")
        elif not str(name).startswith("sqlite_") and on not in ours:
            others.append(name)
    if not found:
        if others:
            raise InvalidArgument(
                f"storage must be a store of hpcore or a new file, and {where} is a database with {others[0]!r:.80}"
            )
        return False
    for name, sql in ours.items():
        if _normal(found.get(name, "")) != _normal(sql):
            raise UntrustedStore(f"storage {where} has another table {name!r} than hpcore makes")
    return True


def _normal(sql: Any) -> str:
    return re.sub(r"\s+", " ", sql if isinstance(sql, str) else "").strip()
