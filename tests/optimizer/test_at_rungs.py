"""Samplers that learn from the trials at a rung."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import hpcore as hp
from hpcore.optimizer.at_rungs import LEAST, AtRungs
from hpcore.optimizer.suggestions import Suggestions
from hpcore.records.history import COMPLETE, FAILED, PAUSED, RUNNING, History
from hpcore.samplers import resolve

SPACE = hp.Space({"x": hp.Float(0, 1), "y": hp.Float(0, 1)})
JUDGE = hp.schedulers.ASHA(1, 9, 3).bind(SPACE.columns, ("minimize",), 0)


def at_rungs(sampler: str = "tpe") -> AtRungs:
    suggestions = Suggestions(resolve(sampler), SPACE.columns, 1, 0, False)
    return AtRungs(JUDGE, suggestions._new_suggester)


def filled(n: int, n_higher: int) -> History:
    """`n` trials at the lowest rung, the first `n_higher` of which have reached the second."""
    history, rng = History(2, 1), np.random.default_rng(0)
    for number in range(n):
        history.append(rng.random(2))
        history.curves.append(number, 1, [float(number)])
        if number < n_higher:
            history.curves.append(number, 3, [100.0 + number])
        history.finish(number, PAUSED, None)
    return history


def test_nothing_is_learnt_before_the_first_report() -> None:
    assert at_rungs().view(History(2, 1)) is None


@pytest.mark.parametrize(("n_higher", "first"), [(0, 0.0), (LEAST - 1, 0.0), (LEAST, 100.0)])
def test_the_highest_rung_with_enough_trials_counts(n_higher: int, first: float) -> None:
    view = at_rungs().view(filled(LEAST + 2, n_higher))
    assert view is not None
    assert view[1].values[0, 0] == first
    # Those below it count with the median change between the rungs.
    np.testing.assert_array_equal(view[1].values[:, 0], first + np.arange(LEAST + 2))
    assert (view[1].state == COMPLETE).all()


def test_a_trial_that_began_at_the_higher_rung_says_nothing_of_the_change() -> None:
    history, rungs = filled(LEAST + 2, LEAST), at_rungs()
    for _ in range(3 * LEAST):
        number = history.append(np.array([0.5, 0.5]))
        history.curves.append(number, 3, [7.0])
        history.finish(number, PAUSED, None)
    history.finish(history.append(np.zeros(2)), FAILED, None)
    view = rungs.view(history)
    assert view is not None
    np.testing.assert_array_equal(view[1].values[LEAST : LEAST + 2, 0], 100.0 + np.arange(LEAST, LEAST + 2))


def test_running_trials_count_until_they_are_there() -> None:
    history, rungs = filled(3, 0), at_rungs()
    new = history.append(np.array([0.25, 0.75]))
    view = rungs.view(history)
    assert view is not None
    np.testing.assert_array_equal(view[2], [[0.25, 0.75]])
    history.curves.append(new, 1, [0.5])
    assert history.state[new] == RUNNING
    view = rungs.view(history)
    assert view is not None
    assert len(view[2]) == 0
    assert view[1].n == 4


def test_failures_and_missing_values_are_failures_there() -> None:
    history = filled(2, 0)
    history.finish(history.append(np.zeros(2)), FAILED, None)
    history.curves.append(history.append(np.ones(2)), 1, [np.nan])
    view = at_rungs().view(history)
    assert view is not None
    assert view[1].state.tolist() == [COMPLETE, COMPLETE, FAILED, FAILED]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("pairs", "last", "expected"),
    [
        ([(-1.7e308, 1.7e308), (np.inf, np.inf), (0.0, 1.0)], 1e308, None),
        ([(-1.7e308, 1.7e308), (np.inf, np.inf), (0.0, 1.0)], -1e308, 0.7e308),
        ([(1.0, 1.5e308), (0.0, 1.2e308)], -1e308, 0.35e308),
    ],
)
def test_changes_beyond_the_largest_double(pairs, last: float, expected: float | None) -> None:
    history, rungs = filled(0, 0), at_rungs()
    for lower, upper in pairs:
        number = history.append(np.full(2, 0.5))
        history.curves.append(number, 1, [lower])
        history.curves.append(number, 3, [upper])
    for _ in range(LEAST):
        number = history.append(np.full(2, 0.25))
        history.curves.append(number, 3, [1.0])
    paused = history.append(np.full(2, 0.75))
    history.curves.append(paused, 1, [last])
    history.finish(paused, PAUSED, None)
    _, view, _ = rungs.view(history)
    if expected is None:
        assert view.state[-1] == FAILED
    else:
        assert view.values[-1, 0] == pytest.approx(expected)


@pytest.mark.parametrize("sampler", ["tpe", "gp"])
def test_what_is_learnt_step_by_step_is_what_is_learnt_at_once(sampler: str) -> None:
    options: dict[str, Any] = {"sampler": sampler, "scheduler": hp.schedulers.ASHA(1, 9, 3), "seed": 3}
    live = hp.Optimizer(SPACE, **options)
    for _ in range(60):
        anew = hp.Optimizer(SPACE, **options)
        anew.restore(live.rows())
        trial = live.ask()
        assert dict(anew.ask()) == dict(trial)
        decision = hp.Decision.CONTINUE
        while decision is hp.Decision.CONTINUE:
            step = max(trial.reports, default=0) + 1
            decision = trial_report(live, trial, step)
        live.tell(trial)


def trial_report(optimizer: hp.Optimizer, trial: hp.Trial, step: int) -> hp.Decision:
    trial.report((trial["x"] - 0.3) ** 2 + (trial["y"] - 0.6) ** 2 + 1 / step, step)
    assert trial.progress is not None
    return trial.progress.decision


def test_proposals_come_closer_than_random_ones() -> None:
    def mean_distance(sampler: str) -> float:
        optimizer = hp.Optimizer(SPACE, sampler=sampler, scheduler=hp.schedulers.ASHA(1, 9, 3), seed=0)
        for _ in range(80):
            trial = optimizer.ask()
            while not trial.should_stop():
                step = max(trial.reports, default=0) + 1
                trial_report(optimizer, trial, step)
            optimizer.tell(trial)
        last = optimizer.trials[-20:]
        return float(np.mean([np.hypot(trial["x"] - 0.3, trial["y"] - 0.6) for trial in last]))

    assert mean_distance("tpe") < 0.7 * mean_distance("random")


@pytest.mark.parametrize("sampler", ["gp", "tpe"])
def test_metrics_of_trials_count_at_a_rung(sampler: str) -> None:
    history, rungs = History(2, 1, 2), at_rungs(sampler)
    told = filled(LEAST + 2, 0)
    for number in range(told.n):
        history.append(told.X[number])
        history.curves.append(number, 1, [float(number)])
        violations = (number - 5.0, -1.0) if number % 2 else None
        history.finish(number, PAUSED, None, violations=violations)
    view = rungs.view(history)
    assert view is not None
    suggester, seen, _ = view
    expected = [[number - 5.0, -1.0] if number % 2 else [np.nan, np.nan] for number in range(told.n)]
    np.testing.assert_array_equal(seen.violations, expected)
    assert seen.feasible.tolist() == [number % 2 == 1 and number <= 5 for number in range(told.n)]
    again = rungs.view(history)
    assert again is not None and again[0] is suggester  # unknown metrics are equal to themselves
    history.resume(1)
    history.finish(1, COMPLETE, (1.0,), violations=(3.0, -1.0))
    later = rungs.view(history)
    assert later is not None and later[0] is not suggester and later[1].violations[1, 0] == 3.0
