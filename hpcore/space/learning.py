"""Conditions read off the trials of a program that asks for its parameters one after the other.

A parameter that some complete trials lack is explained by one that was asked for earlier, whose values separate the
trials with it from those without: a set of choices, or a threshold. Trials that lack the earlier parameter too are
explained by that one's own conditions, so that nested branches are found level by level. Where no single parameter
separates them, several are tried that must hold together, and then several any one of which suffices.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from hpcore.errors import InvalidType
from hpcore.space.conditions import Conditions, at_least, at_most, check_when, parents_of
from hpcore.space.discrete import Categorical, Int
from hpcore.space.parameter import Parameter

__all__ = ["learn_conditions"]

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

# Levels of a grid up to which a condition may list some of them.
MOST_LEVELS = 1_000
# Conditions that hold together, and alternatives.
MOST_CONDITIONS, MOST_ALTERNATIVES = 3, 4
# Trials that each of several conditions must explain: fewer are explained by chance.
LEAST_SUPPORT = 2


def learn_conditions(
    parameters: Mapping[str, Parameter], trials: Iterable[Any]
) -> tuple[dict[str, Parameter], tuple[str, ...]]:
    """The parameters with conditions, and the names of those whose absence nothing explains; see `Space.learn`."""
    if not isinstance(parameters, Mapping) or not all(isinstance(p, Parameter) for p in parameters.values()):
        raise InvalidType(f"parameters must be a mapping of names to parameters, got {parameters!r:.200}")
    table = _Table(parameters, trials)
    learnt = dict(parameters)
    unexplained: list[str] = []
    if table.whole.any():
        for name, parameter in parameters.items():
            if parameter.when:
                continue
            there = table.has(name)
            lacking = table.whole & ~there
            if not lacking.any():
                continue
            when = _explanation(table, learnt, name, there, lacking)
            if when is None:
                unexplained.append(name)
            else:
                learnt[name] = copy.copy(parameter)
                learnt[name].when = when
    return learnt, tuple(unexplained)


def _read(trial: Any) -> tuple[Mapping[str, Any], bool]:
    """Parameters of a trial, and whether it is complete."""
    if isinstance(trial, Mapping):
        return trial, True
    if isinstance(trial, tuple) and len(trial) == 2 and isinstance(trial[0], Mapping) and isinstance(trial[1], bool):
        return trial
    params = getattr(trial, "params", None)
    if isinstance(params, Mapping) and isinstance(state := getattr(trial, "state", None), str):
        return params, state == "complete"
    raise InvalidType(
        "a trial must be a mapping of names to values, such a mapping and whether it is complete, or a Trial, got "
        f"{trial!r:.200}"
    )


class _Table:
    """Trials in columns.

    Attributes
    ----------
    whole : ndarray of shape (n,)
        True for complete trials, which asked for all their parameters.
    """

    def __init__(self, parameters: Mapping[str, Parameter], trials: Iterable[Any]) -> None:
        self._parameters = parameters
        self._rows: list[Mapping[str, Any]] = []
        whole: list[bool] = []
        # Most trials ask for the same names in the same order as others: what depends on names is found for each order.
        orders: dict[tuple[str, ...], int] = {}
        which: list[int] = []
        for trial in trials:
            params, complete = _read(trial)
            self._rows.append(params)
            whole.append(complete)
            which.append(orders.setdefault(tuple(params), len(orders)))
        self.whole = np.array(whole, dtype=np.bool_)
        self._which = np.array(which, dtype=np.intp)
        self._column = {name: j for j, name in enumerate(parameters)}
        self._position = np.full((len(orders), len(parameters)), np.inf)
        for order, i in orders.items():
            for position, name in enumerate(order):
                if name in self._column:
                    self._position[i, self._column[name]] = position
        self._places: dict[str, FloatArray] = {}

    def has(self, name: str) -> BoolArray:
        """True for trials (n,) with a parameter."""
        found: BoolArray = np.isfinite(self._position[:, self._column[name]])[self._which]
        return found

    def after(self, parent: str, child: str) -> BoolArray:
        """True for trials (n,) that asked for the child after the parent."""
        position = self._position
        found: BoolArray = (position[:, self._column[parent]] < position[:, self._column[child]])[self._which]
        return found

    def always_before(self, child: str) -> list[str]:
        """Parameters that every trial with the child asked for before it, the last one first."""
        own = self._position[:, self._column[child]]
        position = self._position[np.isfinite(own)]
        before = (position < own[np.isfinite(own), None]).all(axis=0)
        names = [name for name, j in self._column.items() if before[j]]
        return sorted(names, key=lambda name: -float(position[0, self._column[name]]))

    def places(self, name: str) -> FloatArray:
        """Values (n,) of a parameter, or levels of its choices; NaN where a trial lacks it."""
        found = self._places.get(name)
        if found is None:
            parameter = self._parameters[name]
            if isinstance(parameter, Categorical):
                found = np.array(self._levels(name, parameter))
            else:
                try:
                    found = np.array([row.get(name, math.nan) for row in self._rows], dtype=np.float64)
                except (TypeError, ValueError):
                    for row in self._rows:
                        parameter.check(name, row.get(name, parameter.low))  # type: ignore[attr-defined]
                    raise
                outside = self.has(name) & ~((found >= parameter.low) & (found <= parameter.high))  # type: ignore[attr-defined]
                if outside.any():
                    parameter.check(name, self._rows[int(np.argmax(outside))][name])
            self._places[name] = found
        return found

    def _levels(self, name: str, parameter: Categorical) -> list[float]:
        known: dict[tuple[type, Any], int] = {}
        out: list[float] = []
        for row in self._rows:
            if name not in row:
                out.append(math.nan)
                continue
            value = row[name]
            if type(value) not in (str, int, bool):
                out.append(parameter.level(name, value))
                continue
            key = (type(value), value)
            level = known.get(key)
            if level is None:
                level = known[key] = parameter.level(name, value)
            out.append(level)
        return out


@dataclass(frozen=True)
class _Rule:
    """A condition on one parent: some of its levels (or values), or those from a threshold on, or up to one."""

    parent: str
    levels: frozenset[float] | None = None
    low: float = -math.inf  # the last value below the threshold that lacks the child ...
    first: float = -math.inf  # ... and the first one above it that has the child
    high: float = math.inf
    last: float = math.inf

    def holds(self, places: FloatArray) -> BoolArray:
        """True where the parent's values meet the condition; False where it has none."""
        if self.levels is not None:
            return np.isin(places, list(self.levels))
        return (places >= self.first) & (places <= self.last)


class _Found(NamedTuple):
    chance: float  # logarithm of the number of ways to divide the values seen: fewer of them are met less by chance
    rule: _Rule


def _explanation(
    table: _Table, learnt: Mapping[str, Parameter], name: str, there: BoolArray, lacking: BoolArray
) -> Conditions | None:
    """Conditions under which trials have a parameter; None if nothing is found."""
    if not there.any():
        return None
    earlier = [parent for parent in table.always_before(name) if not _depends(learnt, parent, name)]
    found = [rule for parent in earlier if (rule := _separating(table, parent, there, lacking)) is not None]
    if found:
        best = min(found, key=lambda one: one.chance)  # of equals the last one asked for before the parameter
        return check_when(_condition(learnt, [best.rule]))
    together = _together(table, earlier, there, lacking)
    if together:
        return check_when(_condition(learnt, together))
    others = [p for p in learnt if p != name and not _depends(learnt, p, name)]
    any_of = _any_of(table, others, name, there, lacking)
    return check_when([_condition(learnt, [rule]) for rule in any_of]) if any_of else None


def _depends(learnt: Mapping[str, Parameter], name: str, on: str) -> bool:
    """True if a parameter's conditions lead to another one."""
    waiting, seen = [name], {name}
    for child in waiting:
        if child == on:
            return True
        new = [parent for parent in parents_of(learnt[child].when) if parent not in seen]
        waiting += new
        seen.update(new)
    return False


def _is_ordered(parameter: Parameter) -> bool:
    return not isinstance(parameter, Categorical) or parameter.ordered


def _separating(table: _Table, parent: str, there: BoolArray, lacking: BoolArray) -> _Found | None:
    """The condition on one parent that all trials with the child meet, and none without it."""
    places = table.places(parent)
    without = places[lacking]
    without = without[~np.isnan(without)]
    if not len(without):
        return None
    with_it, parameter = places[there], table._parameters[parent]
    least, most = float(with_it.min()), float(with_it.max())
    below, above = float(without.max()), float(without.min())
    if _is_ordered(parameter):
        chance = 1.0 + math.log2(len(np.unique(np.concatenate([with_it, without]))))
        if below < least:
            return _Found(chance, _Rule(parent, low=below, first=least))
        if most < above:
            return _Found(chance, _Rule(parent, high=above, last=most))
        if parameter.levels is None or parameter.levels > MOST_LEVELS:
            return None
    levels, others = set(with_it.tolist()), set(without.tolist())
    if levels & others:
        return None
    found = frozenset(_nearest(parameter, levels, others) if _is_ordered(parameter) else levels)
    return _Found(float(len(levels) + len(others)), _Rule(parent, found))


def _nearest(parameter: Parameter, levels: set[float], others: set[float]) -> set[float]:
    """The values of a grid whose nearest one seen is among `levels`; one in the middle belongs to the others."""
    assert parameter.levels is not None
    categorical = isinstance(parameter, Categorical)
    values = np.array([float(i if categorical else parameter.at(i)) for i in range(parameter.levels)])
    with_it, without = (np.array(sorted(some)) for some in (levels, others))

    def distance(seen: FloatArray) -> FloatArray:
        at = np.searchsorted(seen, values)
        below, above = seen[np.maximum(at - 1, 0)], seen[np.minimum(at, len(seen) - 1)]
        return np.minimum(np.abs(values - below), np.abs(values - above))

    near: list[float] = values[distance(with_it) < distance(without)].tolist()
    return {*levels, *near}


def _necessary(table: _Table, parent: str, there: BoolArray, left: BoolArray) -> _Rule | None:
    """The condition on one parent that all trials with the child meet and fewest of the others; None if all do."""
    places, parameter = table.places(parent), table._parameters[parent]
    with_it, without = places[there], places[left]
    if not _is_ordered(parameter):
        return _Rule(parent, frozenset(with_it.tolist()))
    least, most = float(with_it.min()), float(with_it.max())
    below, above = without[without < least], without[without > most]
    if not len(below) and not len(above):
        return None
    if len(below) >= len(above):
        return _Rule(parent, low=float(below.max()), first=least)
    return _Rule(parent, high=float(above.min()), last=most)


def _together(table: _Table, parents: list[str], there: BoolArray, lacking: BoolArray) -> list[_Rule]:
    """Conditions on several parents that all trials with the child meet, and none without it; greedily."""
    left, found = lacking.copy(), list[_Rule]()
    while left.any() and len(found) < MOST_CONDITIONS:
        rest = [p for p in parents if all(rule.parent != p for rule in found)]
        rules = [rule for p in rest if (rule := _necessary(table, p, there, left)) is not None]
        met = {rule: left & rule.holds(table.places(rule.parent)) for rule in rules}
        rule = min(met, key=lambda one: int(met[one].sum()), default=None)
        if rule is None or int(left.sum()) - int(met[rule].sum()) < LEAST_SUPPORT:
            return []
        found.append(rule)
        left = met[rule]
    return [] if left.any() else found


def _any_of(table: _Table, parents: list[str], child: str, there: BoolArray, lacking: BoolArray) -> list[_Rule]:
    """Conditions on single parents that no trial without the child meets, and every trial with it one of; greedily."""
    left, found = there.copy(), list[_Rule]()
    while left.any() and len(found) < MOST_ALTERNATIVES:
        best: tuple[int, _Rule] | None = None
        for parent in parents:
            places = table.places(parent)
            without = places[lacking]
            without = without[~np.isnan(without)]
            some = left & table.after(parent, child)
            if not len(without) or not some.any():
                continue
            for rule in _pure(table._parameters[parent], parent, places[some], without):
                covered = int((some & rule.holds(places)).sum())
                if covered >= LEAST_SUPPORT and (best is None or covered > best[0]):
                    best = covered, rule
        if best is None:
            return []
        found.append(best[1])
        left &= ~best[1].holds(table.places(best[1].parent))
    return [] if left.any() else found


def _pure(parameter: Parameter, parent: str, with_it: FloatArray, without: FloatArray) -> list[_Rule]:
    if not _is_ordered(parameter):
        levels = set(with_it.tolist()) - set(without.tolist())
        return [_Rule(parent, frozenset(levels))] if levels else []
    below, above = float(without.max()), float(without.min())
    rules = []
    if (with_it > below).any():
        rules.append(_Rule(parent, low=below, first=float(with_it[with_it > below].min())))
    if (with_it < above).any():
        rules.append(_Rule(parent, high=above, last=float(with_it[with_it < above].max())))
    return rules


# --- conditions ---------------------------------------------------------------------------------------------------


def _condition(learnt: Mapping[str, Parameter], rules: list[_Rule]) -> dict[str, Any]:
    return {rule.parent: _wanted(learnt[rule.parent], rule) for rule in rules}


def _wanted(parameter: Parameter, rule: _Rule) -> Any:
    if rule.levels is not None:
        if isinstance(parameter, Categorical):
            return [parameter.choices[int(level)] for level in sorted(rule.levels)]
        return [int(value) if isinstance(parameter, Int) else value for value in sorted(rule.levels)]
    above = rule.first > -math.inf
    low, high = (rule.low, rule.first) if above else (rule.last, rule.high)
    logarithmic = getattr(parameter, "log", False) and low > 0.0
    middle = math.sqrt(low) * math.sqrt(high) if logarithmic else 0.5 * low + 0.5 * high
    if isinstance(parameter, Int | Categorical):
        # A whole number in the middle is on the side without the child.
        position = math.floor(middle) + 1 if above else math.ceil(middle) - 1
        position = min(max(position, int(low) + above), int(high) - (not above))
        threshold = parameter.choices[position] if isinstance(parameter, Categorical) else position
    else:
        threshold = middle if low < middle < high else (high if above else low)
    return at_least(threshold) if above else at_most(threshold)
