"""Samplers of the core at work on one space: what they are asked, in the form that they take."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from hpcore._core import samplers as native
from hpcore.records.history import History
from hpcore.records.streams import ALLOWED, WORD, Rng
from hpcore.samplers.base import Suggester
from hpcore.space.columns import Columns

__all__ = ["NativeSuggester", "categorical_of", "constraints_of"]

FloatArray = npt.NDArray[np.float64]
Around = Callable[[FloatArray, int, int, int, int], "FloatArray | None"]


class NativeSuggester(Suggester):
    """Suggester that the core computes.

    Parameters
    ----------
    native : hpcore._core.samplers.Sampler
        Sampler of the core.
    options : object
        What must outlive it: compiled code of a user's kernels.
    """

    asks_around: ClassVar[bool] = True

    def __init__(self, native: native.Sampler, options: Any = None) -> None:
        self._native, self._options = native, options
        self._per_cost = False

    def suggest(self, history: History, pending: FloatArray, n: int, rng: Rng) -> FloatArray:
        ask = native.Ask(rng.seed_low, rng.seed_high, rng.number, rng.attempt, n, self._per_cost)
        return self._native.suggest(history.trials, pending, ask)[0]

    def suggest_within(
        self, history: History, pending: FloatArray, n: int, rng: Rng, deadline_ms: float
    ) -> tuple[FloatArray, str]:
        ask = native.Ask(rng.seed_low, rng.seed_high, rng.number, rng.attempt, n, self._per_cost, deadline_ms / 1e3)
        return self._native.suggest(history.trials, pending, ask)

    def at_once(self, history: History, pending: FloatArray, n: int, rng: Rng) -> tuple[FloatArray, str] | None:
        """See `Suggester.at_once`."""
        ask = native.Ask(rng.seed_low, rng.seed_high, rng.number, rng.attempt, n, self._per_cost, 0.0)
        return self._native.at_once(history.trials, pending, ask)

    def allow_repeats(self, n: int) -> None:
        self._native.allow_repeats(n)

    def use_cost(self, on: bool) -> None:
        self._per_cost = on

    def know_costs(self, rows: FloatArray, costs: FloatArray) -> None:
        self._native.know_costs(np.ascontiguousarray(rows), np.ascontiguousarray(costs))


def categorical_of(columns: Columns) -> list[bool]:
    """Mark the columns whose levels have no order."""
    return [kind == "categorical" for kind in columns.kinds]


def constraints_of(columns: Columns) -> native.Constraints:
    """Functions by which a sampler of the core learns what the space allows."""
    return native.Constraints(columns.feasible, None if columns.around is None else _near(columns.around))


def _near(around: Callable[[FloatArray, np.random.Generator], FloatArray | None]) -> Around:
    def near(rows: FloatArray, seed_low: int, seed_high: int, number: int, attempt: int) -> FloatArray | None:
        return around(rows, Rng(seed_low + seed_high * WORD, number, attempt).generator(ALLOWED))

    return near
