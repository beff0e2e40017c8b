"""Parts shared by the callbacks of training frameworks.

A callback reports a metric after each completed iteration or epoch, counted from the beginning of the trial, and ends
the training when the trial is to stop, in the way of the framework: the call that trains returns as usual.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from hpcore.arguments import check_choice, shown
from hpcore.errors import InvalidArgument, InvalidType

__all__ = ["ReportingTrial", "check_name", "check_trial", "is_due", "pick", "report"]


class ReportingTrial(Protocol):
    """Part of a trial that callbacks use."""

    @property
    def until(self) -> float:
        """Step that this job of the trial goes to."""
        ...

    def report(self, value: float, step: float) -> None:
        """Report a partial result."""
        ...

    def should_stop(self) -> bool:
        """Tell whether this job ends now."""
        ...


def check_trial(trial: Any) -> ReportingTrial:
    """Check that an object has what callbacks use of a trial."""
    if not (callable(getattr(trial, "report", None)) and callable(getattr(trial, "should_stop", None))):
        raise InvalidType(f"trial must be a trial, with methods report and should_stop, got {shown(trial)}")
    return trial  # type: ignore[no-any-return]


def check_name(name: str, value: Any) -> str:
    """Check that the name of a metric or of a data set is a string."""
    if not isinstance(value, str):
        raise InvalidType(f"{name} must be a string, got {shown(value)}")
    return value


def pick(argument: str, name: str, values: Mapping[str, Any], otherwise: str) -> Any:
    """Return the value of a name that an argument gave.

    Raises
    ------
    InvalidArgument
        There is no such name. The message lists those that there are; `otherwise` says what to do if there are none.
    """
    if not values:
        raise InvalidArgument(f"{argument} {name!r} was not found, because there are no metrics: {otherwise}")
    return values[check_choice(argument, name, list(values))]


def is_due(trial: ReportingTrial, step: int, interval: int) -> bool:
    """Tell whether a step is reported: every `interval` steps, and where the job of the trial ends."""
    return step % interval == 0 or step >= trial.until


def report(trial: ReportingTrial, value: Any, step: int) -> bool:
    """Report a value, and tell whether the training ends."""
    trial.report(float(value), step)
    return bool(trial.should_stop())
