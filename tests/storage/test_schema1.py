"""A store of schema 1, as commit ffdc847 wrote it: it reads as it did, and its studies go on as they would have.

Those whose samplers were changed on purpose since go on as the changed ones have it: ``tests/data/make_schema1.py``.
"""

from __future__ import annotations

import json
import math
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hpcore as hp
from hpcore.errors import InvalidArgument, TrialAlreadyTold
from hpcore.storage import open_storage
from tests.data.make_schema1 import (
    EXPECTED,
    MIXED,
    N_TRIALS,
    RUNS,
    SEARCHES,
    STORE,
    cost,
    facts,
    folds_of,
    listed,
    open_study,
    resume,
    search,
    summary,
    table,
)

RECORDED: dict[str, Any] = json.loads(EXPECTED.read_text(encoding="utf-8"))
STUDIES: dict[str, Any] = RECORDED["studies"]

# Proposals of these are arithmetic, which every machine does the same way; a log scale or a normal distribution takes
# functions whose last bit is a library's, and samplers that learn take a linear algebra.
EXACT = {"sobol": 0.0, "random": 0.0, "grid": 0.0, "random mixed": 1e-12}
CLOSE = 1e-9

# The stored description of a search names the folds by a hash in which the major version of NumPy is.
same_numpy = pytest.mark.skipif(
    np.__version__.split(".")[0] != RECORDED["numpy"].split(".")[0], reason="another NumPy names the folds otherwise"
)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return Path(shutil.copy(STORE, tmp_path / "runs.db"))


def check(found: Any, recorded: Any, tolerance: float, where: str = "") -> None:
    """Compare JSON-like data, numbers within a relative tolerance."""
    if isinstance(recorded, float) and isinstance(found, float):
        same = found == recorded or (math.isnan(found) and math.isnan(recorded))
        assert same or math.isclose(found, recorded, rel_tol=tolerance), (where, found, recorded)
        return
    assert type(found) is type(recorded), (where, found, recorded)
    if isinstance(recorded, dict):
        assert list(found) == list(recorded), where
        for key, value in recorded.items():
            check(found[key], value, tolerance, f"{where}/{key}")
    elif isinstance(recorded, list):
        assert len(found) == len(recorded), (where, found, recorded)
        for i, value in enumerate(recorded):
            check(found[i], value, tolerance, f"{where}/{i}")
    else:
        assert found == recorded, where


def known(study: hp.Study, name: str) -> list[dict[str, Any]]:
    """Facts of each trial as schema 1 had them: the scores of a search's folds were no reports."""
    trials: list[dict[str, Any]] = json.loads(json.dumps(facts(study)))
    for trial in trials if name in SEARCHES else ():
        reports = trial["reports"]
        values = [value for _, value in reports if not math.isnan(value)]
        if trial["state"] == "complete":
            assert np.mean(values) == pytest.approx(trial["values"][0]) and len(values) == 3
        trial["reports"] = []
    return trials


def check_trials(study: hp.Study, name: str) -> None:
    """Check that trials that were finished before are as they were, and the others as recorded."""
    before, after = STUDIES[name]["before"], STUDIES[name]["after"]
    trials = known(study, name)
    new = {trial["number"]: trial for trial in after["trials"]}
    assert [trial for trial in trials if trial["number"] not in new] == [
        trial for trial in before["trials"] if trial["number"] not in new
    ]
    assert len(trials) == len({trial["number"] for trial in before["trials"]} | set(new))
    tolerance = EXACT.get(name, CLOSE)
    for number, recorded in new.items():
        trial = trials[number]
        assert trial["started"] is not None and trial["finished"] >= trial["started"]
        found = {key: trial[key] for key in recorded}
        # Values follow from parameters, and their errors are larger.
        for part, wide in (("params", 1), ("values", 100), ("reports", 100)):
            check(found.pop(part), recorded[part], wide * tolerance, f"{name}/{number}/{part}")
        assert found == {key: recorded[key] for key in found}
    assert summary(study) == {key: after[key] for key in summary(study)}


def test_the_file_is_of_schema_1() -> None:
    connection = sqlite3.connect(STORE.as_uri() + "?mode=ro&immutable=1", uri=True)
    assert dict(connection.execute("SELECT name, value FROM hpcore_meta"))["schema"] == "1"
    assert connection.execute("SELECT COUNT(*) FROM hpcore_queue").fetchone() == (2,)
    running = "SELECT COUNT(*) FROM hpcore_trials WHERE worker IS NOT NULL AND lease IS NOT NULL"
    assert connection.execute(running).fetchone() == (8,)
    connection.close()
    assert folds_of(STORE)["search"] == {0: 3, 1: 3, 2: 3, 3: 3, 4: 1}


def test_studies_are_listed(store: Path) -> None:
    assert listed(store) == RECORDED["listed"]


@pytest.mark.parametrize("name", STUDIES)
@pytest.mark.parametrize("read_only", [False, True])
def test_it_reads_as_it_did(name: str, read_only: bool, store: Path) -> None:
    content = store.read_bytes()
    storage = open_storage(store, read_only=True) if read_only else store
    study = open_study(storage, name)
    before = STUDIES[name]["before"]
    assert summary(study) == {key: before[key] for key in summary(study)}
    assert known(study, name) == before["trials"]
    if read_only:
        assert store.read_bytes() == content


@pytest.mark.parametrize("name", RUNS)
def test_it_goes_on_as_it_would_have(name: str, store: Path) -> None:
    check_trials(resume(store, name), name)
    check_trials(open_study(store, name), name)


def test_the_deterministic_order_goes_on_with_workers(store: Path) -> None:
    check_trials(resume(store, "deterministic", n_jobs=2), "deterministic")


def test_it_goes_on_one_trial_at_a_time(store: Path) -> None:
    for _ in range(RUNS["mixed"]["n_trials"]):
        open_study(store, "mixed").run(RUNS["mixed"]["objective"], n_trials=1)
    check_trials(open_study(store, "mixed"), "mixed")


@same_numpy
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.FitFailedWarning", "ignore:One or more of the test scores")
@pytest.mark.parametrize("name", SEARCHES)
def test_a_search_goes_on_and_repeats_no_fold(name: str, store: Path, tmp_path: Path) -> None:
    n_stored, n_folds = sum(folds_of(STORE)[name].values()), 3 * N_TRIALS[name]
    recorded = STUDIES[name]["after"]
    for fits in (recorded["fits"], 1 if "refit" in SEARCHES[name] else 0):  # the second time all is known
        log = tmp_path / f"{fits}.log"
        found = search(name, store, log, N_TRIALS[name])
        check(json.loads(json.dumps(table(found))), recorded["table"], 100 * CLOSE, name)
        assert len(log.read_text().splitlines()) == fits
    assert recorded["fits"] == n_folds - n_stored + ("refit" in SEARCHES[name])
    check_trials(open_study(store, name), name)


def test_another_search_is_still_refused(store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SEARCHES["search"], "scoring", "r2")
    with pytest.raises(InvalidArgument, match="scoring, refit and error_score must be"):
        search("search", store, tmp_path / "log", 9)


def test_trials_of_a_dead_worker_are_told_late(store: Path) -> None:
    study = open_study(store, "mixed")
    study.tell(22, 2.5, std_error=0.5)  # running
    study.tell(21, 1.5)  # given up
    with pytest.raises(TrialAlreadyTold):
        study.tell(2, 1.0)  # failed, by its own doing
    again = open_study(store, "mixed")
    assert [(again.trials[k].state, *again.trials[k].values) for k in (21, 22)] == [
        ("complete", 1.5),
        ("complete", 2.5),
    ]
    assert again.best_trial.number == 21


def test_a_study_of_today_lives_beside_them(store: Path) -> None:
    options = {"sampler": "tpe", "seed": 5}
    study = hp.Study(MIXED, storage=store, name="new", **options).run(cost, n_trials=5)
    alone = hp.Study(MIXED, **options).run(cost, n_trials=5)
    assert [t.params for t in study.trials] == [t.params for t in alone.trials]
    assert [s["name"] for s in listed(store)] == [*(s["name"] for s in RECORDED["listed"]), "new"]
    for name in ("new", "two objectives"):
        hp.delete_study(store, name)
    assert listed(store) == [s for s in RECORDED["listed"] if s["name"] != "two objectives"]
    check_trials(resume(store, "mixed"), "mixed")
