"""Stored studies by their names: listed, loaded and deleted."""

from __future__ import annotations

import subprocess
import sys
from datetime import timezone
from pathlib import Path

import pytest

import hpcore as hp
from hpcore.errors import (
    InvalidArgument,
    UnknownStudy,
)
from tests.study.samples import SPACE, cost


def test_list_and_delete(runs: Path) -> None:
    for name in ("a", 'it\'s; "quoted" % é 🙂'):
        hp.Study(SPACE, storage=runs, name=name, direction="maximize", seed=0).run(cost, n_trials=2)
    listed = hp.list_studies(runs)
    assert [(s.name, s.n_trials, s.directions) for s in listed] == [
        ("a", 2, ("maximize",)),
        ('it\'s; "quoted" % é 🙂', 2, ("maximize",)),
    ]
    assert listed[0].created.tzinfo is timezone.utc
    stale = hp.load_study(runs, "a")
    hp.delete_study(runs, "a")
    assert [s.name for s in hp.list_studies(runs)] == [listed[1].name]
    with pytest.raises(UnknownStudy, match="quoted"):
        hp.load_study(runs, "a")
    fresh = hp.Study(SPACE, storage=runs, name="a", seed=1)
    with pytest.raises(UnknownStudy, match="deleted"):
        stale.run(cost, n_trials=1)
    assert len(fresh.trials) == 0


def test_a_study_in_memory_loads_no_database() -> None:
    code = (
        "import sys, hpcore as hp\n"
        "hp.minimize(lambda t: t['x'], {'x': hp.Float(0, 1)}, n_trials=2, sampler='random')\n"
        "print([m for m in ('sqlalchemy', 'sqlite3', 'pysqlite3', 'psycopg') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_no_storage_is_made_by_looking(tmp_path: Path) -> None:
    for look in (hp.list_studies, hp.load_study, lambda s: hp.delete_study(s, "a")):
        with pytest.raises(InvalidArgument, match="no file"):
            look(tmp_path / "runs.db")
    assert not list(tmp_path.iterdir())
