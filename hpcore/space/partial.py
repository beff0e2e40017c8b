"""Ranges that the conditions of given parameters leave to their ancestors, and draws from these."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from hpcore._core import space as native
from hpcore.space.discrete import Categorical
from hpcore.space.parameter import Parameter

__all__ = ["Shares", "Ways", "implied", "pick", "place", "shares", "ways_of"]

FloatArray = npt.NDArray[np.float64]
Shares = tuple[FloatArray, FloatArray]
Interval = tuple[float, float]  # both ends included; of levels (ints of any size) or, of a continuous column, values

# Halvings of the cube: beyond them neighbouring doubles are the same.
HALVINGS = 64
# Combinations of alternatives that are tried before those given are taken to contradict each other.
MOST_PICKS = 10_000


class Requirement(NamedTuple):
    """Column that must be active, with its level or value in one of some intervals."""

    parent: int
    within: list[Interval]


# By column: ways in which it may be active, and what each requires; none for a column that is always active.
Ways = list[list[list[Requirement]]]


def ways_of(columns: Sequence[native.Column]) -> Ways:
    """Ways in which each column may be active."""
    found: Ways = []
    for column in columns:
        ways: list[list[Requirement]] = []
        for condition in column.conditions:
            if condition.alternative or not ways:
                ways.append([])
            ways[-1].append(Requirement(condition.parent, _intervals(condition)))
        found.append(_united(ways) if len(ways) > 1 else ways)
    return found


def _united(ways: list[list[Requirement]]) -> list[list[Requirement]]:
    """The same with one way for all that require a single parent and nothing else."""
    alone: dict[int, list[Interval]] = {}
    for way in ways:
        if len(way) == 1:
            alone.setdefault(way[0].parent, []).extend(way[0].within)
    return [way for way in ways if len(way) > 1] + [
        [Requirement(parent, _either(within))] for parent, within in alone.items()
    ]


def pick(ways: Ways, order: Sequence[int], given: Mapping[int, float], u: FloatArray) -> dict[int, int]:
    """The way in which each column of several ways is to be active, so that the given ones are.

    Parameters
    ----------
    ways : list
        From `ways_of`.
    order : sequence of int
        Columns with every parent before its children.
    given : mapping of int to number
        Levels of given columns, or values of continuous ones.
    u : ndarray of shape (d,)
        Where a given column has several ways, its coordinate says which one is tried first.

    Returns
    -------
    dict of int to int
        Index of the way by column; empty if none suits the given values.
    """
    stack: list[tuple[int, set[int], dict[int, list[Interval]], dict[int, int]]]
    stack = [(len(order) - 1, set(given), {}, {})]
    for _ in range(MOST_PICKS):
        if not stack:
            break
        k, needed, found, picked = stack.pop()
        while k >= 0 and not (order[k] in needed and ways[order[k]]):
            k -= 1
        if k < 0:
            return picked
        j = order[k]
        n = len(ways[j])
        first = min(int(u[j] * n), n - 1) if j in given else 0
        for i in reversed([*range(first, n), *range(first)]):
            left = _restricted(ways[j][i], given, found)
            if left is not None:
                parents = {requirement.parent for requirement in ways[j][i]}
                stack.append((k - 1, needed | parents, left, {**picked, j: i} if n > 1 else picked))
    return {}


def _restricted(
    way: list[Requirement], given: Mapping[int, float], found: dict[int, list[Interval]]
) -> dict[int, list[Interval]] | None:
    """The ranges of parents that a way leaves; None if it suits neither them nor the given values."""
    left = dict(found)
    for parent, within in way:
        if parent in given:
            if not any(low <= given[parent] <= high for low, high in within):
                return None
            continue
        left[parent] = _both(left[parent], within) if parent in left else within
        if not left[parent]:
            return None
    return left


def implied(ways: Ways, order: Sequence[int], given: Set[int], picked: Mapping[int, int]) -> dict[int, list[Interval]]:
    """Ranges of each ancestor of the given columns that is not given itself; empty where they contradict."""
    needed = set(given)
    found: dict[int, list[Interval]] = {}
    for j in reversed(order):
        if j not in needed or not ways[j]:
            continue
        for parent, within in ways[j][picked.get(j, 0)]:
            needed.add(parent)
            if parent not in given:
                before = found.get(parent)
                found[parent] = within if before is None else _both(before, within)
    return found


def _intervals(condition: native.Condition) -> list[Interval]:
    if not condition.by_level:
        return [(condition.real_low, condition.real_high)]
    if not condition.levels:
        return [(condition.level_low, condition.level_high)]
    # Neighbours differ from their place in the list by the same number.
    runs = [list(run) for _, run in groupby(enumerate(condition.levels), lambda pair: pair[1] - pair[0])]
    return [(run[0][1], run[-1][1]) for run in runs]


def _both(a: list[Interval], b: list[Interval]) -> list[Interval]:
    pairs = [(max(low, other[0]), min(high, other[1])) for low, high in a for other in b]
    return [(low, high) for low, high in pairs if low <= high]


def _either(intervals: list[Interval]) -> list[Interval]:
    """The same points by intervals that ascend and do not overlap."""
    out: list[Interval] = []
    for low, high in sorted(intervals):
        if out and low <= out[-1][1]:
            out[-1] = (out[-1][0], max(high, out[-1][1]))
        else:
            out.append((low, high))
    return out


def shares(parameter: Parameter, intervals: Sequence[Interval]) -> Shares:
    """The first and the last coordinate of each interval."""
    levels = parameter.levels is not None and not isinstance(parameter, Categorical)
    values = [(parameter.at(int(a)), parameter.at(int(b))) if levels else (a, b) for a, b in intervals]
    codec = native.Space([parameter.core.named("x")]).codec
    whole = parameter.core.column.kind != native.Kind.real

    def decode(points: FloatArray) -> npt.NDArray[Any]:
        real, integer, _ = codec.decode(points[:, None])
        return integer[:, 0] if whole else real[:, 0]

    kind = np.int64 if whole else np.float64
    lows, highs = (np.array([pair[k] for pair in values], dtype=kind) for k in (0, 1))
    first = _edges(lambda points: decode(points) >= lows, len(values), rising=True)
    last = _edges(lambda points: decode(points) <= highs, len(values), rising=False)
    return first, last


def place(within: Shares, u: float) -> float:
    """A coordinate within the shares; uniform there if `u` is uniform."""
    first, last = within
    ends = np.cumsum(np.maximum(last - first, 0.0))
    if not ends[-1] > 0.0:  # single points of a continuous scale
        return float(first[min(int(u * len(first)), len(first) - 1)])
    at = u * ends[-1]
    i = min(int(np.searchsorted(ends, at, side="right")), len(ends) - 1)
    return float(max(first[i], last[i] - (ends[i] - at)))


def _edges(holds: Callable[[FloatArray], npt.NDArray[np.bool_]], n: int, rising: bool) -> FloatArray:
    """First coordinates from which on something holds; if falling, the last up to which it holds."""
    yes, no = np.full(n, float(rising)), np.full(n, float(not rising))
    everywhere = holds(no)
    for _ in range(HALVINGS):
        middle = 0.5 * (yes + no)
        held = holds(middle)
        yes, no = np.where(held, middle, yes), np.where(held, no, middle)
    return np.where(everywhere, float(not rising), yes)
