"""Every point of a grid, once, in order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from hpcore.arguments import check_integer
from hpcore.errors import SearchSpaceExhausted
from hpcore.records.history import History
from hpcore.records.streams import Rng
from hpcore.samplers.base import Sampler, Suggester
from hpcore.space.columns import Columns

__all__ = ["GridSampler"]

FloatArray = npt.NDArray[np.float64]


class _Grid(Suggester):
    uses_pending: ClassVar[bool] = False

    def __init__(self, columns: Columns, levels: int | Mapping[str, int]) -> None:
        self._columns, self._levels = columns, levels
        self._points = columns.grid(levels)
        # The grid is walked so often; a walk passes by points that the history has had in as many walks.
        self._walks, self._walk = 1, 1
        self._met: set[bytes] = set()  # in this walk
        self._counts: Counter[bytes] = Counter()  # in the history
        self._synced = 0

    def allow_repeats(self, n: int) -> None:
        self._walks = n

    def suggest(self, history: History, pending: FloatArray, n: int, rng: Rng) -> FloatArray:
        # Points in the history, asked for or added, were met: a grid bound to an old history goes on where it stopped.
        rows = history.X[self._synced :]
        if history.n_withdrawn:
            rows = rows[history.present[self._synced :]]
        self._counts.update(row.tobytes() for row in rows)
        self._synced = history.n
        out: list[FloatArray] = []
        while len(out) < n:
            u = next(self._points, None)
            if u is None:
                if self._walk == self._walks:
                    break
                self._walk += 1
                self._points = self._columns.grid(self._levels)
                self._met.clear()
                continue
            self._columns.codec.settle(u)
            key = u.tobytes()
            if key in self._met or self._counts[key] >= self._walk:
                continue
            self._met.add(key)
            if self._columns.feasible is None or self._columns.feasible(u[None, :])[0]:
                out.append(u)
        if not out:
            raise SearchSpaceExhausted(f"every point of the grid has been proposed ({history.n} trials)")
        return np.array(out)


class GridSampler(Sampler):
    """Every point of a grid that the constraints allow, `Optimizer.repeats` times; the last parameter runs fastest.

    Parameters
    ----------
    levels : int or mapping of str to int
        Number of values of each continuous parameter, evenly spread over its scale from bound to bound; parameters
        that are grids themselves are visited whole. A mapping gives it by name, and may thin out integer parameters
        too; continuous parameters that it does not name get 5.

    Notes
    -----
    `Optimizer.ask` raises `SearchSpaceExhausted` after the last point.
    """

    def __init__(self, levels: int | Mapping[str, int] = 5) -> None:
        if isinstance(levels, Mapping):
            self.levels: int | dict[str, int] = {name: check_integer("levels", n, 1) for name, n in levels.items()}
        else:
            self.levels = check_integer("levels", levels, 1)

    def bind(self, columns: Columns) -> Suggester:
        """See `Sampler.bind`."""
        levels = self.levels
        if isinstance(levels, dict):
            missing = {name: 5 for name, k in zip(columns.names, columns.n_levels, strict=True) if not k}
            levels = {**missing, **levels}
        return _Grid(columns, levels)
