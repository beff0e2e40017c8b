"""Opening of the store that a user gives as ``storage=``."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

from hpcore.errors import InvalidArgument, InvalidType
from hpcore.storage.dialects.base import Dialect
from hpcore.storage.files import prepare_file
from hpcore.storage.sql import Storage

__all__ = ["open_storage"]

_KINDS = "a file, 'sqlite:///FILE', 'sqlite:///:memory:' or 'postgresql://USER@HOST/DATABASE'"


def open_storage(
    storage: str | os.PathLike[str] | Storage, *, create: bool = True, read_only: bool = False, patience: float = 60.0
) -> Storage:
    """Open a store of studies.

    Parameters
    ----------
    storage : str, path or Storage
        A file (SQLite, made if it is new, with the permissions that the umask leaves), ``sqlite:///FILE``,
        ``sqlite:///:memory:``, or ``postgresql://USER@HOST/DATABASE``. An open store is given back as it is.
    create : bool
        Make the file, or the tables, if they are not there.
    read_only : bool
        Write nothing; also for files, directories and file systems that may only be read. A store that is opened so
        is given to `load_study`, and its trials and tables are there to be read.
    patience : float
        Seconds for which a busy or absent database is tried again.

    Returns
    -------
    Storage

    Raises
    ------
    InvalidArgument, InvalidType
        A storage of an unknown kind, a directory, another program's database.
    StorageError
        It cannot be opened; `UnsupportedStore` if a newer hpcore wrote it, `UntrustedStore` if it was tampered with,
        `DamagedStore` if it is no intact database.
    MissingDependency
        PostgreSQL without ``hpcore[postgres]``.
    """
    if isinstance(storage, Storage):
        return storage
    if not isinstance(storage, str | os.PathLike):
        raise InvalidType(f"storage must be {_KINDS}, got {storage!r}")
    text = os.fspath(storage)
    if not isinstance(text, str):
        raise InvalidType(f"storage must be {_KINDS}, got {storage!r}")
    if not text or "\0" in text:
        raise InvalidArgument(f"storage must be {_KINDS}, got {text!r:.80}")
    scheme, separator, rest = text.partition("://")
    if not separator or isinstance(storage, os.PathLike):
        return _sqlite(text, create, read_only, patience)
    if scheme.lower() in ("sqlite", "sqlite+pysqlite"):
        if rest in ("", "/", "/:memory:"):
            return _sqlite(":memory:", create, read_only, patience)
        if not rest.startswith("/"):
            raise InvalidArgument(
                f"storage must have three slashes before the file, as in 'sqlite:///runs.db', got {text!r}"
            )
        if "?" in rest:
            raise InvalidArgument(
                f"storage takes no options after '?' (a file of that name is given bare), got {text!r}"
            )
        return _sqlite(rest[1:], create, read_only, patience)
    if scheme.lower() in ("postgresql", "postgres", "postgresql+psycopg"):
        return _postgresql(rest, create, read_only, patience)
    # Only the scheme is shown: the rest may hold a password.
    raise InvalidArgument(f"storage must be {_KINDS}, got the unknown kind {scheme + '://':.40}")


def _sqlite(text: str, create: bool, read_only: bool, patience: float) -> Storage:
    from hpcore.storage.dialects.sqlite import Sqlite

    if text == ":memory:":
        return _opened(Sqlite(None, False), "sqlite:///:memory:", create, False, patience)
    # Absolute: a worker, or a later change of the directory, finds the same file.
    path = Path(text).expanduser().absolute()
    prepare_file(path, create, read_only)
    return _opened(Sqlite(path, read_only), path, create, read_only, patience)


def _postgresql(place: str, create: bool, read_only: bool, patience: float) -> Storage:
    from hpcore.storage.dialects.postgresql import Postgresql

    return _opened(Postgresql(place), f"postgresql://{place}", create, read_only, patience)


def _opened(dialect: Dialect, place: str | Path, create: bool, read_only: bool, patience: float) -> Storage:
    store = Storage(dialect, partial(open_storage, place, read_only=read_only, patience=patience), read_only, patience)
    store.check(create)
    return store
