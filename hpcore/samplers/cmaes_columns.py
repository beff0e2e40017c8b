"""Columns of a space as the coordinates of CMA-ES: real ones, grids and choices."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from hpcore.space.columns import Columns

__all__ = ["Coordinates", "Points"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

MOST_LEVELS = 1000  # an integer with more is as good as continuous
MOST_PROBES = 65_536  # points along a column whose levels are looked for
N_ROWS = 1024  # rows in which an activity of the column is looked for

INACTIVE = -1


class Points(NamedTuple):
    """Points in the coordinates of CMA-ES."""

    numeric: FloatArray
    """(n, p) real coordinates, then grids before rounding; NaN where not known."""
    choices: IntArray
    """(n, c) positions among the choices of each categorical coordinate; -1 where not known."""


class Coordinates:
    """Map between rows of the unit cube and coordinates of CMA-ES.

    Parameters
    ----------
    columns : Columns
        Columns of the space.

    Attributes
    ----------
    n_real, n_numeric, n_choices : int
        Numbers of real coordinates, of these and the grids, and of categorical ones. A column of one level has none.
    grids : tuple of ndarray
        Ascending positions of the levels of each grid in [0, 1].
    choices : tuple of ndarray
        Positions of the choices of each categorical coordinate in [0, 1].
    is_plain : bool
        True if all coordinates are numeric, at least one is real, and every row has all of them.
    """

    def __init__(self, columns: Columns) -> None:
        self._d = columns.d
        self._codec = columns.codec
        probes: FloatArray | None = None
        reals, grids, chosen = [], {}, {}
        for j, (kind, n_levels) in enumerate(zip(columns.kinds, columns.n_levels, strict=True)):
            if n_levels == 1:
                continue
            if kind == "continuous" or (kind == "integer" and n_levels > MOST_LEVELS):
                reals.append(j)
                continue
            if probes is None:
                probes = np.random.default_rng(0).random((N_ROWS, self._d))
            levels = self._levels(j, n_levels, probes)
            if kind == "categorical":
                if len(levels) > 1:
                    chosen[j] = levels
            elif len(levels) == n_levels:
                grids[j] = levels
            else:
                reals.append(j)
        self._numeric = np.array([*reals, *grids], dtype=np.intp)
        self._chosen = np.array(list(chosen), dtype=np.intp)
        self.n_real, self.n_numeric, self.n_choices = len(reals), len(self._numeric), len(chosen)
        self.grids, self.choices = tuple(grids.values()), tuple(chosen.values())
        # Between two levels, as the margin of CMA-ES divides them.
        self._edges = [(levels[1:] + levels[:-1]) / 2 for levels in self.grids]
        self.is_plain = self.n_real > 0 and not chosen and not any(columns.parents)

    def _levels(self, j: int, n_levels: int, probes: FloatArray) -> FloatArray:
        """Positions of a column's levels: those found along a line on which it is active."""
        rows = probes.copy()
        self._codec.snap(rows)
        active = np.flatnonzero(~np.isnan(rows[:, j]))
        if not len(active):
            return np.empty(0)
        n = min(max(8 * n_levels, 4096), MOST_PROBES)
        line = np.tile(probes[active[0]], (n, 1))
        line[:, j] = (np.arange(n) + 0.5) / n
        self._codec.snap(line)
        found: FloatArray = np.unique(line[:, j])
        return found

    def rows(self, points: Points) -> FloatArray:
        """Rows (n, d) of the unit cube; grids are rounded."""
        out = np.full((len(points.numeric), self._d), 0.5)
        out[:, self._numeric[: self.n_real]] = points.numeric[:, : self.n_real]
        for k, (levels, edges) in enumerate(zip(self.grids, self._edges, strict=True), self.n_real):
            out[:, self._numeric[k]] = levels[np.searchsorted(edges, points.numeric[:, k])]
        for k, levels in enumerate(self.choices):
            out[:, self._chosen[k]] = levels[points.choices[:, k]]
        return out

    def snapped(self, rows: FloatArray) -> FloatArray:
        """The rows as a history holds them."""
        out: FloatArray = rows.copy()
        self._codec.snap(out)
        return out

    def points(self, rows: FloatArray) -> Points:
        """Coordinates of a history's rows (n, d)."""
        choices = np.full((len(rows), self.n_choices), INACTIVE, dtype=np.int64)
        for k, levels in enumerate(self.choices):
            u = rows[:, self._chosen[k]]
            nearest = np.minimum(np.searchsorted(levels, u), len(levels) - 1)
            choices[:, k] = np.where(levels[nearest] == u, nearest, INACTIVE)
        return Points(rows[:, self._numeric], choices)
