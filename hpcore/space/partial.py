"""Ranges that the conditions of given parameters leave to their ancestors, and draws from these."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any

import numpy as np
import numpy.typing as npt

from hpcore._core import space as native
from hpcore.space.discrete import Categorical
from hpcore.space.parameter import Parameter

__all__ = ["Shares", "ancestors", "implied", "place", "shares"]

FloatArray = npt.NDArray[np.float64]
Shares = tuple[FloatArray, FloatArray]
Interval = tuple[float, float]  # both ends included; of levels (ints of any size) or, of a continuous column, values

# Halvings of the cube: beyond them neighbouring doubles are the same.
HALVINGS = 64


def ancestors(columns: Sequence[native.Column], order: Sequence[int], given: set[int]) -> set[int]:
    """The given columns and every one that must be active for them to be so."""
    needed = set(given)
    for j in reversed(order):
        if j in needed:
            needed |= {condition.parent for condition in columns[j].conditions}
    return needed


def implied(columns: Sequence[native.Column], order: Sequence[int], given: set[int]) -> dict[int, list[Interval]]:
    """Ranges of each ancestor of the given columns that is not given itself; empty where they contradict."""
    found: dict[int, list[Interval]] = {}
    for j in ancestors(columns, order, given):
        for condition in columns[j].conditions:
            if condition.parent not in given:
                here = _intervals(condition)
                before = found.get(condition.parent)
                found[condition.parent] = here if before is None else _both(before, here)
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
