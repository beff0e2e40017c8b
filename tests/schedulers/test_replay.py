"""Replay of schedules, on a training whose state is in memory."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import hpcore as hp
from hpcore.errors import InvalidArgument, InvalidType
from hpcore.records.schedule import Schedule
from hpcore.schedulers import PopulationBasedTraining, Replay

SPACE = {"x": hp.Float(0, 1), "n": hp.Int(1, 9)}


def schedule(end: float = 30.0) -> Schedule:
    space = hp.Space(SPACE)
    params = [{"x": 0.25, "n": 3}, {"x": 0.5, "n": 4}, {"x": 0.75, "n": 5}]
    return Schedule((0, 4, 7), (0.0, 10.0, 20.0), params, np.array([np.asarray(space.encode(p)) for p in params]), end)


def train(opt: hp.Optimizer, n_trainings: int, die: tuple[int, ...] = ()) -> list[tuple[float, float]]:
    """Train by ask, report and tell; the parameter x of each step that was trained. Reports in `die` lose a worker."""
    steps: dict[tuple[int, int], float] = {}
    used = []
    n_reports = n_complete = 0
    while n_complete < n_trainings:
        trial = opt.ask()
        history = opt.history
        note = history.notes.get(trial.number, {})
        jobs = [job for number, job in steps if number == trial.number]
        if jobs:
            step = steps[trial.number, max(jobs)]
        else:
            step = steps[note["parent"], note["parent_job"]] if "parent" in note else 0.0
        while True:
            step += 1
            used.append((step, trial["x"]))
            decision = opt.report(trial, 1.0 / step, step)
            n_reports += 1
            if decision is not hp.Decision.CONTINUE or n_reports in die:
                break
        steps[trial.number, history.job_of(trial.number)] = step
        opt.tell(trial, state="paused") if n_reports in die else opt.tell(trial)
        n_complete = opt.history.n_complete
    return used


@pytest.mark.parametrize("die", [(), (3, 14)])
def test_a_training_changes_its_parameters_as_scheduled(die: tuple[int, ...]) -> None:
    opt = hp.Optimizer(SPACE, scheduler=Replay(schedule()), seed=0)
    expected = [(float(s), 0.25 if s <= 10 else 0.5 if s <= 20 else 0.75) for s in range(1, 31)]
    assert train(opt, 1, die) == expected
    assert opt.best_trial.number == 2
    again = opt.schedule()
    assert (again.steps, again.end) == ((0.0, 10.0, 20.0), 30.0)
    assert list(again.params) == list(schedule().params)


def test_further_trainings_begin_anew_and_may_be_longer() -> None:
    opt = hp.Optimizer(SPACE, scheduler=Replay(schedule(), max_resource=50), seed=0)
    used = train(opt, 2)
    assert len(used) == 100 and used[:50] == used[50:]
    assert opt.history.n == 6


def test_a_failed_training_is_followed_by_another() -> None:
    opt = hp.Optimizer(SPACE, scheduler=Replay(schedule()), seed=0)
    first = opt.ask()
    with pytest.raises(hp.errors.ResultsNeeded):
        opt.ask()
    opt.tell(first, None, error="it failed")
    assert "parent" not in opt.history.notes.get(opt.ask().number, {})


def test_what_a_population_found_is_replayed() -> None:
    def objective(trial: hp.Trial) -> float:
        step = trial_step(trial)
        while not trial.should_stop():
            step += 1
            trial.report(abs(trial["x"] - 0.3) + 1.0 / step, step)
        return abs(trial["x"] - 0.3) + 1.0 / step

    begun: dict[int, float] = {}

    def trial_step(trial: hp.Trial) -> float:
        if trial.number not in begun:
            begun[trial.number] = trial.until - 5.0
        return float(max(trial.reports, default=begun[trial.number]))

    study = hp.Study(SPACE, sampler="random", scheduler=PopulationBasedTraining(25, 5, population_size=8), seed=3)
    study.run(objective, n_trials=8)
    chosen = max(study.trials, key=lambda t: len(study.schedule(t)))
    found = study.schedule(chosen)
    assert len(found) > 1
    begun.clear()
    again = hp.Study(SPACE, scheduler=Replay(found, max_resource=25), seed=9)
    again.run(objective, n_trials=1)
    assert again.best_trial.params == chosen.params
    assert [dict(t.params) for t in again.trials] == list(found.params)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Replay([(0.0, {"x": 0.5})]), InvalidType, "schedule must be a Schedule"),  # type: ignore[arg-type]
        (lambda: Replay(schedule(), 20), InvalidArgument, "max_resource must be > 20, .*, got 20"),
        (lambda: Replay(schedule(), math.inf), InvalidArgument, "max_resource"),
        (lambda: Replay(schedule(), "30"), InvalidType, "max_resource"),  # type: ignore[arg-type]
        (lambda: Replay(schedule(20.0)), InvalidArgument, "max_resource must be > 20"),
        (lambda: Replay(schedule(math.inf)), InvalidArgument, "max_resource must be > 20, .*, got inf"),
        (
            lambda: hp.Optimizer({**SPACE, "y": hp.Float(0, 1)}, scheduler=Replay(schedule())),
            InvalidArgument,
            "schedule must belong to the space, which has 3 parameters, got one of 2",
        ),
        (
            lambda: hp.Optimizer({"x": hp.Float(0, 1)}, scheduler=Replay(schedule())),
            InvalidArgument,
            "schedule must belong to the space, which has 1 parameters, got one of 2",
        ),
        (
            lambda: hp.Optimizer({"x": hp.Float(0, 1), "m": hp.Int(1, 9)}, scheduler=Replay(schedule())),
            InvalidArgument,
            "schedule must belong to the space of 'x', 'm', got one of 'n', 'x'",
        ),
    ],
)
def test_bad_input(make: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make()


def test_a_worker_that_was_lost_before_its_first_report_is_replaced() -> None:
    opt = hp.Optimizer(SPACE, scheduler=Replay(schedule()), seed=0)
    first = opt.ask()
    opt.tell(first, state="paused")
    again = opt.ask()
    assert (again.number, again.until) == (first.number, 10.0)
