"""An order of trials with several objectives, or with limits."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hpcore._core import records as native

__all__ = ["half_range", "order_by_crowding", "order_by_front", "order_by_limits"]

FloatArray = npt.NDArray[np.float64]


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
    of its range beyond its worst values, after each objective was scaled to the range of all trials. Fronts of more
    than 64 trials are ordered by crowding distance. Two objectives cost O(n log n).
    """
    return native.order_by_front(np.ascontiguousarray(values), first)


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
    return native.order_by_front(np.ascontiguousarray(values), first, True)


def order_by_limits(
    values: FloatArray, violations: FloatArray, first: int | None = None, crowding: bool = False
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
    crowding : bool
        Order feasible rows as `order_by_crowding` does, and not as `order_by_front`.

    Returns
    -------
    ndarray of shape (n,)
        0 .. n - 1, as floats; the earlier of equal rows comes first.

    Notes
    -----
    Each limit's violations count in units of their median size, so that milliseconds and megabytes add up; one that is
    not known counts as one unit.
    """
    return native.order_by_limits(np.ascontiguousarray(values), np.ascontiguousarray(violations), first, crowding)


def half_range(values: FloatArray) -> FloatArray:
    """(m,) half the range of each column of `values` (n, m), finite for all finite ones; 1 for a constant column."""
    return native.half_range(np.ascontiguousarray(values))
