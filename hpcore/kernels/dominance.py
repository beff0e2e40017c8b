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
    """Front of each row; rows are met in lexicographic order, in which none is dominated by a later one."""
    n, m = values.shape
    for a in range(n):
        i = order[a]
        front = 0
        for b in range(a):
            j = order[b]
            if out[j] < front:
                continue
            below = False
            dominated = True
            for k in range(m):
                if values[j, k] > values[i, k]:
                    dominated = False
                    break
                if values[j, k] < values[i, k]:
                    below = True
            if dominated and below:
                front = out[j] + 1
        out[i] = front


def _volume(points, n, reference, work, depth):  # type: ignore[no-untyped-def]
    """Hypervolume of the first n rows, all below the reference, by exclusive parts (While, Bradstreet & Barone 2012,
    "A fast way of calculating exact hypervolumes"): what row i adds to the rows after it."""
    m = points.shape[1]
    total = 0.0
    for i in range(n):
        part = 1.0
        for k in range(m):
            part *= reference[k] - points[i, k]
        # The later rows, cut to the box that row i dominates; those that another one covers are left out.
        limited = work[depth]
        count = 0
        for j in range(i + 1, n):
            for k in range(m):
                limited[count, k] = max(points[i, k], points[j, k])
            kept = True
            at = 0
            while at < count:
                covers, covered = True, True
                for k in range(m):
                    if limited[at, k] > limited[count, k]:
                        covers = False
                    if limited[at, k] < limited[count, k]:
                        covered = False
                if covers:
                    kept = False
                    break
                if covered:
                    count -= 1
                    for k in range(m):
                        swap = limited[at, k]
                        limited[at, k] = limited[count, k]
                        limited[count, k] = limited[count + 1, k]
                        limited[count + 1, k] = swap
                    continue
                at += 1
            if kept:
                count += 1
        if count == 1:
            covered_part = 1.0
            for k in range(m):
                covered_part *= reference[k] - limited[0, k]
            part -= covered_part
        elif count > 1:
            part -= _volume_jit(limited, count, reference, work, depth + 1)
        total += part
    return total


def _area(points, reference):  # type: ignore[no-untyped-def]
    """Of two objectives: rows in ascending order of the first."""
    total, ceiling = 0.0, reference[1]
    for i in range(points.shape[0]):
        if points[i, 1] < ceiling:
            total += (reference[0] - points[i, 0]) * (ceiling - points[i, 1])
            ceiling = points[i, 1]
    return total


_ranks_jit = jit(_ranks)
_area_jit = jit(_area)
_volume_jit = jit(_volume)


def _as_values(values: npt.ArrayLike) -> FloatArray:
    rows = np.ascontiguousarray(values, dtype=np.float64)
    if rows.ndim != 2 or rows.shape[1] < 1 or not np.isfinite(rows).all():
        raise InvalidArgument(f"values must be finite with shape (n, m), m >= 1, got shape {rows.shape}")
    return rows


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
    O(n² m); Deb et al. (2002), "A fast and elitist multiobjective genetic algorithm".
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

    Returns
    -------
    float
    """
    rows = _as_values(values)
    corner = np.ascontiguousarray(reference, dtype=np.float64)
    if corner.shape != (rows.shape[1],) or not np.isfinite(corner).all():
        raise InvalidArgument(f"reference must be finite with shape ({rows.shape[1]},), got {reference!r}")
    rows = rows[np.all(rows < corner, axis=1)]
    if not len(rows):
        return 0.0
    rows = np.unique(rows[non_dominated_rank(rows) == 0], axis=0)
    if rows.shape[1] == 1:
        return float(corner[0] - rows.min())
    if rows.shape[1] == 2:
        return float(_area_jit(rows, corner))
    work = np.empty((len(rows) + 1, len(rows) + 1, rows.shape[1]))
    return float(_volume_jit(rows, len(rows), corner, work, 0))


def hypervolume_contributions(values: npt.ArrayLike, reference: npt.ArrayLike) -> FloatArray:
    """What the volume would lose without each row.

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
    whole = hypervolume(rows, reference)
    keep = np.ones(len(rows), dtype=np.bool_)
    out = np.zeros(len(rows))
    for i in range(len(rows)):
        keep[i] = False
        out[i] = max(0.0, whole - hypervolume(rows[keep], reference)) if keep.any() else whole
        keep[i] = True
    return out
