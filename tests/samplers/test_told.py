"""What a history tells the Gaussian process."""

from __future__ import annotations

import numpy as np
import pytest

import hpcore as hp
from hpcore.records.history import COMPLETE, FAILED, History
from hpcore.samplers.told import cost_of, log_costs, told_of


def optimizer(**options) -> hp.Optimizer:
    return hp.Optimizer({"x": hp.Float(0, 1)}, "random", seed=0, **options)


def test_values_of_each_objective_and_their_errors() -> None:
    opt = optimizer(directions=["minimize", "maximize"])
    for k in range(3):
        opt.tell(opt.ask(), [float(k), 10.0 * k], std_error=[0.1, 0.2] if k == 1 else None)
    told = told_of(opt.history, False, None)
    np.testing.assert_array_equal(told.values, [0.0, 1.0, 2.0, 0.0, -10.0, -20.0])
    np.testing.assert_array_equal(told.errors, [0.0, 0.1, 0.0, 0.0, 0.2, 0.0])
    assert told.limits == []
    assert told.violations is told.cost is told.failed is None


def test_a_chebyshev_distance_of_two_objectives() -> None:
    opt = optimizer(directions=["minimize"] * 2)
    for values in ([0.0, 4.0], [2.0, 0.0], [1.0, 1.0]):
        opt.tell(opt.ask(), values)
    told = told_of(opt.history, False, None, np.array([0.25, 0.75]))
    units = np.array([[0.0, 1.0], [1.0, 0.0], [0.5, 0.25]]) * [0.25, 0.75]
    np.testing.assert_allclose(told.values, units.max(axis=1) + 0.05 * units.sum(axis=1))


def test_limits_where_their_metric_is_known_of_failed_trials_too() -> None:
    opt = optimizer(limits={"a": hp.at_most(1.0), "b": hp.at_least(0.0)})
    told = [(1.0, {"a": 3.0, "b": 1.0}), (2.0, {"a": 0.5}), (None, {"a": 2.0, "b": -4.0}), (3.0, {"a": 1.0, "b": 2.0})]
    for value, metrics in told:
        opt.tell(opt.ask(), value, metrics=metrics)
    seen = told_of(opt.history, False, None)
    X = opt.history.X
    np.testing.assert_array_equal(seen.values, [1.0, 2.0, 3.0])
    (rows_a, a), (rows_b, b), (rows, failed) = seen.limits
    np.testing.assert_array_equal(rows_a, X)
    np.testing.assert_array_equal(a, [2.0, -0.5, 1.0, 0.0])
    np.testing.assert_array_equal(rows_b, X[[0, 2, 3]])
    np.testing.assert_array_equal(b, [-1.0, 4.0, -2.0])
    # Whether a trial succeeds is one more limit.
    np.testing.assert_array_equal(rows, X)
    np.testing.assert_array_equal(failed, [-1.0, -1.0, 1.0, -1.0])
    np.testing.assert_array_equal(seen.failed, X[[2]])
    # In units of the median sizes, 0.75 and 2; what is not known is a unit beyond.
    np.testing.assert_allclose(seen.violations, [2.0 / 0.75, 1.0, 0.0])


def test_costs_in_logarithms_with_known_ones_first() -> None:
    opt = optimizer()
    for k, cost in enumerate([10.0, None, 0.0, 1000.0]):
        opt.tell(opt.ask(), float(k), cost=cost)
    known = np.array([[0.5]]), np.log([5.0])
    rows, costs = cost_of(opt.history, known)
    np.testing.assert_array_equal(rows, np.vstack([known[0], opt.history.X[[0, 2, 3]]]))
    np.testing.assert_allclose(np.exp(costs), [5.0, 10.0, 10.0, 1000.0])  # 0 counts as the smallest positive one
    assert cost_of(optimizer().history, None) is None
    assert told_of(opt.history, False, None).cost is None


def test_violations_near_the_largest_double_do_not_vanish() -> None:
    opt = optimizer(limits={"a": hp.at_most(0.0)})
    for beyond in (1.6e308, 1.2e308):
        opt.tell(opt.ask(), 1.0, metrics={"a": beyond})
    np.testing.assert_allclose(told_of(opt.history, False, None).violations, [16 / 14, 12 / 14])


@pytest.mark.parametrize("values", [[0.0, 5e-324], [-1e308, 1e308], [7.0, 7.0]])
def test_distances_of_hostile_values_are_finite(values: list[float]) -> None:
    out = History(1, 2)
    for i in range(6):
        out.append(np.array([i / 10]))
        out.finish(i, FAILED if i == 3 else COMPLETE, None if i == 3 else (values[i % 2], float(i)), 0.1 * (i % 3))
    for weights in (None, np.array([0.5, 0.5])):
        told = told_of(out, False, None, weights)
        assert np.isfinite(told.values).all()
        assert np.isfinite(told.errors).all()


def test_costs_of_no_use_are_none() -> None:
    opt = optimizer()
    assert log_costs(opt.history) is None
    opt.tell(opt.ask(), 1.0, cost=0.0)
    assert log_costs(opt.history) is None
    opt.tell(opt.ask(), 1.0)
    opt.tell(opt.ask(), 1.0, cost=np.e)
    np.testing.assert_allclose(log_costs(opt.history), [1.0, np.nan, 1.0])
