"""Conditions of ConfigSpace as alternatives, in each of which all must hold."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from hpcore.errors import InvalidArgument, InvalidSpace, InvalidType, require
from hpcore.space import at_least, at_most
from hpcore.space.parameter import Parameter

__all__ = ["Way", "ways_of", "when_of"]

_cs: Any = require("ConfigSpace.conditions", "configspace")

# Parents with more values are treated as ranges; a condition that needs a list has at most so many.
MOST_LEVELS = 100_000
MOST_WAYS = 1_000


@dataclass(frozen=True)
class Levels:
    """Levels of a parent that has separate values."""

    kept: frozenset[int]

    def __and__(self, other: Any) -> Levels:
        return Levels(self.kept & other.kept)

    def __bool__(self) -> bool:
        return bool(self.kept)


@dataclass(frozen=True)
class Range:
    """Values of any other parent, from `low` to `high`, both included."""

    low: float
    high: float

    def __and__(self, other: Any) -> Range:
        return Range(max(self.low, other.low), min(self.high, other.high))

    def __bool__(self) -> bool:
        return self.low <= self.high


# Parents' names to what their values must be among.
Way = dict[str, Levels | Range]


def ways_of(child: str, conditions: Sequence[Any], parents: Mapping[str, Parameter]) -> list[Way]:
    """The alternatives under which a hyperparameter is active; none if it never is.

    Parameters
    ----------
    child : str
        Name of the hyperparameter.
    conditions : sequence
        Conditions, all of which must hold.
    parents : mapping of str to Parameter
        Parameters that may be active.
    """
    ways = _all_of(child, [_ways(child, condition, parents) for condition in conditions])
    return [way for i, way in enumerate(ways) if way not in ways[:i]]


def when_of(child: str, ways: list[Way], parents: Mapping[str, Parameter]) -> Any:
    """The alternatives in the form of ``when``."""
    return [{name: _wanted(child, name, parents[name], way[name]) for name in way} for way in ways]


def _ways(child: str, condition: Any, parents: Mapping[str, Parameter]) -> list[Way]:
    if isinstance(condition, _cs.AndConjunction):
        return _all_of(child, [_ways(child, part, parents) for part in condition.components])
    if isinstance(condition, _cs.OrConjunction):
        return [way for part in condition.components for way in _ways(child, part, parents)]
    name = condition.parent.name
    if name not in parents:
        return []
    allowed = _allowed(condition, name, parents[name])
    return [{name: allowed}] if allowed else []


def _all_of(child: str, parts: list[list[Way]]) -> list[Way]:
    n = math.prod(map(len, parts))
    if n > MOST_WAYS:
        raise InvalidSpace(f"conditions of {child!r} must have at most {MOST_WAYS} alternatives, got {n}")
    found = []
    for chosen in product(*parts):
        way: Way = {}
        for part in chosen:
            for name, allowed in part.items():
                way[name] = way[name] & allowed if name in way else allowed
        if all(way.values()):
            found.append(way)
    return found


def _allowed(condition: Any, name: str, parent: Parameter) -> Levels | Range:
    """Values of the parent for which a condition holds."""
    if isinstance(condition, _cs.InCondition):
        return _one_of(name, parent, condition.values)
    if isinstance(condition, _cs.EqualsCondition):
        return _one_of(name, parent, [condition.value])
    levels = parent.levels
    if levels is None or levels > MOST_LEVELS:
        return _in_range(condition, name, parent)
    at = _level(name, parent, condition.value)
    if isinstance(condition, _cs.NotEqualsCondition):
        return Levels(frozenset(range(levels)) - {at})
    if isinstance(condition, _cs.LessThanCondition):
        return Levels(frozenset(range(at)))
    if isinstance(condition, _cs.GreaterThanCondition):
        return Levels(frozenset(range(at + 1, levels)))
    raise _unknown(condition)


def _one_of(name: str, parent: Parameter, values: Sequence[Any]) -> Levels | Range:
    if parent.levels is None:
        raise InvalidSpace(
            f"a condition on a single value of {name!r}, which is continuous, has no counterpart, since the value "
            "has no probability; use LessThanCondition or GreaterThanCondition"
        )
    if parent.levels <= MOST_LEVELS:
        return Levels(frozenset(at for at in (_level(name, parent, value) for value in values) if at >= 0))
    if len(values) == 1:
        value = parent.check(name, values[0])
        return Range(value, value)
    raise InvalidSpace(
        f"a condition on a list of values of {name!r}, which has {parent.levels}, has no counterpart; use a range, "
        "with LessThanCondition or GreaterThanCondition"
    )


def _level(name: str, parent: Parameter, value: Any) -> int:
    """Level of a value; -1 for a choice of weight 0, which was left out."""
    try:
        return parent.level(name, value)
    except (InvalidArgument, InvalidType):
        return -1


def _in_range(condition: Any, name: str, parent: Any) -> Range:
    low, high, whole = parent.low, parent.high, parent.levels is not None
    value = parent.check(name, condition.value)
    if isinstance(condition, _cs.LessThanCondition):
        return Range(low, value - 1 if whole else math.nextafter(value, -math.inf))
    if isinstance(condition, _cs.GreaterThanCondition):
        return Range(value + 1 if whole else math.nextafter(value, math.inf), high)
    if isinstance(condition, _cs.NotEqualsCondition) and not whole:
        return Range(low, high)
    if isinstance(condition, _cs.NotEqualsCondition):
        raise InvalidSpace(
            f"NotEqualsCondition on {name!r}, which has {parent.levels} values, has no counterpart; use "
            "an OrConjunction of LessThanCondition and GreaterThanCondition"
        )
    raise _unknown(condition)


def _unknown(condition: Any) -> InvalidSpace:
    return InvalidSpace(
        f"{type(condition).__name__} ({condition}) has no counterpart; use the conditions of ConfigSpace"
    )


def _wanted(child: str, name: str, parent: Any, allowed: Levels | Range) -> Any:
    """The condition on one parent as ``when`` writes it."""
    if isinstance(allowed, Range):
        if allowed.low == allowed.high and parent.levels is not None:
            return [allowed.low]
        if allowed.low <= parent.low:
            return at_most(allowed.high)
        if allowed.high >= parent.high:
            return at_least(allowed.low)
        raise InvalidSpace(
            f"{child!r} is active for {name!r} from {allowed.low} to {allowed.high}, a range inside of the bounds, "
            "which has no counterpart; use a hyperparameter with fewer values, or a forbidden clause"
        )
    kept, levels = allowed.kept, parent.levels
    if parent.kind == "integer" and len(kept) > 1:
        if kept == frozenset(range(len(kept))):
            return at_most(parent.at(len(kept) - 1))
        if kept == frozenset(range(levels - len(kept), levels)):
            return at_least(parent.at(levels - len(kept)))
    return [parent.at(at) for at in sorted(kept)]
