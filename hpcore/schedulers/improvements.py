"""Improvements of trials over the intervals of their training, as data for a model."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from hpcore.records.history import RUNNING, History
from hpcore.records.schedule import first_row
from hpcore.schedulers.ordering import best_first
from hpcore.schedulers.population import ROUNDING, Populations, mark

__all__ = ["Improvements", "improvements", "standing"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


class Improvements(NamedTuple):
    """Intervals of trainings, in the order of the trials.

    Attributes
    ----------
    number : ndarray of shape (n,)
        Trials.
    step : ndarray of shape (n,)
        Steps at which the intervals began.
    before : ndarray of shape (n,)
        Standing then, from 0 for the best to 1; see `standing`.
    change : ndarray of shape (n,)
        Change of the value over the interval, lower is better, in standard deviations among the trials at the step;
        NaN while the interval runs.
    """

    number: IntArray
    step: FloatArray
    before: FloatArray
    change: FloatArray


def improvements(populations: Populations, history: History, interval: float, objective: str) -> Improvements:
    """Collect the intervals that began with a known value, ended or running.

    Several objectives, of which not only the first counts, are replaced by the standing among the trials at a step.
    """
    numbers, marks, rows = [], [], []
    for number in populations.members:
        for at, begin, end in _intervals(populations, history, number, interval):
            numbers.append(number)
            marks.append(at)
            rows.append((begin, end))
    step, pairs = np.array(marks), np.array(rows, dtype=np.int64).reshape(-1, 2)
    before, change = np.empty(len(step)), np.full(len(step), np.nan)
    for at in np.unique(step):
        here = np.flatnonzero(step == at)
        values = history.curves.values
        before[here] = standing(values[pairs[here, 0]], objective)
        ended = here[pairs[here, 1] >= 0]
        begun, done = values[pairs[ended, 0]], values[pairs[ended, 1]]
        if values.shape[1] == 1 or objective == "first":
            with np.errstate(invalid="ignore", over="ignore"):
                change[ended] = _in_deviations(done[:, 0] - begun[:, 0])
        else:
            change[ended] = _in_deviations(standing(done, objective) - standing(begun, objective))
    return Improvements(np.array(numbers, dtype=np.int64), step, before, change)


def standing(values: FloatArray, objective: str) -> FloatArray:
    """Places (n,) of values (n, m) among each other: 0 for the best, 1 for the worst, 0.5 for a single one."""
    places = np.full(len(values), 0.5)
    if len(values) > 1:
        places[best_first(values, objective)] = np.linspace(0.0, 1.0, len(values))
    return places


def _in_deviations(change: FloatArray) -> FloatArray:
    """Changes less their median, over their spread; a missing or infinite one is as bad as the worst."""
    known = np.isfinite(change)
    if not known.any():
        return np.zeros(len(change))
    worst = float(change[known].max())
    filled = np.where(known, change, worst)
    centre = filled - np.median(filled)
    spread = float(np.sqrt(np.mean(np.square(centre / (np.abs(centre).max() or 1.0))))) * float(np.abs(centre).max())
    scaled: FloatArray = np.clip(centre / spread, -3.0, 3.0) if spread > 0.0 else np.zeros(len(change))
    return scaled


def _intervals(
    populations: Populations, history: History, number: int, interval: float
) -> list[tuple[float, int, int]]:
    """Intervals of a trial: the step at which each began, and the rows of the reports there and at its end.

    The row is -1 for the end of one that runs.
    """
    curves, found = history.curves, []
    begin = first_row(history, number)
    at = mark(populations.start(number), interval)
    for row in curves.of(number):
        if curves.step[row] >= (at + interval) * (1.0 - ROUNDING):
            if begin is not None:
                found.append((at, begin, row))
            begin, at = row, mark(float(curves.step[row]), interval)
    if begin is not None and history.state[number] == RUNNING:
        found.append((at, begin, -1))
    return found
