"""An order of trials with several objectives."""

from __future__ import annotations

from bisect import bisect_right

import numpy as np
import numpy.typing as npt

__all__ = ["order_by_front"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

# Contributions of a front with three or more objectives cost too much beyond this; spacing takes their place.
EXACT = 64


def order_by_front(values: FloatArray) -> FloatArray:
    """Place of each row: fronts in turn, within a front the largest hypervolume contribution first.

    Parameters
    ----------
    values : ndarray of shape (n, m)
        Finite; lower is better.

    Returns
    -------
    ndarray of shape (n,)
        0 .. n - 1, as floats; the earlier of equal rows comes first.

    Notes
    -----
    Ozaki et al. (2022), "Multiobjective tree-structured Parzen estimator". The reference point of a front lies a tenth
    of its range beyond its worst values, after each objective was scaled to the range of all trials. Two objectives
    cost O(n log n), and no Numba.
    """
    low, high = values.min(axis=0), values.max(axis=0)
    # Halves first, so that a range wider than the largest double stays finite.
    width = 0.5 * high - 0.5 * low
    scaled = (0.5 * values - 0.5 * low) / np.where(width > 0.0, width, 1.0)
    fronts = _fronts_of_two(scaled) if values.shape[1] == 2 else _fronts(scaled)
    worth = np.zeros(len(values))
    by_front = np.argsort(fronts, kind="stable")
    for members in np.split(by_front, np.flatnonzero(np.diff(fronts[by_front])) + 1):
        if len(members) > 1:
            worth[members] = _worth(scaled[members])
    place = np.empty(len(values))
    place[np.lexsort((np.arange(len(values)), -worth, fronts))] = np.arange(len(values), dtype=np.float64)
    return place


def _fronts(rows: FloatArray) -> IntArray:
    from hpcore.kernels.dominance import non_dominated_rank

    return non_dominated_rank(rows)


def _fronts_of_two(rows: FloatArray) -> IntArray:
    """Front of each row with two objectives, by one sweep: a front dominates all above its lowest second objective."""
    out = np.empty(len(rows), dtype=np.int64)
    lowest: list[float] = []  # ascending
    former, front = None, 0
    order = np.lexsort(rows.T[::-1])
    for i, row in zip(order.tolist(), rows[order].tolist(), strict=True):
        if row != former:  # equal rows share a front
            front = bisect_right(lowest, row[1])
            lowest[front : front + 1] = [row[1]]
            former = row
        out[i] = front
    return out


def _worth(rows: FloatArray) -> FloatArray:
    """Worth of each row of one front."""
    if len(rows) > EXACT:
        return _spacing(rows)
    worst = rows.max(axis=0)
    corner = worst + 0.1 * (worst - rows.min(axis=0)) + 1e-9
    if rows.shape[1] == 2:
        # Each dominates alone a rectangle up to its neighbours.
        order = np.argsort(rows[:, 0], kind="stable")
        along = rows[order]
        out = np.empty(len(rows))
        out[order] = (np.append(along[1:, 0], corner[0]) - along[:, 0]) * (
            np.append(corner[1], along[:-1, 1]) - along[:, 1]
        )
        return out
    from hpcore.kernels.dominance import hypervolume_contributions

    return hypervolume_contributions(rows, corner)


def _spacing(rows: FloatArray) -> FloatArray:
    """Crowding distance (Deb et al. 2002): how far apart each row's neighbours are; the extremes come first."""
    out = np.zeros(len(rows))
    for column in rows.T:
        order = np.argsort(column, kind="stable")
        out[order[0]] = out[order[-1]] = np.inf
        out[order[1:-1]] += column[order[2:]] - column[order[:-2]]
    return out
