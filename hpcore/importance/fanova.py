"""fANOVA: shares of the variance of a model over the space.

Hutter, Hoos & Leyton-Brown (2014), "An efficient approach for assessing hyperparameter importance". The measure is that
of random search: uniform in the unit cube, with a log scale where the parameter has one.

Parameters that are active in the same trials share a model, of these trials and of all parameters that are active in
all of them; the parameters on which that activity depends vary within the values that occur there.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hpcore.importance.observations import MIN_TRIALS, Observations
from hpcore.space.parameter import Parameter

__all__ = ["Column", "Model", "fanova"]

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Column:
    """A parameter with the coordinates that it has in some trials.

    Attributes
    ----------
    index : int
        Position in the space.
    parameter : Parameter
        Parameter.
    u : ndarray of shape (n,)
        Coordinates in [0, 1], not all equal.
    cut : bool
        True where only the values that occur have a measure.
    """

    index: int
    parameter: Parameter
    u: FloatArray
    cut: bool = False


# From columns, values y (n,) of mean 0 and variance 1, and pairs (p, 2) of positions of columns: shares of the variance
# of columns (d,) and of interactions (p,).
Model = Callable[[Sequence[Column], FloatArray, IntArray], tuple[FloatArray, FloatArray]]


def fanova(seen: Observations, model: Model, pairs: bool) -> tuple[FloatArray, dict[tuple[int, int], float]]:
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
        columns, y = _columns(seen, rows, members), seen.y[rows]
        if not columns or y.min() == y.max():
            continue
        at = {column.index: i for i, column in enumerate(columns)}
        # Both of a group, or one of it and one that is active in more trials: each pair in one group.
        of_group = [
            (j, k) for j in at for k in at if j in members and (j < k if k in members else True)
        ] if pairs else []  # fmt: skip
        main, inner = model(
            columns, _standardised(y), np.array([(at[j], at[k]) for j, k in of_group], dtype=np.int64).reshape(-1, 2)
        )
        for j in members:
            if j in at:
                values[j] = main[at[j]]
        for (j, k), share in zip(of_group, inner.tolist(), strict=True):
            joint[min(j, k), max(j, k)] = share
    return values, joint


def _standardised(y: FloatArray) -> FloatArray:
    """Values of mean 0 and variance 1, from any that are not all equal: neither squares nor sums overflow."""
    y = y / np.abs(y).max()
    y = y - y.mean()
    y /= np.abs(y).max()
    scaled: FloatArray = y / y.std()
    return scaled


def _columns(seen: Observations, rows: BoolArray, members: Sequence[int]) -> list[Column]:
    """Columns that are active in all of some trials and have several values."""
    X = seen.X[rows]
    parents: set[int] = set()
    waiting = list(members)
    while waiting:
        found = set(seen.space.columns.parents[waiting.pop()]) - parents
        parents |= found
        waiting += found
    return [
        Column(j, seen.space[seen.space.names[j]], X[:, j], j in parents)
        for j in np.flatnonzero(~np.isnan(X).any(axis=0)).tolist()
        if X[:, j].min() < X[:, j].max()
    ]
