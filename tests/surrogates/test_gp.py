"""The native Gaussian process against 50-digit arithmetic, SciPy, central differences, and itself."""

from __future__ import annotations

import copy
import math
import pickle

import mpmath as mp
import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import multivariate_normal

import hpcore as hp
from hpcore._core import gp as native
from hpcore.errors import NotFitted
from hpcore.surrogates import GaussianProcess

MEAN_VARIANCE = 1.0


def covariance(u, v, theta, categorical, conditional):
    """The formula of covariance.hpp, on two rows, in mpmath."""
    d = len(u)
    s2 = mp.mpf(0)
    height = mp.exp(mp.mpf(theta[d + 2])) if any(conditional) else mp.mpf(0)
    for j in range(d):
        off_u, off_v = math.isnan(u[j]), math.isnan(v[j])
        if off_u and off_v:
            distance = mp.mpf(0)
        elif categorical[j]:
            distance = mp.mpf("0.5") + height if off_u or off_v else mp.mpf(int(u[j] != v[j]))
        else:
            a = mp.mpf("0.5") if off_u else mp.mpf(float(u[j]))
            b = mp.mpf("0.5") if off_v else mp.mpf(float(v[j]))
            distance = (a - b) ** 2 + (height if off_u or off_v else 0)
        s2 += 5 * distance * mp.exp(-2 * mp.mpf(theta[j]))
    s = mp.sqrt(s2)
    return MEAN_VARIANCE + mp.exp(mp.mpf(theta[d])) * (1 + s + s2 / 3) * mp.exp(-s)


def random_case(seed):
    """Rows, targets, hyperparameters and column types; categories and inactive values in two thirds of the cases."""
    rng = np.random.default_rng(seed)
    n, d = int(rng.integers(1, 9)), int(rng.integers(1, 5))
    categorical = list(rng.random(d) < 0.3) if seed % 3 else [False] * d
    conditional = list(rng.random(d) < 0.3) if seed % 3 == 2 else [False] * d
    X = rng.random((n + 3, d))
    for j in range(d):
        if categorical[j]:
            X[:, j] = rng.integers(0, 3, n + 3) / 3 + 1 / 6
        if conditional[j]:
            X[rng.random(n + 3) < 0.5, j] = np.nan
    theta = np.concatenate([rng.normal(-0.5, 1.0, d), rng.normal(0, 1, 1), rng.uniform(-12, -1, 1)])
    if any(conditional):
        theta = np.append(theta, rng.normal(-1.5, 1.0))
    return X[:n], rng.standard_normal(n), X[n:], theta, categorical, conditional


@pytest.mark.parametrize("block", range(10))
def test_posterior_against_fifty_digits(block):
    mp.mp.dps = 50
    for seed in range(20 * block, 20 * block + 20):
        X, y, Z, theta, categorical, conditional = random_case(seed)
        noise = mp.exp(mp.mpf(theta[X.shape[1] + 1]))
        n = len(X)
        K = mp.matrix(n, n)
        for a in range(n):
            for b in range(n):
                K[a, b] = covariance(X[a], X[b], theta, categorical, conditional) + (noise if a == b else 0)
        model = native.Regressor(categorical, conditional, list(theta))
        model.assign(np.ascontiguousarray(X), y, None)
        mean, variance = model.predict(np.ascontiguousarray(Z))
        joint = model.covariance(np.ascontiguousarray(Z))
        alpha = mp.lu_solve(K, mp.matrix(list(map(mp.mpf, y))))
        columns = [mp.matrix([covariance(x, z, theta, categorical, conditional) for x in X]) for z in Z]
        solved = [mp.lu_solve(K, k) for k in columns]
        for i, z in enumerate(Z):
            assert abs(mean[i] - float((columns[i].T * alpha)[0])) < 1e-6
            for j, w in enumerate(Z):
                exact = covariance(z, w, theta, categorical, conditional) - (columns[i].T * solved[j])[0]
                assert abs(joint[i, j] - float(exact)) < 1e-6
                if i == j:
                    assert abs(variance[i] - float(exact)) < 1e-6


def central_difference(f, x, h=1e-6):
    out = np.empty(len(x))
    for i in range(len(x)):
        up, down = x.copy(), x.copy()
        up[i] += h
        down[i] -= h
        out[i] = (f(up) - f(down)) / (2 * h)
    return out


@pytest.mark.parametrize("seed", range(24))
def test_gradient_of_the_likelihood(seed):
    rng = np.random.default_rng(seed)
    X, _, _, theta, categorical, conditional = random_case(seed)
    X = np.ascontiguousarray(np.vstack([X, random_case(seed)[2]]))
    theta[X.shape[1] + 1] = max(theta[X.shape[1] + 1], -5.0)  # below, rounding rules the differences
    y = rng.standard_normal(len(X))
    noise = rng.random(len(X)) * 0.1 if seed % 2 else None
    prior = native.Prior.standard(X.shape[1])
    prior.shared = 0.64 if seed % 4 < 2 else 0.0
    for with_prior in (False, True):

        def value(t, with_prior=with_prior):
            return native.log_posterior(X, y, noise, t, categorical, conditional, prior, with_prior)[0]

        _, gradient = native.log_posterior(X, y, noise, theta, categorical, conditional, prior, with_prior)
        np.testing.assert_allclose(gradient, central_difference(value, theta), rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize("seed", range(24))
def test_gradients_of_the_posterior(seed):
    X, y, Z, theta, categorical, conditional = random_case(seed)
    model = native.Regressor(categorical, conditional, list(theta))
    model.assign(np.ascontiguousarray(X), y, None)
    Z = np.ascontiguousarray(Z)
    _, _, by_mean, by_variance = model.predict_with_gradients(Z)
    for i, z in enumerate(Z):
        for j in range(len(z)):
            if categorical[j] or math.isnan(z[j]):
                assert by_mean[i, j] == 0 and by_variance[i, j] == 0
                continue
            up, down = z.copy(), z.copy()
            up[j] += 1e-6
            down[j] -= 1e-6
            (a, c), (b, e) = (model.predict(np.ascontiguousarray(row[None])) for row in (up, down))
            assert by_mean[i, j] == pytest.approx((a[0] - b[0]) / 2e-6, rel=1e-4, abs=1e-5)
            assert by_variance[i, j] == pytest.approx((c[0] - e[0]) / 2e-6, rel=1e-4, abs=1e-5)


def test_any_inactive_pattern_has_a_positive_definite_covariance():
    # One constant distance between active and inactive values has not: 40 points on a line, one off it.
    X = np.linspace(0, 1, 40)[:, None]
    X[::5] = np.nan
    for height in (0.01, 0.2, 4.0):
        for categorical in (False, True):
            theta = [math.log(0.5), 0.0, math.log(1e-7), math.log(height)]
            model = native.Regressor([categorical], [True], theta)
            model.assign(np.ascontiguousarray(X), np.zeros(40), None)
            assert len(model) == 40


def test_appended_rows_make_the_same_model():
    rng = np.random.default_rng(0)
    X, y, Z = rng.random((50, 3)), rng.standard_normal(50), rng.random((7, 3))
    theta = [-0.5, 0.0, -1.0, 0.3, -6.0]
    whole, grown = (native.Regressor([False] * 3, [False] * 3, theta) for _ in range(2))
    whole.assign(X, y, None)
    grown.assign(X[:5].copy(), y[:5].copy(), None)
    for x in X[5:]:
        grown.append(x.copy(), 0.0)
    grown.set_targets(y)
    for a, b in zip(whole.predict(Z), grown.predict(Z), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-11)


def test_the_fit_is_where_scipy_ends():
    rng = np.random.default_rng(3)
    X = rng.random((30, 2))
    y = np.sin(6 * X[:, 0]) + 0.3 * X[:, 1]
    y = (y - y.mean()) / y.std()
    options = native.FitOptions()
    options.prior = native.Prior.standard(2)
    flags = [False, False]
    theta = native.fit_map(X, y, None, flags, flags, options)

    def loss(t):
        value, gradient = native.log_posterior(X, y, None, t, flags, flags, options.prior, True)
        return -value, -gradient

    best = minimize(loss, theta, jac=True, method="BFGS")
    assert loss(theta)[0] <= best.fun + 1e-3


def test_fit_is_a_pure_function():
    rng = np.random.default_rng(3)
    X, y = rng.random((30, 2)), rng.standard_normal(30)
    options = native.FitOptions()
    options.prior = native.Prior.standard(2)
    thetas = [native.fit_map(X, y, None, [False] * 2, [False] * 2, options) for _ in range(3)]
    np.testing.assert_array_equal(thetas[0], thetas[1])
    np.testing.assert_array_equal(thetas[0], thetas[2])


def test_slice_sampling_has_the_moments_of_the_posterior():
    # One observation says nothing of the length scale: its posterior is its prior.
    prior = native.Prior.standard(1)
    draws = native.sample_posterior(
        np.array([[0.5]]), np.array([0.0]), None, [False], [False], prior, [0.0, 0.0, -7.0], 3000, 1, 2
    )
    assert draws.shape == (3000, 3)
    assert draws[:, 0].mean() == pytest.approx(prior.length_scale.mean, abs=0.1)
    assert draws[:, 0].std() == pytest.approx(prior.length_scale.std, abs=0.1)


@pytest.mark.parametrize("shared", [0.0, 0.3, 0.64, 0.99])
@pytest.mark.parametrize("d", [1, 2, 7])
def test_the_prior_of_the_length_scales_is_a_correlated_normal(d, shared):
    rng = np.random.default_rng(d)
    prior = native.Prior.standard(d)
    prior.shared = shared
    categorical = [j % 3 == 1 for j in range(d)]  # keep a part of their own
    a, b = (np.append(rng.normal(-0.5, 1.0, d), [0.3, -6.0]) for _ in range(2))
    X, y = rng.random((3, d)), rng.standard_normal(3)

    def log_prior(theta):
        with_and_without = [
            native.log_posterior(X, y, None, theta, categorical, [False] * d, prior, with_prior)[0]
            for with_prior in (True, False)
        ]
        return with_and_without[0] - with_and_without[1]

    scale = prior.length_scale
    together = ~np.array(categorical)
    correlation = np.where(np.outer(together, together), shared, 0.0)
    np.fill_diagonal(correlation, 1.0)
    oracle = multivariate_normal(np.full(d, scale.mean), scale.std**2 * correlation)
    expected = oracle.logpdf(a[:d]) - oracle.logpdf(b[:d])
    assert log_prior(a) - log_prior(b) == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_draws_of_the_length_scales_are_correlated():
    prior = native.Prior.standard(2)
    prior.shared = 0.64
    scale = prior.length_scale.mean
    draws = native.sample_posterior(
        np.array([[0.5, 0.5]]),
        np.array([0.0]),
        None,
        [False] * 2,
        [False] * 2,
        prior,
        [scale, scale, 0.0, -7.0],
        6000,
        1,
        2,
    )
    assert np.corrcoef(draws[:, :2].T)[0, 1] == pytest.approx(0.64, abs=0.06)
    np.testing.assert_allclose(draws[:, :2].std(axis=0), prior.length_scale.std, atol=0.1)


def test_length_scales_that_nothing_is_known_of_follow_the_others():
    # The second column never varies; what the first shows of the roughness is all that there is to say of it.
    x = np.linspace(0, 1, 30)
    X = np.column_stack([x, np.full(30, 0.5)])
    model = GaussianProcess().fit(X, np.sin(25 * x))
    rough, unseen = model.length_scales_.values()
    median = 0.5 * math.sqrt(2)
    assert rough < median
    assert math.log(unseen / median) == pytest.approx(0.64 * math.log(rough / median), rel=0.05)


HOSTILE = [
    [0.0],
    [1e308, -1e308],
    [1.0, 1.0, 1.0, 1.0],
    [1e308] * 3 + [-1e308] * 3,
    [5e-324, 0.0, 1e-323],
    [1e-300, 2e-300, 3e-300, 7e-300, 9e-300],
    [1.0 + k * 1e-12 for k in range(8)],
    [0.0] * 7 + [1e308],
    [0.0] * 7 + [-1e308],
    [*range(9), 1e308],
    [*range(9), -1e308],
    list(10.0 ** np.arange(-12, 13)),
]


@pytest.mark.parametrize("values", HOSTILE)
@pytest.mark.parametrize("transform", [native.TransformKind.standard, native.TransformKind.clip])
def test_standardised_outputs_are_finite_and_keep_their_order(values, transform):
    values = np.array(values, dtype=float)
    y = native.standardise(values, transform).y
    assert np.isfinite(y).all()
    assert abs(y.mean()) < 1e-6
    order = np.argsort(values, kind="stable")
    assert (np.diff(y[order]) >= 0).all()
    assert y[np.argmin(values)] == y.min()


def test_one_bad_value_does_not_flatten_the_rest():
    y = native.standardise(np.array([*range(20), 1e308], dtype=float), native.TransformKind.clip).y
    assert y[10] - y[0] > 0.5
    y = native.standardise(np.array([*range(20), -1e308], dtype=float), native.TransformKind.clip).y
    assert y[20] < y[0] < y[10] < y[19]


# --- the Python face ---------------------------------------------------------------------------------------------


def data(n=40, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.random((n, 3))
    return X, 100 + 10 * np.sin(5 * X[:, 0]) + 3 * X[:, 1]


def test_it_learns_a_function_and_which_columns_matter():
    X, y = data(60)
    model = GaussianProcess().fit(X, y)
    Z, truth = data(200, seed=1)
    mean, std = model.predict(Z, return_std=True)
    assert np.sqrt(np.mean((mean - truth) ** 2)) < 0.5
    assert std.shape == (200,) and (std >= 0).all()
    scales = model.length_scales_
    assert list(scales) == ["x0", "x1", "x2"]
    assert scales["x0"] < scales["x1"] < scales["x2"]
    assert model.noise_variance_ < 0.1 < model.signal_variance_
    assert model.n_ == 60


def test_joint_covariance_and_samples():
    X, y = data()
    model = GaussianProcess().fit(X, y)
    Z = data(5, seed=2)[0]
    mean, std = model.predict(Z, return_std=True)
    _, cov = model.predict(Z, return_cov=True)
    np.testing.assert_allclose(np.sqrt(np.diag(cov)), std, rtol=1e-6, atol=1e-8)
    draws = model.sample(Z, 4000, seed=0)
    np.testing.assert_allclose(draws.mean(0), mean, atol=4 * std.max() / 60)
    np.testing.assert_allclose(np.cov(draws.T), cov, atol=0.1 * cov.max())
    np.testing.assert_array_equal(model.sample(Z, 3, seed=5), model.sample(Z, 3, seed=5))


def test_append_is_conditioning():
    X, y = data()
    model = GaussianProcess().fit(X, y)
    before = model.log_marginal_likelihood()
    x = np.array([0.5, 0.5, 0.5])
    model.append(x, 130.0)
    assert model.n_ == 41
    assert model.predict(x[None])[0] > 110
    assert model.log_marginal_likelihood() < before


def test_known_noise_is_used():
    X, y = data()
    noisy = y.copy()
    noisy[0] += 20
    errors = np.zeros(len(y))
    errors[0] = 50.0
    mean = GaussianProcess().fit(X, noisy, errors).predict(X[:1])
    assert abs(mean[0] - y[0]) < 3


def test_it_takes_a_spaces_own_columns():
    space = hp.Space(
        {
            "kernel": hp.Categorical(["rbf", "poly", "linear"]),
            "degree": hp.Int(2, 5, when={"kernel": "poly"}),
            "C": hp.Float(1e-3, 1e3, log=True),
        }
    )
    X = np.array([space.encode(p) for p in space.sample(40, seed=0)])
    y = np.array([math.log(space.decode(u)["C"]) ** 2 for u in X])
    model = GaussianProcess(space).fit(X, y)
    assert list(model.length_scales_) == ["kernel", "degree", "C"]
    assert model.length_scales_["C"] < model.length_scales_["kernel"]


@pytest.mark.parametrize("values", HOSTILE)
def test_hostile_values_leave_a_finite_model(values):
    X = np.random.default_rng(0).random((len(values), 2))
    mean, std = GaussianProcess().fit(X, values).predict(X, return_std=True)
    assert np.isfinite(mean).all()
    assert not np.isnan(std).any()


@pytest.mark.parametrize("n", [2, 50, 300])
def test_duplicates(n):
    X = np.full((n, 2), 0.3)
    mean, std = GaussianProcess().fit(X, np.arange(n)).predict(X[:1], return_std=True)
    assert abs(mean[0] - (n - 1) / 2) < 0.2 * n
    assert std[0] >= 0


X_GOOD, Y_GOOD = data(5)


@pytest.mark.parametrize(
    ("call", "word"),
    [
        (lambda: GaussianProcess(space=3), "space"),
        (lambda: GaussianProcess(n_starts=0), "n_starts"),
        (lambda: GaussianProcess(n_starts=1.5), "n_starts"),
        (lambda: GaussianProcess().predict(X_GOOD), "fit"),
        (lambda: GaussianProcess().fit(X_GOOD, Y_GOOD[:4]), "shape"),
        (lambda: GaussianProcess().fit(X_GOOD[0], Y_GOOD), "shape"),
        (lambda: GaussianProcess().fit(X_GOOD * np.nan, Y_GOOD), "NaN"),
        (lambda: GaussianProcess().fit(X_GOOD * 3, Y_GOOD), "cube"),
        (lambda: GaussianProcess().fit(X_GOOD, Y_GOOD * np.inf), "finite"),
        (lambda: GaussianProcess().fit(X_GOOD, ["a"] * 5), "numbers"),
        (lambda: GaussianProcess().fit(X_GOOD, Y_GOOD, -np.ones(5)), "std_errors"),
        (lambda: GaussianProcess().fit(X_GOOD, Y_GOOD, np.ones(4)), "std_errors"),
        (lambda: GaussianProcess().fit(np.empty((0, 2)), []), "at least one"),
        (lambda: GaussianProcess().fit(X_GOOD, Y_GOOD).predict(X_GOOD[:, :2]), "shape"),
        (lambda: GaussianProcess().fit(X_GOOD, Y_GOOD).predict(X_GOOD, True, True), "both"),
        (lambda: GaussianProcess().fit(X_GOOD, Y_GOOD).sample(X_GOOD, 0), "n_samples"),
        (lambda: GaussianProcess().fit(X_GOOD, Y_GOOD).append(X_GOOD[0], math.nan), "finite"),
    ],
)
def test_wrong_calls_are_named(call, word):
    with pytest.raises((hp.errors.InvalidArgument, hp.errors.InvalidType, NotFitted), match=word):
        call()


def test_the_native_door_checks_shapes_too():
    model = native.Regressor([False], [False], [0.0, 0.0, -3.0])
    with pytest.raises(ValueError, match="theta"):
        native.Regressor([False], [False], [0.0])
    with pytest.raises(ValueError, match="one entry"):
        native.Regressor([False], [False, True], [0.0])
    with pytest.raises(ValueError, match="X"):
        model.assign(np.zeros((2, 2)), np.zeros(2), None)
    with pytest.raises(TypeError):
        model.assign(np.zeros((2, 1), dtype=np.float32), np.zeros(2), None)


def test_a_sampler_pickles():
    sampler = hp.samplers.GPSampler(n_startup_trials=5)
    assert repr(pickle.loads(pickle.dumps(sampler))) == repr(sampler)  # noqa: S301


@pytest.mark.parametrize("options", [{}, {"transform": "half_log"}, {"warp": True}])
def test_a_fitted_model_can_be_sent_and_copied(options):
    rng = np.random.default_rng(3)
    X, y = rng.random((20, 2)), rng.random(20)
    model = GaussianProcess(**options).fit(X, y, std_errors=np.full(20, 0.01))
    model.append([0.2, 0.3], 0.4)
    for other in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):  # noqa: S301
        for mine, theirs in zip(model.predict(X, return_std=True), other.predict(X, return_std=True), strict=True):
            np.testing.assert_allclose(theirs, mine, rtol=1e-9)
        assert other.log_marginal_likelihood() == pytest.approx(model.log_marginal_likelihood())
        other.append([0.6, 0.7], 0.1)
        assert (other.n_, model.n_) == (22, 21)
    fresh = pickle.loads(pickle.dumps(GaussianProcess(**options)))  # noqa: S301
    with pytest.raises(NotFitted):
        fresh.predict(X)
    assert fresh.fit(X, y).n_ == 20


def test_as_many_starts_as_are_asked_for():
    rng = np.random.default_rng(0)
    X = rng.random((80, 3))
    y = np.sin(20 * X[:, 0]) + 0.1 * rng.standard_normal(80)

    def density(n_starts):
        model = GaussianProcess(n_starts=n_starts).fit(X, y)
        prior = native.Prior.standard(3)
        return native.log_posterior(X, model._y, None, model._theta, [False] * 3, [False] * 3, prior, True, None)[0]

    assert density(None) == density(1)
    assert density(20) >= density(1)
    thetas = {tuple(GaussianProcess(n_starts=n).fit(X, y)._theta) for n in (1, 20)}
    assert len(thetas) == 2
