"""First reports of trials at each rung, read from growing curves."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hpcore.records.curves import Curves

__all__ = ["Rungs"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

# More new reports than this are read at once by NumPy.
FEW = 32


class Rungs:
    """First report of each trial with a step at or beyond each rung.

    Parameters
    ----------
    levels : tuple of float
        Resources of the rungs, increasing.

    Attributes
    ----------
    crossings : list of tuple of int
        ``(number, rung, row)``: trials that reached a rung, with the row of the report, in order of arrival; those read
        at once by rung instead.
    """

    def __init__(self, levels: tuple[float, ...]) -> None:
        self.levels = levels
        self._curves: Curves | None = None
        self._forget()

    def _forget(self) -> None:
        self.crossings: list[tuple[int, int, int]] = []
        self._n = 0
        self._row = np.full((0, len(self.levels)), -1, dtype=np.int64)
        self._reached = np.full(0, -1, dtype=np.int64)
        self._last = np.full(0, -np.inf)

    def read(self, curves: Curves, n: int) -> bool:
        """Read what is new in the curves of `n` trials.

        Returns
        -------
        bool
            False if these are not the curves of the last call, or have become fewer: all were read again.
        """
        grown = curves is self._curves and len(curves) >= self._n
        if not grown:
            self._forget()
            self._curves = curves
        self._make_room(max(n, int(curves.trial[self._n :].max(initial=-1)) + 1 if len(curves) > self._n else 0))
        if len(curves) - self._n <= FEW:
            self._read_few(curves)
        else:
            self._read_many(curves)
        self._n = len(curves)
        return grown

    @property
    def reached(self) -> IntArray:
        """Highest rung of each trial; -1 before the first. May have more rows than there are trials."""
        return self._reached

    @property
    def last(self) -> FloatArray:
        """Largest step that each trial reported; -inf if none. May have more rows than there are trials."""
        return self._last

    @property
    def row(self) -> IntArray:
        """Row of each trial's report at each rung; -1 if it is not there. May have more rows than there are trials."""
        return self._row

    def _read_few(self, curves: Curves) -> None:
        top = len(self.levels) - 1
        for i in range(self._n, len(curves)):
            number, step = int(curves.trial[i]), float(curves.step[i])
            if step > self._last[number]:
                self._last[number] = step
            rung = int(self._reached[number])
            while rung < top and step >= self.levels[rung + 1]:
                rung += 1
                self._row[number, rung] = i
                self.crossings.append((number, rung, i))
            self._reached[number] = rung

    def _read_many(self, curves: Curves) -> None:
        trial, step = curves.trial[self._n :], curves.step[self._n :]
        np.maximum.at(self._last, trial, step)
        for rung, level in enumerate(self.levels):
            rows = np.flatnonzero(step >= level)
            rows = rows[self._row[trial[rows], rung] < 0]
            # The last assignment counts, so that the first report is assigned last.
            self._row[trial[rows[::-1]], rung] = rows[::-1] + self._n
            fresh = rows[self._row[trial[rows], rung] == rows + self._n]
            self._reached[trial[fresh]] = rung
            numbers = trial[fresh].tolist()
            self.crossings += zip(numbers, [rung] * len(numbers), (fresh + self._n).tolist(), strict=True)

    def _make_room(self, n: int) -> None:
        room = len(self._last)
        if n > room:
            more = max(n, 2 * room) - room
            self._row = np.concatenate([self._row, np.full((more, len(self.levels)), -1)])
            self._reached = np.concatenate([self._reached, np.full(more, -1)])
            self._last = np.concatenate([self._last, np.full(more, -np.inf)])
