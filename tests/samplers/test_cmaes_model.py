"""Quadratic model of CMA-ES: against SciPy and exact quadratics."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize

from hpcore.samplers.cmaes_model import REACH, lowest_point, minimum_within


def quadratic(p: int, seed: int, definite: bool = True):
    rng = np.random.default_rng(seed)
    A = rng.normal(size=(p, p))
    hessian = A @ A.T + 0.1 * np.eye(p) if definite else A + A.T
    gradient = rng.normal(size=p)
    return gradient, hessian, lambda z: gradient @ z + z @ hessian @ z / 2


@pytest.mark.parametrize("definite", [True, False])
@pytest.mark.parametrize("seed", range(5))
def test_the_minimum_within_a_ball_is_that_of_scipy(seed, definite):
    p, radius = 4, 1.3
    gradient, hessian, f = quadratic(p, seed, definite)
    z = minimum_within(gradient, hessian, radius)
    assert np.linalg.norm(z) <= radius * (1 + 1e-9)
    ball = {"type": "ineq", "fun": lambda z: radius**2 - z @ z}
    rng = np.random.default_rng(seed)
    best = min(
        minimize(f, start, constraints=ball, method="SLSQP", options={"ftol": 1e-12}).fun
        for start in rng.normal(size=(10, p))
    )
    assert f(z) == pytest.approx(best, abs=1e-6)


@pytest.mark.parametrize("p", [1, 2, 5])
def test_the_model_finds_the_minimum_of_a_quadratic(p):
    rng = np.random.default_rng(p)
    A = rng.normal(size=(p, p))
    hessian, centre = A @ A.T + np.eye(p), rng.uniform(-0.5, 0.5, p)
    Z = rng.normal(size=(3 * (1 + 2 * p + p * (p - 1) // 2), p))
    values = np.array([(z - centre) @ hessian @ (z - centre) for z in Z])
    np.testing.assert_allclose(lowest_point(Z, 1e9 + 1e6 * values, 0), centre, atol=1e-3)


def test_without_enough_points_for_products_the_model_has_none():
    rng = np.random.default_rng(0)
    p = 6
    Z = rng.normal(size=(2 * p + 3, p))
    centre = np.full(p, 0.4)
    values = ((Z - centre) ** 2 * np.arange(1, p + 1)).sum(axis=1)
    np.testing.assert_allclose(lowest_point(Z, values, 0), centre, atol=1e-3)
    assert lowest_point(Z[:-1], values[:-1], 0) is None


def test_the_minimum_is_within_reach():
    rng = np.random.default_rng(0)
    Z = rng.normal(size=(40, 3))
    z = lowest_point(Z, Z @ [1.0, 2.0, -1.0], 0)
    assert np.linalg.norm(z) == pytest.approx(REACH * np.sqrt(3), rel=1e-3)
    assert z @ [1.0, 2.0, -1.0] == pytest.approx(-np.linalg.norm([1, 2, 1]) * REACH * np.sqrt(3), rel=1e-2)


def test_the_best_points_count_most():
    Z = np.random.default_rng(2).normal(size=(30, 2))
    values = np.exp(Z @ [0.8, 0.3]) + np.exp(Z @ [-0.5, 0.9]) + np.exp(-Z[:, 1])  # no quadratic
    weights = 1.0 - 0.95 * values.argsort().argsort() / 29
    terms = np.stack([np.ones(30), *Z.T, *(Z * Z).T, Z[:, 0] * Z[:, 1]], axis=1)
    root = np.sqrt(weights)
    _, *gradient, a, b, c = np.linalg.lstsq(terms * root[:, None], values * root, rcond=None)[0]
    expected = -np.linalg.solve([[2 * a, c], [c, 2 * b]], gradient)
    assert np.linalg.norm(expected) < REACH
    np.testing.assert_allclose(lowest_point(Z, values, 30), expected, atol=1e-5)


def test_the_nearest_points_count():
    rng = np.random.default_rng(1)
    Z = np.vstack([rng.normal(size=(60, 2)), 30 + rng.normal(size=(60, 2))])
    values = np.concatenate([((Z[:60] - 0.3) ** 2).sum(axis=1), -1e6 + rng.normal(size=60)])
    np.testing.assert_allclose(lowest_point(Z, values, 0), 0.3, atol=1e-3)


def test_equal_values_have_no_minimum():
    assert lowest_point(np.random.default_rng(0).normal(size=(30, 3)), np.full(30, 7.0), 0) is None


def test_values_of_every_magnitude_are_survived():
    Z = np.random.default_rng(0).normal(size=(30, 2))
    values = 1.7e308 * np.linspace(-1.0, 1.0, 30)
    with np.errstate(all="ignore"):
        assert np.isfinite(lowest_point(Z, values, 0)).all()
