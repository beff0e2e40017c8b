"""Curves of trials as rows of a model: a value at each rung that a trial reached, in the order of the jobs."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hpcore.records.history import COMPLETE, FAILED, PAUSED, RUNNING, History
from hpcore.schedulers.fidelities import Fidelities
from hpcore.schedulers.rungs import Rungs

__all__ = ["CurveRows", "read_rows"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

LARGEST = 1e300  # larger values count as this one, so that differences are finite


@dataclass(frozen=True)
class CurveRows:
    """Rows of a model, and what follows from them for each of n trials.

    Attributes
    ----------
    number, step, fidelity, value : ndarray of shape (r,)
        Trial of each row, its resource, the fidelity in [0, 1], and the value; lower is better, and a missing one is
        the worst so far.
    added : ndarray of shape (r,)
        Resource from the trial's row before to each row.
    n_reported : int
        Number of rows from reports and results; those after them stand for failures.
    is_report : ndarray of shape (r,)
        True for rows that were reported, in the order of the jobs.
    reached : ndarray of shape (n,)
        Largest step that each trial reported; 0 without one.
    until : ndarray of shape (n,)
        Resource that each trial was last sent to, at most the full one; NaN if no scheduler began it.
    running, paused : ndarray of shape (n,)
        Trials that run a job of a scheduler, and those that may go on.
    last : ndarray of shape (n,)
        Last value of each trial; NaN without one.
    """

    number: IntArray
    step: FloatArray
    fidelity: FloatArray
    value: FloatArray
    added: FloatArray
    n_reported: int
    is_report: BoolArray
    reached: FloatArray
    until: FloatArray
    running: BoolArray
    paused: BoolArray
    last: FloatArray

    def common(self, other: CurveRows) -> int:
        """Number of first rows that two histories share."""
        n = min(self.n_reported, other.n_reported)
        same = np.ones(n, dtype=np.bool_)
        for name in ("number", "step", "value"):
            same &= getattr(self, name)[:n] == getattr(other, name)[:n]
        return n if same.all() else int(np.argmin(same))


def read_rows(history: History, rungs: Rungs, levels: Fidelities) -> CurveRows:
    """Read the rows of a history; the first objective counts.

    Parameters
    ----------
    history : History
        Trials and reports. Those that no scheduler began are data as well.
    rungs : Rungs
        Reader of the first reports at the rungs of `levels`.
    levels : Fidelities
        Rungs.
    """
    n, curves, state = history.n, history.curves, history.state
    rungs.read(curves, n)
    at = rungs.row[:n]
    # One report may be the first beyond several rungs: it is a value at its own step only.
    fresh = at >= 0
    fresh[:, :-1] &= at[:, :-1] != at[:, 1:]
    number, _ = np.nonzero(fresh)
    # By jobs and not by arrival, which is another one in every run of several workers.
    order = np.lexsort((at[fresh], curves.job[at[fresh]]))
    number, row = number[order], at[fresh][order]
    step, value = curves.step[row], curves.values[row, 0]
    # Results without a report of the full resource, as a user tells them, are as good as known from the start.
    told = np.flatnonzero((state == COMPLETE) & (rungs.reached[:n] < len(levels.rungs) - 1))
    failed = np.flatnonzero(state == FAILED)
    is_report = np.repeat([False, True, False], [len(told), len(row), len(failed)])
    number = np.concatenate([told, number, failed])
    step = np.concatenate([np.full(len(told), levels.full), step, np.full(len(failed), levels.full)])
    value = _worst_for_missing(np.concatenate([history.values[told, 0], value, np.full(len(failed), math.nan)]))
    by_trial = np.argsort(number, kind="stable")
    added = step.copy()
    same = number[by_trial[1:]] == number[by_trial[:-1]]
    added[by_trial[1:]] -= np.where(same, step[by_trial[:-1]], 0.0)
    last = np.full(n, math.nan)
    last[number] = value  # the last assignment counts
    until = np.full(n, math.nan) if history.until is None else np.minimum(history.until, levels.full)
    ordered = ~np.isnan(until)
    return CurveRows(
        number,
        step,
        levels.of(step),
        value,
        added,
        len(number) - len(failed),
        is_report,
        np.maximum(rungs.last[:n], 0.0),
        until,
        (state == RUNNING) & ordered,
        (state == PAUSED) & ordered,
        last,
    )


def _worst_for_missing(value: FloatArray) -> FloatArray:
    """Replace values that are not finite by the worst before them, or by the first one that is."""
    known = np.isfinite(value)
    if not known.any():
        return np.zeros(len(value))
    value = np.where(known, np.clip(value, -LARGEST, LARGEST), -math.inf)
    worst = np.maximum.accumulate(value)
    worst[np.isneginf(worst)] = value[np.argmax(known)]
    return np.where(known, value, worst)
