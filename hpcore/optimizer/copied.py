"""A trial of a record that is kept elsewhere: what an optimizer takes of it, checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from hpcore.arguments import check_number, check_values
from hpcore.errors import InvalidArgument, InvalidType
from hpcore.optimizer.objectives import check_outcome
from hpcore.records.outcome import Outcome
from hpcore.space.point import EncodedPoint
from hpcore.space.reading import read_row, without_missing
from hpcore.space.space import Space

__all__ = ["CopiedTrial", "read_copied"]

STATES = ("running", "complete", "pruned", "failed", "withdrawn")


class CopiedTrial(NamedTuple):
    """Trial of another record.

    Attributes
    ----------
    point : EncodedPoint or None
        Its point with its parameters; None for a withdrawn one.
    outcome : Outcome or None
        Its outcome; None if it runs or was withdrawn.
    reports : dict of float to tuple of float, or None
        Its partial results by step; None if they are those that are known.
    """

    point: EncodedPoint | None
    outcome: Outcome | None
    reports: dict[float, tuple[float, ...]] | None


def read_copied(
    space: Space,
    n_objectives: int,
    params: Mapping[str, Any] | None,
    state: Any,
    value: float | Sequence[float] | None,
    reports: Any,
    facts: dict[str, Any],
    missing: str,
) -> CopiedTrial:
    """Check the arguments of `Optimizer.put`; `facts` are those of a trial that has ended.

    Raises
    ------
    InvalidArgument, InvalidType
        An argument is not allowed, or does not fit the state.
    """
    if not isinstance(state, str) or str(state) not in STATES:
        raise InvalidArgument(f"state must be one of {', '.join(map(repr, STATES))}, got {state!r}")
    state = str(state)
    if state == "withdrawn":
        _leave_out(state, params=params, value=value, reports=reports, **facts)
        return CopiedTrial(None, None, None)
    if params is None:
        raise InvalidType(f"params must be a mapping of names to values for a {state} trial, got None")
    point = space.encode(without_missing(space, read_row(params)), missing=missing)
    curve = None if reports is None else _checked_reports(reports, n_objectives)
    if state == "running":
        _leave_out(state, value=value, **facts)
        return CopiedTrial(point, None, curve)
    if state == "complete" and value is None:
        raise InvalidArgument("value must be given with a complete trial, got None")
    more = {**facts, "error": None, "gradient": None}
    return CopiedTrial(
        point, check_outcome(space, n_objectives, value, **more, state=state, params=point.params), curve
    )


def _leave_out(state: str, **given: Any) -> None:
    for name, value in given.items():
        if value is not None:
            raise InvalidArgument(f"{name} must be left out of a {state} trial, got {value!r}")


def _checked_reports(reports: Any, n_objectives: int) -> dict[float, tuple[float, ...]]:
    if not isinstance(reports, Mapping):
        raise InvalidType(f"reports must be a mapping of steps to values, got {reports!r}")
    checked = {}
    for step, value in reports.items():
        values = check_values(value, n_objectives)
        if values is None:
            raise InvalidType(f"reports[{step!r}] must be a number or one number per objective, got None")
        checked[check_number("step of reports", step)] = values
    return checked
