"""How many distinct points a space has, and all of them in order."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

from hpcore._core import space as native

__all__ = ["count_points", "evenly", "walk"]

# Beyond this many combinations of parents' ranges the count is given up; such a space is never exhausted anyway.
MAX_BRANCHES = 100_000

RealOf = Callable[[int, int], float]  # (column, level) -> value, for a continuous column cut into levels


def _holds(column: native.Column, chosen: dict[int, int], real_of: RealOf) -> bool:
    """Whether a column is active, given the levels chosen for the active columns before it."""
    for condition in column.conditions:
        level = chosen.get(condition.parent)
        if level is None:
            return False
        if not condition.by_level:
            if not condition.real_low <= real_of(condition.parent, level) <= condition.real_high:
                return False
        elif condition.levels:
            if level not in condition.levels:
                return False
        elif not condition.level_low <= level <= condition.level_high:
            return False
    return True


def count_points(columns: Sequence[native.Column], order: Sequence[int], n_levels: Sequence[int]) -> int | None:
    """The number of distinct points before constraints, or None if it is infinite or too branched to count."""
    if 0 in n_levels:
        return None
    classes = {j: _classes(columns, j, n_levels[j]) for j in range(len(columns))}
    branches = 0

    def count(position: int, levels: dict[int, int]) -> int:
        nonlocal branches
        branches += 1
        if branches > MAX_BRANCHES:
            raise OverflowError
        factor = 1
        while position < len(order):
            j = order[position]
            position += 1
            if not _holds(columns[j], levels, lambda _j, _level: math.nan):
                continue
            if len(classes[j]) == 1:
                factor *= n_levels[j]
                levels = {**levels, j: classes[j][0][0]}
                continue
            return factor * sum(size * count(position, {**levels, j: level}) for level, size in classes[j])
        return factor

    try:
        return count(0, {})
    except OverflowError:
        return None


def _classes(columns: Sequence[native.Column], parent: int, n_levels: int) -> list[tuple[int, int]]:
    """(a member, the size) of each run of levels of `parent` that no child can tell apart."""
    edges = {0, n_levels}
    for column in columns:
        for condition in column.conditions:
            if condition.parent == parent:
                for level in condition.levels:
                    edges |= {level, level + 1}
                if not condition.levels:
                    edges |= {condition.level_low, condition.level_high + 1}
    cuts = sorted(edges)
    return [(low, high - low) for low, high in pairwise(cuts)]


def walk(
    columns: Sequence[native.Column],
    order: Sequence[int],
    levels_of: Sequence[range | list[int]],
    real_of: RealOf,
) -> Iterator[dict[int, int]]:
    """Every combination of levels once, with only active columns in it; the last column runs fastest.

    `levels_of[j]` are the levels to visit; `real_of(j, level)` is the value of a continuous column there.
    """

    def visit(position: int, chosen: dict[int, int]) -> Iterator[dict[int, int]]:
        if position == len(order):
            yield chosen
            return
        j = order[position]
        if not _holds(columns[j], chosen, real_of):
            yield from visit(position + 1, chosen)
            return
        for level in levels_of[j]:
            yield from visit(position + 1, {**chosen, j: level})

    return visit(0, {})


def evenly(n_levels: int, wanted: int) -> list[int]:
    """`wanted` levels spread over all of them, both ends included."""
    if wanted >= n_levels:
        return list(range(n_levels))
    if wanted == 1:
        return [(n_levels - 1) // 2]
    return [math.floor(i * (n_levels - 1) / (wanted - 1) + 0.5) for i in range(wanted)]
