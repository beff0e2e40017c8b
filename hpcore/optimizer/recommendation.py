"""Recommendation: the complete trial that is best by a model of the values, where these are noisy."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from hpcore._core.gp import TransformKind
from hpcore.optimizer.noisy_model import NoisyModel
from hpcore.records.history import COMPLETE, History
from hpcore.records.limits import typical_size
from hpcore.samplers.failures import split
from hpcore.space.columns import Columns

__all__ = ["recommended"]

FloatArray = npt.NDArray[np.float64]

# Trials up to which the observed best is recommended: what a model says of so few is its prior.
FEW = 4
# Standard deviations above the mean by which trials are compared: of two equal means the surer one is recommended.
CAUTION = 1.0
# Distances beyond a limit count up to so many times their median, because metrics may span decades.
FARTHEST = 2.0


def recommended(history: History, columns: Columns) -> int:
    """Find the number of the trial to recommend, for one objective.

    Parameters
    ----------
    history : History
        Trials, of which one at least is feasible; lower values are better.
    columns : Columns
        Columns of the space.

    Returns
    -------
    int
        Feasible trial with the lowest mean plus one standard deviation of a Gaussian process that is fitted to the
        values, the earliest among equals; the one with the lowest value if the learnt noise is near zero, or if there
        are few trials. Where violations are noisy, trials that break a limit more likely than not are passed over, or,
        if those are all, the most likely one to keep the limits is recommended.

    Notes
    -----
    Targets of the process are logarithmic above the median. Repeats of a point are as many observations of it; standard
    errors, where they were told, are added to the learnt noise. Trials with a penalty in place of a value are left out.
    The answer depends on the history alone. With more than 500 trials the model holds the best, those near them, and
    some of the others; only these can be recommended, unless none of them is feasible.
    """
    values = history.values[:, 0]
    observed = np.flatnonzero(split(history).complete)
    allowed = history.feasible
    candidates = observed[allowed[observed]]
    if not len(candidates):  # those that are feasible returned penalties
        candidates = np.flatnonzero(allowed)
    lowest = int(candidates[np.argmin(values[candidates])])
    if np.count_nonzero(history.state[observed] == COMPLETE) <= FEW:
        return lowest
    errors = None if history.std_errors is None else np.nan_to_num(history.std_errors[observed, 0])
    model = NoisyModel(history.X[observed], values[observed], errors, columns, TransformKind.half_log)
    held = observed[model.held]
    held = held[allowed[held]]
    if not len(held):
        return lowest
    X = history.X[held]
    likely = _probability_of_limits(history, columns, X)
    if not (likely >= 0.5).any():
        return int(held[np.argmax(likely)])
    if model.is_noisy:
        mean, std = model.predict(X)
        score = mean + CAUTION * std
    else:
        score = values[held]
    return int(held[np.argmin(np.where(likely >= 0.5, score, math.inf))])


def _probability_of_limits(history: History, columns: Columns, X: FloatArray) -> FloatArray:
    """Probability (m,) that feasible trials at rows X (m, d) keep all limits, in which a metric may be noisy."""
    likely = np.ones(len(X))
    for beyond in history.violations.T:
        known = np.flatnonzero(~np.isnan(beyond))
        typical = typical_size(beyond)
        if not typical > 0.0 or len(known) <= FEW:
            continue
        with np.errstate(over="ignore"):
            distance = np.clip(beyond[known] / typical, -FARTHEST, FARTHEST)
        if not distance.max() > 0.0:  # the limit was never broken
            continue
        model = NoisyModel(history.X[known], distance, None, columns, TransformKind.standard)
        if model.is_noisy:
            likely *= model.probability_below(0.0, X)
    return likely
