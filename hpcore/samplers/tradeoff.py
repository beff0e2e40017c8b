"""An order of trials with several objectives."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["order_by_front"]

FloatArray = npt.NDArray[np.float64]

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
    of its range beyond its worst values, after each objective was scaled to the range of all trials.
    """
    from hpcore.kernels.dominance import hypervolume_contributions, non_dominated_rank

    low, high = values.min(axis=0), values.max(axis=0)
    # Halves first, so that a range wider than the largest double stays finite.
    width = 0.5 * high - 0.5 * low
    scaled = (0.5 * values - 0.5 * low) / np.where(width > 0.0, width, 1.0)
    fronts = non_dominated_rank(scaled)
    worth = np.zeros(len(values))
    for front in range(int(fronts.max()) + 1):
        members = np.flatnonzero(fronts == front)
        if len(members) == 1:
            continue
        rows = scaled[members]
        if len(members) <= EXACT:
            worst = rows.max(axis=0)
            worth[members] = hypervolume_contributions(rows, worst + 0.1 * (worst - rows.min(axis=0)) + 1e-9)
        else:
            worth[members] = _spacing(rows)
    place = np.empty(len(values))
    place[np.lexsort((np.arange(len(values)), -worth, fronts))] = np.arange(len(values), dtype=np.float64)
    return place


def _spacing(rows: FloatArray) -> FloatArray:
    """Crowding distance (Deb et al. 2002): how far apart each row's neighbours are; the extremes come first."""
    out = np.zeros(len(rows))
    for column in rows.T:
        order = np.argsort(column, kind="stable")
        out[order[0]] = out[order[-1]] = np.inf
        out[order[1:-1]] += column[order[2:]] - column[order[:-2]]
    return out
