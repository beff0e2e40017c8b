"""Penalties in place of results, such as 1e5 for what is impossible, told from values that are merely poor."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

__all__ = ["beyond_cliff"]

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

# The near side has at least so many values, so many different ones, so many in the upper nine tenths of its width
# (else it is itself drawn out, as what grows exponentially is), and so many of the first ten: a search that closes in
# on an optimum has its best values late.
NEAR, DISTINCT, SPREAD, EARLY, FIRST = 4, 3, 3, 2, 10
LEAST = 4.0  # widths of the near side that the gap must have


def beyond_cliff(values: FloatArray) -> BoolArray | None:
    """Mark the values that are penalties rather than results; None if none are.

    Parameters
    ----------
    values : ndarray of shape (n,)
        Finite, in the order of the trials, lower is better.

    Returns
    -------
    ndarray of shape (n,) or None
        True beyond an empty gap that is several times as wide as all values below it spread: 4 times, if what lies
        beyond it are three or more equal values; 20 times, if they are two equal ones, or more that repeat a few
        levels or differ by less than a tenth of the gap; 1000 times, if they keep to a few levels roughly or lie
        within a thousand gaps. Of several such gaps it is the lowest. Values that grow steadily, however fast, leave
        none.
    """
    n = n_near = len(values)
    if n < NEAR + 2:
        return None
    with np.errstate(under="ignore"):
        halves = 0.5 * values  # no difference of halves overflows
        ordered = np.sort(halves)
        # Once the highest penalties are set aside, lower ones may be seen to lie close together.
        while (lower := _below_cliff(ordered[:n_near], halves[:FIRST])) is not None:
            n_near = lower
    if n_near == n:
        return None
    beyond: BoolArray = halves > ordered[n_near - 1]
    return beyond


def _below_cliff(ordered: FloatArray, first: FloatArray) -> int | None:
    """Number of the ascending values that lie below the lowest cliff; None if there is none."""
    if len(ordered) < NEAR + 2:
        return None
    width = ordered[NEAR - 1 : -2] - ordered[0]
    gap = ordered[NEAR:-1] - ordered[NEAR - 1 : -2]
    for i in np.flatnonzero(gap / LEAST >= width):
        n_near = NEAR + int(i)
        near, far = ordered[:n_near], ordered[n_near:]
        if gap[i] / _widths_wanted(far - near[-1]) < width[i]:
            continue
        if len(np.unique(near)) < DISTINCT or np.count_nonzero(near - near[0] > 0.1 * width[i]) < SPREAD:
            continue
        if np.count_nonzero(first <= near[-1]) >= EARLY:
            return n_near
    return None


def _widths_wanted(heights: FloatArray) -> float:
    """Widths of the near side that the gap must have, for these ascending heights above it."""
    n, low, high = len(heights), heights[0], heights[-1]
    if low == high:
        return LEAST if n > 2 else 20.0
    if n < 3:
        return math.inf
    if high / 1.1 <= low or n > 2 * len(np.unique(heights)):
        return 20.0
    n_bands = 1 + np.count_nonzero(np.diff(heights) > 1e-3 * heights[:-1])
    return 1000.0 if n > 2 * n_bands or high / 1000.0 <= low else math.inf
