"""The Gaussian process: likelihood with gradient, fit, append, posterior, acquisitions and their maximiser."""

import numpy as np
import pytest
from scipy.linalg.lapack import dpotrf
from scipy.special import log_ndtr

import hpcore as hp
from hpcore._core import acquisition, bo, gp

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


ACQUISITIONS = {
    "log_ei": {"kind": acquisition.Kind.log_ei},
    "noisy_log_ei": {"kind": acquisition.Kind.log_ei, "noisy": True},
    "pi": {"kind": acquisition.Kind.pi},
    "ucb": {"kind": acquisition.Kind.ucb},
    "thompson": {"thompson": True},
}


def engine_of(d, name):
    """Build an engine on one view of standardised values, so that the model can be rebuilt outside."""
    view = bo.View()
    view.transforms = [gp.TransformKind.standard]
    for attribute, value in ACQUISITIONS[name].items():
        setattr(view, attribute, value)
    options = bo.SuggestOptions()
    options.views = [view]
    options.fit.prior = gp.Prior.standard(d)
    space = hp.Space({f"x{j}": hp.Float(0, 1) for j in range(d)})
    return bo.Suggester(space.columns.codec, [False] * d, options), options


def values_of(model, name, rows, best, view):
    """Return the function that the named acquisition maximises; for draws of the objective, its negative mean."""
    mean, variance = model.predict(rows)
    std = np.sqrt(variance)
    if name == "log_ei":
        return acquisition.log_expected_improvement(mean, std, best)[0]
    if name == "pi":
        return acquisition.log_probability_of_improvement(mean, std, best - view.xi)[0]
    if name == "ucb":
        return acquisition.lower_confidence_bound(mean, std, view.kappa)[0]
    return -mean


@pytest.mark.parametrize(
    ("n", "d", "name"),
    [*((n, d, "log_ei") for n, d in PROBLEMS), *((200, 5, name) for name in ACQUISITIONS if name != "log_ei")],
)
@pytest.mark.parametrize("by", ["hpcore", "limit: posterior of the candidates"])
def test_maximiser(benchmark, by, n, d, name):
    """Suggestions of a fitted model: the same history again needs no fit."""
    benchmark.group = f"maximiser {name} n={n} d={d}"
    X, y = data(n, d)
    engine, options = engine_of(d, name)

    def suggest():
        return engine.suggest(X, y, n)

    (u,), step = suggest()
    numeric, standard = [False] * d, gp.standardise(y, gp.TransformKind.standard).y
    m = options.schedule.at(n)
    noise = np.zeros(m)
    theta = gp.fit_map(X[:m], gp.standardise(y[:m], gp.TransformKind.standard).y, noise, numeric, numeric, options.fit)
    model = gp.Regressor(numeric, numeric, theta.tolist())
    model.assign(X, standard, None)
    if by != "hpcore":
        n_rows = options.search.n_global + options.n_incumbents * options.search.n_local
        mean, variance = benchmark(model.predict, np.random.default_rng(0).random((n_rows, d)))
        assert np.isfinite(mean).all() and (variance > 0).all()
        return
    (again,), step = benchmark(suggest)
    assert step == bo.Step.full
    np.testing.assert_array_equal(again, u)
    # No worse than the best of many random points; for draws of the objective that is so of the mean, within a little.
    best, view = (y.min() - y.mean()) / y.std(), options.views[0]
    found = values_of(model, name, u[None, :], best, view)[0]
    random = values_of(model, name, np.random.default_rng(1).random((2000, d)), best, view)
    assert found >= random.max() - (0.5 if name in ("thompson", "noisy_log_ei") else 0.0)
    assert ((u >= 0) & (u <= 1)).all()


@pytest.mark.parametrize(("n", "d"), PROBLEMS)
@pytest.mark.parametrize("by", ["append", "assign everything"])
def test_append_an_observation(benchmark, by, n, d):
    benchmark.group = f"append an observation n={n} d={d}"
    X, y = data(n + 1, d)
    Z = np.random.default_rng(1).random((20, d))
    fresh = gp.Regressor([False] * d, [False] * d, list(theta_of(d)))
    fresh.assign(X, y, None)

    def setup():
        model = gp.Regressor([False] * d, [False] * d, list(theta_of(d)))
        model.assign(X[:n], y[:n], None)
        return (model,), {}

    def append(model):
        model.append(X[n], 0.0)
        model.set_targets(y)
        return model

    def assign(model):
        model.assign(X, y, None)
        return model

    model = benchmark.pedantic(append if by == "append" else assign, setup=setup, rounds=30, warmup_rounds=2)
    np.testing.assert_allclose(model.predict(Z), fresh.predict(Z), rtol=1e-8, atol=1e-10)
