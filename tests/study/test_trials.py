"""Trials of a run as jobs of one piece, without workers."""

from __future__ import annotations

import math
import pickle
from typing import Any

import pytest

import hpcore as hp
from hpcore.errors import InvalidArgument
from hpcore.ledger.trial_log import TrialLog
from hpcore.study.objective import Evaluation
from hpcore.study.run import Run
from hpcore.study.trials import TrialSource


def source(n_trials: int = 9, **options) -> tuple[TrialLog, TrialSource]:
    log = TrialLog(hp.Optimizer({"x": hp.Float(0, 1)}, sampler="random", seed=0))
    return log, TrialSource(Run(log, n_trials=n_trials, **options))


def test_jobs_open_and_close() -> None:
    log, trials = source(3)
    assert trials.may_begin(2)
    jobs = [trials.begin(), trials.begin()]
    assert trials.n_open == 2 and not trials.may_begin(2) and trials.may_begin(3)
    assert all(job.source is trials and list(job.unsent) == [0] for job in jobs)
    trials.store(jobs[1], 0, Evaluation(0.5, None, jobs[1].trial))
    assert trials.n_open == 1 and log.optimizer.best_value == 0.5
    assert trials.begin() is not None and trials.begin() is None
    assert not trials.may_begin(9)
    trials.end()
    assert trials.begin() is None


@pytest.mark.parametrize("how", ["store", "late"])
def test_a_copy_brings_back_what_the_objective_wrote(how: str) -> None:
    log, trials = source()
    job = trials.begin()
    copy = pickle.loads(pickle.dumps(job.trial))  # noqa: S301
    copy.user_attrs["note"], copy.reports[3], copy.started, copy.finished = "n", 0.5, 1.0, 2.0
    getattr(trials, how)(job, 0, Evaluation(0.25, None, copy))
    trials.give_up()
    [trial] = log.optimizer.trials
    assert (trial.value, trial.user_attrs, trial.reports, trial.started) == (0.25, {"note": "n"}, {3: 0.5}, 1.0)


def test_an_error_is_a_failed_trial() -> None:
    _, trials = source()
    job = trials.begin()
    trials.store(job, 0, Evaluation(None, "Traceback: no", job.trial))
    assert (job.trial.state, job.trial.error) == ("failed", "Traceback: no")


def test_a_deterministic_order_waits_for_its_oldest_job() -> None:
    _, trials = source(staleness=2)
    jobs = [trials.begin(), trials.begin()]
    assert trials.begin() is None
    assert not trials.may_begin(9)  # it waits, and has not ended
    trials.store(jobs[1], 0, Evaluation(1.0, None, jobs[1].trial))
    assert trials.may_begin(9) and trials.begin() is None  # the other one is still missing
    trials.store(jobs[0], 0, Evaluation(1.0, None, jobs[0].trial))
    assert trials.begin().trial.number == 2
    trials.begin()
    assert trials.begin() is None
    # Loops wait only when nothing of theirs runs: what does is a caller's, who is named.
    with pytest.raises(InvalidArgument, match="trial 2 is still running"):
        trials.wait()


def test_a_broken_pool_ends_it_and_what_was_open_is_given_back() -> None:
    log, trials = source()
    job = trials.begin()
    with pytest.raises(ValueError, match="broken"):
        trials.broken(ValueError("broken"))
    trials.give_up()
    assert trials.begin() is None
    assert log.ask().number == job.trial.number


@pytest.mark.parametrize("value", [math.nan, math.inf, "text", None])
def test_a_return_that_is_no_number_fails_whatever_the_resource(value: Any) -> None:
    study = hp.minimize(
        lambda trial: value,
        {"x": hp.Float(0, 1)},
        sampler="random",
        scheduler=hp.schedulers.SuccessiveHalving(1, 9),
        n_trials=4,
        seed=0,
    )
    assert [trial.state for trial in study.trials] == ["failed"] * 4
    assert not any(trial.reports for trial in study.trials)
