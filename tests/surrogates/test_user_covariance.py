"""Covariances that users write: against the built-in of the same formula, dense algebra and central differences."""

from __future__ import annotations

import math

import numpy as np
import pytest

import hpcore as hp
from hpcore._core import gp as native
from hpcore.errors import InvalidArgument, InvalidType, KernelError
from hpcore.kernels import examples
from hpcore.samplers import GPSampler
from hpcore.surrogates import GaussianProcess
from hpcore.surrogates.gp import native_covariance


def matern(x, y, theta):
    s2 = 0.0
    for j in range(x.size):
        r = (x[j] - y[j]) / theta[j]
        s2 += 5.0 * r * r
    s = math.sqrt(s2)
    return (1.0 + s + s2 / 3.0) * math.exp(-s)


def matern_gradient(x, y, theta, d_theta, d_x):
    s2 = 0.0
    for j in range(x.size):
        r = (x[j] - y[j]) / theta[j]
        s2 += 5.0 * r * r
    s = math.sqrt(s2)
    slope = 5.0 / 3.0 * (1.0 + s) * math.exp(-s)
    for j in range(x.size):
        r = (x[j] - y[j]) / theta[j]
        d_theta[j] = slope * r * r / theta[j]
        d_x[j] = -slope * r / theta[j]


DIFFERENCED, GIVEN = (
    hp.kernels.covariance(n_hyperparameters=2, bounds=[(0.02, 60.0)] * 2, gradient=g, log=True)(matern)
    for g in (None, matern_gradient)
)


@hp.kernels.covariance(n_hyperparameters=1, bounds=[(0.0, 3.0)])
def polynomial(x, y, theta):
    """Not stationary: its variance depends on where it is."""
    total = theta[0]
    for j in range(x.size):
        total += x[j] * y[j]
    return total * total


def theta_of(kernel, d, conditional, own, rng):
    return np.concatenate([rng.normal(-0.5, 0.5, d), [0.3, -4.0], [-1.2] * conditional, own])


@pytest.mark.parametrize("kernel", [DIFFERENCED, GIVEN])
def test_a_users_matern_is_the_built_in(kernel):
    rng = np.random.default_rng(0)
    X, y, Z, flags = rng.random((20, 2)), rng.standard_normal(20), rng.random((6, 2)), [False] * 2
    own = np.array([-0.7, 0.2, 0.4, -3.0])
    users = np.concatenate([[0.0, 0.0], own[2:], own[:2]])
    covariance = native_covariance(kernel)
    prior = native.Prior.standard(2)
    prior.user = [native.LogNormal(0.0, 1.0, -4.0, 4.0)] * 2
    a, da = native.log_posterior(X, y, None, own, flags, flags, prior, False)
    b, db = native.log_posterior(X, y, None, users, flags, flags, prior, False, covariance)
    assert a == pytest.approx(b, rel=1e-11)
    np.testing.assert_allclose(db, [0.0, 0.0, *da[2:], *da[:2]], atol=1e-6)
    built_in = native.Regressor(flags, flags, list(own))
    mine = native.Regressor(flags, flags, list(users), covariance)
    for model in (built_in, mine):
        model.assign(X[:15].copy(), y[:15].copy(), None)
        for x in X[15:]:
            model.append(x, 0.0)
        model.set_targets(y)
    for p, q in zip(built_in.predict_with_gradients(Z), mine.predict_with_gradients(Z), strict=True):
        np.testing.assert_allclose(p, q, atol=1e-7)
    np.testing.assert_allclose(built_in.covariance(Z), mine.covariance(Z), atol=1e-12)


def mixed_rows(rng, n):
    """A number, a category, a conditional number, a conditional category."""
    X = rng.random((n, 4))
    X[:, 1] = (rng.integers(0, 3, n) + 0.5) / 3
    X[:, 3] = (rng.integers(0, 2, n) + 0.5) / 2
    X[rng.random(n) < 0.4, 2] = np.nan
    X[rng.random(n) < 0.4, 3] = np.nan
    return X


CATEGORICAL, CONDITIONAL = [False, True, False, True], [False, False, True, True]


def dense(X, Z, theta, kernel):
    """The formula of covariance.hpp, pair by pair."""
    lengths, signal, height = np.exp(theta[:4]), math.exp(theta[4]), math.exp(theta[6])
    own = np.exp(theta[7:]) if kernel.log else theta[7:]
    K = np.empty((len(X), len(Z)))
    for i, u in enumerate(X):
        for k, v in enumerate(Z):
            s2 = 5 * (u[1] != v[1]) / lengths[1] ** 2
            s2 += 5 * height * (np.isnan(u[2]) != np.isnan(v[2])) / lengths[2] ** 2
            if np.isnan(u[3]) != np.isnan(v[3]):
                s2 += 5 * (0.5 + height) / lengths[3] ** 2
            elif not np.isnan(u[3]):
                s2 += 5 * (u[3] != v[3]) / lengths[3] ** 2
            s = math.sqrt(s2)
            x, y = (np.nan_to_num(w[[0, 2]], nan=0.5) for w in (u, v))
            K[i, k] = 1.0 + signal * kernel.function(x, y, own) * (1 + s + s * s / 3) * math.exp(-s)
    return K


@pytest.mark.parametrize(("kernel", "own"), [(GIVEN, [-0.7, 0.2]), (DIFFERENCED, [-0.7, 0.2]), (polynomial, [0.6])])
def test_mixed_and_conditional_columns_against_dense_algebra(kernel, own):
    rng = np.random.default_rng(1)
    X, Z, y = mixed_rows(rng, 14), mixed_rows(rng, 5), rng.standard_normal(14)
    theta = theta_of(kernel, 4, True, own, rng)
    covariance = native_covariance(kernel)
    K = dense(X, X, theta, kernel) + math.exp(theta[5]) * np.eye(14)
    k = dense(X, Z, theta, kernel)
    model = native.Regressor(CATEGORICAL, CONDITIONAL, list(theta), covariance)
    model.assign(X, y, None)
    mean, variance, by_mean, by_variance = model.predict_with_gradients(Z)
    joint = dense(Z, Z, theta, kernel) - k.T @ np.linalg.solve(K, k)
    np.testing.assert_allclose(mean, k.T @ np.linalg.solve(K, y), atol=1e-9)
    np.testing.assert_allclose(variance, np.diag(joint), atol=1e-9)
    np.testing.assert_allclose(model.covariance(Z), joint, atol=1e-9)
    for i, z in enumerate(Z):
        for j in range(4):
            if CATEGORICAL[j] or math.isnan(z[j]):
                assert by_mean[i, j] == 0 and by_variance[i, j] == 0
                continue
            up, down = z.copy(), z.copy()
            up[j] += 1e-5
            down[j] -= 1e-5
            (a, c), (b, e) = (model.predict(row[None]) for row in (up, down))
            assert by_mean[i, j] == pytest.approx((a[0] - b[0]) / 2e-5, rel=1e-4, abs=1e-5)
            assert by_variance[i, j] == pytest.approx((c[0] - e[0]) / 2e-5, rel=1e-4, abs=1e-5)


@pytest.mark.parametrize(("kernel", "own"), [(GIVEN, [-0.7, 0.2]), (DIFFERENCED, [-0.7, 0.2]), (polynomial, [0.6])])
@pytest.mark.parametrize("with_prior", [False, True])
def test_gradient_of_the_likelihood(kernel, own, with_prior):
    rng = np.random.default_rng(2)
    X, y = mixed_rows(rng, 14), rng.standard_normal(14)
    theta = theta_of(kernel, 4, True, own, rng)
    prior = native.Prior.standard(4)
    prior.user = [native.LogNormal(0.1, 1.5, -4.0, 4.0)] * len(own)
    covariance = native_covariance(kernel)

    def at(t):
        return native.log_posterior(X, y, None, t, CATEGORICAL, CONDITIONAL, prior, with_prior, covariance)

    _, gradient = at(theta)
    for i in range(len(theta)):
        step = np.zeros(len(theta))
        step[i] = 1e-5
        assert gradient[i] == pytest.approx((at(theta + step)[0] - at(theta - step)[0]) / 2e-5, rel=1e-4, abs=1e-4)


def test_a_period_is_learnt_and_carried_on():
    period = 0.13
    t, ahead = np.linspace(0.0, 0.6, 25)[:, None], np.linspace(0.65, 1.0, 20)[:, None]

    def wave(at):
        return 3.0 + np.sin(2 * np.pi * at[:, 0] / period)

    model = GaussianProcess(covariance=examples.periodic).fit(t, wave(t))
    assert model.covariance_hyperparameters_[1] == pytest.approx(period, rel=1e-3)
    assert np.abs(model.predict(ahead) - wave(ahead)).max() < 1e-3
    assert np.abs(GaussianProcess().fit(t, wave(t)).predict(ahead) - wave(ahead)).max() > 0.5
    assert model.length_scales_ == {}
    assert math.isfinite(model.log_marginal_likelihood())
    model.append([0.9], 3.0)
    assert model.n_ == 26 and model.sample([[0.1], [0.9]], 2, seed=0).shape == (2, 2)


def test_length_scales_are_those_of_what_the_kernel_does_not_see():
    space = hp.Space({"x": hp.Float(0, 1), "c": hp.Categorical(["a", "b"]), "z": hp.Float(0, 1, when={"c": "a"})})
    points = np.array([space.encode(p) for p in space.sample(12, seed=0)])
    y = np.nan_to_num(points[:, 0]) + points[:, 1]
    model = GaussianProcess(space, covariance=examples.rational_quadratic).fit(points, y)
    assert list(model.length_scales_) == ["c", "z"]
    low, high = np.array(examples.rational_quadratic.bounds).T
    assert ((model.covariance_hyperparameters_ >= low) & (model.covariance_hyperparameters_ <= high)).all()
    assert GaussianProcess(space).fit(points, y).covariance_hyperparameters_.shape == (0,)


# --- in the sampler ----------------------------------------------------------------------------------------------


def space_and_loss():
    space = hp.Space(
        {
            "kind": hp.Categorical(["a", "b"]),
            "x": hp.Float(0, 1),
            "i": hp.Int(1, 40),
            "z": hp.Float(0, 1, when={"kind": "a"}),
        }
    )

    def loss(p):
        return (p["x"] - 0.3) ** 2 + abs(p["i"] - 20) / 40 + (p["kind"] == "b") + p.get("z", 0.0) ** 2

    return space, loss


def run(sampler, n, told=None):
    space, loss = space_and_loss()
    opt = hp.Optimizer(space, sampler=sampler, seed=0)
    for trial in told or []:
        opt.add(trial.params, trial.value)
    for _ in range(n):
        trial = opt.ask()
        opt.tell(trial, loss(trial.params))
    return opt


@pytest.mark.parametrize("acquisition", ["log_ei", "thompson"])
@pytest.mark.parametrize("inference", ["map", "mcmc"])
def test_the_sampler_searches_any_space_with_it(acquisition, inference):
    sampler = GPSampler(acquisition, inference, n_draws=2, covariance=examples.rational_quadratic)
    opt = run(sampler, 30)
    assert opt.best_value < 0.2 and opt.best_params["kind"] == "a"


def test_a_search_resumed_goes_on_alike():
    sampler = GPSampler(covariance=examples.rational_quadratic, n_startup_trials=4)
    whole = run(sampler, 14)
    for cut in (6, 13):
        resumed = run(sampler, 0, whole.trials[:cut])
        assert resumed.ask().params == whole.trials[cut].params


# --- what goes wrong ---------------------------------------------------------------------------------------------


@hp.kernels.covariance(n_hyperparameters=0, bounds=[])
def answers_nan(x, y, theta):
    return math.nan


@hp.kernels.covariance(n_hyperparameters=1, bounds=[(0.5, 1.0)])
def raises(x, y, theta):
    if theta[0] > 0.0:
        raise ValueError("no")
    return 1.0


@hp.kernels.covariance(n_hyperparameters=0, bounds=[])
def endless(x, y, theta):
    return math.inf


@hp.kernels.covariance(n_hyperparameters=0, bounds=[])
def indefinite(x, y, theta):
    return -2000.0 * np.exp(-((x - y) ** 2).sum())


FAILING = [
    (answers_nan, "covariance kernel 'answers_nan' answered NaN"),
    (raises, "covariance kernel 'raises' raised an error"),
    (endless, "covariance kernel 'endless' answered infinity"),
    (indefinite, "covariance kernel 'indefinite' is not positive definite"),
]


@pytest.mark.parametrize(("kernel", "words"), FAILING)
def test_errors_are_typed_and_name_the_kernel(kernel, words):
    rng = np.random.default_rng(0)
    with pytest.raises(KernelError, match=words):
        GaussianProcess(covariance=kernel).fit(rng.random((8, 2)), rng.random(8))
    opt = hp.Optimizer({"x": hp.Float(0, 1)}, sampler=GPSampler(covariance=kernel, n_startup_trials=3), seed=0)
    for x in (0.1, 0.5, 0.8):
        opt.add({"x": x}, x)
    for _ in range(2):
        with pytest.raises(KernelError, match=words):
            opt.ask()


@hp.kernels.covariance(n_hyperparameters=1, bounds=[(0.05, 5.0)], log=True)
def fails_beside_the_others(x, y, theta):
    """Only of points that are both near the end."""
    if x[0] > 0.9 and y[0] > 0.9:
        return math.nan
    return math.exp(-((x[0] - y[0]) ** 2) / theta[0] ** 2)


def test_half_an_update_is_no_update():
    opt = hp.Optimizer(
        {"x": hp.Float(0, 1)}, sampler=GPSampler(covariance=fails_beside_the_others, n_startup_trials=2), seed=0
    )
    for x in (0.1, 0.3, 0.5):
        opt.add({"x": x}, 1.0 - x)
    for x in (0.95, 0.97):
        opt.add({"x": x}, 1.0 - x)
        for _ in range(2):
            with pytest.raises(KernelError, match="'fails_beside_the_others' answered NaN"):
                opt.ask()


@pytest.mark.parametrize("value", [matern, "matern", examples.belief_around([0.5], 0.1)])
def test_what_is_no_covariance_is_refused(value):
    for make in (GPSampler, GaussianProcess):
        with pytest.raises(InvalidType, match=r"covariance must be a kernel made by hpcore\.kernels\.covariance"):
            make(covariance=value)


def test_a_warp_belongs_inside_the_kernel():
    for make in (GPSampler, GaussianProcess):
        with pytest.raises(InvalidArgument, match="warp must be False with a covariance"):
            make(covariance=examples.periodic, warp=True)


def test_output_transforms_work_with_it():
    rng = np.random.default_rng(0)
    X = rng.random((25, 2))
    y = np.exp(6.0 * X[:, 0])
    model = GaussianProcess(covariance=examples.rational_quadratic, transform="auto").fit(X, y)
    assert np.median(np.abs(model.predict(X) / y - 1.0)) < 0.1
