"""Standard errors that were told: models of the sampler and of the recommendation against dense algebra."""

import numpy as np
import pytest

import hpcore as hp
from hpcore._core import bo
from hpcore._core import gp as native
from hpcore.optimizer.noisy_model import NoisyModel

N_LEVELS = 31
GRID = {"k": hp.Int(0, N_LEVELS - 1)}


def matern(a: np.ndarray, b: np.ndarray, theta: np.ndarray) -> np.ndarray:
    """Matern-5/2 of one column and the unit variance of the constant mean (Rasmussen & Williams 2006, 2.7)."""
    s = np.sqrt(5.0) * np.abs(a[:, None] - b[None, :]) / np.exp(theta[0])
    return np.exp(theta[1]) * (1.0 + s + s**2 / 3.0) * np.exp(-s) + 1.0


def dense(x: np.ndarray, y: np.ndarray, noise: np.ndarray, at: np.ndarray, theta: np.ndarray):
    """Posterior mean and variance with a noise of its own for each value."""
    K = matern(x, x, theta) + np.diag(noise + np.exp(theta[2]))
    k = matern(at, x, theta)
    mean = k @ np.linalg.solve(K, y)
    variance = np.diag(matern(at, at, theta)) - np.einsum("ij,ji->i", k, np.linalg.solve(K, k.T))
    return mean, variance


def measured(seed: int):
    """Levels, values and their errors, one of them a lucky value that hardly counts."""
    draws = np.random.default_rng(seed)
    levels = draws.permutation(N_LEVELS)[:14]
    errors = draws.choice([0.02, 0.6], 14)
    values = np.cos(levels / 4.0) + errors * draws.standard_normal(14)
    lucky = int(np.argmax(np.abs(levels / 4.0 - np.pi)))
    values[lucky], errors[lucky] = -1.5, 5.0
    return levels, values, errors


def fit(X: np.ndarray, y: np.ndarray, noise: np.ndarray) -> np.ndarray:
    options = native.FitOptions()
    options.prior = native.Prior.standard(1)
    return native.fit_map(X, y, noise, [False], [False], options)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("told", [True, False])
def test_the_sampler_goes_where_the_dense_mean_is_lowest(seed: int, told: bool) -> None:
    levels, values, errors = measured(seed)
    sampler = hp.samplers.GPSampler("ucb", kappa=0.0, transform="standard", explore=False, n_startup_trials=4)
    opt = hp.Optimizer(GRID, sampler, seed=seed, repeats=1000)
    for level, value, error in zip(levels.tolist(), values.tolist(), errors.tolist(), strict=True):
        opt.add({"k": level}, value, std_error=error if told else None)
    X = np.ascontiguousarray(opt.history.X)
    targets = native.standardise(values, native.TransformKind.standard)
    noise = (errors / targets.scale) ** 2 if told else np.zeros(len(values))
    grid = np.array([np.asarray(opt.space.encode({"k": k}))[0] for k in range(N_LEVELS)])
    mean, _ = dense(X[:, 0], targets.y, noise, grid, fit(X, targets.y, noise))
    chosen = opt.ask()["k"]
    assert mean[chosen] <= mean.min() + 1e-9
    if told:
        plain, _ = dense(X[:, 0], targets.y, np.zeros(14), grid, fit(X, targets.y, np.zeros(14)))
        assert np.argmin(plain) != chosen


@pytest.mark.parametrize("seed", range(4))
def test_the_model_of_the_recommendation(seed: int) -> None:
    levels, values, errors = measured(seed)
    opt = hp.Optimizer(GRID, seed=0)
    opt.add_many([{"params": {"k": int(k)}, "value": float(v)} for k, v in zip(levels, values, strict=True)])
    X = np.ascontiguousarray(opt.history.X)
    model = NoisyModel(X, values, errors, opt.space.columns, native.TransformKind.standard)
    targets = native.standardise(values, native.TransformKind.standard)
    noise = (errors / targets.scale) ** 2
    at = np.linspace(0.1, 0.9, 7)
    mean, std = model.predict(at[:, None])
    expected, variance = dense(X[:, 0], targets.y, noise, at, model.theta)
    np.testing.assert_allclose(mean, expected, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(std**2, variance, rtol=1e-6, atol=1e-9)
    assert model.is_noisy
    # A value that is still out, as the model expects it: the mean stays, what is known of it grows.
    model.expect(at[:1, None])
    after, less = model.predict(at[:, None])
    np.testing.assert_allclose(after, mean, atol=1e-8)
    assert (less <= std + 1e-12).all()
    assert less[0] < 0.99 * std[0]


def test_errors_of_single_trials_that_are_not_known_are_learnt() -> None:
    levels, values, errors = measured(0)
    some = np.where(np.arange(14) % 2 == 0, errors, 0.0)
    opt = hp.Optimizer(GRID, seed=0)
    for level, value, error in zip(levels.tolist(), values.tolist(), some.tolist(), strict=True):
        opt.add({"k": level}, value, std_error=error or None)
    model = NoisyModel(
        opt.history.X,
        values,
        np.nan_to_num(opt.history.std_errors[:, 0]),
        opt.space.columns,
        native.TransformKind.standard,
    )
    known = NoisyModel(opt.history.X, values, some, opt.space.columns, native.TransformKind.standard)
    np.testing.assert_array_equal(model.predict(opt.history.X)[0], known.predict(opt.history.X)[0])


def test_rows_that_stand_for_many() -> None:
    space = hp.Space({"x": hp.Float(0, 1), "c": hp.Categorical(list("abc"))})
    draws = np.random.default_rng(0)
    params = [
        {"x": float(x), "c": str(c)} for x, c in zip(draws.random(300), draws.choice(list("abc"), 300), strict=True)
    ]
    X, y = np.array([np.asarray(space.encode(p)) for p in params]), draws.normal(size=300)
    chosen = bo.representative(space.columns.codec, [False, True], X, y, 40)
    assert len(chosen) == 40
    assert (np.diff(chosen) > 0).all()
    assert set(np.argsort(y)[:10]) <= set(chosen.tolist())
    assert chosen.min() < 60 and chosen.max() >= 240  # spread over the whole history
    np.testing.assert_array_equal(bo.representative(space.columns.codec, [False, True], X, y, 300), np.arange(300))
    with pytest.raises(ValueError, match="y"):
        bo.representative(space.columns.codec, [False, True], X, y[:9], 40)
