"""Shares of the variance of a random forest over the space."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hpcore.importance.fanova import Column
from hpcore.importance.levels import shares_of_levels
from hpcore.importance.marginals import decompose
from hpcore.space.discrete import Categorical, Int
from hpcore.space.reals import Float

__all__ = ["Feature", "feature_of", "fit_forest", "forest_shares", "measured"]

FloatArray = npt.NDArray[np.float64]
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


def forest_shares(
    columns: Sequence[Column], y: FloatArray, pairs: IntArray, n_trees: int, seed: int
) -> tuple[FloatArray, FloatArray]:
    """Shares of the variance: of columns (d,), and of interactions (p,)."""
    features = [feature_of(column, y) for column in columns]
    return measured(fit_forest(features, y, n_trees, seed), features, pairs)


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


def feature_of(column: Column, y: FloatArray) -> Feature:
    """The feature of a column."""
    parameter, u, cut = column.parameter, column.u, column.cut
    if isinstance(parameter, Categorical):
        return _choices(parameter, u, y, cut)
    levels = parameter.levels
    if levels is not None and levels <= MOST_LEVELS and isinstance(parameter, Int | Float) and not parameter.log:
        x = np.minimum(np.floor(u * levels), levels - 1.0)
        first, last = (x.min(), x.max()) if cut else (0.0, levels - 1.0)
        return Feature(x, lambda t: (np.floor(t) + 1.0 - first) / (last - first + 1.0))
    low, high = (float(u.min()), float(u.max())) if cut else (0.0, 1.0)
    if levels is not None and levels <= MOST_LEVELS:
        nodes, shares = shares_of_levels(parameter, u)
        inside = (nodes > low - 1e-9) & (nodes < high + 1e-9)
        nodes, up_to = nodes[inside], np.cumsum(np.append(0.0, shares[inside]))
        return Feature(u, lambda t: up_to[np.searchsorted(nodes, t, side="right")] / up_to[-1])
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
