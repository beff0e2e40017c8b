"""All points of a grid over a space, in order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from hpcore._core import space as native

__all__ = ["evenly", "walk"]

RealOf = Callable[[int, int], float]  # (column, level) -> value, for a continuous column cut into levels


def _holds(column: native.Column, chosen: dict[int, int], real_of: RealOf) -> bool:
    """True if a column is active, given the levels chosen for the active columns before it."""
    held = True
    for condition in column.conditions:
        if condition.alternative:
            if held:
                return True
            held = True
        held = held and _is_met(condition, chosen.get(condition.parent), real_of)
    return held


def _is_met(condition: native.Condition, level: int | None, real_of: RealOf) -> bool:
    if level is None:
        return False
    if not condition.by_level:
        return condition.real_low <= real_of(condition.parent, level) <= condition.real_high
    if condition.levels:
        return level in condition.levels
    return condition.level_low <= level <= condition.level_high


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
