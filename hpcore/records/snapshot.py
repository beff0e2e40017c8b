"""Copy of a trial as it is at a moment, for queues and other threads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Any

from hpcore.records.objective_values import ObjectiveValues

__all__ = ["NOTHING", "TrialSnapshot"]


@dataclass(frozen=True, eq=False)
class TrialSnapshot(Mapping[str, Any]):
    """Copy of a trial that does not change any more: a mapping of its parameters to their values, as `Trial` is.

    It can be pickled if the values of the parameters can, and is not told: `Optimizer.tell` takes the trial itself.

    Attributes
    ----------
    number, params, state, value, values, reports, user_attrs, started, finished
        As those of `Trial`, at the time of the copy; mappings are read-only.
    cost, metrics, gradient, violations, feasible, error, info, until
        Likewise.
    """

    number: int
    params: Mapping[str, Any]
    state: str
    objectives: tuple[float, ...] | None
    reports: Mapping[int, float]
    user_attrs: Mapping[str, Any]
    started: float | None
    finished: float | None
    cost: float | None
    metrics: Mapping[str, float]
    gradient: Mapping[str, float]
    violations: Mapping[str, float]
    feasible: bool | None
    error: str | None
    info: Mapping[str, Any] | None
    until: float

    @classmethod
    def make(cls, content: dict[str, Any]) -> TrialSnapshot:
        """Make a copy that owns a dictionary with all attributes, whose mappings are read-only."""
        made = object.__new__(cls)
        # At once: a frozen dataclass sets each attribute by a call, and trackers copy every trial.
        object.__setattr__(made, "__dict__", content)
        return made

    @property
    def value(self) -> float | None:
        """Value of the first objective; None if there is none."""
        return None if self.objectives is None else self.objectives[0]

    @property
    def values(self) -> ObjectiveValues:
        """Values of the objectives, empty if there are none; if called, the values of the parameters."""
        return ObjectiveValues.of(self.params, self.objectives)

    def snapshot(self) -> TrialSnapshot:
        """Return this object: it does not change."""
        return self

    def __getitem__(self, name: str) -> Any:
        return self.params[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.params)

    def __len__(self) -> int:
        return len(self.params)

    def __eq__(self, other: object) -> bool:
        return self._content() == other._content() if isinstance(other, TrialSnapshot) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.number)

    def _content(self) -> tuple[Any, ...]:
        """Values of the attributes, read-only mappings as dicts."""
        found = (getattr(self, field.name) for field in fields(self))
        return tuple(dict(value) if isinstance(value, MappingProxyType) else value for value in found)

    def __reduce__(self) -> Any:
        # Read-only mappings cannot be pickled.
        return _unpickled, self._content()


NOTHING: Mapping[Any, Any] = MappingProxyType({})
"""Empty mapping of a copy."""


def _unpickled(*content: Any) -> TrialSnapshot:
    frozen: list[Any] = [MappingProxyType(value) if isinstance(value, dict) else value for value in content]
    return TrialSnapshot(*frozen)
