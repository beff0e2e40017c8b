"""Limits and costs of a history, in the form that the Gaussian process multiplies an acquisition by."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from hpcore.records.history import History

__all__ = ["Factors", "factors_of"]

FloatArray = npt.NDArray[np.float64]
Outcome = tuple[FloatArray, FloatArray]  # points (k, d) and values (k,)


class Factors(NamedTuple):
    """Outcomes besides the objectives."""

    limits: list[Outcome]
    """Of each bound, the trials whose metric is known, and by how much it is exceeded."""
    violations: FloatArray | None
    """(n,) distance of each trial from keeping all limits, 0 if it does; None without limits."""
    cost: Outcome | None
    """Logarithms of the known costs."""


def factors_of(history: History, per_cost: bool, known_costs: Outcome | None) -> Factors:
    """Collect the limits and costs of a history.

    Parameters
    ----------
    history : History
        Trials in all states; those whose metric is known count, failed ones included.
    per_cost : bool
        True if costs matter.
    known_costs : tuple of ndarray, optional
        Further points and the logarithms of their costs.
    """
    excess = getattr(history, "violations", np.empty((history.n, 0)))
    limits = []
    violations = np.zeros(history.n) if excess.shape[1] else None
    for column in excess.T:
        known = np.isfinite(column)
        limits.append((np.ascontiguousarray(history.X[known]), np.ascontiguousarray(column[known])))
        assert violations is not None
        unit = float(np.median(np.abs(column[known]))) if known.any() else 1.0
        # What is not known keeps no limit: a unit beyond it.
        violations += np.where(known, np.maximum(column, 0.0) / (unit or 1.0), 1.0)
    return Factors(limits, violations, _cost(history, known_costs) if per_cost else None)


def _cost(history: History, known_costs: Outcome | None) -> Outcome | None:
    rows, costs = known_costs if known_costs is not None else (np.empty((0, history.X.shape[1])), np.empty(0))
    if history.cost is not None:
        known = history.cost >= 0.0
        told = history.cost[known]
        positive = told[told > 0.0]
        if len(positive):
            rows = np.vstack([rows, history.X[known]])
            costs = np.concatenate([costs, np.log(np.maximum(told, positive.min()))])
    return (np.ascontiguousarray(rows), costs) if len(rows) else None
