"""A Gaussian process with observed derivatives against dense algebra whose covariances are differences in 60 digits."""

from __future__ import annotations

import math

import mpmath as mp
import numpy as np
import pytest

from hpcore._core import gp as native
from tests.surrogates.test_gp import MEAN_VARIANCE, central_difference

STEP = mp.mpf(10) ** -16


def covariance(u, v, theta, categorical, conditional):
    """The formula of covariance.hpp on rows of mpmath's numbers, None where inactive."""
    d, s2 = len(u), mp.mpf(0)
    height = mp.exp(mp.mpf(theta[d + 2])) if any(conditional) else mp.mpf(0)
    for j, (a, b) in enumerate(zip(u, v, strict=True)):
        apart = (a is None) != (b is None)
        if categorical[j]:
            distance = mp.mpf("0.5") + height if apart else mp.mpf(int(a != b))
        else:
            middle = mp.mpf("0.5")
            distance = ((middle if a is None else a) - (middle if b is None else b)) ** 2 + (height if apart else 0)
        s2 += 5 * distance * mp.exp(-2 * mp.mpf(theta[j]))
    s = mp.sqrt(s2)
    return MEAN_VARIANCE + mp.exp(mp.mpf(theta[d])) * (1 + s + s2 / 3) * mp.exp(-s)


def between(one, other, theta, categorical, conditional):
    """Covariance of two observations (row, column): of the value if the column is None, else of the derivative."""

    def sides(row, column):
        if column is None:
            return [(row, mp.mpf(1))]
        moved = [list(row), list(row)]
        moved[0][column] += STEP
        moved[1][column] -= STEP
        return [(moved[0], 1 / (2 * STEP)), (moved[1], -1 / (2 * STEP))]

    return sum(
        a * b * covariance(u, v, theta, categorical, conditional) for u, a in sides(*one) for v, b in sides(*other)
    )


class Case:
    """Rows with values and some derivatives; categories and inactive values in two thirds of the cases."""

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        n, d = int(rng.integers(1, 5)), int(rng.integers(1, 4))
        self.categorical = [bool(v) for v in (np.arange(d) > 0) & (rng.random(d) < 0.4) & (seed % 3 > 0)]
        self.conditional = [bool(v) for v in (rng.random(d) < 0.4) & (seed % 3 == 2)]
        X = rng.random((n + 3, d))
        for j in range(d):
            if self.categorical[j]:
                X[:, j] = rng.integers(0, 3, n + 3) / 3 + 1 / 6
            if self.conditional[j]:
                X[rng.random(n + 3) < 0.4, j] = np.nan
        self.X, self.Z = np.ascontiguousarray(X[:n]), np.ascontiguousarray(X[n:])
        self.y = rng.standard_normal(n)
        gradients = np.where(rng.random((n, d)) < 0.7, rng.standard_normal((n, d)), np.nan)
        gradients[:, self.categorical] = np.nan
        gradients[np.isnan(self.X)] = np.nan
        self.gradients = gradients
        self.theta = np.concatenate([rng.normal(-0.3, 0.7, d), rng.normal(0, 1, 1), rng.uniform(-9, -2, 1)])
        if any(self.conditional):
            self.theta = np.append(self.theta, rng.normal(-1.5, 1.0))
        if self.has_slopes:
            self.theta = np.append(self.theta, rng.uniform(-9, -2))
        self.noise = rng.random(n) * 0.1 if seed % 2 else None

    @property
    def has_slopes(self) -> bool:
        return not np.isnan(self.gradients).all()

    @property
    def observations(self) -> list:
        rows = [self.row(x) for x in self.X]
        return [(row, None) for row in rows] + [(rows[i], int(j)) for i, j in np.argwhere(~np.isnan(self.gradients))]

    @property
    def targets(self) -> np.ndarray:
        return np.concatenate([self.y, self.gradients[~np.isnan(self.gradients)]])

    @staticmethod
    def row(x) -> list:
        return [None if math.isnan(v) else mp.mpf(float(v)) for v in x]

    def between(self, one, other):
        return between(one, other, self.theta, self.categorical, self.conditional)

    def matrix(self) -> mp.matrix:
        observed, d = self.observations, self.X.shape[1]
        K = mp.matrix(len(observed), len(observed))
        for a, one in enumerate(observed):
            for b, other in enumerate(observed):
                K[a, b] = self.between(one, other)
            if one[1] is None:
                K[a, a] += mp.exp(mp.mpf(self.theta[d + 1])) + (0 if self.noise is None else mp.mpf(self.noise[a]))
            else:
                K[a, a] *= 1 + mp.exp(mp.mpf(self.theta[-1]))
        return K

    def model(self) -> native.Regressor:
        model = native.Regressor(self.categorical, self.conditional, list(self.theta))
        model.assign(self.X, self.y, self.noise, self.gradients)
        return model

    def log_posterior(self, theta, with_prior: bool = False):
        prior = native.Prior.standard(self.X.shape[1])
        flags = self.categorical, self.conditional
        return native.log_posterior(self.X, self.y, self.noise, theta, *flags, prior, with_prior, None, self.gradients)


@pytest.mark.parametrize("block", range(6))
def test_posterior_and_likelihood_against_sixty_digits(block: int) -> None:
    mp.mp.dps = 60
    for seed in range(10 * block, 10 * block + 10):
        case = Case(seed)
        K, y = case.matrix(), mp.matrix([mp.mpf(float(v)) for v in case.targets])
        alpha = mp.lu_solve(K, y)
        model = case.model()
        mean, variance = model.predict(case.Z)
        joint = model.covariance(case.Z)
        points = [(case.row(z), None) for z in case.Z]
        columns = [mp.matrix([case.between(one, point) for one in case.observations]) for point in points]
        solved = [mp.lu_solve(K, k) for k in columns]
        for i, point in enumerate(points):
            assert abs(mean[i] - float((columns[i].T * alpha)[0])) < 1e-6
            for j, other in enumerate(points):
                exact = float(case.between(point, other) - (columns[i].T * solved[j])[0])
                assert abs(joint[i, j] - exact) < 1e-6
                if i == j:
                    assert abs(variance[i] - exact) < 1e-6
        value, _ = case.log_posterior(case.theta)
        exact = -((y.T * alpha)[0] + mp.log(mp.det(K)) + len(y) * mp.log(2 * mp.pi)) / 2
        assert value == pytest.approx(float(exact), abs=1e-6)


@pytest.mark.parametrize("seed", range(24))
def test_gradient_of_the_likelihood(seed: int) -> None:
    case = Case(seed)
    for with_prior in (False, True):
        _, gradient = case.log_posterior(case.theta, with_prior)
        difference = central_difference(lambda t: case.log_posterior(t, with_prior)[0], case.theta)  # noqa: B023
        np.testing.assert_allclose(gradient, difference, rtol=5e-5, atol=5e-5)


@pytest.mark.parametrize("seed", range(24))
def test_gradients_of_the_posterior(seed: int) -> None:
    case = Case(seed)
    model = case.model()
    model.append(case.Z[0], 0.01)  # after the derivatives
    model.set_targets(np.append(case.y, 0.5))
    Z = case.Z[1:].copy()
    _, _, by_mean, by_variance = model.predict_with_gradients(Z)
    for i, z in enumerate(Z):
        for j in range(len(z)):
            if case.categorical[j] or math.isnan(z[j]):
                assert by_mean[i, j] == 0 and by_variance[i, j] == 0
                continue
            step = np.where(np.arange(len(z)) == j, 1e-6, 0.0)
            (a, c), (b, e) = (model.predict(np.ascontiguousarray((z + way * step)[None])) for way in (1.0, -1.0))
            assert by_mean[i, j] == pytest.approx((a[0] - b[0]) / 2e-6, rel=1e-4, abs=1e-5)
            assert by_variance[i, j] == pytest.approx((c[0] - e[0]) / 2e-6, rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("seed", range(12))
def test_an_appended_row_is_as_one_that_was_there(seed: int) -> None:
    case = Case(seed)
    model = case.model()
    before = model.predict(case.Z)
    model.append(case.Z[0], 0.02)
    model.set_targets(np.append(case.y, 0.5))
    whole = native.Regressor(case.categorical, case.conditional, list(case.theta))
    noise = np.append(np.zeros(len(case.y)) if case.noise is None else case.noise, 0.02)
    gradients = np.vstack([case.gradients, np.full((1, case.X.shape[1]), np.nan)])
    whole.assign(np.vstack([case.X, case.Z[:1]]), np.append(case.y, 0.5), noise, gradients)
    for a, b in zip(model.predict(case.Z), whole.predict(case.Z), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-10)
    assert not np.allclose(before[0], model.predict(case.Z)[0])


def test_the_posterior_has_the_observed_values_and_derivatives() -> None:
    rng = np.random.default_rng(0)
    X, y, gradients = rng.random((4, 3)), rng.standard_normal(4), rng.standard_normal((4, 3))
    flags = [False] * 3
    model = native.Regressor(flags, flags, [-0.5, 0.0, 0.3, 0.5, math.log(1e-9), math.log(1e-9)])
    model.assign(X, y, None, gradients)
    mean, variance, by_mean, _ = model.predict_with_gradients(X)
    np.testing.assert_allclose(mean, y, atol=1e-5)
    np.testing.assert_allclose(by_mean, gradients, atol=1e-5)
    assert (variance < 1e-6).all()


def test_wrong_derivatives_are_refused() -> None:
    X, y = np.array([[0.5, np.nan], [0.2, 0.3]]), np.zeros(2)
    categorical, conditional = [True, False], [False, True]
    model = native.Regressor(categorical, conditional, [0.0] * 6)
    for gradients in ([[1.0, np.nan], [np.nan, np.nan]], [[np.nan, 1.0], [np.nan, np.nan]]):
        with pytest.raises(ValueError, match="in a numeric column that is active"):
            model.assign(X, y, None, np.array(gradients))
    with pytest.raises(ValueError, match="gradients must have a row a point"):
        model.assign(X, y, None, np.zeros((1, 2)))
    plain = native.Regressor(categorical, conditional, [0.0] * 5)
    with pytest.raises(ValueError, match="derivatives need a noise in theta"):
        plain.assign(X, y, None, np.array([[np.nan, np.nan], [np.nan, 1.0]]))


@pytest.mark.parametrize("name", ["standard", "clip", "half_log", "log"])
@pytest.mark.parametrize("far", [False, True])
def test_derivatives_are_turned_by_the_slope_of_the_transform(name: str, far: bool) -> None:
    rng = np.random.default_rng(1)
    values = np.exp(rng.standard_normal(40)) * 1e3
    if far:
        values[0] = -1e9  # drawn in
    targets = native.standardise(values, native.TransformKind.__members__[name])
    turned = targets.turn_derivatives(values, np.full(40, 3.0))
    step = 1e-4 * np.maximum(np.abs(values), 1.0)
    difference = 3.0 * (targets.apply(values + step) - targets.apply(values - step)) / (2.0 * step)
    ok = np.abs(values - np.median(values)) > step  # half_log bends there
    cut = np.isnan(turned)
    np.testing.assert_allclose(turned[ok & ~cut], difference[ok & ~cut], rtol=2e-5)
    assert cut.any() == (name == "clip" and not far)
    assert (targets.y[cut] == targets.y.max()).all()
