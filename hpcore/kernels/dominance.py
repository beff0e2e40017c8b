"""Non-dominated sorting, hypervolume and hypervolume contributions. Lower is better in every objective."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hpcore._core import records as native
from hpcore.errors import InvalidArgument

__all__ = ["hypervolume", "hypervolume_contributions", "non_dominated_rank"]

FloatArray = npt.NDArray[np.float64]


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
    return native.non_dominated_rank(_as_values(values))


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
    return native.hypervolume(rows, corner)


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
    return native.hypervolume_contributions(rows, _as_corner(reference, rows))
