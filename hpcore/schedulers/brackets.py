"""Brackets of successive halving at work: trials that are compared with each other, rung by rung."""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import Any

import numpy as np
import numpy.typing as npt

from hpcore.records.history import COMPLETE, FAILED, PAUSED, PRUNED, RUNNING, History
from hpcore.records.streams import Rng
from hpcore.schedulers.base import Resume, Start
from hpcore.schedulers.ordering import best_first
from hpcore.schedulers.resources import ResourceJudge, Resources, exact
from hpcore.schedulers.rungs import Rungs

__all__ = ["BracketJudge"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


class _Bracket:
    """One bracket: its trials in the rung that is being completed.

    Parameters
    ----------
    first, n : int
        It has the trials first .. first + n - 1 of those that a scheduler began.
    entry : int
        Its lowest rung.
    """

    def __init__(self, first: int, n: int, entry: int) -> None:
        self.first, self.n, self.entry = first, n, entry
        self.rung = entry
        # Trials in a rung above the lowest, the best of the rung below first.
        self.members: IntArray | None = None


class BracketJudge(ResourceJudge):
    """Judge of the schedulers that complete a rung before they promote from it.

    Parameters
    ----------
    resources : Resources
        Bounds of the resource.
    objective : str
        How several objectives are compared; see `best_first`.
    """

    def __init__(self, resources: Resources, objective: str) -> None:
        super().__init__(resources)
        self._objective = objective
        self._forget()

    def _forget(self) -> None:
        # Derived from the history below. The progress of brackets is kept for this object: its trials only move on.
        self._history: History | None = None
        self._rungs: Rungs | None = None
        self._brackets: list[_Bracket] = []
        self._open: list[_Bracket] = []

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._resources, self._objective)

    @abstractmethod
    def size(self, index: int, n_rungs: int) -> tuple[int, int]:
        """Lowest rung of the bracket with this index, and its number of trials."""

    def next(self, history: History, rng: Rng) -> Start | Resume | None:
        """See `Judge.next`."""
        full = self.full_resource(history.curves, history.state)
        if math.isinf(full):
            return Start()
        rungs = self._read(history, full)
        until = history.until
        begun = np.flatnonzero(~np.isnan(until)) if until is not None else np.arange(0)
        entry = self._reach(len(begun), len(rungs.levels))
        for bracket in list(self._open):
            job = self._advance(bracket, begun, history, rungs)
            if job is not None:
                return job
            if bracket.rung == len(rungs.levels):
                self._open.remove(bracket)
        return Start(rungs.levels[entry])

    def _read(self, history: History, full: float) -> Rungs:
        """Read what is new, or everything if this is another history than last time."""
        rungs, same = self._rungs, self._history is history
        if rungs is None or rungs.levels[-1] != full:
            rungs, same = Rungs(self._resources.levels(full)), False
        same &= rungs.read(history.curves, history.n)
        if not same:
            self._brackets, self._open = [], []
        self._history, self._rungs = history, rungs
        return rungs

    def _reach(self, position: int, n_rungs: int) -> int:
        """Open the brackets up to the one that the trial at a position belongs to, and return its lowest rung."""
        brackets = self._brackets
        while not brackets or brackets[-1].first + brackets[-1].n <= position:
            first = brackets[-1].first + brackets[-1].n if brackets else 0
            entry, n = self.size(len(brackets), n_rungs)
            brackets.append(_Bracket(first, n, entry))
            self._open.append(brackets[-1])
        # Trials of a batch that were taken back may have opened a bracket too early.
        return next(bracket.entry for bracket in reversed(brackets) if bracket.first <= position)

    def _advance(self, bracket: _Bracket, begun: IntArray, history: History, rungs: Rungs) -> Resume | None:
        """Choose a paused trial of a bracket that goes on; None if it has none now, or has come to its end."""
        until = history.until
        while bracket.rung < len(rungs.levels):
            rung, level = bracket.rung, rungs.levels[bracket.rung]
            members = bracket.members
            if members is None:
                members = begun[bracket.first : bracket.first + bracket.n]
            if not len(members):
                return None
            assert until is not None
            state, last = history.state[members], rungs.last[members]
            there = last >= level
            short = (state == PAUSED) & ~there
            if short.any():
                return Resume(int(members[short.argmax()]), level)
            ended = (state == COMPLETE) | (state == PRUNED) | (state == FAILED)
            done = ended | (there & ((state != RUNNING) | (until[members] > level)))
            if (rung == bracket.entry and len(members) < bracket.n) or not done.all():
                return None
            bracket.rung += 1
            if bracket.rung < len(rungs.levels):
                bracket.members = self._promoted(np.sort(members), bracket, history, rungs)
        return None

    def _promoted(self, members: IntArray, bracket: _Bracket, history: History, rungs: Rungs) -> IntArray:
        """Best trials of a complete rung, the best first; equal ones by number."""
        rung = bracket.rung - 1
        n = math.floor(bracket.n / exact(self._resources.eta) ** (bracket.rung - bracket.entry))
        return members[best_first(values_at(members, rung, history, rungs), self._objective)][:n]


def values_at(members: IntArray, rung: int, history: History, rungs: Rungs) -> FloatArray:
    """Values (k, m) of trials at a rung; NaN for those that failed in the job that went there, or did not reach it.

    A complete trial that ended before the rung counts there with its result.
    """
    assert history.until is not None
    rows, state = rungs.row[members, rung], history.state[members]
    values = np.full((len(members), history.values.shape[1]), np.nan)
    there = (rows >= 0) & ((state != FAILED) | (history.until[members] > rungs.levels[rung]))
    values[there] = history.curves.values[rows[there]]
    by_result = (rows < 0) & (state == COMPLETE)
    values[by_result] = history.values[members[by_result]]
    return values
