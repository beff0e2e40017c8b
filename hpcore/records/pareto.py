"""Pareto fronts of objective values."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["Front", "non_dominated"]


def non_dominated(values: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """Mask of the rows that no other row dominates.

    A row dominates another one if it is at most equal in every objective and lower in at least one.

    Parameters
    ----------
    values : ndarray of shape (n, m)
        Finite values; lower is better. Equal rows do not dominate each other.

    Returns
    -------
    ndarray of shape (n,)
        True for rows of the front.

    Notes
    -----
    O(n k m) for a front of k rows: rows are visited in lexicographic order, in which no later row dominates an earlier
    one.
    """
    n = len(values)
    keep = np.zeros(n, dtype=np.bool_)
    order = np.lexsort(values.T[::-1])
    front = np.empty((0, values.shape[1]))
    for i in order:
        row = values[i]
        dominated = np.any(np.all(front <= row, axis=1) & np.any(front < row, axis=1))
        if not dominated:
            keep[i] = True
            front = np.vstack([front, row])
    return keep


class Front:
    """Pareto front to which values are added one after the other.

    Parameters
    ----------
    m : int
        Number of objectives.
    """

    def __init__(self, m: int) -> None:
        self._values = np.empty((0, m))

    def __len__(self) -> int:
        return len(self._values)

    def add(self, row: npt.NDArray[np.float64]) -> bool:
        """Add finite values, lower is better, of shape (m,); True if they are on the front."""
        values = self._values
        if np.any(np.all(values <= row, axis=1) & np.any(values < row, axis=1)):
            return False
        beaten = np.all(row <= values, axis=1) & np.any(row < values, axis=1)
        self._values = np.vstack([values[~beaten], row])
        return True
