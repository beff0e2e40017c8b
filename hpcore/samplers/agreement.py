"""Agreement of told gradients with told values: what wrong gradients predict is not what happens."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["agree"]

FloatArray = npt.NDArray[np.float64]

NEWEST = 200  # trials that are looked at: the time is quadratic in them
FEWEST = 4  # trials with a gradient, below which nothing can be said
# Share of trials that must be predicted better than by no change. It is near 1 for gradients of a smooth function, 1/2
# where noise rules the values, about 1/3 for derivatives at random of the right size, and 0 for those of wrong sign.
LEAST = 0.4


def agree(X: FloatArray, values: FloatArray, gradients: FloatArray) -> bool:
    """Tell whether gradients predict how values differ between neighbours.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        Points of the unit cube; NaN where inactive.
    values : ndarray of shape (n,)
        Finite values.
    gradients : ndarray of shape (n, d)
        Derivatives, NaN where not told.

    Returns
    -------
    bool
        True if most differences of a trial from the nearest other one are less far from ``(g + g') / 2 @ (x' - x)``,
        where g and g' are the gradients of the two, than from 0; or if fewer than four trials have a gradient.
    """
    told = np.flatnonzero(~np.isnan(gradients).all(axis=1))[-NEWEST:]
    if len(told) < FEWEST:
        return True
    active = ~np.isnan(X[told])
    points = np.where(active, X[told], 0.5)
    square = (points * points).sum(axis=1)
    apart = square[:, None] + square - 2.0 * points @ points.T
    ones = active.astype(np.float64)
    apart += ones @ (1.0 - ones).T + (1.0 - ones) @ ones.T  # columns that are active in one of two only
    np.fill_diagonal(apart, np.inf)
    nearest = np.argmin(apart, axis=1)
    move = points[nearest] - points
    # In units of the largest, because a difference may be more than the largest double.
    size = max(float(np.abs(values[told]).max()), np.finfo(np.float64).tiny)
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        change = values[told][nearest] / size - values[told] / size
        here = np.nan_to_num(gradients[told]) / size
        predicted = (0.5 * (here + here[nearest]) * move).sum(axis=1)
        better = np.abs(change - predicted) < np.abs(change)
        counts = (change != 0.0) | (predicted != 0.0)
    return not counts.any() or float(better[counts].mean()) >= LEAST
