"""Input warping: Kumaraswamy's distribution function, its gradients, and what learning it is good for."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import beta

import hpcore as hp
from hpcore._core import gp as native
from hpcore.errors import InvalidType
from hpcore.surrogates import GaussianProcess


def regressor(parameters: list[float], categorical: list[bool], conditional: list[bool]) -> native.Regressor:
    d = len(categorical)
    theta = [-0.5] * d + [0.1, -7.0] + ([-1.0] if any(conditional) else [])
    model = native.Regressor(categorical, conditional, theta)
    model.set_warp(parameters)
    return model


def test_the_warp_is_kumaraswamys_distribution() -> None:
    u = np.linspace(0, 1, 101)[:, None]
    for a, b in ((1.0, 1.0), (0.3, 2.0), (5.0, 1.0), (1.0, 0.4)):
        w = regressor([np.log(a), np.log(b)], [False], [False]).warped(u)[:, 0]
        np.testing.assert_allclose(w[1:-1], (1 - (1 - u[:, 0] ** a) ** b)[1:-1], atol=2e-5)  # the ends are kept off
        assert (np.diff(w) > 0).all()
    # With a or b = 1 it is a beta distribution's.
    w = regressor([np.log(3.0), 0.0], [False], [False]).warped(u)[:, 0]
    np.testing.assert_allclose(w, beta(3, 1).cdf(u[:, 0]), atol=1e-5)


def test_categories_and_inactive_values_stay() -> None:
    model = regressor([0.7, -0.4], [True, False], [False, True])
    X = np.array([[0.25, 0.5], [0.75, np.nan]])
    warped = model.warped(X)
    np.testing.assert_array_equal(warped[:, 0], X[:, 0])
    assert warped[0, 1] != 0.5
    assert np.isnan(warped[1, 1])


def test_gradients_of_a_warped_posterior() -> None:
    rng = np.random.default_rng(0)
    X, y = rng.random((15, 3)), rng.standard_normal(15)
    model = regressor(list(rng.normal(0, 0.5, 6)), [False] * 3, [False] * 3)
    model.assign(X, y, None)
    Z, h = 0.05 + 0.9 * rng.random((4, 3)), 1e-5
    _, _, by_mean, by_variance = model.predict_with_gradients(Z)
    for j in range(3):
        up, down = Z.copy(), Z.copy()
        up[:, j] += h
        down[:, j] -= h
        (m1, v1), (m0, v0) = model.predict(up), model.predict(down)
        np.testing.assert_allclose(by_mean[:, j], (m1 - m0) / 2 / h, rtol=1e-5, atol=1e-7)
        np.testing.assert_allclose(by_variance[:, j], (v1 - v0) / 2 / h, rtol=1e-5, atol=1e-7)


def log_posterior(X, y, theta, warp, categorical, conditional):  # type: ignore[no-untyped-def]
    model = native.Regressor(categorical, conditional, list(theta))
    model.set_warp(list(warp))
    prior = native.Prior.standard(X.shape[1])
    value, _ = native.log_posterior(model.warped(X), y, None, theta, categorical, conditional, prior, True)
    return value - 0.5 * (np.asarray(warp) ** 2).sum() / 0.25


@pytest.mark.parametrize("seed", range(4))
def test_the_fit_ends_at_a_maximum(seed: int) -> None:
    rng = np.random.default_rng(seed)
    categorical, conditional = [False, False, True], [False, bool(seed % 2), False]
    X = rng.random((40, 3))
    X[:, 2] = rng.integers(0, 2, 40) / 2 + 0.25
    if seed % 2:
        X[rng.random(40) < 0.3, 1] = np.nan
    y = np.sin(12 * X[:, 0] ** 4) + np.nan_to_num(X[:, 1]) + X[:, 2]
    y = (y - y.mean()) / y.std()
    options = native.FitOptions()
    options.prior = native.Prior.standard(3)
    options.max_iterations = 400
    start = native.fit_map(X, y, None, categorical, conditional, options)
    theta, warp = native.fit_warp(X, y, None, categorical, conditional, options, list(start))
    before = log_posterior(X, y, start, np.zeros(4), categorical, conditional)
    best = log_posterior(X, y, theta, warp, categorical, conditional)
    assert best > before + 1.0
    assert warp[0] > 0.3  # x0 changes faster near its upper end
    for k in range(4):  # uphill nowhere along the warp, to the tolerance of the search
        for step in (-0.05, 0.05):
            there = warp + step * np.eye(4)[k]
            assert log_posterior(X, y, theta, there, categorical, conditional) < best + 0.02


def test_it_predicts_better_where_a_function_is_uneven() -> None:
    rng = np.random.default_rng(0)
    X, Z = rng.random((40, 2)), rng.random((300, 2))

    def f(x: np.ndarray) -> np.ndarray:
        return 5 + np.sin(25 * (1 - x[:, 0]) ** 5) + x[:, 1]

    plain, warped = (GaussianProcess(warp=warp).fit(X, f(X)) for warp in (False, True))
    errors = [np.sqrt(np.mean((model.predict(Z) - f(Z)) ** 2)) for model in (plain, warped)]
    assert errors[1] < 0.7 * errors[0]
    assert plain.warp_ == {}
    assert set(warped.warp_) == {"x0", "x1"}
    assert warped.log_marginal_likelihood() > plain.log_marginal_likelihood()
    mean, std = warped.predict(Z[:3], return_std=True)
    _, cov = warped.predict(Z[:3], return_cov=True)
    np.testing.assert_allclose(np.sqrt(np.diag(cov)), std, rtol=1e-5)
    warped.append(Z[0], f(Z[:1])[0])
    assert abs(warped.predict(Z[:1])[0] - f(Z[:1])[0]) < abs(mean[0] - f(Z[:1])[0]) + 1e-3


def test_categories_alone_have_nothing_to_warp() -> None:
    space = hp.Space({"c": hp.Categorical(["a", "b", "c"])})
    X = np.array([space.encode({"c": c}) for c in "abcabc"])
    assert GaussianProcess(space, warp=True).fit(X, np.arange(6.0)).warp_ == {}
    opt = hp.Optimizer({"c": hp.Categorical(list("abcdefghijklmnop"))}, hp.samplers.GPSampler(warp=True), seed=0)
    for _ in range(14):
        trial = opt.ask()
        opt.tell(trial, float(ord(trial["c"])))


def test_what_is_no_flag_is_refused() -> None:
    with pytest.raises(InvalidType, match="warp"):
        GaussianProcess(warp="yes")  # type: ignore[arg-type]
    with pytest.raises(InvalidType, match="warp"):
        hp.samplers.GPSampler(warp=1)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="two entries"):
        regressor([0.1], [False], [False])
