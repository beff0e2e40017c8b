"""Ways of a partial result to the decision on it, and back to the work that goes on or ends."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum
from typing import Protocol
from weakref import WeakMethod

__all__ = ["Channel", "Decision", "Direct"]


class Decision(Enum):
    """Answer to a partial result."""

    CONTINUE = "continue"
    PAUSE = "pause"
    STOP = "stop"


class Channel(Protocol):
    """Way of a report. By a snapshot, the rule travels with the work and decides there, in any executor."""

    @property
    def keeps(self) -> bool:
        """True if the reports must come home with the result, because the channel does not record them for good."""
        ...

    @property
    def portable(self) -> bool:
        """True if the channel can be pickled, and decides in another process."""
        ...

    def report(self, number: int, step: float, values: Sequence[float], cost: float | None = None) -> Decision:
        """Report a partial result.

        Parameters
        ----------
        number : int
            Number of the trial.
        step : float
            Resource used so far: a fold, an epoch.
        values : sequence of float
            One per objective.
        cost : float, optional
            Cost of reaching the step.
        """
        ...


class Direct:
    """Channel into an object of this process, which it does not keep alive; reports to an object that is gone continue.

    Parameters
    ----------
    report : bound method
        Method ``report(number, step, values, cost) -> Decision`` of the object.
    """

    keeps = portable = False

    def __init__(self, report: Callable[..., Decision]) -> None:
        self._report = WeakMethod(report)

    def report(self, number: int, step: float, values: Sequence[float], cost: float | None = None) -> Decision:
        """See `Channel`."""
        report = self._report()
        return Decision.CONTINUE if report is None else report(number, step, values, cost)
