"""Reports of stored studies between several workers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import hpcore as hp
from hpcore.errors import StorageError

SPACE = {"x": hp.Float(0, 1)}


def opened(path: Path) -> hp.Study:
    return hp.Study(SPACE, storage=path, name="a", sampler="random", seed=0)


def test_reports_reach_other_workers(tmp_path: Path) -> None:
    one, two = opened(tmp_path / "runs.db"), opened(tmp_path / "runs.db")
    trial = one.ask()
    two.refresh()
    trial.reports[1], trial.reports[2] = 0.5, 0.25
    one.tell(trial, 1.0)
    two.refresh()
    assert two.trials[0].reports == one.trials[0].reports == {1: 0.5, 2: 0.25}
    assert opened(tmp_path / "runs.db").trials[0].reports == {1: 0.5, 2: 0.25}


@pytest.mark.parametrize("how", ["refresh", "end"])
def test_reports_of_a_result_that_is_stored_later(how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = opened(tmp_path / "runs.db")
    trial = study.ask()
    trial.reports[3] = 0.5
    storage = study._trial_log.storage

    def away(*args: Any) -> None:
        raise StorageError("away")

    monkeypatch.setattr(storage, "write", away)
    with pytest.raises(StorageError, match="away"):
        study.tell(trial, 1.0)
    monkeypatch.undo()
    if how == "refresh":
        study.refresh()
        assert study.trials[0].reports == {3: 0.5}
    else:
        study._trial_log._holder.end()
    again = opened(tmp_path / "runs.db").trials[0]
    assert (again.value, again.reports) == (1.0, {3: 0.5})


def test_reports_as_they_come(tmp_path: Path) -> None:
    """A report is on disk at once, and a report of another attempt at the same step replaces it."""
    study = opened(tmp_path / "runs.db")
    trial = study.ask()
    log = study._trial_log
    log.add_report(trial.number, 0, [0.5], {"m": [1]}, 2.0)
    log.add_report(trial.number, 1, [float("nan")])
    assert opened(tmp_path / "runs.db")._trial_log.reports([0]) == {(0, 0.0): {"m": [1]}, (0, 1.0): None}
    log.add_report(trial.number, 0, [0.75], {"m": [2]})
    study.tell(trial, 1.0)
    again = opened(tmp_path / "runs.db")
    assert again._trial_log.reports([0]) == {(0, 0.0): {"m": [2]}, (0, 1.0): None}
    assert again.trials[0].reports[0] == 0.75


def test_facts_of_a_result_come_back(tmp_path: Path) -> None:
    study = opened(tmp_path / "runs.db")
    outcome = study.optimizer.outcome(0.5, 0.1, None, 3.0, {"ms": 2.0}, {"x": -1.0})
    study._trial_log.tell(study.ask(), outcome)
    pruned = study.optimizer.outcome(0.25, None, None, state="pruned")
    study._trial_log.tell(study.ask(), pruned)
    for read in (study, opened(tmp_path / "runs.db")):
        first, second = read.trials
        assert (first.value, first.cost, first.metrics, first.gradient) == (0.5, 3.0, {"ms": 2.0}, {"x": -1.0})
        assert (str(second.state), second.value) == ("pruned", 0.25)
        assert read.best_trial.number == 0


def test_a_paused_trial_is_left_alone(tmp_path: Path) -> None:
    study = opened(tmp_path / "runs.db")
    study._trial_log.tell(study.ask(), study.optimizer.outcome(None, state="paused"))
    other = opened(tmp_path / "runs.db")
    assert other.ask().number == 1 and str(other.trials[0].state) == "paused"
    store = study._trial_log.storage
    record = store.read(lambda t: t.trial(1, 0))
    assert (record.worker, record.lease, record.job) == (None, None, 0)


def test_reports_of_a_running_trial_reach_other_workers(tmp_path: Path) -> None:
    one, two = opened(tmp_path / "runs.db"), opened(tmp_path / "runs.db")
    trial, mine = one.ask(), two.ask()
    two._trial_log.add_report(mine.number, 1, [2.0])
    for step, value in ((1, 0.5), (2, 0.25)):
        one._trial_log.add_report(trial.number, step, [value])
        two.refresh()
        curves = two.optimizer.history.curves
        assert curves.step[curves.of(trial.number)].tolist()[-1] == step
        assert len(curves.of(mine.number)) == 1  # its own report is not read again
    one.tell(trial, 1.0)
    two.tell(mine, 1.0)
    two.refresh()
    one.refresh()
    for study in (one, two, opened(tmp_path / "runs.db")):
        assert [t.reports for t in study.trials] == [{1: 0.5, 2: 0.25}, {1: 2.0}]
