"""fANOVA: shares of the variance of a random forest over the space.

Hutter, Hoos & Leyton-Brown (2014), "An efficient approach for assessing hyperparameter importance". The measure is that
of random search: uniform in the unit cube, with a log scale where the parameter has one.

Parameters that are active in the same trials share a forest, of these trials and of all parameters that are active in
all of them; the parameters on which that activity depends vary within the values that occur there.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hpcore.importance.marginals import decompose
from hpcore.importance.observations import MIN_TRIALS, Observations
from hpcore.space.discrete import Categorical, Int
from hpcore.space.parameter import Parameter
from hpcore.space.reals import Float

__all__ = ["fanova", "fit_forest", "measured"]

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int64]

# Trials in a leaf. Of 1, 2 and 3, and of a half, three quarters and all of the features at each split, 3 and all came
# closest to the known shares of two functions of eight parameters, with noise or without.
MIN_LEAF = 3
MOST_LEVELS = 1024  # finer grids count as continuous


@dataclass(frozen=True)
class Feature:
    """A parameter as the forest sees it.

    Attributes
    ----------
    x : ndarray of shape (n,)
        Values: positions in an order of levels, or coordinates of the unit cube.
    measure : callable
        Share of the parameter's measure at or below a threshold, vectorised.
    """

    x: FloatArray
    measure: Callable[[FloatArray], FloatArray]


def fanova(seen: Observations, n_trees: int, seed: int, pairs: bool) -> tuple[FloatArray, dict[tuple[int, int], float]]:
    """Shares of the variance by parameter (d,), and by pair of parameters.

    NaN where too few trials count. A pair is left out unless one of the two is active wherever the other one is.
    """
    values = np.full(seen.X.shape[1], math.nan)
    joint: dict[tuple[int, int], float] = {}
    active = ~np.isnan(seen.X)
    groups: dict[bytes, list[int]] = {}
    for j in range(active.shape[1]):
        groups.setdefault(active[:, j].tobytes(), []).append(j)
    for members in groups.values():
        rows = active[:, members[0]]
        if rows.sum() < MIN_TRIALS:
            continue
        values[members] = 0.0
        columns, features = _features(seen, rows, members)
        if not columns:
            continue
        at = {j: i for i, j in enumerate(columns)}
        # Both of a group, or one of it and one that is active in more trials: each pair in one group.
        of_group = [
            (j, k) for j in columns for k in columns if j in members and (j < k if k in members else True)
        ] if pairs else []  # fmt: skip
        main, inner = measured(
            fit_forest(features, seen.y[rows], n_trees, seed),
            features,
            np.array([(at[j], at[k]) for j, k in of_group], dtype=np.int64).reshape(-1, 2),
        )
        for j in members:
            if j in at:
                values[j] = main[at[j]]
        for (j, k), share in zip(of_group, inner.tolist(), strict=True):
            joint[min(j, k), max(j, k)] = share
    return values, joint


def fit_forest(features: Sequence[Feature], y: FloatArray, n_trees: int, seed: int) -> Any:
    """Fit scikit-learn's forest to features."""
    from sklearn.ensemble import RandomForestRegressor

    leaf = max(1, min(MIN_LEAF, len(y) // 10))  # a few trials could not be divided otherwise
    forest = RandomForestRegressor(n_trees, min_samples_leaf=leaf, max_features=1.0, random_state=seed)
    return forest.fit(np.column_stack([feature.x for feature in features]), y)


def measured(forest: Any, features: Sequence[Feature], pairs: IntArray) -> tuple[FloatArray, FloatArray]:
    """Means over the trees of the shares of the variance: of features (d,), and of interactions (p,)."""
    mains, joints = [], []
    for estimator in forest.estimators_:
        tree = estimator.tree_
        feature, cut = tree.feature.astype(np.int64), np.zeros(tree.node_count)
        for j, column in enumerate(features):
            mine = feature == j
            cut[mine] = np.clip(column.measure(tree.threshold[mine]), 0.0, 1.0)
        main, joint = np.empty(len(features)), np.empty(len(pairs))
        left, right = tree.children_left.astype(np.int64), tree.children_right.astype(np.int64)
        value = np.ascontiguousarray(tree.value[:, 0, 0])
        total = decompose(left, right, feature, cut, value, pairs, main, joint)
        if total > 0.0:
            mains.append(main / total)
            joints.append(joint / total)
    if not mains:  # all trees are constant
        return np.zeros(len(features)), np.zeros(len(pairs))
    shares: FloatArray = np.clip(np.mean(mains, axis=0), 0.0, 1.0)
    inner: FloatArray = np.clip(np.mean(joints, axis=0), 0.0, 1.0)
    return shares, inner


def _features(seen: Observations, rows: BoolArray, members: Sequence[int]) -> tuple[list[int], list[Feature]]:
    """Columns that are active in all of some trials and have several values, and their features."""
    X, y = seen.X[rows], seen.y[rows]
    parents: set[int] = set()
    waiting = list(members)
    while waiting:
        found = set(seen.space.columns.parents[waiting.pop()]) - parents
        parents |= found
        waiting += found
    columns, features = [], []
    for j in np.flatnonzero(~np.isnan(X).any(axis=0)).tolist():
        u = X[:, j]
        if u.min() < u.max():
            columns.append(j)
            features.append(_feature(seen.space[seen.space.names[j]], u, y, j in parents))
    return columns, features


def _feature(parameter: Parameter, u: FloatArray, y: FloatArray, cut: bool) -> Feature:
    """A column as a feature; if `cut`, only the values that occur have a measure."""
    if isinstance(parameter, Categorical):
        return _choices(parameter, u, y, cut)
    levels = parameter.levels
    if levels is not None and levels <= MOST_LEVELS and isinstance(parameter, Int | Float) and not parameter.log:
        x = np.minimum(np.floor(u * levels), levels - 1.0)
        first, last = (x.min(), x.max()) if cut else (0.0, levels - 1.0)
        return Feature(x, lambda t: (np.floor(t) + 1.0 - first) / (last - first + 1.0))
    low, high = (float(u.min()), float(u.max())) if cut else (0.0, 1.0)
    return Feature(u, lambda t: (t - low) / (high - low))


def _choices(parameter: Categorical, u: FloatArray, y: FloatArray, cut: bool) -> Feature:
    """Choices in the order of their mean values: the best split in two sets is then one by a threshold (Fisher 1958;
    Wright & König 2019, "Splitting on categorical predictors in random forests")."""
    n = len(parameter.choices)
    edges = np.array(parameter.core.column.cumulative or np.arange(1, n + 1) / n)
    level = np.minimum(np.searchsorted(edges, u, side="right"), n - 1)
    counts = np.bincount(level, minlength=n)
    sums = np.bincount(level, weights=y, minlength=n)
    means = np.where(counts > 0, sums / np.maximum(counts, 1), y.mean())
    order = np.argsort(means, kind="stable")
    width = np.diff(edges, prepend=0.0) * ((counts > 0) if cut else 1.0)
    up_to = np.cumsum(width[order])
    position = np.empty(n)
    position[order] = np.arange(n)
    return Feature(position[level], lambda t: up_to[np.floor(t).astype(np.int64)] / up_to[-1])
