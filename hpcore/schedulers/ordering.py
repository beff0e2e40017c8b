"""Order of trials by their values at a rung."""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from hpcore.arguments import check_choice

__all__ = ["Ranking", "best_first", "check_objective", "place"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

OBJECTIVES = ("dominance", "first")

LARGEST = float(np.finfo(np.float64).max)

# Place of NaN.
LAST = (math.inf, True)


def check_objective(objective: Any) -> str:
    """Check how several objectives are compared: by dominance, or by the first one only."""
    return check_choice("objective", objective, OBJECTIVES)


def best_first(values: FloatArray, objective: str) -> IntArray:
    """Positions of the rows, the best first; the earlier of equal rows comes first.

    Parameters
    ----------
    values : ndarray of shape (n, m)
        Lower is better. Rows with a NaN are worse than all others.
    objective : str
        With several objectives, ``"dominance"`` orders by fronts, and within a front by hypervolume contribution;
        ``"first"`` looks at the first objective only.
    """
    if values.shape[1] == 1 or objective == "first":
        # A stable sort puts NaN last.
        return np.argsort(values[:, 0], kind="stable")
    from hpcore.records.tradeoff import order_by_front

    known = ~np.isnan(values).any(axis=1)
    first, last = np.flatnonzero(known), np.flatnonzero(~known)
    if not len(first):
        return last
    return np.concatenate([first[np.argsort(order_by_front(_finite(values[first])))], last])


def _finite(values: FloatArray) -> FloatArray:
    """Values with infinite ones brought near the others of their column, beyond which they stay."""
    if np.isfinite(values).all():
        return values
    out: FloatArray = values.copy()
    for column in out.T:
        finite = column[np.isfinite(column)]
        low, high = (finite.min(), finite.max()) if len(finite) else (0.0, 0.0)
        width = (0.5 * high - 0.5 * low) or 1.0
        column[column == -np.inf] = max(low - width, -LARGEST)
        column[column == np.inf] = min(high + width, LARGEST)
    return out


def place(value: float) -> tuple[float, bool]:
    """Return what orders one value: NaN comes after infinity."""
    return LAST if math.isnan(value) else (value, False)


class Ranking:
    """Trials at a rung in order, the best first; they are added one at a time.

    Parameters
    ----------
    m : int
        Number of objectives.
    objective : str
        See `best_first`.
    """

    def __init__(self, m: int, objective: str) -> None:
        self._objective = objective
        # By one value, a sorted list of (value, is NaN, number); by several, sorted again when there are new ones.
        self._sorted: list[tuple[float, bool, int]] | None = [] if m == 1 or objective == "first" else None
        self._values: dict[int, Sequence[float]] = {}
        self._order: list[int] | None = None

    def __len__(self) -> int:
        return len(self._values)

    def set(self, number: int, values: Sequence[float]) -> None:
        """Add a trial, or change its values."""
        if self._sorted is not None:
            if number in self._values:
                del self._sorted[bisect_left(self._sorted, self._key(number))]
            self._values[number] = values
            insort(self._sorted, self._key(number))
        self._values[number], self._order = values, None

    def best(self, n: int) -> list[int]:
        """Numbers of the `n` best trials."""
        if self._sorted is not None:
            return [key[2] for key in self._sorted[:n]]
        if self._order is None:
            numbers = np.array(sorted(self._values), dtype=np.int64)
            values = np.array([self._values[i] for i in numbers.tolist()])
            self._order = numbers[best_first(values, self._objective)].tolist() if len(numbers) else []
        return self._order[:n]

    def is_among(self, number: int, n: int) -> bool:
        """True if a trial is among the `n` best, 1 or more, or by its one value equal to the last of them."""
        if self._sorted is None:
            return number in self.best(n)
        return n > len(self._sorted) or self._key(number)[:2] <= self._sorted[n - 1][:2]

    def limit(self, n: int) -> tuple[float, bool] | None:
        """Place of the n-th best value; the last of all if there are fewer, None for an order of several objectives."""
        if self._sorted is None:
            return None
        return self._sorted[n - 1][:2] if n <= len(self._sorted) else LAST

    def _key(self, number: int) -> tuple[float, bool, int]:
        return (*place(float(self._values[number][0])), number)
