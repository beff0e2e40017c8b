"""fANOVA of a Gaussian process: against expressions by error functions, numeric integration, and known shares."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from scipy.special import erf

import hpcore as hp
from hpcore.importance import gaussian
from hpcore.importance.fanova import Column, fanova
from hpcore.importance.gaussian import Axis, GaussianModel, Hyperparameters, axis_of, decompose, fit, loss, solve
from hpcore.importance.observations import Observations

SPACE = hp.Space(
    {
        "x": hp.Float(0, 1),
        "c": hp.Categorical(["a", "b", "c", "d", "e"], weights=[1, 2, 3, 4, 2]),
        "n": hp.Int(1, 6),
        "l": hp.Float(1e-3, 1, log=True),
    }
)
H = Hyperparameters(np.array([0.4, 1.1, 0.7, 2.0]), 3.0, 0.01)


def trials(n: int, seed: int = 0) -> tuple[Any, Any]:
    """Points without the last two choices of ``c``, with all values of ``n``; and values."""
    X = SPACE.encode(SPACE.sample(3 * n, seed=seed))
    X = X[X[:, 1] < 0.5][:n]
    rng = np.random.default_rng(seed)
    return X, np.sin(5 * X[:, 0]) + 2 * X[:, 0] * (X[:, 1] > 0.2) + X[:, 2] * X[:, 3] + 0.1 * rng.normal(size=n)


def columns(X: Any, cut: bool = False) -> list[Column]:
    return [Column(j, SPACE[name], X[:, j], cut) for j, name in enumerate(SPACE.names)]


@pytest.mark.parametrize("length", [0.05, 0.11, 0.3, 1.0, 7.0, 1000.0])
def test_integrals_are_those_by_error_functions(length: float) -> None:
    w = 0.5 / length**2
    a = np.concatenate([[0.0, 0.5, 1.0], np.random.default_rng(0).random(40)])
    means, R = Axis(a).relative(np.arange(len(a)), w)
    root = math.sqrt(w)
    expected = math.sqrt(math.pi) / (2 * root) * (erf(root * (1 - a)) + erf(root * a))
    np.testing.assert_allclose(means, expected, rtol=1e-11)
    # The integral of the product of two is that of one, twice as narrow, in the middle.
    middle, apart = 0.5 * (a[:, None] + a), a[:, None] - a
    twice = math.sqrt(2 * w)
    product = np.exp(-0.5 * w * apart**2) * math.sqrt(math.pi) / (2 * twice)
    product *= erf(twice * (1 - middle)) + erf(twice * middle)
    np.testing.assert_allclose((1 + R @ R.T) * np.outer(means, means), product, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize(
    "parameter",
    [
        hp.Int(1, 5),
        hp.Int(1, 40, log=True),
        hp.Float(0, 1, step=0.25),
        hp.Float(0.1, 10, step=0.3, log=True),
        hp.Normal(0, 1, step=0.5),
        hp.Categorical([1, 2, 5, 9], ordered=True, weights=[1, 5, 2, 2]),
        hp.Categorical([1, 2, 5, 9], weights=[1, 5, 2, 2]),
        hp.Categorical([1, 2, 5]),
    ],
)
def test_nodes_have_the_shares_of_random_search(parameter: Any) -> None:
    space = hp.Space({"p": parameter})
    u = (np.arange(100_000) + 0.5) / 100_000
    values = [params["p"] for params in space.decode(u[:, None])]
    different = list(dict.fromkeys(values))
    expected = {value: values.count(value) / len(values) for value in different}
    axis = axis_of(Column(0, parameter, space.encode([{"p": value} for value in different])[:, 0]))
    assert axis.nodes is not None and axis.weights is not None and axis.weights.sum() == pytest.approx(1.0)
    found = dict(zip(axis.nodes.tolist(), axis.weights.tolist(), strict=True))
    for value, x in zip(different, axis.x.tolist(), strict=True):
        near = [share for node, share in found.items() if abs(node - x) < 1e-9]
        assert sum(near) == pytest.approx(expected[value], abs=3e-4)


def test_a_cut_to_levels_that_random_search_hardly_meets() -> None:
    space = hp.Space({"p": hp.Normal(0, 1, step=1.0, low=-8, high=8)})
    u = space.encode([{"p": 5.0}, {"p": 6.0}, {"p": 5.0}])[:, 0]
    axis = axis_of(Column(0, space["p"], u, True))
    assert axis.nodes is not None and axis.weights is not None
    assert axis.nodes.tolist() == sorted(set(u.tolist()))
    assert axis.weights[0] > 0.99 and axis.weights.sum() == pytest.approx(1.0)


def test_what_a_cut_leaves() -> None:
    """Only values that occur have a measure: the range of numbers, and the set of choices."""
    X, _ = trials(60)
    X = X[(X[:, 2] > 0.2) & (X[:, 0] > 0.3)]
    x, c, n, _ = (axis_of(column) for column in columns(X, cut=True))
    assert x.x.min() == 0.0 and x.x.max() == 1.0 and x.nodes is None
    assert c.nodes is not None and c.weights is not None and n.nodes is not None and n.weights is not None
    np.testing.assert_allclose(c.weights, np.array([1, 2, 3]) / 6)
    np.testing.assert_allclose(n.weights, np.full(5, 0.2))
    whole = axis_of(columns(X)[1])
    assert whole.weights is not None
    np.testing.assert_allclose(whole.weights, np.array([1, 2, 3, 6]) / 12)  # d and e together


def choice_at(u: float) -> int:
    """Number of the choice of ``c`` at a coordinate."""
    return int(np.searchsorted(np.cumsum([1, 2, 3, 4, 2]) / 12, u, side="right"))


def covariance(a: Any, b: Any) -> float:
    """Covariance of two points, by the definition."""
    exponent = sum(H.w[j] * (a[j] - b[j]) ** 2 for j in (0, 2, 3))
    return float(H.scale * math.exp(-exponent - H.w[1] * (choice_at(a[1]) != choice_at(b[1]))))


def test_the_coefficients_are_those_of_the_textbook() -> None:
    X, y = trials(25)
    K = np.array([[covariance(a, b) for b in X] for a in X]) + gaussian.CONSTANT
    axes, rows = [axis_of(column) for column in columns(X)], np.arange(25)
    alpha = solve(axes, rows, y, np.ones(25), H)
    np.testing.assert_allclose(alpha, np.linalg.solve(K + H.noise * np.eye(25), y), rtol=1e-8)
    # A row that counts twice is two rows.
    counts = np.where(rows < 5, 2.0, 1.0)
    twice = np.concatenate([rows, rows[:5]])
    both = solve(axes, twice, y[twice], np.ones(30), H)
    both[:5] += both[25:]
    np.testing.assert_allclose(solve(axes, rows, y, counts, H), both[:25], rtol=1e-8)


def test_shares_are_those_of_numeric_integration_of_the_mean() -> None:
    X, y = trials(25)
    axes, rows = [axis_of(column) for column in columns(X)], np.arange(25)
    alpha = solve(axes, rows, y, np.ones(25), H)
    pairs = np.array(list(itertools.combinations(range(4), 2)))
    main, joint = decompose(axes, rows, alpha, H.w, pairs)

    at, weights = np.polynomial.legendre.leggauss(20)
    line = (0.5 * at + 0.5, 0.5 * weights)
    choices = np.array([0.5, 1.5, 4.0, 8.0, 11.0]) / 12, np.array([1, 2, 3, 4, 2]) / 12
    levels = (np.arange(6) + 0.5) / 6, np.full(6, 1 / 6)
    grids = [line, choices, levels, line]
    points = np.array(list(itertools.product(*(values for values, _ in grids))))
    choice = np.searchsorted(np.cumsum([1, 2, 3, 4, 2]) / 12, points[:, 1], side="right")
    f = np.zeros(len(points))
    for a, row in zip(alpha, X, strict=True):
        exponent = sum(H.w[j] * (points[:, j] - row[j]) ** 2 for j in (0, 2, 3))
        f += a * np.exp(-exponent - H.w[1] * (choice != choice_at(row[1])))
    f = f.reshape([len(values) for values, _ in grids])
    w = [weights for _, weights in grids]

    def over(values: Any, kept: set[int]) -> Any:
        for axis in reversed(range(4)):
            if axis not in kept:
                values = np.tensordot(values, w[axis], (axis, 0))
        return values

    f -= over(f, set())
    total = over(f**2, set())
    mains = [over(f, {j}) for j in range(4)]
    np.testing.assert_allclose(main, [w[j] @ mains[j] ** 2 / total for j in range(4)], rtol=1e-8)
    for (j, k), share in zip(pairs.tolist(), joint, strict=True):
        rest = over(f, {j, k}) - mains[j][:, None] - mains[k]
        assert share == pytest.approx(w[j] @ rest**2 @ w[k] / total, rel=1e-7)
    assert joint.min() > 1e-5 and main.sum() + joint.sum() < 1.0


def test_gradient_by_finite_differences() -> None:
    X, y = trials(40)
    axes = [axis_of(column) for column in columns(X)]
    i, j = np.tril_indices(40, -1)
    distances = np.array([axis.distances(axis.x[i], axis.x[j]) for axis in axes])
    for at in (H, Hyperparameters(np.array([0.1, 5.0, 30.0, 0.3]), 0.2, 1.0)):
        _, gradient = loss(at.logarithms, distances, y)
        for k in range(6):
            step = np.zeros(6)
            step[k] = 1e-5
            ahead, behind = (loss(at.logarithms + sign * step, distances, y)[0] for sign in (1, -1))
            assert gradient[k] == pytest.approx((ahead - behind) / 2e-5, rel=1e-6, abs=1e-6)


def test_the_loss_is_a_density_by_scipy() -> None:
    from scipy.stats import multivariate_normal, norm

    X, y = trials(15)
    axes = [axis_of(column) for column in columns(X)]
    i, j = np.tril_indices(15, -1)
    distances = np.array([axis.distances(axis.x[i], axis.x[j]) for axis in axes])
    K = np.array([[covariance(a, b) for b in X] for a in X]) + gaussian.CONSTANT + H.noise * np.eye(15)
    other = Hyperparameters(H.lengths, H.scale, 0.5)

    def expected(h: Hyperparameters) -> float:
        likelihood = multivariate_normal(cov=K + (h.noise - H.noise) * np.eye(15)).logpdf(y)
        return -float(likelihood) - float(norm(*gaussian.NOISE_PRIOR).logpdf(math.log(h.noise)))

    difference = loss(other.logarithms, distances, y)[0] - loss(H.logarithms, distances, y)[0]
    assert difference == pytest.approx(expected(other) - expected(H), rel=1e-8)


def test_the_fit_is_no_worse_than_where_the_data_came_from() -> None:
    X = np.random.default_rng(0).random((80, 3))
    axes = [Axis(X[:, j]) for j in range(3)]
    true = Hyperparameters(np.array([0.2, 0.6, 50.0]), 1.0, 0.01)
    K = np.exp(-sum(w * (x.x[:, None] - x.x) ** 2 for x, w in zip(axes, true.w, strict=True))) + 0.01 * np.eye(80)
    y = np.linalg.cholesky(K) @ np.random.default_rng(1).normal(size=80)
    found = fit(axes, y, np.arange(80))
    i, j = np.tril_indices(80, -1)
    distances = np.array([axis.distances(axis.x[i], axis.x[j]) for axis in axes])
    value, gradient = loss(found.logarithms, distances, y)
    assert value <= loss(true.logarithms, distances, y)[0] and np.abs(gradient).max() < 0.05
    assert found.lengths[0] == pytest.approx(0.2, rel=0.4) and found.lengths[2] > 3.0


def test_shares_of_known_functions() -> None:
    """Ishigami's: 0.314, 0.442, 0, and 0.244 of the pair (x, z)."""
    space = {name: hp.Float(-np.pi, np.pi) for name in ("x", "y", "z")}

    def ishigami(t: Any) -> float:
        return float(np.sin(t["x"]) + 7 * np.sin(t["y"]) ** 2 + 0.1 * t["z"] ** 4 * np.sin(t["x"]))

    study = hp.minimize(ishigami, space, sampler="sobol", n_trials=200, seed=0)
    found = hp.importance(study, method="fanova", pairs=True, interval=None)
    for name, share in (("x", 0.314), ("y", 0.442), ("z", 0.0)):
        assert float(found[name]) == pytest.approx(share, abs=0.01)
    assert float(found.pairs["x", "z"]) == pytest.approx(0.244, abs=0.01)

    # s n with s = +-1 by choice, probabilities 3/4 and 1/4, and n of 1 .. 3: by hand.
    mixed = {"c": hp.Categorical(["a", "b"], weights=[3, 1]), "n": hp.Int(1, 3), "free": hp.Categorical([1, 2, 3])}
    study = hp.minimize(
        lambda t: t["n"] if t["c"] == "a" else -t["n"], mixed, sampler="random", n_trials=40, seed=0, repeats=40
    )
    found = hp.importance(study, method="fanova", pairs=True, interval=None)
    variances = {"c": 0.75 * 4, "n": 2 / 3 * 0.25, "pair": 2 / 3 * 0.75}
    total = sum(variances.values())
    for share, variance in ((found["c"], "c"), (found["n"], "n"), (found.pairs["c", "n"], "pair")):
        assert float(share) == pytest.approx(variances[variance] / total, abs=0.003)
    assert float(found["free"]) < 0.001


def test_duplicates_and_order() -> None:
    X, y = trials(40)

    def shares(rows: Any) -> Any:
        values, joint = fanova(
            Observations(SPACE, X[rows], y[rows], np.ones(len(rows), bool), ""), GaussianModel(), True
        )
        return np.concatenate([values, list(joint.values())])

    expected = shares(np.arange(40))
    np.testing.assert_allclose(shares(np.random.default_rng(0).permutation(40)), expected, atol=1e-12)
    # The same trials twice say the same, a little more firmly.
    np.testing.assert_allclose(shares(np.repeat(np.arange(40), 2)), expected, atol=0.02)
    many = shares(np.repeat(np.arange(40), 5000))
    assert (many >= 0.0).all() and many.sum() <= 1.0 + 1e-9


def test_points_of_which_only_some_count() -> None:
    """More rows than are fitted, and more than the mean has: the shares stay those of the function."""
    rng = np.random.default_rng(0)
    X = rng.random((2500, 2))
    space = hp.Space({"x": hp.Float(0, 1), "y": hp.Float(0, 1)})
    y = 2 * X[:, 0] + X[:, 1] + 0.3 * rng.normal(size=2500)
    values, _ = fanova(Observations(space, X, y, np.ones(2500, bool), ""), GaussianModel(), False)
    np.testing.assert_allclose(values, [0.8, 0.2], atol=0.02)


def test_a_column_with_many_levels_or_choices() -> None:
    rng = np.random.default_rng(0)
    space = hp.Space({"n": hp.Int(0, 10**6), "c": hp.Categorical(list(range(5000))), "m": hp.Int(0, 64)})
    X = space.encode(space.sample(60, seed=0))
    y = X[:, 0] + 0.001 * rng.normal(size=60)
    values, _ = fanova(Observations(space, X, y, np.ones(60, bool), ""), GaussianModel(), False)
    assert values[0] > 0.99 and values[1] < 0.01


@pytest.mark.parametrize("cut", [False, True])
@pytest.mark.parametrize("most", [100, 1000, 10**6])
def test_wide_levels_of_a_logarithmic_grid(most: int, cut: bool) -> None:
    space = hp.Space({"n": hp.Int(1, most, log=True), "b": hp.Int(0, 1)})
    X = space.encode(space.sample(400, seed=1))
    y = 1.0 * (X[:, 0] > X[:, 0].min()) + (X[:, 1] > 0.5)
    # That of 1, whose cell is from 1/2 to 3/2: there the mean of a continuous parameter would run away.
    share = math.log(3.0) / math.log(2.0 * most + 1.0) / (X[:, 0].max() if cut else 1.0)
    variance = share * (1.0 - share)
    given = [Column(j, space[name], X[:, j], cut) for j, name in enumerate(space.names)]
    main, _ = GaussianModel()(given, (y - y.mean()) / y.std(), np.empty((0, 2), dtype=np.int64))
    np.testing.assert_allclose(main, np.array([variance, 0.25]) / (variance + 0.25), atol=0.02)


def test_hundreds_of_columns() -> None:
    space = hp.Space({f"x{j}": hp.Float(0, 1) for j in range(300)})
    X = np.random.default_rng(0).random((40, 300))
    values, joint = fanova(Observations(space, X, X[:, 7].copy(), np.ones(40, bool), ""), GaussianModel(), False)
    assert np.argmax(values) == 7 and values.sum() <= 1.0 + 1e-9 and not joint


@pytest.mark.parametrize("n", [5, 6, 9])
def test_few_trials_and_noise_alone(n: int) -> None:
    X, _ = trials(n)
    y = np.random.default_rng(n).normal(size=n)
    values, joint = fanova(Observations(SPACE, X, y, np.ones(n, bool), ""), GaussianModel(), True)
    shares = np.concatenate([values, list(joint.values())])
    assert ((shares >= 0.0) & (shares <= 1.0)).all() and shares.sum() <= 1.0 + 1e-9
