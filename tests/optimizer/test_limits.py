"""Limits of metrics in a search: which trials are feasible and best."""

from __future__ import annotations

import math
import pickle

import numpy as np
import pytest

import hpcore as hp
from hpcore.errors import NoCompletedTrial, NoFeasibleTrial

SPACE = hp.Space({"x": hp.Float(0.0, 1.0)})
LIMITS = {"ms": hp.at_most(20.0), "recall": hp.between(0.5, 0.9)}


def optimizer(**options) -> hp.Optimizer:
    return hp.Optimizer(SPACE, "random", seed=0, limits=LIMITS, **options)


def tell(opt: hp.Optimizer, value, ms=None, recall=None, **facts) -> hp.Trial:
    trial = opt.ask()
    metrics = {name: number for name, number in (("ms", ms), ("recall", recall)) if number is not None}
    opt.tell(trial, value, metrics=metrics or None, **facts)
    return trial


def test_the_best_trial_is_the_best_that_keeps_the_limits() -> None:
    opt = optimizer()
    tell(opt, 1.0, 30.0, 0.7)  # too slow
    tell(opt, 3.0, 20.0, 0.5)  # on both bounds
    tell(opt, 0.5, 10.0, 0.95)  # above the upper bound
    tell(opt, 0.0, 10.0)  # not known
    tell(opt, 2.0, 10.0, 0.7)
    tell(opt, 2.0, 10.0, 0.7)  # equal and later
    assert (opt.best_trial.number, opt.best_value) == (4, 2.0)
    assert [trial.number for trial in opt.pareto_front] == [4, 5]
    assert opt.history.feasible.tolist() == [False, True, False, False, True, True]
    np.testing.assert_allclose(opt.history.violations[0], [10.0, -0.2, -0.2])


def test_a_search_that_was_restored_has_the_same_best() -> None:
    opt = optimizer(direction="maximize")
    for value, ms in [(3.0, 30.0), (1.0, 10.0), (2.0, 10.0)]:
        tell(opt, value, ms, 0.7)
    tell(opt, None, 40.0, 0.7)
    copy = pickle.loads(pickle.dumps(opt))  # noqa: S301 - our own data
    for again in (copy, optimizer(direction="maximize")):
        if not again.n_trials:
            again.restore(opt.rows())
        assert (again.best_trial.number, again.best_value) == (2, 2.0)
        np.testing.assert_array_equal(again.history.violations, opt.history.violations)


def test_metrics_of_a_failed_trial_count() -> None:
    opt = optimizer()
    tell(opt, None, 25.0, 0.7)
    assert opt.history.violations[0].tolist() == pytest.approx([5.0, -0.2, -0.2])
    assert not opt.history.feasible[0]


def test_while_nothing_is_feasible_the_error_names_the_nearest_trial() -> None:
    opt = optimizer()
    with pytest.raises(NoCompletedTrial) as nothing:
        _ = opt.best_trial
    assert not isinstance(nothing.value, NoFeasibleTrial)
    tell(opt, 1.0, 50.0, 0.7)
    nearest = tell(opt, 2.0, 21.0, 0.7)
    tell(opt, 3.0)
    for wanted in ("best_trial", "best_params", "best_value"):
        with pytest.raises(NoFeasibleTrial, match=r"trial 1, .*trials\[1\].*ms is 21.0, must be <= 20$") as error:
            getattr(opt, wanted)
        assert error.value.nearest == nearest
    assert opt.pareto_front == []


def test_several_objectives_with_limits() -> None:
    opt = optimizer(directions=["minimize", "maximize"])
    tell(opt, [0.0, 9.0], 30.0, 0.7)
    tell(opt, [1.0, 1.0], 10.0, 0.7)
    tell(opt, [2.0, 2.0], 10.0, 0.7)
    tell(opt, [3.0, 1.0], 10.0, 0.7)
    assert [trial.number for trial in opt.pareto_front] == [1, 2]


def test_metrics_of_an_earlier_job_stay_unless_a_later_one_measures() -> None:
    opt = optimizer()
    trial = opt.ask()
    opt.tell(trial, state="paused", metrics={"ms": 10.0, "recall": 0.7})
    opt.tell(opt.resume(trial), 1.0)
    assert opt.best_trial.number == 0
    paused = opt.ask()
    opt.tell(paused, state="paused", metrics={"ms": 10.0, "recall": 0.7})
    opt.tell(opt.resume(paused), 0.5, metrics={"ms": 30.0, "recall": 0.7})
    assert opt.best_trial.number == 0


def test_a_view_hides_later_metrics() -> None:
    opt = optimizer()
    for _ in range(3):
        tell(opt, 1.0, 10.0, 0.7)
    view = opt.history.as_of(1)
    assert view.feasible.tolist() == [True, True, False] and np.isnan(view.violations[2]).all()


def test_a_metric_that_is_always_the_same() -> None:
    opt = hp.Optimizer(SPACE, "gp", seed=0, limits={"ms": hp.at_most(20.0)})
    for _ in range(15):
        trial = opt.ask()
        opt.tell(trial, (trial["x"] - 0.3) ** 2, metrics={"ms": 20.0})
    assert opt.history.feasible.all() and opt.best_value < 0.01


def test_a_metric_of_nan_is_not_known() -> None:
    opt = optimizer()
    tell(opt, 1.0, math.nan, 0.7)
    assert math.isnan(opt.history.violations[0, 0]) and not opt.history.feasible[0]
