"""fANOVA: conditional parameters, and the forest's shares against numeric integration of its own predictions."""

from __future__ import annotations

import itertools
from functools import partial
from typing import Any

import numpy as np
import pytest

import hpcore as hp
from hpcore.importance.fanova import Column, fanova
from hpcore.importance.forest import Feature, feature_of, fit_forest, forest_shares, measured
from hpcore.importance.gaussian import GaussianModel
from hpcore.importance.observations import Observations, observe

MODELS: dict[str, Any] = {"gp": GaussianModel, "forest": lambda: partial(forest_shares, n_trees=64, seed=0)}
models = pytest.mark.parametrize("name", MODELS)


def cells(feature: Feature, cuts: Any, n_levels: int | None) -> tuple[Any, Any]:
    """A value in each cell that no cut divides, and the cell's measure."""
    if n_levels is not None:
        at = np.arange(n_levels, dtype=float)
        upper = feature.measure(at + 0.5)
    else:
        edges = np.unique(np.concatenate([[0.0], cuts, [1.0]]))
        at, upper = 0.5 * (edges[1:] + edges[:-1]), edges[1:]
    return at, np.diff(upper, prepend=0.0)


def integrated(forest: Any, features: list[Feature], levels: list[int | None]) -> tuple[Any, Any]:
    """Shares of main effects and interactions, by prediction at every cell of the product of all cuts of a tree."""
    d, mains, joints = len(features), [], []
    for tree in forest.estimators_:
        grids = [cells(f, tree.tree_.threshold[tree.tree_.feature == j], levels[j]) for j, f in enumerate(features)]
        points = np.array(list(itertools.product(*(at for at, _ in grids))))
        f = tree.predict(points).reshape([len(at) for at, _ in grids])
        w = [weight for _, weight in grids]

        def mean_over(values: Any, axes: Any, w: Any = w) -> Any:
            for axis in sorted(axes, reverse=True):
                values = np.tensordot(values, w[axis], (axis, 0))
            return values

        mean = mean_over(f, range(d))
        total = mean_over((f - mean) ** 2, range(d))
        marginal = [mean_over(f, set(range(d)) - {j}) for j in range(d)]
        main = np.array([w[j] @ (marginal[j] - mean) ** 2 for j in range(d)])
        joint = []
        for j, k in itertools.combinations(range(d), 2):
            both = mean_over(f, set(range(d)) - {j, k})
            rest = both - marginal[j][:, None] - marginal[k] + mean
            joint.append(w[j] @ rest**2 @ w[k])
        mains.append(main / total)
        joints.append(np.array(joint) / total)
    return np.mean(mains, axis=0), np.mean(joints, axis=0)


@pytest.mark.parametrize("cut", [False, True])
def test_marginals_are_those_of_numeric_integration(cut: bool) -> None:
    space = hp.Space(
        {
            "x": hp.Float(0, 1),
            "c": hp.Categorical(["a", "b", "c", "d"], weights=[1, 2, 3, 4]),
            "n": hp.Int(1, 6),
            "l": hp.Float(1e-3, 1, log=True),
        }
    )
    X = space.encode(space.sample(60, seed=1))
    X = X[X[:, 2] > 0.2]  # the lowest of n does not occur
    rng = np.random.default_rng(0)
    y = 3.0 * X[:, 0] ** 2 + X[:, 2] * X[:, 3] + (X[:, 1] > 0.3) + 0.1 * rng.normal(size=len(X))
    # A continuous column that is cut to the values that occur has another range: left to the next test.
    features = [
        feature_of(Column(j, space[name], X[:, j], cut and name in "cn"), y) for j, name in enumerate(space.names)
    ]
    forest = fit_forest(features, y, 5, 0)
    pairs = np.array(list(itertools.combinations(range(4), 2)))
    main, joint = measured(forest, features, pairs)
    levels = [None, 4, 6, None]
    expected_main, expected_joint = integrated(forest, features, levels)
    np.testing.assert_allclose(main, expected_main, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(joint, expected_joint, rtol=1e-9, atol=1e-12)
    assert (main > 0.0).all() and main.sum() + joint.sum() < 1.0


@pytest.mark.parametrize(
    "parameter", [hp.Int(1, 4, log=True), hp.Float(0.1, 10, step=0.3, log=True), hp.Normal(0, 1, step=0.5)]
)
@pytest.mark.parametrize("cut", [False, True])
def test_thresholds_between_uneven_levels(parameter: Any, cut: bool) -> None:
    space = hp.Space({"p": parameter})
    random = space.encode(space.decode((np.arange(20_000)[:, None] + 0.5) / 20_000))[:, 0]
    levels = np.unique(random)
    levels = levels[1:-1] if cut else levels
    random = random[(random >= levels[0]) & (random <= levels[-1])]
    thresholds = 0.5 * (levels[1:] + levels[:-1])
    found = feature_of(Column(0, parameter, levels, cut), levels).measure(thresholds)
    np.testing.assert_allclose(found, [np.mean(random < t) for t in thresholds], atol=3e-4)


def test_two_parameters_leave_nothing_over() -> None:
    space = {"x": hp.Float(0, 1), "y": hp.Float(0, 1)}
    study = hp.minimize(lambda t: t["x"] + 3 * t["x"] * t["y"], space, sampler="sobol", n_trials=600, seed=0)
    found = hp.importance(study, method="fanova", model="forest", pairs=True, interval=None)
    total = sum(map(float, found.values())) + sum(map(float, found.pairs.values()))
    assert total == pytest.approx(1.0, abs=1e-12)
    # By integration of x + 3 x y: variances 6.25, 2.25 and 0.75 twelfths.
    for share, expected in ((found["x"], 0.676), (found["y"], 0.243), (found.pairs["x", "y"], 0.081)):
        assert float(share) == pytest.approx(expected, abs=0.05)


def test_shares_of_a_known_function() -> None:
    """Ishigami's function, whose shares are known: 0.314, 0.442, 0, and 0.244 of the pair (x, z)."""
    space = {name: hp.Float(-np.pi, np.pi) for name in ("x", "y", "z")}

    def ishigami(t: Any) -> float:
        return float(np.sin(t["x"]) + 7 * np.sin(t["y"]) ** 2 + 0.1 * t["z"] ** 4 * np.sin(t["x"]))

    study = hp.minimize(ishigami, space, sampler="sobol", n_trials=1000, seed=0)
    found = hp.importance(study, method="fanova", model="forest", pairs=True, interval=None)
    assert list(found) == ["y", "x", "z"]
    # A forest of 1,000 points is smoother than the function in y, which has two hills.
    for name, share in (("x", 0.314), ("y", 0.442), ("z", 0.0)):
        assert float(found[name]) == pytest.approx(share, abs=0.12)
    assert next(iter(found.pairs)) == ("x", "z")
    assert float(found.pairs["x", "z"]) == pytest.approx(0.244, abs=0.06)


def conditional(n: int) -> hp.Optimizer:
    """`g` decides all where it is active, in a third of the trials; `k` the rest."""
    space = {
        "g": hp.Float(1e-3, 1, log=True, when={"k": "a"}),
        "h": hp.Float(0, 1, when={"k": ["a", "b"]}),
        "k": hp.Categorical(["a", "b", "c"]),
        "x": hp.Float(0, 1),
    }
    opt = hp.Optimizer(space, sampler="random", seed=0)
    for trial in opt.ask(n):
        value = {"a": 0.0, "b": 10.0, "c": 20.0}[trial["k"]] + 0.1 * trial["x"]
        opt.tell(trial, value + np.log10(trial["g"]) if trial["k"] == "a" else value)
    return opt


@models
def test_a_conditional_parameter_is_judged_where_it_is_active(name: str) -> None:
    opt = conditional(300)
    found = hp.importance(opt, method="fanova", model=name, interval=None, pairs=True)
    assert float(found["g"]) > 0.9 and float(found["k"]) > 0.9
    assert float(found["h"]) < 0.05 and float(found["x"]) < 0.05
    # A pair is there if one of the two is active wherever the other one is.
    pairs = {frozenset(pair) for pair in found.pairs}
    assert pairs == {frozenset(pair) for pair in (("k", "x"), ("g", "x"), ("g", "h"), ("h", "k"), ("h", "x"))}
    # The same number from the trials with k = "a" alone, as a search without conditions.
    inside = hp.Space({"g": hp.Float(1e-3, 1, log=True), "h": hp.Float(0, 1), "x": hp.Float(0, 1)})
    rows = [(t.params, t.value) for t in opt.trials if t["k"] == "a"]
    X = np.array([inside.encode({name: params[name] for name in inside.names}) for params, _ in rows])
    y = np.array([value for _, value in rows])
    alone, _ = fanova(Observations(inside, X, y, np.ones(len(y), bool), ""), MODELS[name](), False)
    assert float(found["g"]) == pytest.approx(alone[0], abs=1e-12)


@models
def test_a_parent_varies_within_what_makes_its_child_active(name: str) -> None:
    """The step between b and c is no part of the variance where `h` is active."""
    seen = observe(conditional(300), None, None, front=False)
    values, joint = fanova(seen, MODELS[name](), True)
    h, k = 1, 2
    assert values[h] < 0.05 and joint[h, k] < 0.05
    assert len(joint) == 5


@models
def test_too_few_active_trials(name: str) -> None:
    found = hp.importance(conditional(9), method="fanova", model=name)
    n_active = sum("g" in t.params for t in conditional(9).trials)
    assert n_active < 5 and found["g"] == (0.0, 0.0, 1.0)
