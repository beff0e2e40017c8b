"""Settings of all tests.

Hypothesis draws the same examples each time, so that a failure comes from the current change;
``pytest --hypothesis-profile=explore`` draws others.
"""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# No time limits: the machine may be busy.
settings.register_profile("repeat", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
settings.register_profile("explore", settings.get_profile("repeat"), derandomize=False)
settings.load_profile("repeat")


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """Handle Ctrl-C as in a terminal; a shell may have started the tests with SIGINT ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(params=["persist", "wal"])
def runs(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Path of a store that does not exist yet, with the journal of an old and of a new SQLite."""
    from hpcore.storage.dialects import sqlite

    if request.param == "wal" and sqlite.journal_mode() != "wal":
        pytest.skip("this SQLite is too old for its write-ahead log; hpcore[sqlite] brings a newer one")
    if request.param == "persist":
        import sqlite3

        monkeypatch.setattr(sqlite, "driver", lambda: sqlite3)
        monkeypatch.setattr(sqlite, "journal_mode", lambda: "persist")
    return tmp_path / "runs.db"
