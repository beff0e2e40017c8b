"""Failed trials: one rule for every sampler that learns from results.

A trial counts as failed if it failed, was pruned without an estimate of its value, or returned a penalty in place of a
result, such as 1e5 for what is impossible (`hpcore.samplers.cliffs`). The estimate of a pruned trial is a value.

- The Gaussian process needs a number for it: a poor value with a large standard error, from `impute`.
- TPE ranks trials, and a failed one is never good: it counts as +infinity, ``csrc/hpcore/records/failures.hpp``. A
  penalty needs no rule there, since a rank does not say how bad a bad trial was. From the first failure on it also
  models failing as one more limit, ``csrc/hpcore/tpe/merit.hpp``.
- Random, Sobol and grid points do not depend on results.

The reasons: where trials fail, others are likely to fail, so that these regions are left; but failures by chance among
good trials must change little, hence the standard error; ``benchmarks/quality/failures.py``.
"""

from __future__ import annotations

import sys
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from hpcore.records.history import FAILED, PRUNED, History
from hpcore.samplers.cliffs import beyond_cliff

__all__ = ["Split", "impute", "split"]

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

HUGE = sys.float_info.max
SPREADS = 2.0  # a failure lies so many spreads above the median, and has one as its standard error
FEW_VALUES = 8  # results that a penalty is compared with, at least: fewer do not show that it is one
FIRST_VALUES = 64  # results whose spread says what is poor; later ones are those of a search that has found its place


class Split(NamedTuple):
    """Masks over the trials, each of shape (n,); a trial that is still running is in none."""

    complete: BoolArray
    """Trials with a result to learn from."""
    failed: BoolArray
    """Trials that count as failed, those with a penalty included."""
    penalised: BoolArray
    """Trials that returned a penalty."""


def split(history: History) -> Split:
    """Tell trials with a result from trials that count as failed.

    With several objectives, a penalty is one in each.
    """
    complete = history.observed
    penalised = np.zeros(history.n, dtype=np.bool_)
    failed = (history.state == FAILED) | ((history.state == PRUNED) & ~complete)
    found = [beyond_cliff(column) for column in history.values[complete].T]
    far = [mask for mask in found if mask is not None]
    if len(far) < len(found):
        return Split(complete, failed, penalised)
    penalised[complete] = np.logical_and.reduce(far)
    return Split(complete & ~penalised, failed | penalised, penalised)


def impute(trials: Split, values: FloatArray, errors: FloatArray | None) -> tuple[FloatArray, FloatArray]:
    """Make up values and standard errors of the trials that count as failed.

    A failed trial gets the median of the first results before it plus twice their spread (median to best), with the
    spread as its standard error. It depends on earlier trials alone, because a value that changed later would undo
    every fit that it was part of. So does the value in place of a penalty; only that it is one takes later trials.

    Parameters
    ----------
    trials : Split
        All trials of a history.
    values : ndarray of shape (k,)
        One value for each of the k complete trials, finite, lower is better.
    errors : ndarray of shape (n,), optional
        Standard errors of the values of all trials; zero where they are not known.

    Returns
    -------
    values, errors : ndarray of shape (n,)
        Finite; 0 for trials that are still running.
    """
    column = np.zeros(len(trials.complete))
    column[trials.complete] = values
    errors = np.zeros(len(column)) if errors is None else errors.copy()
    n_before = np.clip(np.cumsum(trials.complete), 1, FIRST_VALUES)
    penalised = trials.penalised
    n_before[penalised] = np.maximum(n_before[penalised], min(len(values), FEW_VALUES))
    for n in np.unique(n_before[trials.failed]).tolist():
        ordered = np.sort(values[:n]).tolist()
        median = ordered[n // 2]
        spread = min(median - ordered[0], HUGE / 4)
        those = trials.failed & (n_before == n)
        column[those], errors[those] = min(median + SPREADS * spread, HUGE), spread
    return column, errors
