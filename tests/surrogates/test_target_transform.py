"""Transforms of the objective's values: there and back, their slopes, and the choice by likelihood."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpcore._core import gp as native
from hpcore.errors import InvalidArgument
from hpcore.surrogates import GaussianProcess

TRANSFORMS = ["standard", "half_log", "log", "clip"]


def outputs(values: np.ndarray, transform: str) -> native.TargetTransform:
    return native.standardise(np.asarray(values, dtype=float), native.TransformKind.__members__[transform])


@pytest.mark.parametrize("transform", TRANSFORMS)
@settings(max_examples=50, deadline=None)
@given(
    values=st.lists(st.integers(-(10**9), 10**9), min_size=5, max_size=30, unique=True),
    exponent=st.integers(-200, 200),
)
def test_restore_undoes_the_map(transform: str, values: list[int], exponent: int) -> None:
    v = np.ldexp(np.array(values, dtype=float), exponent)
    out = outputs(v, transform)
    np.testing.assert_array_equal(out.apply(v), out.y)
    back = out.restore(out.y)
    median = np.median(v)
    width = np.ptp(v)
    # A value far below the others is drawn in, and comes back with the digits that this leaves.
    near = v > median - 50 * (median - np.quantile(v, 0.25))
    if transform == "clip":  # what is cut off is gone
        near &= v <= median
    np.testing.assert_allclose(back[near], v[near], rtol=1e-9, atol=1e-9 * width)
    assert (np.diff(out.restore(np.linspace(-4, 4, 50))) >= 0).all()


@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("scale", [1.0, 1e-200, 1e200])
def test_log_slopes_against_differences(transform: str, scale: float) -> None:
    values = scale * np.exp(np.random.default_rng(0).standard_normal(20))
    out, plain = outputs(values, transform), outputs(values, "standard")
    step = 1e-6 * values
    slope = (out.apply(values + step) - out.apply(values - step)) / 2 / step
    linear = (plain.apply(values + step) - plain.apply(values - step)) / 2 / step
    with np.errstate(divide="ignore"):
        expected = np.log(slope / linear)  # up to what the transforms share
    found = out.log_slope(out.y) - plain.log_slope(plain.y)
    inside = np.abs(values - np.median(values)) > 1e-4 * scale  # the half-log has its kink in the second derivative
    np.testing.assert_allclose(found[inside], expected[inside], atol=1e-4)


def test_infinities_do_not_appear() -> None:
    out = outputs(np.array([0.0, 1.0, 2.0, 5.0, 9.0]), "half_log")
    assert np.isfinite(out.restore(np.array([-1e308, -50.0, 50.0, 1e308]))).all()
    assert np.isfinite(out.apply(np.array([-1.7e308, 1.7e308]))).all()


def latent(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    X = np.random.default_rng(seed).random((n, 2))
    return X, np.sin(6 * X[:, 0]) + X[:, 1]


@pytest.mark.parametrize("seed", range(3))
def test_auto_takes_the_scale_on_which_the_function_is_smooth(seed: int) -> None:
    X, f = latent(50, seed)
    assert GaussianProcess(transform="auto").fit(X, f).transform_ == "standard"
    skewed = GaussianProcess(transform="auto").fit(X, np.exp(3 * f))
    assert skewed.transform_ in ("log", "half_log")
    # ... and predicts better for it.
    Z, g = latent(300, 100 + seed)
    truth = np.exp(3 * g)
    plain = GaussianProcess().fit(X, np.exp(3 * f))

    def loss(model: GaussianProcess) -> float:
        return float(np.median(np.abs(np.log(np.maximum(model.predict(Z), 1e-3) / truth))))

    assert loss(skewed) < loss(plain)


@pytest.mark.parametrize("transform", ["half_log", "log"])
def test_moments_are_those_of_the_draws(transform: str) -> None:
    X, f = latent(12, 0)
    model = GaussianProcess(transform=transform).fit(X, np.exp(2 * f))
    Z = latent(6, 9)[0]
    mean, cov = model.predict(Z, return_cov=True)
    same_mean, std = model.predict(Z, return_std=True)
    np.testing.assert_array_equal(mean, same_mean)
    np.testing.assert_array_equal(mean, model.predict(Z))
    np.testing.assert_allclose(np.sqrt(np.diag(cov)), std, rtol=1e-6)
    draws = model.sample(Z, 100_000, seed=0)
    np.testing.assert_allclose(draws.mean(0), mean, atol=5 * std.max() / np.sqrt(1e5))
    np.testing.assert_allclose(np.cov(draws.T), cov, atol=0.05 * cov.max())


def test_appended_values_go_through_the_same_map() -> None:
    X, f = latent(20, 0)
    y = np.exp(2 * f)
    model = GaussianProcess(transform="half_log").fit(X, y)
    at = np.array([[0.5, 0.5]])
    before = model.predict(at)[0]
    model.append(at[0], 3 * before)
    assert abs(model.predict(at)[0] - 3 * before) < 0.3 * before


def test_an_unknown_transform_is_named() -> None:
    with pytest.raises(InvalidArgument, match=r"transform.*'boxcox'"):
        GaussianProcess(transform="boxcox")
