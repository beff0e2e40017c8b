"""Rules that compare trials after equal numbers of reports, as the early termination policies of Azure ML do."""

from __future__ import annotations

import math
from abc import abstractmethod
from bisect import bisect_left, insort
from typing import Any

import numpy as np
import numpy.typing as npt

from hpcore.arguments import check_integer
from hpcore.records.channel import Decision
from hpcore.records.curves import Curves
from hpcore.records.history import COMPLETE, FAILED, PRUNED
from hpcore.schedulers.base import Judge

__all__ = ["IntervalJudge", "check_intervals"]

StateArray = npt.NDArray[np.uint8]

# How the reports of a trial count, by its state.
AS_THEY_ARE, AS_WORST, NOT = range(3)

# More new reports than this are read at once by NumPy, unless the curves are of too different lengths for a matrix.
FEW = 256


def check_intervals(evaluation_interval: Any, delay_evaluation: Any) -> tuple[int, int]:
    """Check how often a rule looks at a trial, and the number of reports before which it does not."""
    interval = check_integer("evaluation_interval", evaluation_interval, 1)
    return interval, check_integer("delay_evaluation", delay_evaluation, 0)


class _Table:
    """Scores of all trials at each interval, sorted; read from growing curves.

    A trial's score after n reports is the best of the first n values, or their mean; infinite if one that counts is
    NaN.

    Parameters
    ----------
    mean : bool
        True for means.
    interval, delay : int
        Numbers of reports that are multiples of `interval`, and at least `delay`, are kept.
    counts : tuple of int
        How the reports of a trial count, by its state.
    """

    def __init__(self, mean: bool, interval: int, delay: int, counts: tuple[int, ...]) -> None:
        self._mean, self._interval, self._delay = mean, interval, delay
        self._counts = np.array(counts, dtype=np.uint8)
        self._curves: Curves | None = None
        self._forget()

    def _forget(self) -> None:
        self._n = 0
        self._status = np.zeros(0, dtype=np.uint8)
        # Per trial: sum of the values so far, and the best and the score after each report.
        self._total: dict[int, float] = {}
        self.best: dict[int, list[float]] = {}
        self.scores: dict[int, list[float]] = {}
        # By number of reports.
        self.sorted: dict[int, list[float]] = {}

    def looks_at(self, n: int) -> bool:
        """True if the rule is applied after `n` reports."""
        return n >= self._delay and n % self._interval == 0

    def read(self, curves: Curves, state: StateArray) -> None:
        """Read what is new; everything if these are not the curves of the last call, or have become fewer."""
        if curves is not self._curves or len(curves) < self._n:
            self._forget()
            self._curves = curves
        status = self._counts[state]
        if status.tobytes() != self._status.tobytes():
            self._set_status(status)
        first, self._n = self._n, len(curves)
        if self._n == first + 1:
            self._add(int(curves.trial[first]), float(curves.values[first, 0]))
        elif self._n > first and not (first == 0 and self._n > FEW and self._read_all(curves)):
            for number, value in zip(curves.trial[first:].tolist(), curves.values[first:, 0].tolist(), strict=True):
                self._add(number, value)

    def without(self, number: int, n: int) -> list[float]:
        """Sorted scores of the other trials after `n` reports, in a list to read only."""
        scores, found = self.scores.get(number, ()), self.sorted.get(n, [])
        if len(scores) < n:
            return found
        counted = self._as_counted(number, scores[n - 1])
        if counted is None:
            return found
        i = bisect_left(found, counted)
        return found[:i] + found[i + 1 :]

    def _as_counted(self, number: int, score: float) -> float | None:
        """Score of a trial as others see it; None if they do not."""
        status = self._status[number] if number < len(self._status) else AS_THEY_ARE
        return None if status == NOT else math.inf if status == AS_WORST else score

    def _set_status(self, status: npt.NDArray[np.uint8]) -> None:
        """Take the scores of trials whose state has changed out of the lists, and put them in as they count now."""
        both = min(len(status), len(self._status))
        changed = np.flatnonzero(status[:both] != self._status[:both]).tolist()
        changed += [i for i in range(both, max(len(status), len(self._status))) if i in self.scores]
        changed = [number for number in changed if number in self.scores]
        for number in changed:
            for n, score in enumerate(self.scores[number], 1):
                counted = self._as_counted(number, score)
                if counted is not None and self.looks_at(n):
                    found = self.sorted[n]
                    del found[bisect_left(found, counted)]
        self._status = status
        for number in changed:
            for n, score in enumerate(self.scores[number], 1):
                counted = self._as_counted(number, score)
                if counted is not None and self.looks_at(n):
                    insort(self.sorted.setdefault(n, []), counted)

    def _add(self, number: int, value: float) -> None:
        worst = math.isnan(value)
        total = self._total[number] = self._total.get(number, 0.0) + (math.inf if worst else value)
        best, scores = self.best.setdefault(number, []), self.scores.setdefault(number, [])
        best.append(min(math.inf if worst else value, best[-1] if best else math.inf))
        n = len(best)
        score = best[-1] if not self._mean else math.inf if math.isnan(total) else total / n
        scores.append(score)
        if self.looks_at(n):
            counted = self._as_counted(number, score)
            if counted is not None:
                insort(self.sorted.setdefault(n, []), counted)

    def _read_all(self, curves: Curves) -> bool:
        """Read all reports at once, with the same sums in the same order; False if a matrix would be too large."""
        numbers, index, n_reports = np.unique(curves.trial, return_inverse=True, return_counts=True)
        length = int(n_reports.max())
        if len(numbers) * length > 8 * len(curves) + 10_000:
            return False
        order = np.argsort(index, kind="stable")
        starts = np.cumsum(n_reports) - n_reports
        column = np.arange(len(order)) - np.repeat(starts, n_reports)
        values = np.full((len(numbers), length), math.inf)
        values[index[order], column] = curves.values[order, 0]
        values[np.isnan(values)] = math.inf
        best = scores = np.minimum.accumulate(values, axis=1)
        with np.errstate(invalid="ignore", over="ignore"):
            totals = np.cumsum(values, axis=1)
            if self._mean:
                scores = totals / np.arange(1, length + 1)
                scores[np.isnan(scores)] = math.inf
        for k, (number, n) in enumerate(zip(numbers.tolist(), n_reports.tolist(), strict=True)):
            self._total[number] = float(totals[k, n - 1])
            self.best[number], self.scores[number] = best[k, :n].tolist(), scores[k, :n].tolist()
        status = np.zeros(int(numbers[-1]) + 1, dtype=np.uint8)
        known = min(len(status), len(self._status))
        status[:known] = self._status[:known]
        counted = np.where((status[numbers] == AS_WORST)[:, None], math.inf, scores)
        for n in range(1, length + 1):
            if self.looks_at(n):
                rows = (n_reports >= n) & (status[numbers] != NOT)
                if rows.any():
                    self.sorted[n] = np.sort(counted[rows, n - 1]).tolist()
        return True


class _Limited(Curves):
    """Reports of one trial, and what those of others come to at each interval; travels to a worker.

    Parameters
    ----------
    m : int
        Number of objectives.
    limits : dict of int to tuple of float
        What a rule needs to know of the other trials, by number of reports.
    table : _Table
        Table of the one trial; the judge's own stays that of all trials.
    """

    def __init__(self, m: int, limits: dict[int, tuple[float, ...]], table: _Table) -> None:
        super().__init__(m)
        self.limits, self.table = limits, table


class IntervalJudge(Judge):
    """Judge that compares a trial's best value with scores of the others that reported as often.

    Parameters
    ----------
    interval, delay : int
        The rule is applied after each number of reports that is a multiple of `interval` and at least `delay`.
    mean : bool
        True if the scores of the others are means of their values so far, instead of the best ones.
    exclude_finished : bool
        True to leave out trials that have ended.

    Notes
    -----
    Values are those of the first objective. A NaN counts as infinitely bad, and so do all values of a trial that
    failed.
    """

    def __init__(self, interval: int, delay: int, mean: bool = False, exclude_finished: bool = False) -> None:
        self._options = interval, delay, mean, exclude_finished
        counts = [AS_THEY_ARE] * 5
        counts[FAILED] = AS_WORST
        if exclude_finished:
            counts[COMPLETE] = counts[PRUNED] = counts[FAILED] = NOT
        self._table = _Table(mean, interval, delay, tuple(counts))

    def __getstate__(self) -> dict[str, Any]:
        # What is derived from the curves is left out.
        return {key: value for key, value in vars(self).items() if key != "_table"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        IntervalJudge.__init__(self, *state["_options"])
        vars(self).update(state)

    @abstractmethod
    def limits(self, others: list[float]) -> tuple[float, ...]:
        """Return what the rule needs to know of the others' scores, sorted; at most three numbers."""

    @abstractmethod
    def is_poor(self, best: float, score: float, limits: tuple[float, ...]) -> bool:
        """Return True if a trial stops, by its best value and its score, infinite for NaN, and the others' limits."""

    def decide(self, number: int, step: float, curves: Curves, state: StateArray) -> Decision:
        """See `Judge.decide`."""
        rows, table = curves.of(number), self._table
        n = len(rows)
        while n and curves.step[rows[n - 1]] > step:
            n -= 1
        if not n or not table.looks_at(n):
            return Decision.CONTINUE
        if isinstance(curves, _Limited):
            table = curves.table
            table.read(curves, state)
            limits = curves.limits[n] if n in curves.limits else self.limits([])
        else:
            table.read(curves, state)
            limits = self.limits(table.without(number, n))
        poor = self.is_poor(table.best[number][n - 1], table.scores[number][n - 1], limits)
        return Decision.STOP if poor else Decision.CONTINUE

    def snapshot(self, number: int, curves: Curves, state: StateArray) -> tuple[Curves, StateArray]:
        """See `Judge.snapshot`: the trial's own reports, and at most three numbers for each interval to come."""
        table = self._table
        table.read(curves, state)
        rows = curves.of(number)
        limits = {n: self.limits(found) for n, found in table.sorted.items() if n > len(rows)}
        taken = _Limited(
            curves.values.shape[1], limits, _Table(*self._options[2:3], *self._options[:2], (AS_THEY_ARE,))
        )
        for i in rows:
            taken.append(number, float(curves.step[i]), curves.values[i].tolist(), None, int(curves.job[i]))
        return taken, state[:0]
