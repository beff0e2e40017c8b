"""Trials in columns as one value: how they travel between a store, a table and an optimizer."""

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
    """Trials with consecutive numbers, an entry each in every column.

    Attributes
    ----------
    X : ndarray of shape (n, d)
        Points of the unit cube, as settled; NaN where inactive.
    state : ndarray of shape (n,)
        Indices into `hpcore.records.history.STATES`.
    values : ndarray of shape (n, m)
        In the user's own sign; NaN where there is none.
    times : ndarray of shape (n, 2)
        Unix times of start and finish; NaN where not known.
    std_errors, cost : ndarray of shape (n,), or None
        NaN where not known; None if no trial has one.
    job : ndarray of shape (n,), or None
        Last job of each trial; None if that is its own number.
    notes : mapping of int to dict
        By number, what few trials have: ``params`` that a user gave, ``error``, ``user_attrs``, ``metrics``,
        ``gradient``.
    reports : sequence of tuple
        ``(number, step, values, cost, job)`` in order of arrival, values in the user's own sign.
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

    def __len__(self) -> int:
        return len(self.X)
