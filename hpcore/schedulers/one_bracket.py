"""Successive halving with the schedule of scikit-learn: one bracket of all candidates."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from hpcore.records.history import History
from hpcore.records.streams import Rng
from hpcore.schedulers.base import Judge, Resume, Scheduler, Start
from hpcore.schedulers.brackets import BracketJudge, IntArray, values_at
from hpcore.schedulers.ordering import best_first
from hpcore.schedulers.resources import Resources, exact
from hpcore.schedulers.rungs import Rungs
from hpcore.space.columns import Columns

__all__ = ["OneBracket", "powers"]

# Trials after those of the bracket, which a search does not begin.
_ENDLESS = 2**62


def powers(n: float, factor: float) -> int:
    """Largest k with ``factor**k <= n``, for n >= 1; exact, where a logarithm in floating point loses 243 = 3**5."""
    k, power, step = 0, exact(factor), exact(factor)
    while power <= n:
        k, power = k + 1, power * step
    return k


@dataclass(frozen=True)
class _Levels(Resources):
    """Resources with given rungs."""

    rungs: tuple[float, ...] = ()

    def levels(self, full: float) -> tuple[float, ...]:
        """See `Resources`."""
        return self.rungs


class _Size:
    """Number of candidates; shared with the judge, because it may turn out that the space has fewer."""

    def __init__(self, n: int) -> None:
        self.n = n


class _Judge(BracketJudge):
    def __init__(self, resources: _Levels, size: _Size) -> None:
        super().__init__(resources, "first")
        self._size, self._n = size, size.n

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._resources, self._size)

    def size(self, index: int, n_rungs: int) -> tuple[int, int]:
        return 0, self._size.n if index == 0 else _ENDLESS

    def next(self, history: History, rng: Rng) -> Start | Resume | None:
        if self._n != self._size.n:
            self._forget()
            self._n = self._size.n
        return super().next(history, rng)

    def _promoted(self, members: IntArray, bracket: Any, history: History, rungs: Rungs) -> IntArray:
        # Rounded up at each rung, as scikit-learn does.
        n = math.ceil(len(members) / exact(self._resources.eta))
        return members[best_first(values_at(members, bracket.rung - 1, history, rungs), "first")][:n]


class OneBracket(Scheduler):
    """Successive halving of a given number of candidates.

    Parameters
    ----------
    levels : tuple of int
        Resources of the rungs, increasing.
    factor : float
        The best ``1 / factor`` of the candidates of a rung go on, rounded up.
    n : int or None
        Number of candidates; None for all that there are, which `close` tells.
    """

    def __init__(self, levels: tuple[int, ...], factor: float, n: int | None) -> None:
        self.levels, self.factor = levels, factor
        self._size = _Size(_ENDLESS if n is None else n)

    def close(self, n: int) -> None:
        """Note that there are no more than `n` candidates."""
        self._size.n = min(n, self._size.n)

    def bind(self, columns: Columns, directions: tuple[str, ...], seed: int) -> Judge:
        """See `Scheduler.bind`."""
        rungs = tuple(map(float, self.levels))
        return _Judge(_Levels(rungs[0], rungs[-1], self.factor, rungs), self._size)

    def __repr__(self) -> str:
        return f"OneBracket(levels={self.levels}, factor={self.factor:g})"
