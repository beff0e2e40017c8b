"""Trials at one rung as a history of its own, from which a sampler learns although few trials are complete."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from hpcore.records.history import COMPLETE, FAILED, RUNNING, History
from hpcore.samplers.base import Suggester
from hpcore.schedulers.base import Judge
from hpcore.schedulers.rungs import Rungs

__all__ = ["AtRungs"]

FloatArray = npt.NDArray[np.float64]
# (job, number, values, violations), violations that are not known being None
_Known = tuple[int, int, tuple[float, ...], tuple["float | None", ...]]

# Trials that a rung needs beside one per parameter: as many as a sampler's startup takes.
LEAST = 10


class AtRungs:
    """A suggester per rung, with the values that trials have there.

    Proposals come from the highest rung that enough trials have reached: at least one more than there are parameters,
    and as many as a sampler's startup needs (BOHB: Falkner, Klein and Hutter 2018). A trial that ended or paused at a
    lower rung counts with its value there plus the median change between the two rungs: without it, a sampler would
    propose the neighbours of a point again and again that is never promoted.

    Parameters
    ----------
    judge : Judge
        Scheduler at work, which has the rungs.
    new_suggester : callable
        Function that makes a suggester without memory.
    """

    def __init__(self, judge: Judge, new_suggester: Callable[[], Suggester]) -> None:
        self._judge, self._new = judge, new_suggester
        self.forget()

    def forget(self) -> None:
        """Forget everything that was learnt."""
        self._learnt: dict[float, tuple[list[_Known], Suggester, History]] = {}
        self._rungs = Rungs(())

    def view(self, history: History) -> tuple[Suggester, History, FloatArray] | None:
        """Choose a rung.

        Parameters
        ----------
        history : History
            All trials, with their reports.

        Returns
        -------
        tuple, or None
            The rung's suggester, the trials there as complete ones, and the points (p, d) of running trials that are
            not there yet; None if the scheduler has no rungs, or no trial has reached one.
        """
        levels = self._judge.levels(history.curves, history.for_schedulers().state)
        if not levels or not len(history.curves):
            return None
        if self._rungs.levels != levels:
            self._rungs = Rungs(levels)
        self._rungs.read(history.curves, history.n)
        reached = self._rungs.reached[: history.n]
        needed = max(history.X.shape[1] + 1, LEAST)
        rung = next((r for r in reversed(range(len(levels))) if (reached >= r).sum() >= needed), 0)
        values, jobs = self._values_at(rung, history)
        if not values:
            return None
        # In the order of jobs, which does not depend on the order of arrival.
        known = [
            (jobs[number], number, values[number], _violations(history, number))
            for number in sorted(values, key=jobs.__getitem__)
        ]
        suggester, view = self._extended(levels[rung], known, history)
        waiting = [i for i in np.flatnonzero(history.state == RUNNING).tolist() if i not in values]
        return suggester, view, history.X[waiting]

    def _values_at(self, rung: int, history: History) -> tuple[dict[int, tuple[float, ...]], dict[int, int]]:
        """Values of trials at a rung, measured or estimated, and the jobs that reported them, by number."""
        reached, row = self._rungs.reached[: history.n], self._rungs.row[: history.n]
        there = np.flatnonzero((row[:, rung] >= 0) & history.present)
        curves = history.curves
        values = {number: _tuple(curves.values[row[number, rung]]) for number in there.tolist()}
        jobs = {number: int(curves.job[row[number, rung]]) for number in values}
        over = history.present & (history.state != RUNNING)
        for below in range(rung):
            change = _change(curves.values, row[there, below], row[there, rung])
            for number in np.flatnonzero((reached == below) & over).tolist():
                with np.errstate(over="ignore", invalid="ignore"):  # one beyond all doubles counts as a failure
                    values[number] = _tuple(curves.values[row[number, below]] + change)
                jobs[number] = int(curves.job[row[number, below]])
        for number in np.flatnonzero((history.state == FAILED) & (reached < 0)).tolist():
            values[number], jobs[number] = (np.nan,), history.job_of(number)
        return values, jobs

    def _extended(self, level: float, known: list[_Known], history: History) -> tuple[Suggester, History]:
        before = self._learnt.get(level)
        if before is None or known[: len(before[0])] != before[0]:
            d, m = history.X.shape[1], history.values.shape[1]
            before = [], self._new(), History(d, m, history.n_limits)
        learnt, suggester, view = before
        for _, number, values, violations in known[len(learnt) :]:
            i = view.append(history.X[number])
            beyond = tuple(math.nan if v is None else v for v in violations)
            if np.isfinite(values).all():
                view.finish(i, COMPLETE, values, violations=beyond)
            else:
                view.finish(i, FAILED, None, violations=beyond)
        self._learnt[level] = known, suggester, view
        return suggester, view


def _violations(history: History, number: int) -> tuple[float | None, ...]:
    """Violations of a trial, with None for NaN, so that equal ones compare equal."""
    return tuple(None if math.isnan(v) else v for v in history.violations[number].tolist())


def _tuple(values: FloatArray) -> tuple[float, ...]:
    return tuple(values.tolist())


def _change(values: FloatArray, lower: npt.NDArray[np.int64], upper: npt.NDArray[np.int64]) -> FloatArray:
    """Compute the median change (m,) between two rungs, of trials that have a report of each and not the same one."""
    apart = (lower >= 0) & (lower != upper)
    # Halves: the difference of two doubles, and the mean of two differences, may be none.
    with np.errstate(invalid="ignore"):  # diverged at both rungs
        changes = values[upper[apart]] / 2.0 - values[lower[apart]] / 2.0
    changes = changes[np.isfinite(changes).all(axis=1)]
    with np.errstate(over="ignore"):
        return 2.0 * np.median(changes, axis=0) if len(changes) else np.zeros(values.shape[1])
