"""Non-dominated sorting, hypervolume and hypervolume contributions. Lower is better in every objective.

Importing this module imports Numba; nothing with a single objective needs it.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hpcore.errors import InvalidArgument
from hpcore.kernels._jit import jit

__all__ = ["hypervolume", "hypervolume_contributions", "non_dominated_rank"]

FloatArray = npt.NDArray[np.float64]


def _ranks(values, order, out):  # type: ignore[no-untyped-def]
    """Front of each row; rows are met in lexicographic order, in which none is dominated by a later one.

    A row that is dominated by one front is dominated by each front before it, so its own front is found by halving
    (Zhang et al. 2015, "An efficient approach to nondominated sorting").
    """
    n, m = values.shape
    newest = np.empty(n, dtype=np.int64)  # the newest row of each front; `former` is the row before each row
    former = np.empty(n, dtype=np.int64)
    n_fronts = 0
    for a in range(n):
        i = order[a]
        low, high = 0, n_fronts
        while low < high:
            front = (low + high) // 2
            j = newest[front]
            while j >= 0:
                below = False
                dominated = True
                for k in range(m):
                    if values[j, k] > values[i, k]:
                        dominated = False
                        break
                    if values[j, k] < values[i, k]:
                        below = True
                if dominated and below:
                    break
                j = former[j]
            if j >= 0:
                low = front + 1
            else:
                high = front
        if low == n_fronts:
            newest[low] = -1
            n_fronts += 1
        former[i] = newest[low]
        newest[low] = i
        out[i] = low


def _join(rows, count):  # type: ignore[no-untyped-def]
    """Add row `count` to those before it unless one covers it, and drop those it covers; the number of rows left."""
    m = rows.shape[1]
    at = 0
    while at < count:
        covers, covered = True, True
        for k in range(m):
            if rows[at, k] > rows[count, k]:
                covers = False
            if rows[at, k] < rows[count, k]:
                covered = False
        if covers:
            return count
        if covered:
            count -= 1
            for k in range(m):
                swap = rows[at, k]
                rows[at, k] = rows[count, k]
                rows[count, k] = rows[count + 1, k]
                rows[count + 1, k] = swap
            continue
        at += 1
    return count + 1


def _exclusive(points, n, i, first, reference, work, depth):  # type: ignore[no-untyped-def]
    """Volume that row i dominates, less the part of one other row from `first` on; and the number of rows left.

    If several rows are left, cut to its box at the front of work[depth], their part is still to be taken off.
    """
    m = points.shape[1]
    limited = work[depth]
    count = 0
    for j in range(first, n):
        if j != i:
            for k in range(m):
                limited[count, k] = max(points[i, k], points[j, k])
            count = _join_jit(limited, count)
    box, covered = 1.0, 0.0
    for k in range(m):
        box *= reference[k] - points[i, k]
    if count == 1:
        covered = 1.0
        for k in range(m):
            covered *= reference[k] - limited[0, k]
    return box - covered, count


def _volume(points, n, reference, work, depth):  # type: ignore[no-untyped-def]
    """Hypervolume of the first n rows, all below the reference, by the part that each adds to the rows after it.

    While, Bradstreet & Barone (2012), "A fast way of calculating exact hypervolumes".
    """
    total = 0.0
    for i in range(n):
        part, count = _exclusive_jit(points, n, i, i + 1, reference, work, depth)
        if count > 1:
            part -= _volume_jit(work[depth], count, reference, work, depth + 1)
        total += part
    return total


def _area(points, reference):  # type: ignore[no-untyped-def]
    """Area that rows of two objectives dominate, in ascending order of the first."""
    total, ceiling = 0.0, reference[1]
    for i in range(points.shape[0]):
        if points[i, 1] < ceiling:
            total += (reference[0] - points[i, 0]) * (ceiling - points[i, 1])
            ceiling = points[i, 1]
    return total


_ranks_jit = jit(_ranks)
_area_jit = jit(_area)
_join_jit = jit(_join)
_exclusive_jit = jit(_exclusive)
_volume_jit = jit(_volume)


def _as_values(values: npt.ArrayLike) -> FloatArray:
    rows = np.ascontiguousarray(values, dtype=np.float64)
    if rows.ndim != 2 or rows.shape[1] < 1 or not np.isfinite(rows).all():
        raise InvalidArgument(f"values must be finite with shape (n, m), m >= 1, got shape {rows.shape}")
    return rows


def _as_corner(reference: npt.ArrayLike, rows: FloatArray) -> FloatArray:
    corner = np.ascontiguousarray(reference, dtype=np.float64)
    if corner.shape != (rows.shape[1],) or not np.isfinite(corner).all():
        raise InvalidArgument(f"reference must be finite with shape ({rows.shape[1]},), got {reference!r}")
    return corner


def _room(rows: FloatArray) -> FloatArray:
    """Memory for the rows that are left at each depth, at least one fewer each time."""
    return np.empty((len(rows) + 1, len(rows) + 1, rows.shape[1]))


def non_dominated_rank(values: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """Front of each row: 0 if nothing dominates it, 1 if only rows of front 0 do, and so on.

    Parameters
    ----------
    values : array-like of shape (n, m)
        Finite; lower is better. Equal rows share a front.

    Returns
    -------
    ndarray of shape (n,)

    Notes
    -----
    O(n² m) at worst, less with many fronts; Deb et al. (2002), "A fast and elitist multiobjective genetic algorithm".
    """
    rows = _as_values(values)
    out = np.zeros(len(rows), dtype=np.int64)
    _ranks_jit(rows, np.lexsort(rows.T[::-1]), out)
    return out


def hypervolume(values: npt.ArrayLike, reference: npt.ArrayLike) -> float:
    """Volume that rows dominate, up to a reference point.

    Parameters
    ----------
    values : array-like of shape (n, m)
        Rows that are not below the reference in every objective add nothing.
    reference : array-like of shape (m,)
        Point that is worse than good rows are.

    Returns
    -------
    float

    Raises
    ------
    InvalidArgument
        The values or the reference are not finite, their shapes do not fit, or the reference is on the wrong side of
        the rows: at least as good as all of them in every objective.
    """
    rows = _as_values(values)
    corner = _as_corner(reference, rows)
    if len(rows) and np.all(corner <= rows.min(axis=0)):
        raise InvalidArgument(
            f"reference must be worse than some row in some objective (lower is better: negate what is maximized), "
            f"got {corner.tolist()}, and the best values are {rows.min(axis=0).tolist()}"
        )
    rows = rows[np.all(rows < corner, axis=1)]
    if not len(rows):
        return 0.0
    rows = np.unique(rows[non_dominated_rank(rows) == 0], axis=0)
    if rows.shape[1] == 1:
        return float(corner[0] - rows.min())
    if rows.shape[1] == 2:
        return float(_area_jit(rows, corner))
    return float(_volume_jit(rows, len(rows), corner, _room(rows), 0))


def hypervolume_contributions(values: npt.ArrayLike, reference: npt.ArrayLike) -> FloatArray:
    """Volume that would be lost without each row.

    Parameters
    ----------
    values : array-like of shape (n, m)
    reference : array-like of shape (m,)

    Returns
    -------
    ndarray of shape (n,)
        0 for a dominated row and for one that occurs twice.
    """
    rows = _as_values(values)
    corner = _as_corner(reference, rows)
    inside = np.flatnonzero(np.all(rows < corner, axis=1))
    out = np.zeros(len(rows))
    rows = rows[inside]
    work = _room(rows)
    # The loop is Python's: compiled, it would crash when loaded from Numba's cache, as callers of functions that call
    # themselves do (Numba 0.68).
    for i in range(len(rows)):
        part, count = _exclusive_jit(rows, len(rows), i, 0, corner, work, 0)
        if count > 1:
            part -= _volume_jit(work[0], count, corner, work, 1)
        out[inside[i]] = max(0.0, part)
    return out
