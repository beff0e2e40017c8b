"""Trials in columns as one object, to pass them between a store, a table and an optimizer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["Report", "Rows"]

FloatArray = npt.NDArray[np.float64]
# (number, step, values, cost, job)
Report = tuple[int, float, tuple[float, ...], "float | None", int]


@dataclass
class Rows:
    """Trials with consecutive numbers; every column has one entry per trial.

    Attributes
    ----------
    X : ndarray of shape (n, d)
        Settled points of the unit cube; NaN where inactive.
    state : ndarray of shape (n,)
        Indices into `hpcore.records.history.STATES`.
    values : ndarray of shape (n, m)
        Objective values in the user's own sign; NaN if there are none.
    times : ndarray of shape (n, 2)
        Unix times of start and finish; NaN if not known.
    std_errors : ndarray of shape (n, m), or None
        Standard errors of the values; NaN if not known, None if no trial has one.
    cost : ndarray of shape (n,), or None
        Costs; NaN if not known, None if no trial has one.
    job : ndarray of shape (n,), or None
        Last job of each trial; None if each trial has one job, numbered on from those of the history.
    notes : mapping of int to dict
        Facts that few trials have, by trial number, as in `History.notes`.
    reports : list of tuple
        Partial results ``(number, step, values, cost, job)`` in order of arrival, values in the user's own sign.
    until : ndarray of shape (n,), or None
        Resource that each trial's last job goes to; NaN if no scheduler began it, None if it began none.
    """

    X: FloatArray
    state: npt.NDArray[np.uint8]
    values: FloatArray
    times: FloatArray
    std_errors: FloatArray | None = None
    cost: FloatArray | None = None
    job: npt.NDArray[np.int64] | None = None
    notes: Mapping[int, dict[str, Any]] = field(default_factory=dict)
    reports: list[Report] = field(default_factory=list)
    until: FloatArray | None = None

    def __len__(self) -> int:
        return len(self.X)
