"""The record of a search in columns that grow: a row a trial, its number the row's index.

A million trials of ten parameters are about a hundred bytes each here; a `Trial` is made when somebody looks at one.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from hpcore.records.trial import TrialState

__all__ = ["COMPLETE", "FAILED", "PAUSED", "PRUNED", "RUNNING", "STATES", "History"]

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

# Stores hold these numbers.
RUNNING, COMPLETE, PRUNED, FAILED, PAUSED = range(5)
STATES = (TrialState.RUNNING, TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAILED, TrialState.PAUSED)

FIRST_ROOM = 64


class History:
    """What a sampler may know of the past.

    Parameters
    ----------
    d : int
        Columns of the space.
    m : int
        Objectives.

    Attributes
    ----------
    n : int
        Trials so far, running ones included; row i is trial number i.
    n_complete : int
        Trials with a value.
    """

    def __init__(self, d: int, m: int) -> None:
        self.n = 0
        self.n_complete = 0
        self.n_running = 0
        self._X = np.empty((FIRST_ROOM, d))
        self._values = np.empty((FIRST_ROOM, m))
        self._state = np.empty(FIRST_ROOM, dtype=np.uint8)
        self._times = np.empty((FIRST_ROOM, 2))
        self._std_errors: FloatArray | None = None
        # What few trials have, by number.
        self.notes: dict[int, dict[str, Any]] = {}
        # Which sampler proposed the trials from this number on, where a rule chose; None where nothing is known.
        self._sources: list[tuple[int, str | None]] = []

    @property
    def X(self) -> FloatArray:
        """(n, d) points of the unit cube, each as its parameters encode; NaN where inactive."""
        return self._X[: self.n]

    @property
    def values(self) -> FloatArray:
        """(n, m) objective values, signed so that lower is better; NaN unless complete."""
        return self._values[: self.n]

    @property
    def state(self) -> npt.NDArray[np.uint8]:
        """(n,) indices into `STATES`."""
        return self._state[: self.n]

    @property
    def complete(self) -> BoolArray:
        """(n,) True where the trial has a value."""
        mask: BoolArray = self.state == COMPLETE
        return mask

    @property
    def times(self) -> FloatArray:
        """(n, 2) unix times of start and finish; NaN where not known."""
        return self._times[: self.n]

    @property
    def std_errors(self) -> FloatArray | None:
        """(n,) standard error of the first objective, NaN where not known; None if no trial has one."""
        return None if self._std_errors is None else self._std_errors[: self.n]

    def std_error(self, number: int) -> float | None:
        """Of one trial's first objective; None where not known."""
        if self._std_errors is None or math.isnan(self._std_errors[number]):
            return None
        return float(self._std_errors[number])

    def append(self, u: FloatArray) -> int:
        """Record a running trial at `u` (d,); its number. Amortised O(d)."""
        i = self.n
        if i == len(self._state):
            self._grow()
        self._X[i] = u
        self._values[i] = math.nan
        self._state[i] = RUNNING
        self._times[i] = math.nan
        self.n = i + 1
        self.n_running += 1
        return i

    def truncate(self, n: int) -> None:
        """Forget the trials from number `n` on, all of them running."""
        self.n_running -= self.n - n
        for number in range(n, self.n):
            self.notes.pop(number, None)
            if self._std_errors is not None:
                self._std_errors[number] = math.nan
        self.n = n

    def extend(
        self,
        X: FloatArray,
        state: npt.NDArray[np.uint8],
        values: FloatArray,
        std_errors: FloatArray | None,
        times: FloatArray,
    ) -> None:
        """Append rows as they are; `std_errors` may be None if no row has one."""
        first, last = self.n, self.n + len(X)
        self.came_from(first, None)
        while last > len(self._state):
            self._grow()
        self._X[first:last], self._state[first:last] = X, state
        self._values[first:last], self._times[first:last] = values, times
        if std_errors is not None:
            if self._std_errors is None:
                self._std_errors = np.full(len(self._state), math.nan)
            self._std_errors[first:last] = std_errors
        self.n = last
        self.n_complete += int((state == COMPLETE).sum())
        self.n_running += int((state == RUNNING).sum())

    def finish(
        self,
        number: int,
        state: int,
        values: tuple[float, ...] | None,
        std_error: float | None = None,
        times: tuple[float | None, float | None] = (None, None),
    ) -> None:
        """Record the end of a running trial; `values` are signed so that lower is better."""
        self._state[number] = state
        self.n_running -= 1
        if values is not None:
            self._values[number] = values
            self.n_complete += 1
        if std_error is not None:
            if self._std_errors is None:
                self._std_errors = np.full(len(self._state), math.nan)
            self._std_errors[number] = std_error
        if times[0] is not None:
            self._times[number, 0] = times[0]
        if times[1] is not None:
            self._times[number, 1] = times[1]

    def reopen(self, numbers: Sequence[int]) -> None:
        """Forget the ends of some trials, which then run again; how they came about stays."""
        rows = np.asarray(numbers, dtype=np.intp)
        self.n_complete -= int((self._state[rows] == COMPLETE).sum())
        self.n_running += len(rows)
        self._state[rows], self._values[rows], self._times[rows] = RUNNING, math.nan, math.nan
        if self._std_errors is not None:
            self._std_errors[rows] = math.nan
        for number in numbers:
            note = self.notes.pop(number, {})
            if kept := {key: value for key, value in note.items() if key in ("params", "info")}:
                self.notes[number] = kept

    def came_from(self, number: int, source: str | None) -> None:
        """Note which sampler proposed this trial, and those after it until another one is noted."""
        known = self._sources[-1][1] if self._sources else None
        if source != known:
            self._sources.append((number, source))

    def source(self, number: int) -> str | None:
        """The sampler that a rule chose for a trial; None if none did, or a user gave the parameters."""
        if not self._sources or "params" in self.notes.get(number, ()):
            return None
        i = bisect_right(self._sources, number, key=lambda entry: entry[0])
        return self._sources[i - 1][1] if i else None

    def snapshot(self) -> History:
        """A copy for another thread, that later tells do not change. O(n d)."""
        copy = History.__new__(History)
        copy.n, copy.n_complete, copy.n_running = self.n, self.n_complete, self.n_running
        copy._X, copy._values = self.X.copy(), self.values.copy()
        copy._state, copy._times = self.state.copy(), self.times.copy()
        copy._std_errors = None if self._std_errors is None else self._std_errors[: self.n].copy()
        copy.notes, copy._sources = {}, []
        return copy

    def running(self) -> FloatArray:
        """(p, d) points that are being evaluated."""
        if not self.n_running:
            return np.empty((0, self._X.shape[1]))
        rows: FloatArray = self.X[self.state == RUNNING]
        return rows

    def _grow(self) -> None:
        room = 2 * len(self._state)

        def longer(a: npt.NDArray[Any]) -> npt.NDArray[Any]:
            out = np.empty((room, *a.shape[1:]), dtype=a.dtype)
            out[: self.n] = a[: self.n]
            return out

        self._X, self._values = longer(self._X), longer(self._values)
        self._state, self._times = longer(self._state), longer(self._times)
        if self._std_errors is not None:
            grown = np.full(room, math.nan)
            grown[: self.n] = self._std_errors[: self.n]
            self._std_errors = grown
