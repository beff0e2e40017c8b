"""An order of trials with several objectives, or with limits."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from hpcore._core.rng import GP_WEIGHTS
from hpcore.records.limits import total_violation
from hpcore.records.streams import Rng

__all__ = ["chebyshev", "half_range", "order_by_crowding", "order_by_front", "order_by_limits", "random_weights"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

# Contributions of a front with three or more objectives cost too much beyond this; spacing takes their place.
EXACT = 64


def order_by_front(values: FloatArray, first: int | None = None) -> FloatArray:
    """Place of each row: fronts in turn, within a front the largest hypervolume contribution first.

    Parameters
    ----------
    values : ndarray of shape (n, m)
        Finite; lower is better.
    first : int, optional
        Number of places that matter: fronts that begin beyond are in order of arrival, which takes less time.

    Returns
    -------
    ndarray of shape (n,)
        0 .. n - 1, as floats; the earlier of equal rows comes first. A single objective is just sorted.

    Notes
    -----
    Ozaki et al. (2022), "Multiobjective tree-structured Parzen estimator". The reference point of a front lies a tenth
    of its range beyond its worst values, after each objective was scaled to the range of all trials. Two objectives
    cost O(n log n), and no Numba.
    """
    return _order(values, first, _worth)


def order_by_crowding(values: FloatArray, first: int | None = None) -> FloatArray:
    """Place of each row: fronts in turn, within a front the largest crowding distance first.

    Parameters
    ----------
    values : ndarray of shape (n, m)
        Finite; lower is better.
    first : int, optional
        As in `order_by_front`.

    Returns
    -------
    ndarray of shape (n,)
        0 .. n - 1, as floats; the earlier of equal rows comes first. A single objective is just sorted.

    Notes
    -----
    Deb et al. (2002), "A fast and elitist multiobjective genetic algorithm: NSGA-II". Each objective is scaled to the
    range of all trials, and so not to that of the front.
    """
    return _order(values, first, _spacing)


def order_by_limits(
    values: FloatArray,
    violations: FloatArray,
    first: int | None = None,
    order: Callable[[FloatArray, int | None], FloatArray] = order_by_front,
) -> FloatArray:
    """Place of each row: feasible ones first, by their values, then the others by their total violation.

    Parameters
    ----------
    values : ndarray of shape (n, m)
        Finite; lower is better.
    violations : ndarray of shape (n, k)
        At most 0 where a limit holds, NaN where not known.
    first : int, optional
        As in `order_by_front`.
    order : callable
        Order of feasible rows: `order_by_front` or `order_by_crowding`.

    Returns
    -------
    ndarray of shape (n,)
        0 .. n - 1, as floats; the earlier of equal rows comes first.

    Notes
    -----
    Each limit's violations count in units of their median size, so that milliseconds and megabytes add up; one that is
    not known counts as one unit.
    """
    feasible = (violations <= 0.0).all(axis=1)
    place = np.empty(len(values))
    allowed, others = np.flatnonzero(feasible), np.flatnonzero(~feasible)
    if len(allowed):
        place[allowed] = order(values[allowed], first)
    if len(others):
        nearest = np.argsort(total_violation(violations)[others], kind="stable")
        place[others[nearest]] = len(allowed) + np.arange(len(others), dtype=np.float64)
    return place


def chebyshev(values: FloatArray, weights: FloatArray) -> FloatArray:
    """Augmented Chebyshev sum of each row, its objectives scaled to the range of all (Knowles 2006, "ParEGO").

    Parameters
    ----------
    values : ndarray of shape (n, m)
        Finite; lower is better.
    weights : ndarray of shape (m,)
        At least 0, of sum 1.

    Returns
    -------
    ndarray of shape (n,)
        Sums, in 0 .. 1.05.
    """
    weighted = _scaled(values) * weights
    out: FloatArray = weighted.max(axis=1) + 0.05 * weighted.sum(axis=1)
    return out


def random_weights(m: int, rng: Rng, offset: int = 0) -> FloatArray:
    """Weights of the scalarisation of m objectives for trial ``rng.number + offset``, uniform on the simplex; (1,) ones
    for one objective."""
    if m == 1:
        return np.ones(1)
    weights = -np.log1p(-rng.uniform(m, GP_WEIGHTS, offset))
    weights /= weights.sum()
    return weights


def half_range(values: FloatArray) -> FloatArray:
    """(m,) half the range of each column of `values` (n, m), finite for all finite ones; 1 for a constant column."""
    # 0 also for two smallest doubles.
    half = 0.5 * values.max(axis=0) - 0.5 * values.min(axis=0)
    out: FloatArray = np.where(half > 0.0, half, 1.0)
    return out


def _order(values: FloatArray, first: int | None, worth_of: Callable[[FloatArray], FloatArray]) -> FloatArray:
    """Places by fronts, and within a front by worth, a function of its scaled values."""
    if values.shape[1] == 1:
        place = np.empty(len(values))
        place[np.argsort(values[:, 0], kind="stable")] = np.arange(len(values), dtype=np.float64)
        return place
    scaled = _scaled(values)
    fronts = _fronts_of_two(scaled) if values.shape[1] == 2 else _fronts(scaled)
    worth = np.zeros(len(values))
    by_front = np.argsort(fronts, kind="stable")
    n_before = 0
    for members in np.split(by_front, np.flatnonzero(np.diff(fronts[by_front])) + 1):
        if first is not None and n_before >= first:
            break
        n_before += len(members)
        if len(members) > 1:
            worth[members] = worth_of(scaled[members])
    place = np.empty(len(values))
    place[np.lexsort((np.arange(len(values)), -worth, fronts))] = np.arange(len(values), dtype=np.float64)
    return place


def _scaled(values: FloatArray) -> FloatArray:
    out: FloatArray = (0.5 * values - 0.5 * values.min(axis=0)) / half_range(values)
    return out


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
