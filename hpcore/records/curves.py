"""Partial results of trials in growing columns: one row per report, in order of arrival."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["Curves"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

FIRST_ROOM = 64
COLUMNS = ("_trial", "_job", "_step", "_values", "_cost")


class Curves:
    """Partial results of trials: a fold of a cross-validation, an epoch of a training, a rung.

    Parameters
    ----------
    m : int
        Number of objectives.
    """

    def __init__(self, m: int) -> None:
        self._n = 0
        self._trial = np.empty(FIRST_ROOM, dtype=np.int64)
        self._job = np.empty(FIRST_ROOM, dtype=np.int64)
        self._step = np.empty(FIRST_ROOM)
        self._values = np.empty((FIRST_ROOM, m))
        self._cost = np.empty(FIRST_ROOM)
        # Rows by trial; None until they are needed, because most copies never need them.
        self._rows: dict[int, list[int]] | None = None

    def __len__(self) -> int:
        """Number of reports."""
        return self._n

    @property
    def trial(self) -> IntArray:
        """(r,) numbers of the trials."""
        return self._trial[: self._n]

    @property
    def job(self) -> IntArray:
        """(r,) jobs that reported; a resumed trial has several jobs."""
        return self._job[: self._n]

    @property
    def step(self) -> FloatArray:
        """(r,) resource used up to the report: a fold, an epoch, a number of rows."""
        return self._step[: self._n]

    @property
    def values(self) -> FloatArray:
        """(r, m) values, signed so that lower is better; NaN for a missing value."""
        return self._values[: self._n]

    @property
    def cost(self) -> FloatArray:
        """(r,) cost of reaching the step; NaN if not known."""
        return self._cost[: self._n]

    def append(
        self, number: int, step: float, values: Sequence[float], cost: float | None = None, job: int | None = None
    ) -> None:
        """Add a report of a trial.

        Parameters
        ----------
        number : int
            Number of the trial.
        step : float
            Resource used so far; finite.
        values : sequence of float
            One value per objective, signed so that lower is better; missing values at the end are NaN.
        cost : float, optional
            Cost of reaching the step.
        job : int, optional
            Job that reports; by default the job with the trial's number.
        """
        i = self._n
        if i == len(self._trial):
            self._grow()
        self._trial[i], self._job[i] = number, number if job is None else job
        self._step[i], self._cost[i] = step, math.nan if cost is None else cost
        self._values[i] = math.nan
        self._values[i, : len(values)] = values
        if self._rows is not None:
            self._rows.setdefault(number, []).append(i)
        self._n = i + 1

    def without(self, number: int) -> Curves:
        """Copy of the reports of all other trials."""
        return self._taken(0, np.flatnonzero(self.trial != number))

    def of(self, number: int) -> list[int]:
        """Rows of a trial's reports, in order of arrival."""
        return self._by_trial().get(number, [])

    def rung(self, step: float) -> tuple[IntArray, FloatArray]:
        """Numbers (k,) of the trials that reported at a step, and the values (k, m) of their last report there."""
        rows = {int(self._trial[i]): int(i) for i in np.flatnonzero(self.step == step)}
        return np.array(list(rows), dtype=np.int64), self._values[list(rows.values())]

    def as_of(self, job: int) -> Curves:
        """Reports of the jobs up to `job`; this object itself if no later job has reported."""
        hidden = np.flatnonzero(self.job > job)
        if not len(hidden):
            return self
        first = int(hidden[0])
        return self._taken(first, first + np.flatnonzero(self.job[first:] <= job))

    def copy(self) -> Curves:
        """Copy of the reports, independent of later ones."""
        return self._taken(self._n, np.arange(0))

    def take(self, rows: IntArray) -> Curves:
        """Copy of some reports, by increasing rows."""
        return self._taken(0, rows)

    def _taken(self, n: int, rows: IntArray) -> Curves:
        """The first `n` reports, and those of some later `rows`.

        No report changes: without further rows the columns are shared, and are full, so that `append` replaces them.
        """
        taken = Curves(self._values.shape[1])
        for name in COLUMNS:
            column = getattr(self, name)
            setattr(taken, name, np.concatenate([column[:n], column[rows]]) if len(rows) else column[:n])
        taken._n = n + len(rows)
        return taken

    def _by_trial(self) -> dict[int, list[int]]:
        if self._rows is None:
            self._rows = {}
            for i, number in enumerate(self.trial.tolist()):
                self._rows.setdefault(number, []).append(i)
        return self._rows

    def _grow(self) -> None:
        def longer(a: npt.NDArray[Any]) -> npt.NDArray[Any]:
            out = np.empty((max(2 * len(a), FIRST_ROOM), *a.shape[1:]), dtype=a.dtype)
            out[: self._n] = a[: self._n]
            return out

        for name in COLUMNS:
            setattr(self, name, longer(getattr(self, name)))
