"""Result of a job, as `tell` records it and a store keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from hpcore.records.history import COMPLETE, FAILED

__all__ = ["Outcome"]


class Outcome(NamedTuple):
    """Result of a trial, or of one of its jobs.

    Attributes
    ----------
    values : tuple of float or None
        One value per objective in the user's own sign. A pruned trial has an estimate or None; a failed or paused trial
        has None.
    state : int
        Index into `hpcore.records.history.STATES`, never that of a running trial. A withdrawn trial has nothing else.
    std_error : float, tuple of float, or None
        Standard error of the first of several values or of the only one, or of each of several.
    error : str or None
        Reason of a failure.
    cost : float or None
        Cost of the evaluation in a unit that the user chose.
    metrics : mapping of str to float, or None
        Further measurements by name.
    gradient : mapping of str to float, or None
        Derivative of the first value by parameter, in the parameters' own units.
    params : mapping of str to value, or None
        Parameters that were really used, if they are not those of the trial.
    """

    values: tuple[float, ...] | None = None
    state: int = COMPLETE
    std_error: float | tuple[float, ...] | None = None
    error: str | None = None
    cost: float | None = None
    metrics: Mapping[str, float] | None = None
    gradient: Mapping[str, float] | None = None
    params: Mapping[str, Any] | None = None

    @classmethod
    def failed(cls, error: str, **facts: Any) -> Outcome:
        """Outcome of a failed trial, with the reason `error`; `facts` are further attributes."""
        return cls(None, FAILED, None, error, **facts)

    @property
    def std_errors(self) -> tuple[float, ...]:
        """Standard errors of the first values; empty if none is known."""
        if self.std_error is None:
            return ()
        return self.std_error if isinstance(self.std_error, tuple) else (self.std_error,)

    @property
    def extras(self) -> dict[str, Any]:
        """Metrics and gradient as entries of `History.notes`; empty if there are none."""
        both = {"metrics": self.metrics, "gradient": self.gradient}
        return {name: dict(value) for name, value in both.items() if value is not None}
