"""Populations of trials that train side by side, derived from the history: who replaced whom, and how far each is."""

from __future__ import annotations

import math
from bisect import bisect_left
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from hpcore.records.history import FAILED, PAUSED, PRUNED, RUNNING, History
from hpcore.records.schedule import first_row

__all__ = ["ROUNDING", "Due", "Ended", "Populations", "mark"]

FloatArray = npt.NDArray[np.float64]

# A step counts as a multiple of the interval up to rounding: in floating point 0.3 / 0.1 is below 3.
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


class Due(NamedTuple):
    """Place of a population that waits for its next interval.

    Attributes
    ----------
    population : int
        Number of the population, from 0.
    step : float
        Step that the place has reached.
    number : int
        Trial in the place; -1 if it was never filled.
    """

    population: int
    step: float
    number: int


def mark(step: float, interval: float) -> float:
    """Return the largest multiple of an interval that is not above a step."""
    return interval * math.floor(step / interval + ROUNDING)


class Populations:
    """Members of the populations of a search, one after the other.

    Parameters
    ----------
    history : History
        Trials and reports. Those that no scheduler began are not members.
    size : int
        Size of a population.

    Attributes
    ----------
    heads : list of int
        Numbers of the trials that hold the places now, `size` of each population.
    """

    def __init__(self, history: History, size: int) -> None:
        self._history, self._size = history, size
        self._place: dict[int, int] = {}
        self._found: dict[tuple[float, int], tuple[list[int], FloatArray]] = {}
        self.heads: list[int] = []
        until = history.until
        for number in [] if until is None else np.flatnonzero(~np.isnan(until)).tolist():
            replaced = history.notes.get(number, {}).get("replaces")
            if replaced is None:
                self._place[number] = len(self.heads)
                self.heads.append(number)
            else:
                self._place[number] = self._place[replaced]
                self.heads[self._place[replaced]] = number

    @property
    def members(self) -> list[int]:
        """Numbers of all members, also of those that were replaced."""
        return list(self._place)

    def is_head(self, number: int) -> bool:
        """True if no other trial has replaced this one."""
        return self.heads[self._place[number]] == number

    def running(self, population: int) -> list[int]:
        """Numbers of the members that are being trained."""
        state, first = self._history.state, population * self._size
        return [number for number in self.heads[first : first + self._size] if state[number] == RUNNING]

    def due(self) -> list[Due]:
        """Places that wait and have the lowest step, of the first population in which one waits.

        If none waits, it is the first place of a further population.
        """
        state = self._history.state
        waiting = [
            Due(place // self._size, self.reached(number), number)
            for place, number in enumerate(self.heads)
            if state[number] == PAUSED or (state[number] in (FAILED, PRUNED) and not self._is_lost(number))
        ]
        waiting.append(Due(len(self.heads) // self._size, 0.0, -1))
        lowest = min(waiting)[:2]
        return sorted(place for place in waiting if place[:2] == lowest)

    def start(self, number: int) -> float:
        """Step that a trial began at: that of the checkpoint that it continues from, or 0."""
        row = first_row(self._history, number)
        return 0.0 if row is None else float(self._history.curves.step[row])

    def ended(self, number: int) -> Ended:
        """Find the last job of a trial that has come to its end: paused, or with the trial complete."""
        last = self._history.job_of(number)
        # A job that failed left no checkpoint that can be relied on.
        is_open = self._history.state[number] in (RUNNING, FAILED, PRUNED)
        row, curves = self._last_row(number, last - 1 if is_open else last), self._history.curves
        return Ended(0.0, -1) if row is None else Ended(float(curves.step[row]), int(curves.job[row]))

    def reached(self, number: int) -> float:
        """Step of a trial's checkpoint, be it another trial's."""
        end = self.ended(number)
        return self.start(number) if end.job < 0 else end.step

    def _last_row(self, number: int, job: int) -> int | None:
        curves = self._history.curves
        return next((i for i in reversed(curves.of(number)) if curves.job[i] <= job), None)

    def at(self, step: float, population: int) -> tuple[list[int], FloatArray]:
        """Members that trained up to a step, replaced ones too, and the values (k, m) of their first reports there.

        A trial that began at the step or beyond, from another one's checkpoint, is not among them.
        """
        found = self._found.get((step, population))
        if found is not None:
            return found
        curves, floor = self._history.curves, step * (1.0 - ROUNDING)
        steps = curves.step
        numbers, rows = [], []
        for number, place in self._place.items():
            if place // self._size != population:
                continue
            own = curves.of(number)
            at = bisect_left(own, floor, key=steps.__getitem__)
            if at < len(own) and self.start(number) < floor:
                numbers.append(number)
                rows.append(own[at])
        self._found[step, population] = numbers, curves.values[rows]
        return self._found[step, population]

    def _is_lost(self, number: int) -> bool:
        """True if a trial failed after others in its place failed as well, without an interval in between."""
        history, n_failures = self._history, 0
        at: int | None = number
        while at is not None and history.state[at] in (FAILED, PRUNED) and self.ended(at).job < 0:
            n_failures += 1
            if n_failures == MOST_FAILURES:
                return True
            at = history.notes.get(at, {}).get("replaces")
        return False
