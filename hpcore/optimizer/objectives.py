"""Checks of the directions of objectives and of results."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from hpcore.arguments import check_number, check_values, shown
from hpcore.errors import InvalidArgument, InvalidType
from hpcore.optimizer.gradients import check_gradient
from hpcore.records.history import COMPLETE, FAILED, PAUSED, PRUNED
from hpcore.records.outcome import Outcome
from hpcore.records.returned import Outcome as Returned
from hpcore.space.space import Space

__all__ = ["check_directions", "check_outcome", "told_outcome"]

_ENDS = {"complete": COMPLETE, "pruned": PRUNED, "paused": PAUSED, "failed": FAILED}


def check_directions(direction: str | None, directions: Sequence[str] | None) -> tuple[str, ...]:
    """Check the directions and return one per objective; by default there is one objective to minimize.

    Raises
    ------
    InvalidArgument, InvalidType
        Both arguments are given, or one is not allowed.
    """
    if directions is None:
        ways: Sequence[str] = ["minimize" if direction is None else direction]
    elif direction is not None:
        raise InvalidArgument("give direction or directions, not both")
    elif isinstance(directions, str) or not isinstance(directions, Sequence) or not directions:
        raise InvalidType(f"directions must be a list of 'minimize' or 'maximize', got {directions!r}")
    else:
        ways = directions
    for way in ways:
        if not isinstance(way, str):
            raise InvalidType(f"direction must be 'minimize' or 'maximize', got {way!r}")
        if way not in ("minimize", "maximize"):
            raise InvalidArgument(f"direction must be 'minimize' or 'maximize', got {way!r}")
    return tuple(ways)


def check_outcome(
    space: Space,
    m: int,
    value: Any,
    std_error: float | Sequence[float] | None,
    error: str | None,
    cost: float | None,
    metrics: Mapping[str, float] | None,
    gradient: Mapping[str, float] | None,
    state: str | None,
    params: Mapping[str, Any] | None = None,
) -> Outcome:
    """Check the result of a trial of `space` with `m` objectives; see `Optimizer.tell`.

    The gradient must be one by active parameters, if the `params` of the trial are given.

    Raises
    ------
    InvalidArgument, InvalidType
        An argument is not allowed.
    """
    values = check_values(value, m)
    std_error = _check_errors(std_error, m)
    if error is not None and not isinstance(error, str):
        raise InvalidType(f"error must be a str or None, got {error!r}")
    if cost is not None:
        cost = check_number("cost", cost, 0.0)
    metrics = _check_numbers("metrics", metrics)
    end = None
    if state is not None:
        if not isinstance(state, str) or state not in _ENDS:
            raise InvalidArgument(f"state must be one of {', '.join(map(repr, _ENDS))}, got {state!r}")
        end = _ENDS[state]
    finite = values is not None and all(map(math.isfinite, values))
    failed = error is not None or end == FAILED or not (finite or end in (PAUSED, PRUNED))
    gradient = check_gradient(space, gradient, failed, params)
    if error is None and end == PAUSED:
        if value is not None:
            raise InvalidArgument(f"value must be left out of a paused trial, got {shown(value)}")
        return Outcome(None, PAUSED, None, None, cost, metrics, gradient)
    if error is None and end == PRUNED:
        return Outcome(values if finite else None, PRUNED, std_error, None, cost, metrics, gradient)
    if error is None and end == FAILED:
        error = "the trial was told as failed"
    elif not finite:
        error = error or f"the value was {shown(value)}, which is not a finite number"
    if error is not None:
        return Outcome(None, FAILED, std_error, error, cost, metrics, gradient)
    return Outcome(values, COMPLETE, std_error, None, cost, metrics, gradient)


def told_outcome(
    space: Space,
    m: int,
    value: Any,
    std_error: float | Sequence[float] | None,
    error: str | None,
    cost: float | None,
    metrics: Mapping[str, float] | None,
    gradient: Mapping[str, float] | None,
    state: str | None,
    params: Mapping[str, Any] | None,
) -> Outcome:
    """Check the result of a trial as `check_outcome` does, also one that is a `hpcore.Outcome`."""
    facts: dict[str, Any] = {
        "std_error": std_error,
        "error": error,
        "cost": cost,
        "metrics": metrics,
        "gradient": gradient,
    }
    if isinstance(value, Returned):
        value, facts = value.value, value.facts(facts)
    return check_outcome(space, m, value, **facts, state=state, params=params)


def _check_errors(given: Any, m: int) -> float | tuple[float, ...] | None:
    """Check a standard error of the first value, or one per value."""
    if given is None:
        return None
    # A mapping or text is refused as a number would be.
    is_list = isinstance(given, Iterable) and not isinstance(given, str | bytes | bytearray | Mapping)
    if not is_list or getattr(given, "ndim", 1) == 0:
        return check_number("std_error", given, 0.0)
    items = list(given)
    if len(items) != m:
        raise InvalidArgument(
            f"std_error must be a number or one number per objective ({m}), got {len(items)}: {shown(given)}"
        )
    errors = tuple(check_number("std_error", item, 0.0) for item in items)
    return errors if m > 1 else errors[0]


def _check_numbers(argument: str, given: Any) -> dict[str, float] | None:
    if given is None:
        return None
    if not isinstance(given, Mapping) or not all(isinstance(name, str) for name in given):
        raise InvalidType(f"{argument} must be a mapping of names to numbers, got {shown(given)}")
    out = {}
    for name, number in given.items():
        # NaN marks a measurement that is missing.
        if isinstance(number, float | np.floating) and math.isnan(number):
            out[name] = math.nan
        else:
            out[name] = check_number(f"{argument}[{name!r}]", number)
    return out
