"""SQLite behind the dialect's protocol."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
from sqlalchemy.exc import TimeoutError as PoolTimeout

from hpcore.errors import DamagedStore, InvalidArgument, StorageError, UntrustedStore
from hpcore.storage import open_storage, schema
from hpcore.storage.dialects.sqlite import Sqlite, check_schema, driver

TABLES = schema.ddl(Sqlite.words)
WHOLE = [("table", name, name, text) for name, text in TABLES.items()]


@pytest.mark.parametrize(
    ("said", "kind", "match"),
    [
        ("database disk image is malformed", DamagedStore, "is damaged .*repair"),
        ("file is not a database", DamagedStore, "is not a database of SQLite"),
        ("attempt to write a readonly database", StorageError, "is read-only"),
        ("unable to open database file", StorageError, "neither open nor make the log"),
        ("database or disk is full", StorageError, "no space left"),
        ("no such column: crc", StorageError, "failed: no such column"),
    ],
)
def test_errors_are_explained(said: str, kind: type[Exception], match: str) -> None:
    with pytest.raises(kind, match=match):
        raise Sqlite(Path("/runs.db"), False).translated(driver().OperationalError(said))


def test_passing_troubles() -> None:
    dialect, error = Sqlite(None, False), driver().OperationalError
    assert dialect.is_passing(error("database is locked")) and dialect.is_passing(PoolTimeout())
    assert not dialect.is_passing(error("no such table")) and not dialect.is_passing(OSError("busy"))


def test_tables_are_compared_by_their_text() -> None:
    assert check_schema(WHOLE, "x", TABLES) and not check_schema([], "x", TABLES)
    assert check_schema([*WHOLE, ("index", "sqlite_autoindex_hpcore_reports_1", "hpcore_reports", None)], "x", TABLES)
    for kind, name in (("trigger", "t"), ("view", "v")):
        with pytest.raises(UntrustedStore, match=f"the {kind} '{name}'"):
            check_schema([*WHOLE, (kind, name, "hpcore_trials", "CREATE")], "x", TABLES)
    with pytest.raises(UntrustedStore, match="the index 'i'"):
        check_schema([*WHOLE, ("index", "i", "hpcore_trials", "CREATE")], "x", TABLES)
    with pytest.raises(UntrustedStore, match="another table"):
        check_schema(WHOLE[:-1], "x", TABLES)
    with pytest.raises(InvalidArgument, match="'other'"):
        check_schema([("table", "other", "other", "CREATE")], "x", TABLES)


def test_a_store_travels_by_how_it_is_opened(tmp_path: Path) -> None:
    store = open_storage(tmp_path / "runs.db", patience=7.0)
    again = pickle.loads(pickle.dumps(store))  # noqa: S301
    assert (again.path, again.patience, again.read_only) == (store.path, 7.0, False)
    with pytest.raises(InvalidArgument, match="in memory cannot be sent"):
        pickle.dumps(open_storage("sqlite:///:memory:"))


def test_a_database_in_memory_does_not_reach_across_a_fork() -> None:
    dialect = Sqlite(None, False)
    with pytest.raises(StorageError, match="across a fork"):
        dialect.renew(dialect.connect())
