"""Patience: a trial stops that does not improve any more."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from hpcore.arguments import check_integer, check_number
from hpcore.records.channel import Decision
from hpcore.records.curves import Curves
from hpcore.schedulers.base import Judge, Scheduler
from hpcore.space.columns import Columns

__all__ = ["Patience"]

StateArray = npt.NDArray[np.uint8]


class _Judge(Judge):
    def __init__(self, patience: int, min_delta: float) -> None:
        self._options = patience, min_delta
        self._patience, self._min_delta = patience, min_delta
        # Curves, and per trial the number of its reports that were read, the best value, and the reports since. One
        # object, because snapshots in threads use the same judge.
        self._seen: tuple[Curves | None, dict[int, tuple[int, float, int]]] = (None, {})

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), self._options

    def decide(self, number: int, step: float, curves: Curves, state: StateArray) -> Decision:
        """See `Judge.decide`."""
        seen = self._seen
        if curves is not seen[0]:
            seen = self._seen = (curves, {})
        rows = curves.of(number)
        n = len(rows)
        while n and curves.step[rows[n - 1]] > step:
            n -= 1
        read, best, since = seen[1].get(number, (0, math.inf, 0))
        if read > n:
            read, best, since = 0, math.inf, 0
        for value in curves.values[rows[read:n], 0].tolist():
            if value < best - self._min_delta:
                best, since = value, 0
            else:
                since += 1
        seen[1][number] = n, best, since
        return Decision.STOP if since >= self._patience else Decision.CONTINUE

    def snapshot(self, number: int, curves: Curves, state: StateArray) -> tuple[Curves, StateArray]:
        """See `Judge.snapshot`: the trial's own reports."""
        return curves.take(np.array(curves.of(number), dtype=np.int64)), state[:0]


class Patience(Scheduler):
    """Patience: a trial stops after a number of reports without an improvement of its own best value.

    Parameters
    ----------
    patience : int
        Number of reports in a row without an improvement, at least 1.
    min_delta : float
        Smallest difference that is an improvement, at least 0; a value must be better than the best by more than it.

    Notes
    -----
    The rule of the early stopping callbacks of Keras and others; other trials do not matter. Optuna's PatientPruner
    without a wrapped pruner differs: it stops only where the last values are worse than earlier ones by `min_delta`, so
    that a constant curve goes on. A trial that stops is pruned, and not complete. Of several objectives the first one
    counts. NaN is no improvement.

    Examples
    --------
    >>> from hpcore.schedulers import Patience
    >>> scheduler = Patience(5, min_delta=1e-3)
    """

    def __init__(self, patience: int = 10, min_delta: float = 0.0) -> None:
        self.patience = check_integer("patience", patience, 1)
        self.min_delta = check_number("min_delta", min_delta, 0.0)

    def bind(self, columns: Columns, directions: tuple[str, ...], seed: int) -> Judge:
        """See `Scheduler.bind`."""
        return _Judge(self.patience, self.min_delta)
