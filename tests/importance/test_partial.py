"""Trials that a scheduler paused: the resource at which all are compared, and estimates of those that stopped below."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import hpcore as hp
from hpcore.importance.partial import LEAST, values_at_one_resource
from hpcore.records.history import COMPLETE, FAILED, PAUSED, PRUNED, History


def told(curves: list[tuple[int, dict[float, float], float | None]], d: int = 2) -> History:
    """Trials by their state, reports and value."""
    history = History(d, 1)
    rng = np.random.default_rng(0)
    for state, reports, value in curves:
        number = history.append(rng.random(d))
        for step, partial in reports.items():
            history.curves.append(number, step, [partial])
        history.finish(number, state, None if value is None else (value,))
    return history


def test_without_paused_trials_nothing_changes() -> None:
    history = told([(COMPLETE, {1: 5.0, 3: 4.0}, 4.0), (FAILED, {1: 9.0}, None), (PRUNED, {1: 7.0}, 6.5)])
    values, rows, resource = values_at_one_resource(history, 3)
    assert rows.tolist() == [True, False, True] and values[rows, 0].tolist() == [4.0, 6.5] and resource == math.inf


def test_the_highest_resource_that_enough_trials_reached() -> None:
    low = [(PAUSED, {1.0: 10.0 + i}, None) for i in range(8)]
    middle = [(PAUSED, {1.0: 20.0 + i, 3.0: 15.0 + 3 * i}, None) for i in range(9)]
    top = [(COMPLETE, {1.0: 5.0, 3.0: 2.0, 9.0: 1.0}, 1.0)]
    other = [(FAILED, {1.0: 0.0, 3.0: 0.0}, None), (PAUSED, {}, None)]
    history = told([*low, *middle, *top, *other])
    values, rows, resource = values_at_one_resource(history, history.n)
    assert resource == 3.0 and rows.tolist() == [True] * 18 + [False] * 2
    # Those at 3 have their values there, also the one that went on; the others the median change, of -5 + 2 i and -3.
    assert values[8:17, 0].tolist() == [15.0 + 3 * i for i in range(9)] and values[17, 0] == 2.0
    change = np.median([-5.0 + 2 * i for i in range(9)] + [-3.0])
    assert values[:8, 0].tolist() == [10.0 + i + change for i in range(8)]


def test_results_where_enough_trials_are_complete() -> None:
    """The result of a complete trial counts, which may be another one than its last report."""
    done = [(COMPLETE, {1.0: 6.0, 9.0: 3.0}, 2.5)] * LEAST
    history = told([*done, (PAUSED, {1.0: 7.0}, None), (PAUSED, {0.5: 8.0}, None)])
    values, rows, resource = values_at_one_resource(history, history.n)
    assert resource == math.inf and rows.all()
    # None of the complete ones reported before 1: no change is known.
    assert values[:, 0].tolist() == [2.5] * LEAST + [7.0 + 2.5 - 6.0, 8.0]


def test_fewer_trials_than_a_resource_needs() -> None:
    history = told([(PAUSED, {1.0: 3.0, 2.0: 1.0}, None), (PAUSED, {1.0: 4.0}, None), (PAUSED, {}, None)])
    values, rows, resource = values_at_one_resource(history, 3)
    assert resource == 1.0 and values[rows, 0].tolist() == [3.0, 4.0] and rows.tolist() == [True, True, False]
    nothing = told([(PAUSED, {}, None)] * 3)
    assert not values_at_one_resource(nothing, 3)[1].any()


def test_a_training_that_began_again_counts_with_its_last_report() -> None:
    history = told([(PAUSED, {1.0: 3.0}, None), (PAUSED, {1.0: 4.0}, None)])
    history.curves.append(0, 1.0, [2.0])
    assert values_at_one_resource(history, 2)[0][:, 0].tolist() == [2.0, 4.0]


@pytest.mark.parametrize("direction", ["minimize", "maximize"])
@pytest.mark.parametrize("scheduler", [hp.schedulers.Hyperband(1, 27), hp.schedulers.ASHA(1, 27)], ids=["hb", "asha"])
def test_importance_of_a_study_with_a_scheduler(scheduler: Any, direction: str) -> None:
    sign = 1 if direction == "minimize" else -1

    def objective(trial: hp.Trial) -> float:
        for epoch in range(1, 28):
            loss = sign * ((trial["x"] - 0.3) ** 2 + 1 / epoch)
            trial.report(loss, epoch)
            if trial.should_stop():
                break
        return loss

    space = {"x": hp.Float(0, 1), "y": hp.Float(0, 1)}
    study = hp.Study(space, direction=direction, sampler="random", scheduler=scheduler, seed=0)
    study.run(objective, n_trials=40)
    for method in ("ped_anova", "fanova"):
        found = hp.importance(study, method=method)
        assert found.n_trials == 40 and float(found["x"]) > 0.7
        assert found.target.startswith("value at resource ")
    # Other quantities are those of complete trials.
    with pytest.raises(hp.errors.InvalidArgument, match="at least 5"):
        hp.importance(study, target=lambda trial: trial.value)
