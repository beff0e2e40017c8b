"""Population of trials that train side by side, derived from the history: who replaced whom, and who is how good."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from hpcore.records.history import FAILED, PAUSED, PRUNED, RUNNING, History
from hpcore.records.pareto import non_dominated

__all__ = ["Ended", "Population", "best_first", "mark"]

FloatArray = npt.NDArray[np.float64]

# A step counts as a multiple of the interval up to rounding: 0.1 + 0.1 + 0.1 is not 3 * 0.1.
ROUNDING = 1e-9

# Failures in a row, none of which ended an interval, after which a place in the population stays empty.
MOST_FAILURES = 3


class Ended(NamedTuple):
    """End of a trial's last job that has ended: what its checkpoint holds.

    Attributes
    ----------
    step : float
        Last step that was reported.
    job : int
        Number of the job; -1 if no job has ended.
    """

    step: float
    job: int


def mark(step: float, interval: float) -> float:
    """Return the largest multiple of an interval that is not above a step."""
    return interval * math.floor(step / interval + ROUNDING)


class Population:
    """Members of the latest population of a search.

    Parameters
    ----------
    history : History
        Trials and reports. Those that no scheduler began are not members.
    size : int
        Size of a population; the next one begins when all members of one have ended.

    Attributes
    ----------
    members : list of int
        Numbers of all trials of the population, replaced ones included.
    heads : list of int
        Numbers of the trials that hold its places now.
    n_places : int
        Number of places that have been filled so far.
    """

    def __init__(self, history: History, size: int) -> None:
        self._history = history
        place: dict[int, int] = {}
        heads: list[int] = []
        until = history.until
        begun = [] if until is None else np.flatnonzero(~np.isnan(until)).tolist()
        for number in begun:
            replaced = history.notes.get(number, {}).get("replaces")
            if replaced is None:
                place[number] = len(heads)
                heads.append(number)
            else:
                place[number] = place[replaced]
                heads[place[replaced]] = number
        first = size * max(0, (len(heads) - 1) // size)
        self.n_places = len(heads) - first
        self.heads = heads[first:]
        self.members = [number for number in begun if place[number] >= first]

    def start(self, number: int) -> float:
        """Step that a trial began at: that of the checkpoint that it continues from, or 0."""
        note = self._history.notes.get(number, {})
        parent = note.get("parent")
        return 0.0 if parent is None else self._last(parent, note["parent_job"]).step

    def ended(self, number: int) -> Ended:
        """Last job of a trial that has come to its end and paused, or completed the trial."""
        history = self._history
        last = history.job_of(number)
        # A failed or pruned job left no checkpoint that it vouches for.
        return self._last(number, last - 1 if history.state[number] in (RUNNING, FAILED, PRUNED) else last)

    def _last(self, number: int, job: int) -> Ended:
        curves = self._history.curves
        for i in reversed(curves.of(number)):
            if curves.job[i] <= job:
                return Ended(float(curves.step[i]), int(curves.job[i]))
        return Ended(0.0, -1)

    def reached(self, step: float) -> tuple[list[int], FloatArray]:
        """Members that trained up to a step, replaced ones too, and the values (k, m) of their first reports there.

        A trial that began beyond the step, from another one's checkpoint, is not among them.
        """
        curves = self._history.curves
        numbers, rows = [], []
        for number in self.members:
            row = next((i for i in curves.of(number) if curves.step[i] >= step * (1.0 - ROUNDING)), None)
            if row is not None and self.start(number) < step * (1.0 - ROUNDING):
                numbers.append(number)
                rows.append(row)
        return numbers, curves.values[rows]

    def is_lost(self, number: int) -> bool:
        """True if a trial failed after as many others in its place failed as well, without an interval in between."""
        history = self._history
        for _ in range(MOST_FAILURES):
            if history.state[number] != FAILED or self.ended(number).job >= 0:
                return False
            replaced = history.notes.get(number, {}).get("replaces")
            if replaced is None:
                return False
            number = replaced
        return True

    def due(self) -> list[tuple[float, int]]:
        """Places that wait for their next interval: (step, trial), lowest step first; also failed and pruned ones."""
        state = self._history.state
        waiting = [
            (self.ended(number).step or self.start(number), number)
            for number in self.heads
            if state[number] == PAUSED or (state[number] in (FAILED, PRUNED) and not self.is_lost(number))
        ]
        return sorted(waiting)

    def running(self) -> list[int]:
        """Numbers of the members that are being trained."""
        return [number for number in self.heads if self._history.state[number] == RUNNING]


def best_first(values: FloatArray) -> list[int]:
    """Order rows (n, m) from the best to the worst: fronts of several objectives first to last, missing values last.

    Rows that are equal, or on the same front, stay in their order.
    """
    finite = ~np.isnan(values).any(axis=1)
    rows = np.flatnonzero(finite)
    parts = [rows[np.argsort(values[rows, 0], kind="stable")]] if values.shape[1] == 1 else []
    while values.shape[1] > 1 and len(rows):
        front = non_dominated(values[rows])
        parts.append(rows[front])
        rows = rows[~front]
    return [int(i) for part in (*parts, np.flatnonzero(~finite)) for i in part]
