"""Parzen estimators against SciPy's distributions."""

import itertools
import pickle

import numpy as np
import pytest
from scipy.integrate import dblquad, quad
from scipy.stats import kstest, truncnorm

from hpcore.errors import InvalidArgument, InvalidType, NotFitted
from hpcore.surrogates.parzen import ParzenEstimator
from tests.reference import parzen as ref

CASES = [
    # n, n_levels, categorical, bandwidth, prior_weight
    (1, [0], [False], 0.3, 1.0),
    (7, [0, 0], [False, False], 0.05, 0.5),
    (20, [0, 5, 3], [False, False, True], 0.2, 2.0),
    (40, [0, 0, 0, 100, 2, 7], [False, False, False, False, True, True], 0.1, 1.0),
    (5, [4, 6], [True, False], 0.15, 1.0),
    (30, [0] * 20, [False] * 20, 0.25, 1.0),
    (9, [0, 0], [False, False], 0.4, 0.0),
    (9, [0, 1], [False, False], 5.0, 1.0),
]


def make(n, n_levels, categorical, bandwidth, prior_weight, seed=0):
    rng = np.random.default_rng(seed)
    d = len(n_levels)
    X, w, h = rng.random((n, d)), rng.random(n) + 0.1, np.full(d, bandwidth) * (0.5 + rng.random(d))
    X[0] = 0.0 if seed else X[0]
    model = ParzenEstimator(bandwidth=h, prior_weight=prior_weight, n_levels=n_levels, categorical=categorical)
    return model.fit(X, w), X, w, h


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("seed", [0, 1])
def test_log_density_is_that_of_scipy(case, seed):
    _, n_levels, categorical, _, prior_weight = case
    model, X, w, h = make(*case, seed=seed)
    points = np.random.default_rng(9).random((60, len(n_levels)))
    points[0], points[1] = 0.0, 1.0
    expected = ref.log_density(points, X, w, prior_weight, h, n_levels, categorical)
    np.testing.assert_allclose(model.logpdf(points), expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("h", [0.03, 0.2, 3.0])
def test_one_column_integrates_to_one(h):
    X = np.array([[0.0], [0.31], [0.99]])
    model = ParzenEstimator(bandwidth=h).fit(X, [1.0, 2.0, 0.5])
    total, _ = quad(lambda x: np.exp(model.logpdf([[x]])[0]), 0, 1, points=[0.31, 0.99], limit=200)
    assert total == pytest.approx(1.0, abs=1e-9)


def test_two_columns_integrate_to_one():
    model = ParzenEstimator(bandwidth=0.3).fit(np.random.default_rng(0).random((5, 2)))
    total, _ = dblquad(lambda y, x: np.exp(model.logpdf([[x, y]])[0]), 0, 1, 0, 1)
    assert total == pytest.approx(1.0, abs=1e-8)


def test_cells_sum_to_one():
    levels = [5, 3, 64]
    model = ParzenEstimator(n_levels=levels, categorical=[False, True, False], bandwidth=0.07)
    model.fit(np.random.default_rng(0).random((11, 3)))
    cells = np.array(list(itertools.product(*((np.arange(n) + 0.5) / n for n in levels))))
    assert np.exp(model.logpdf(cells)).sum() / len(cells) == pytest.approx(1.0, abs=1e-11)


@pytest.mark.parametrize(("h", "prior_weight"), [(0.05, 1.0), (0.5, 0.3), (0.1, 0.0)])
def test_samples_follow_the_density(h, prior_weight):
    X = np.array([[0.02], [0.4], [0.97]])
    model = ParzenEstimator(bandwidth=h, prior_weight=prior_weight).fit(X, [1.0, 3.0, 2.0])
    grid = np.linspace(0, 1, 20001)
    density = np.exp(model.logpdf(grid[:, None]))
    cdf = np.concatenate([[0.0], np.cumsum(0.5 * (density[1:] + density[:-1]) * np.diff(grid))])
    draws = model.sample(20000, seed=5)[:, 0]
    assert draws.min() >= 0.0 and draws.max() <= 1.0
    assert kstest(draws, lambda x: np.interp(x, grid, cdf)).pvalue > 1e-3


@pytest.mark.parametrize("h", [0.02, 0.3])
def test_samples_at_the_ends_are_cut_normals(h):
    centres, weights = np.array([0.0, 0.6, 1.0]), np.array([2.0, 1.0, 3.0])
    model = ParzenEstimator(bandwidth=h, prior_weight=1e-9).fit(centres[:, None], weights)
    draws = model.sample(20000, seed=3)[:, 0]

    def cdf(x):
        parts = [truncnorm.cdf(x, -c / h, (1 - c) / h, loc=c, scale=h) for c in centres]
        return np.average(parts, axis=0, weights=weights)

    assert draws.min() > 0.0 and draws.max() < 1.0
    assert kstest(draws, cdf).pvalue > 1e-3


def test_samples_of_levels_and_categories_have_their_masses():
    levels = [6, 4]
    model = ParzenEstimator(n_levels=levels, categorical=[False, True], bandwidth=0.2)
    model.fit([[0.1, 0.1], [0.9, 0.6]], [1.0, 2.0])
    draws = model.sample(40000, seed=1)
    cells = np.array(list(itertools.product(*((np.arange(n) + 0.5) / n for n in levels))))
    expected = np.exp(model.logpdf(cells)) / len(cells)
    got = [np.mean(np.all(np.abs(draws - cell) < 1e-12, axis=1)) for cell in cells]
    np.testing.assert_allclose(got, expected, atol=0.01)


def test_joint_samples_keep_columns_together():
    model = ParzenEstimator(bandwidth=0.02, prior_weight=1e-9).fit([[0.2, 0.8], [0.8, 0.2]])
    draws = model.sample(500, seed=0)
    assert np.all(np.abs(draws.sum(axis=1) - 1.0) < 0.2)


def test_same_seed_same_samples():
    model = ParzenEstimator().fit(np.random.default_rng(0).random((5, 3)))
    np.testing.assert_array_equal(model.sample(10, seed=3), model.sample(10, seed=3))
    assert not np.array_equal(model.sample(10, seed=3), model.sample(10, seed=4))
    assert model.sample(0).shape == (0, 3)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"bandwidth": 0.0}, InvalidArgument, "bandwidth"),
        ({"bandwidth": "wide"}, InvalidType, "bandwidth"),
        ({"bandwidth": float("nan")}, InvalidArgument, "bandwidth"),
        ({"prior_weight": -1}, InvalidArgument, "prior_weight"),
        ({"n_levels": [-1]}, InvalidArgument, "n_levels"),
        ({"categorical": [True]}, InvalidArgument, "n_levels"),
    ],
)
def test_wrong_options(options, error, words):
    with pytest.raises(error, match=words):
        ParzenEstimator(**options)


@pytest.mark.parametrize(
    ("X", "weights", "words"),
    [
        ([[1.5]], None, "X"),
        ([[float("nan")]], None, "X"),
        ([0.5], None, "X"),
        (np.empty((0, 2)), None, "X"),
        ([[0.5]], [0.0], "weights"),
        ([[0.5]], [1.0, 1.0], "weights"),
    ],
)
def test_wrong_points(X, weights, words):
    with pytest.raises(InvalidArgument, match=words):
        ParzenEstimator().fit(X, weights)


def test_wrong_calls():
    model = ParzenEstimator()
    with pytest.raises(NotFitted, match="fit"):
        model.logpdf([[0.5]])
    model.fit([[0.5, 0.5]])
    with pytest.raises(InvalidArgument, match="X"):
        model.logpdf([[0.5]])
    with pytest.raises(InvalidType, match="n must"):
        model.sample(1.5)
    with pytest.raises(InvalidArgument, match="seed"):
        model.sample(1, seed=-1)
    with pytest.raises(InvalidArgument, match="bandwidth"):
        ParzenEstimator(bandwidth=[0.1, 0.2, 0.3]).fit([[0.5, 0.5]])


def test_a_fitted_density_can_be_sent():
    X = np.random.default_rng(0).random((10, 2))
    density = ParzenEstimator(prior_weight=2.0).fit(X, weights=np.arange(1, 11))
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(density)).logpdf(X), density.logpdf(X))  # noqa: S301
    with pytest.raises(NotFitted):
        pickle.loads(pickle.dumps(ParzenEstimator())).logpdf(X)  # noqa: S301


@pytest.mark.parametrize(("weight", "prior"), [(1e308, 1.0), (5e-324, 0.0), (1e-300, 1e-300)])
def test_weights_count_by_their_shares(weight, prior):
    X = np.random.default_rng(0).random((10, 2))
    extreme = ParzenEstimator(prior_weight=prior).fit(X, weights=np.full(10, weight))
    same = ParzenEstimator(prior_weight=prior / weight).fit(X)
    np.testing.assert_allclose(extreme.logpdf(X), same.logpdf(X), rtol=1e-12)
