"""Descents by gradients: the quadratic in a box, the curvature, and how trials are read."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.optimize import minimize

from hpcore.samplers.descent import FIRST_REACH, MOST_FAILURES, Descent, Result, _curvature, minimise_quadratic


def random_quadratic(d: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    root = rng.standard_normal((d, d))
    return rng.standard_normal(d), root @ root.T + 0.1 * np.eye(d), -rng.uniform(0.0, 1.0, d), rng.uniform(0.0, 1.0, d)


@pytest.mark.parametrize("d", [1, 2, 5, 30])
@pytest.mark.parametrize("seed", range(5))
def test_the_minimum_of_a_quadratic_in_a_box_against_scipy(d: int, seed: int) -> None:
    slope, hessian, low, high = random_quadratic(d, seed)
    p, decrease = minimise_quadratic(slope, hessian, low, high)
    assert (low <= p).all() and (p <= high).all()
    found = minimize(
        lambda x: (slope @ x + 0.5 * x @ hessian @ x, slope + hessian @ x),
        np.zeros(d),
        jac=True,
        method="L-BFGS-B",
        bounds=list(zip(low, high, strict=True)),
        options={"ftol": 1e-15, "gtol": 1e-12, "maxiter": 10_000, "maxfun": 100_000},
    )
    assert decrease == pytest.approx(-found.fun, rel=1e-6)
    assert decrease == pytest.approx(-(slope @ p + 0.5 * p @ hessian @ p))


def test_a_singular_quadratic_is_minimised_where_it_bends() -> None:
    box = np.ones(2)
    p, decrease = minimise_quadratic(np.array([-0.5, 0.0]), np.diag([1.0, 0.0]), -box, box)
    np.testing.assert_allclose(p, [0.5, 0.0], atol=1e-12)
    assert decrease == pytest.approx(0.125)


def test_a_point_in_a_corner_stays_there() -> None:
    p, decrease = minimise_quadratic(np.array([1.0, -1.0]), np.eye(2), np.array([0.0, -0.2]), np.array([0.2, 0.0]))
    assert p.tolist() == [0.0, 0.0] and decrease == 0.0


def test_the_curvature_keeps_the_last_secant_and_is_positive_definite() -> None:
    rng = np.random.default_rng(0)
    _, hessian, _, _ = random_quadratic(6, 1)
    moves = rng.standard_normal((6, 6))
    pairs = [(move, hessian @ move) for move in moves]
    learnt = _curvature(pairs, 6)
    np.testing.assert_allclose(learnt @ moves[-1], hessian @ moves[-1])
    assert np.linalg.eigvalsh(learnt).min() > 0.0
    # Of conjugate moves all secants are kept, and those are all that is to be known.
    values, vectors = np.linalg.eigh(hessian)
    learnt = _curvature([(v, value * v) for v, value in zip(vectors.T, values, strict=True)], 6)
    np.testing.assert_allclose(learnt, hessian, rtol=1e-9, atol=1e-9)


def test_the_first_step_is_as_long_as_the_first_reach() -> None:
    descent = Descent(Result(np.array([0.5, 0.5]), 1.0, np.array([-4e200, 1e200])), np.array([True, True]))
    step, decrease = descent.step()
    np.testing.assert_allclose(step, [FIRST_REACH, -FIRST_REACH / 4.0])
    assert decrease > 0.0 and not descent.is_over(0.0)


def descent_on_a_slope() -> Descent:
    return Descent(Result(np.array([0.5, 0.5]), 1.0, np.array([-1.0, 0.0])), np.array([True, True]))


def test_steps_that_succeed_widen_the_reach_and_others_narrow_it() -> None:
    descent = descent_on_a_slope()
    descent.take(Result(np.array([0.7, 0.5]), 0.8, np.array([-1.0, 0.0])))
    assert descent.reach == pytest.approx(0.4) and descent.x[0] == 0.7 and descent.n_failures == 0
    descent.take(Result(np.array([0.9, 0.5]), 0.9, np.array([1.0, 0.0])))
    assert descent.reach == pytest.approx(0.1) and descent.x[0] == 0.7 and descent.n_failures == 1
    # The gradient has turned half-way, and so it is known how long the next step should be.
    assert descent.step()[0][0] == pytest.approx(0.1)
    # A trial uphill is no step that failed, but its gradient counts.
    descent.take(Result(np.array([0.65, 0.5]), 0.85, np.array([-1.5, 0.0])))
    assert descent.reach == pytest.approx(0.1) and descent.n_failures == 1


@pytest.mark.parametrize("value", [math.inf, 2.0])
def test_failures_end_a_descent(value: float) -> None:
    descent, reach = descent_on_a_slope(), []
    for _ in range(MOST_FAILURES):
        assert not descent.is_over(0.0)
        step, _ = descent.step()
        descent.take(Result(descent.x + step, value, np.full(2, math.nan)))
        reach.append(descent.reach)
    assert descent.is_over(0.0)
    assert reach == pytest.approx([0.1, 0.05, 0.025, 0.0125])


def test_a_descent_covers_what_is_near_in_columns_that_move_and_equal_in_others() -> None:
    start = Result(np.array([0.5, 0.5, 0.1, math.nan]), 1.0, np.array([-1.0, math.nan, 0.0, math.nan]))
    descent = Descent(start, np.array([True, True, False, True]))
    assert descent.covers(np.array([0.6, 0.5, 0.1, math.nan]))
    assert not descent.covers(np.array([0.8, 0.5, 0.1, math.nan]))
    assert not descent.covers(np.array([0.6, 0.6, 0.1, math.nan]))  # its derivative was not told
    assert not descent.covers(np.array([0.6, 0.5, 0.2, math.nan]))
    assert not descent.covers(np.array([0.6, 0.5, 0.1, 0.5]))
    step, _ = descent.step()
    assert step[0] > 0.0 and step[1:].tolist() == [0.0, 0.0, 0.0]


def test_a_bound_stops_a_step() -> None:
    descent = Descent(Result(np.array([1.0, 0.95]), 1.0, np.array([-1.0, -1.0])), np.array([True, True]))
    np.testing.assert_allclose(descent.step()[0], [0.0, 0.05])
    corner = Descent(Result(np.array([1.0, 1.0]), 1.0, np.array([-1.0, -1.0])), np.array([True, True]))
    assert corner.is_over(0.0)
