"""Moves of points in the unit cube, for samplers that vary known points: steps, bounds, and what constraints allow."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from hpcore.records.streams import ALLOWED, Rng
from hpcore.space.columns import Columns

__all__ = ["N_TRIES", "Moves", "reflected"]

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

# Variations of which the first allowed one is taken, in a space with constraints.
N_TRIES = 8


def reflected(x: FloatArray) -> FloatArray:
    """Points beyond the ends of [0, 1] reflected into it, as often as it takes."""
    out: FloatArray = 1.0 - np.abs(1.0 - np.abs(x) % 2.0)
    return out


class Moves:
    """Kinds of a space's columns, in the form that a variation of points needs.

    Parameters
    ----------
    columns : Columns
        Columns of the space.

    Attributes
    ----------
    categorical : ndarray of shape (d,), or None
        True for columns whose values have no order; None if there is none.
    level : ndarray of shape (d,)
        Width of one level of a grid or of a category; 0 for a continuous column.
    least : ndarray of shape (d,)
        Least step: one level of a grid, else 0.
    """

    def __init__(self, columns: Columns) -> None:
        kinds = np.array([kind == "categorical" for kind in columns.kinds])
        levels = np.array(columns.n_levels, dtype=np.float64)
        self.categorical: BoolArray | None = kinds if kinds.any() else None
        self.level = np.where(levels > 0.0, 1.0 / np.maximum(levels, 1.0), 0.0)
        self.least = np.where(kinds, 0.0, self.level)
        self.feasible, self._around = columns.feasible, columns.around
        self._codec = columns.codec

    def other_category(self, x: FloatArray, u: FloatArray) -> FloatArray:
        """Another category than that of `x`, by uniform numbers `u`; both of shape (d,).

        A step along the cycle of categories, of at least one; it goes by width, so that likely categories are more
        likely here too.
        """
        out: FloatArray = (x + self.level * 0.5 + u * (1.0 - self.level)) % 1.0
        return out

    def allowed(self, propose: Callable[[int], FloatArray], base: FloatArray, rng: Rng, offset: int) -> FloatArray:
        """Return the first proposal that the constraints allow.

        Parameters
        ----------
        propose : callable
            Function of a try, from 0, that returns a point (d,).
        base : ndarray of shape (d,)
            Known point near which allowed ones are looked for where they are rare.
        rng : Rng
            Random numbers of the first trial that is proposed for.
        offset : int
            Place of this trial after it.

        Returns
        -------
        ndarray of shape (d,)
            The first proposal if there are no constraints, or if none of `N_TRIES` is allowed.
        """
        first = propose(0)
        if self.feasible is None:
            return first
        rows = np.vstack([first, *(propose(k) for k in range(1, N_TRIES))])
        found = np.flatnonzero(self.feasible(rows))
        if len(found):
            row: FloatArray = rows[found[0]]
            return row
        assert self._around is not None
        near = self._around(base[None, :], Rng(rng.seed, rng.number + offset, rng.attempt).generator(ALLOWED))
        # The nearest of them is a small step, as the proposals would have been.
        return first if near is None or not len(near) else _nearest(near, first)


def _nearest(rows: FloatArray, x: FloatArray) -> FloatArray:
    out: FloatArray = rows[int(np.argmin(((rows - x) ** 2).sum(axis=1)))]
    return out
