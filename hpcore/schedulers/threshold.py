"""Threshold: a trial stops whose values leave a range."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from hpcore.arguments import check_number
from hpcore.errors import InvalidArgument
from hpcore.records.channel import Decision
from hpcore.records.curves import Curves
from hpcore.schedulers.base import Judge, Scheduler
from hpcore.space.columns import Columns

__all__ = ["Threshold"]

StateArray = npt.NDArray[np.uint8]


class _Judge(Judge):
    def __init__(self, lower: float, upper: float) -> None:
        self._lower, self._upper = lower, upper

    def decide(self, number: int, step: float, curves: Curves, state: StateArray) -> Decision:
        """See `Judge.decide`."""
        for i in reversed(curves.of(number)):
            if curves.step[i] == step:
                inside = self._lower <= curves.values[i, 0] <= self._upper  # false for NaN
                return Decision.CONTINUE if inside else Decision.STOP
        return Decision.CONTINUE

    def snapshot(self, number: int, curves: Curves, state: StateArray) -> tuple[Curves, StateArray]:
        """See `Judge.snapshot`: nothing, since only the report itself counts."""
        return Curves(curves.values.shape[1]), state[:0]


class Threshold(Scheduler):
    """Threshold: a trial stops as soon as it reports a value outside a range, or NaN.

    Parameters
    ----------
    lower, upper : float, optional
        Range of allowed values, its ends included, in the sign in which values are reported. None for no limit; with
        neither, NaN alone stops a trial.

    Notes
    -----
    Of several objectives the first one counts.

    Examples
    --------
    >>> from hpcore.schedulers import Threshold
    >>> scheduler = Threshold(upper=10.0)  # a loss that explodes
    """

    def __init__(self, lower: float | None = None, upper: float | None = None) -> None:
        self.lower = None if lower is None else check_number("lower", lower)
        self.upper = None if upper is None else check_number("upper", upper)
        if self.lower is not None and self.upper is not None and self.lower > self.upper:
            raise InvalidArgument(f"lower must be <= upper, got lower={self.lower:g} and upper={self.upper:g}")

    def bind(self, columns: Columns, directions: tuple[str, ...], seed: int) -> Judge:
        """See `Scheduler.bind`."""
        lower = -math.inf if self.lower is None else self.lower
        upper = math.inf if self.upper is None else self.upper
        return _Judge(lower, upper) if directions[0] == "minimize" else _Judge(-upper, -lower)
