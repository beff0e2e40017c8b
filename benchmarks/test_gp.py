"""The Gaussian process: likelihood with gradient, fit, append, posterior, acquisitions, and one whole suggestion."""

import numpy as np
import pytest
from scipy.linalg.lapack import dpotrf
from scipy.special import log_ndtr

import hpcore as hp
from hpcore._core import acquisition, gp

PROBLEMS = [(50, 5), (200, 5), (200, 20)]


def data(n, d):
    X = np.random.default_rng(0).random((n, d))
    y = np.sin(3 * X).sum(axis=1)
    return X, (y - y.mean()) / y.std()


def theta_of(d):
    return np.array([0.0] * d + [0.0, np.log(1e-3)])


def model_of(n, d):
    X, y = data(n, d)
    model = gp.Regressor([False] * d, [False] * d, list(theta_of(d)))
    model.assign(X, y, None)
    return model, X, y


@pytest.mark.parametrize(("n", "d"), PROBLEMS)
@pytest.mark.parametrize("by", ["hpcore", "limit: dpotrf"])
def test_likelihood_with_gradient(benchmark, by, n, d):
    benchmark.group = f"likelihood n={n} d={d}"
    X, y = data(n, d)
    if by != "hpcore":
        K = np.asfortranarray(np.exp(-((X[:, None] - X[None]) ** 2).sum(axis=2)) + 1e-3 * np.eye(n))
        assert benchmark(dpotrf, K)[1] == 0
        return
    plain, prior, theta = [False] * d, gp.Prior.standard(d), theta_of(d)
    value, slope = benchmark(gp.log_posterior, X, y, None, theta, plain, plain, prior, True)
    step = np.zeros(d + 2)
    step[0] = 1e-5
    up, down = (gp.log_posterior(X, y, None, theta + s, plain, plain, prior, True)[0] for s in (step, -step))
    assert np.isfinite(value)
    assert slope[0] == pytest.approx((up - down) / 2e-5, rel=1e-4, abs=1e-4)


@pytest.mark.parametrize(("n", "d"), PROBLEMS)
def test_fit(benchmark, n, d):
    benchmark.group = f"fit n={n} d={d}"
    X, y = data(n, d)
    options = gp.FitOptions()
    options.prior = gp.Prior.standard(d)
    plain = [False] * d
    theta = benchmark.pedantic(lambda: gp.fit_map(X, y, None, plain, plain, options), rounds=5, warmup_rounds=1)
    reached = gp.log_posterior(X, y, None, theta, plain, plain, options.prior, True)[0]
    assert reached > gp.log_posterior(X, y, None, theta_of(d), plain, plain, options.prior, True)[0]


@pytest.mark.parametrize(("n", "d"), PROBLEMS)
def test_posterior_at_1000_points(benchmark, n, d):
    benchmark.group = f"posterior n={n} d={d}"
    model, X, y = model_of(n, d)
    Z = np.random.default_rng(1).random((1000, d))
    Z[:n] = X
    mean, variance = benchmark(model.predict, Z)
    assert (variance > 0).all()
    np.testing.assert_allclose(mean[:n], y, atol=0.1)


@pytest.mark.parametrize(
    "name", ["log_expected_improvement", "log_probability_of_improvement", "lower_confidence_bound"]
)
@pytest.mark.parametrize("by", ["hpcore", "limit: one pass"])
def test_acquisition_of_10000_points(benchmark, by, name):
    benchmark.group = name
    mean = np.random.default_rng(0).standard_normal(10_000)
    std = np.random.default_rng(1).random(10_000) + 0.1
    if by != "hpcore":
        out = np.empty((3, 10_000))

        def run():
            np.add(mean, std, out=out[0])
            np.subtract(mean, std, out=out[1])
            np.multiply(mean, std, out=out[2])

        benchmark(run)
        np.testing.assert_array_equal(out[0], mean + std)
        return
    value = benchmark(getattr(acquisition, name), mean, std, 0.5)[0]
    if name == "log_probability_of_improvement":
        np.testing.assert_allclose(value, log_ndtr((0.5 - mean) / std), rtol=1e-7, atol=1e-12)
    assert np.isfinite(value).all()


@pytest.mark.parametrize(("n", "d"), PROBLEMS)
def test_suggestion(benchmark, n, d):
    """Tell and ask: model, maximiser and decoding."""
    benchmark.group = f"gp suggestion n={n} d={d}"
    opt = hp.Optimizer({f"x{j}": hp.Float(0, 1) for j in range(d)}, "gp", seed=0)
    for params in opt.space.sample(n, seed=0):
        opt.add(params, sum(params.values()))

    def cycle():
        trial = opt.ask()
        opt.tell(trial, sum(trial.params.values()))
        return trial

    trial = benchmark.pedantic(cycle, rounds=15, warmup_rounds=2)
    assert all(0 <= v <= 1 for v in trial.params.values())
