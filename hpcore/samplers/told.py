"""Results of a history as the Gaussian process takes them: points, values, limits, costs and failures."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from hpcore.records.history import History
from hpcore.records.limits import total_violation
from hpcore.records.tradeoff import chebyshev, half_range
from hpcore.samplers.agreement import agree
from hpcore.samplers.failures import split

__all__ = ["Told", "cost_of", "log_costs", "told_of"]

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
Outcome = tuple[FloatArray, FloatArray]  # points (k, d) and values (k,)


class Told(NamedTuple):
    """Results in the form that the native engines take."""

    X: FloatArray
    """(n, d) points with a value."""
    values: FloatArray
    """(n,) values, or (m * n,) of m objectives one after the other."""
    errors: FloatArray | None
    """Standard errors of the values, 0 where not known; None if none is."""
    limits: list[Outcome]
    """Points whose metric is known and by how much it is exceeded, of each bound; and of success, if a trial failed."""
    violations: FloatArray | None
    """(n,) distance of each point from keeping all limits, 0 if it does; None without limits."""
    cost: Outcome | None
    """Points and the logarithms of their costs, where costs matter."""
    failed: FloatArray | None
    """Points that failed and have no value."""
    gradients: FloatArray | None
    """(n, d) derivatives of the single objective, NaN where not told; None if none was, if they do not agree with the
    values, or if there are several objectives."""


def told_of(history: History, per_cost: bool, known_costs: Outcome | None, weights: FloatArray | None = None) -> Told:
    """Read a history.

    Parameters
    ----------
    history : History
        Trials in all states.
    per_cost : bool
        True if costs matter.
    known_costs : tuple of ndarray, optional
        Further points and the logarithms of their costs.
    weights : ndarray of shape (m,), optional
        Weights of a scalarisation of the objectives. Without them each objective is told.

    Notes
    -----
    Limits count wherever their metric is known, also of failed trials. A trial that failed, as
    `hpcore.samplers.failures` says, has no value to learn from; that it failed is learnt as one more limit.
    """
    trials = split(history)
    limits = [_known(history, column) for column in history.violations.T]
    violations = total_violation(history.violations) if limits else None
    told, failed = trials.complete, None
    values, errors = _columns(history, told) if weights is None else _distances(history, told, weights)
    if trials.failed.any():
        # Whether a trial succeeds is a limit: 1 beyond it, or 1 within.
        ended = trials.complete | trials.failed
        limits.append((np.ascontiguousarray(history.X[ended]), np.where(trials.failed[ended], 1.0, -1.0)))
        failed = np.ascontiguousarray(history.X[trials.failed])
    return Told(
        np.ascontiguousarray(history.X[told]),
        values,
        errors,
        limits,
        None if violations is None else violations[told],
        cost_of(history, known_costs) if per_cost else None,
        failed,
        _gradients(history, told),
    )


def log_costs(history: History) -> FloatArray | None:
    """(n,) logarithms of the trials' costs, NaN where not known; None if no positive cost is known.

    A cost of 0 counts as the smallest positive one.
    """
    if history.cost is None:
        return None
    positive = history.cost[history.cost > 0.0]
    return np.log(np.maximum(history.cost, positive.min())) if len(positive) else None


def cost_of(history: History, known: Outcome | None) -> Outcome | None:
    """Points and the logarithms of their costs, those known beforehand first; None if no cost is known."""
    rows, costs = known if known is not None else (np.empty((0, history.X.shape[1])), np.empty(0))
    told = log_costs(history)
    if told is not None:
        measured = np.isfinite(told)
        rows = np.vstack([rows, history.X[measured]])
        costs = np.concatenate([costs, told[measured]])
    return (np.ascontiguousarray(rows), costs) if len(rows) else None


def _known(history: History, excess: FloatArray) -> Outcome:
    known = np.isfinite(excess)
    return np.ascontiguousarray(history.X[known]), np.ascontiguousarray(excess[known])


def _gradients(history: History, told: BoolArray) -> FloatArray | None:
    if history.gradients is None or history.values.shape[1] > 1:
        return None
    gradients = np.ascontiguousarray(history.gradients[told])
    if np.isnan(gradients).all() or not agree(history.X[told], history.values[told, 0], gradients):
        return None
    return gradients


def _columns(history: History, told: BoolArray) -> tuple[FloatArray, FloatArray | None]:
    values = np.ascontiguousarray(history.values[told].T).ravel()
    if history.std_errors is None:
        return values, None
    return values, np.nan_to_num(np.ascontiguousarray(history.std_errors[told].T).ravel())


def _distances(history: History, told: BoolArray, weights: FloatArray) -> tuple[FloatArray, FloatArray | None]:
    values = history.values[told]
    column = np.ascontiguousarray(values[:, 0]) if len(weights) == 1 else chebyshev(values, weights)
    if history.std_errors is None:
        return column, None
    with np.errstate(over="ignore", invalid="ignore"):  # the unit of values that hardly differ
        # Those of the first objective, in the units of the distance.
        unit = 1.0 if len(weights) == 1 else float(weights[0]) / 2 / float(half_range(values)[0])
        return column, np.nan_to_num(unit * history.std_errors[told, 0])
