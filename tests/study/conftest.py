"""Stores for the tests of studies: each of the journals that SQLite is used with."""

from __future__ import annotations

from pathlib import Path

import pytest

from hpcore.storage.dialects import sqlite


@pytest.fixture(params=["persist", "wal"])
def runs(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The path of a store to be, with the journal of an old and of a new SQLite."""
    if request.param == "wal" and sqlite.journal_mode() != "wal":
        pytest.skip("this SQLite is too old for its write-ahead log; hpcore[sqlite] brings a newer one")
    if request.param == "persist":
        import sqlite3

        monkeypatch.setattr(sqlite, "driver", lambda: sqlite3)
        monkeypatch.setattr(sqlite, "journal_mode", lambda: "persist")
    return tmp_path / "runs.db"
