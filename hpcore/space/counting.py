"""Number of distinct points of a space, and all of them in order."""

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
    """True if a column is active, given the levels chosen for the active columns before it."""
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
    total, branches = 1, 0
    for family in _families(columns, order):
        classes = {j: _classes(columns, j, n_levels[j]) for j in family}
        # (position in the family, a member of each class chosen so far, points that it stands for)
        waiting: list[tuple[int, dict[int, int], int]] = [(0, {}, 1)]
        found = 0
        while waiting:
            branches += 1
            if branches > MAX_BRANCHES:
                return None
            position, chosen, points = waiting.pop()
            while position < len(family):
                j = family[position]
                position += 1
                if _holds(columns[j], chosen, lambda _j, _level: math.nan):
                    (level, size), *others = classes[j]
                    waiting += [(position, {**chosen, j: other}, points * n) for other, n in others]
                    points *= size
                    chosen[j] = level
            found += points
        total *= found
    return total


def _families(columns: Sequence[native.Column], order: Sequence[int]) -> list[list[int]]:
    """Columns that conditions tie together, parents first; the sizes of different families multiply."""
    family_of: dict[int, list[int]] = {}
    for j in order:
        joined: list[int] = []
        for condition in columns[j].conditions:
            family = family_of[condition.parent]
            if not joined:
                joined = family
            elif family is not joined:
                joined += family
                family_of.update(dict.fromkeys(family, joined))
        joined.append(j)
        family_of[j] = joined
    return list({id(family): family for family in family_of.values()}.values())


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

    chosen: dict[int, int] = {}
    # The active columns so far, each with its place in the order and the levels that it has not shown yet.
    path: list[tuple[int, Iterator[int]]] = []
    position = 0
    while True:
        while position < len(order):
            j = order[position]
            if _holds(columns[j], chosen, real_of):
                path.append((position, iter(levels_of[j])))
                chosen[j] = next(path[-1][1])
            position += 1
        yield dict(chosen)
        while path:
            position, rest = path[-1]
            del chosen[order[position]]
            level = next(rest, None)
            if level is not None:
                break
            path.pop()
        else:
            return
        # Columns after this one are no longer chosen: they were taken back on the way here.
        chosen[order[position]] = level
        position += 1


def evenly(n_levels: int, wanted: int) -> list[int]:
    """`wanted` levels spread over all of them, both ends included."""
    if wanted >= n_levels:
        return list(range(n_levels))
    if wanted == 1:
        return [(n_levels - 1) // 2]
    last, gaps = n_levels - 1, wanted - 1
    return [(2 * i * last + gaps) // (2 * gaps) for i in range(wanted)]  # rounded, in integers of any size
