"""Stored studies with a scheduler: many processes, lost leases, and jobs that begin again."""

from __future__ import annotations

import logging
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import hpcore as hp
import hpcore.ledger.studies  # loaded before the forks
from hpcore.errors import StorageError
from hpcore.ledger.trial_log import Terms
from hpcore.study.objective import call
from tests.study.children import begin

SPACE = {"x": hp.Float(0, 1)}


def train(trial: hp.Trial) -> float | None:
    for step in range(1, 10):
        trial.report(trial["x"] + 1 / step, step)
        if trial.should_stop():
            return None
    return trial["x"]


def study_at(path: Path, **options: Any) -> hp.Study:
    options = {"scheduler": hp.schedulers.ASHA(max_resource=9), **options}
    return hp.Study(SPACE, storage=path, name="a", sampler="random", seed=0, **options)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the test forks")
def test_eight_processes_promote_each_trial_once(tmp_path: Path) -> None:
    study_at(tmp_path / "runs.db")
    children = [begin(lambda: study_at(tmp_path / "runs.db").run(train, n_trials=8)) for _ in range(8)]
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * 8
    study = study_at(tmp_path / "runs.db")
    history = study.optimizer.history
    assert history.n == 64 and not history.n_running
    curves = history.curves
    jobs = set()
    for number in range(history.n):
        rows = curves.of(number)
        steps = curves.step[rows].tolist()
        assert steps == list(range(1, len(steps) + 1)) and len(steps) in (1, 3, 9)
        of_rungs = [{int(curves.job[i]) for i in rows if low < curves.step[i] <= high} for low, high in RUNGS]
        assert all(len(job) <= 1 for job in of_rungs), "a trial goes to a rung in one job"
        jobs |= set().union(*of_rungs)
    assert len(jobs) == history.n_jobs, "and a job is that of one trial"
    # A third; some more, because those that were among the best when few were known are not taken back.
    reached = [(history.until >= rung).sum() for rung in (1, 3, 9)]
    assert reached[0] == 64 and 15 <= reached[1] <= 30 and 4 <= reached[2] <= 12


RUNGS = ((0, 1), (1, 3), (3, 9))


def test_a_worker_that_lost_its_trial_leaves_it_to_the_other(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    mine, theirs = study_at(tmp_path / "runs.db"), study_at(tmp_path / "runs.db")
    log, other = mine._trial_log, theirs._trial_log
    seen = []

    def objective(trial: hp.Trial) -> float | None:
        if trial.number == 1 and not seen:
            seen.append(trial)
            record = log._replica.held(1).record  # type: ignore[attr-defined]
            # Its lease has run out.
            log.storage.write(lambda t: t.replace(replace(record, worker=None, lease=None), record.token))  # type: ignore[attr-defined]
            assert other.ask(Terms()).number == 1
        return train(trial)

    with caplog.at_level(logging.WARNING, "hpcore"):
        mine.run(objective, n_trials=3)
    assert "trial 1 is left to the worker that has it now" in caplog.text
    assert [str(t.state) for t in mine.trials[:3]] == ["paused", "running", "paused"]
    train(other.optimizer.running()[1])
    theirs.tell(1, state="paused")
    mine.refresh()
    assert [str(t.state) for t in mine.trials[:3]] == ["paused"] * 3


def test_a_report_that_cannot_be_stored_ends_the_run_and_is_no_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = study_at(tmp_path / "runs.db")
    write = study._trial_log.storage.write  # type: ignore[attr-defined]
    calls, repaired = 0, False

    def fails(*args: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls >= 5 and not repaired:
            raise StorageError("the disk is full")
        return write(*args)

    monkeypatch.setattr(study._trial_log.storage, "write", fails)  # type: ignore[attr-defined]
    with pytest.raises(StorageError, match="the disk is full"):
        study.run(train, n_trials=4)
    assert "failed" not in {str(t.state) for t in study.trials}
    repaired = True
    study.run(train, n_trials=4)
    assert "failed" not in {str(t.state) for t in study.trials} and not study.optimizer.running()


@pytest.mark.parametrize("until", [3.0, 9.0])
def test_a_job_that_was_done_before_its_worker_died_may_return_nothing(until: float, tmp_path: Path) -> None:
    scheduler = hp.schedulers.ASHA(min_resource=until, max_resource=9)
    study = study_at(tmp_path / "runs.db", scheduler=scheduler)
    trial = study.ask()
    assert trial.until == until
    for step in range(1, int(until) + 1):
        trial.report(1 / step, step)
    study._trial_log.give_back([trial])
    again = study_at(tmp_path / "runs.db", scheduler=scheduler)
    again.run(lambda trial: None, n_trials=1)  # its checkpoint says that nothing is left
    [trial] = again.trials
    assert (str(trial.state), trial.value) == (("paused", None) if until < 9 else ("complete", 1 / 9))


def test_a_job_that_begins_again_decides_from_what_was_known_at_first(tmp_path: Path) -> None:
    scheduler = hp.schedulers.MedianStopping()
    facts = []
    for stored in (False, True):
        where: dict[str, Any] = {"storage": tmp_path / "runs.db", "name": "a"} if stored else {}
        study = hp.Study(SPACE, sampler="random", seed=3, scheduler=scheduler, **where)
        log = study._trial_log
        for k in range(12):
            trial = log.ask(Terms(staleness=4))
            if stored and k % 3 == 2:
                trial.report(trial["x"] + 1, 1)  # and then the worker dies
                log.give_back([trial])
                log = hp.load_study(tmp_path / "runs.db")._trial_log
                trial = log.ask(Terms(staleness=4))
            done = call(train, trial)
            log.finish(trial, log.conclude(trial, log.judge(done.value, None, done.error), done.pruned))
        curves = log.optimizer.history.curves
        facts.append(
            (
                [(t.params, str(t.state), t.values) for t in log.optimizer.trials],
                list(zip(curves.trial.tolist(), curves.step.tolist(), curves.values[:, 0].tolist(), strict=True)),
            )
        )
    assert facts[0] == facts[1]
    assert {state for _, state, _ in facts[0][0]} == {"complete", "pruned"}
