"""The space as a sampler sees it: columns of the unit cube, their kinds and their conditions; no names of choices,
no logarithms, no params dict."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Any

import numpy as np
import numpy.typing as npt

from hpcore._core import space as native
from hpcore.errors import InvalidSpace
from hpcore.space.conditions import AtLeast, AtMost
from hpcore.space.discrete import Categorical, Int
from hpcore.space.parameter import Parameter
from hpcore.space.reals import Float, Normal

__all__ = ["Columns", "activation_order", "native_columns"]

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Columns:
    """Space as a sampler sees it.

    Attributes
    ----------
    names : tuple of str
        One per column, for reports only.
    kinds : tuple of str
        ``"continuous"``, ``"integer"`` (a grid with an order) or ``"categorical"``, per column.
    n_levels : tuple of int
        Distinct values per column; 0 for a continuous one.
    parents : tuple of tuple of int
        The columns on whose values a column's activity depends directly.
    order : tuple of int
        Columns with every parent before its children.
    codec : hpcore._core.space.Codec
        Snaps rows of the cube to what they decode to, and knows which columns are active; immutable.
    finite_size : int or None
        Number of distinct points before constraints; None if a column is continuous.
    grid : callable
        ``levels -> iterator of (d,)``, the rows of a grid before constraints; see `Space.grid`.
    feasible : callable or None
        ``(n, d) -> (n,) bool``, the user's constraints; None if there are none.
    around : callable or None
        ``((k, d), generator) -> (m, d)``, rows without NaN that the constraints allow, all over the space and near the
        given ones, where rows at random hardly ever are; the answer is None where they are often enough. None if
        there are no constraints.
    """

    names: tuple[str, ...]
    kinds: tuple[str, ...]
    n_levels: tuple[int, ...]
    parents: tuple[tuple[int, ...], ...]
    order: tuple[int, ...]
    codec: native.Codec
    finite_size: int | None
    grid: Callable[[int | Mapping[str, int]], Iterator[FloatArray]]
    feasible: Callable[[FloatArray], BoolArray] | None
    around: Callable[[FloatArray, np.random.Generator], FloatArray | None] | None

    @property
    def d(self) -> int:
        """Number of columns."""
        return len(self.names)

    def __reduce__(self) -> Any:
        # The codec is native: a copy is made anew by a copy of the space, whose method `grid` is.
        return _columns_of, (self.grid,)


def _columns_of(grid: Any) -> Columns:
    columns = grid.__self__.columns
    assert isinstance(columns, Columns)
    return columns


def activation_order(parameters: Mapping[str, Parameter]) -> list[str]:
    """Names with every parent before its children, otherwise as declared.

    Raises
    ------
    InvalidSpace
        A parent that is not a parameter, or a cycle.
    """
    for name, parameter in parameters.items():
        for parent in parameter.when:
            if parent not in parameters:
                known = ", ".join(map(repr, parameters))
                raise InvalidSpace(f"when of {name!r} must name parameters of the space ({known}), got {parent!r}")
    try:
        list(TopologicalSorter({name: list(p.when) for name, p in parameters.items()}).static_order())
    except CycleError as error:
        raise InvalidSpace(f"conditions must not form a cycle, got {' -> '.join(map(repr, error.args[1]))}") from None
    placed: dict[str, None] = {}
    for name in parameters:
        waiting = [name]  # a stack of our own: a chain of conditions may be longer than Python's is deep
        while waiting:
            missing = [parent for parent in reversed(parameters[waiting[-1]].when) if parent not in placed]
            if missing:
                waiting += missing
            else:
                placed[waiting.pop()] = None
    return list(placed)


def native_columns(parameters: Mapping[str, Parameter]) -> list[native.Column]:
    """The native layout of each parameter, conditions included."""
    position = {name: j for j, name in enumerate(parameters)}
    columns = []
    for name, parameter in parameters.items():
        column = parameter.column()
        column.conditions = [
            _condition(name, parent, wanted, parameters[parent], position[parent])
            for parent, wanted in parameter.when.items()
        ]
        columns.append(column)
    return columns


def _condition(name: str, parent_name: str, wanted: Any, parent: Parameter, position: int) -> native.Condition:
    condition = native.Condition()
    condition.parent = position
    where = f"when[{parent_name!r}] of {name!r}"
    try:
        if isinstance(wanted, AtLeast | AtMost):
            _threshold(condition, where, parent_name, wanted, parent)
        else:
            condition.levels = sorted({parent.level(parent_name, v) for v in _as_values(wanted, parent)})
    except InvalidSpace:
        raise
    except (TypeError, ValueError) as error:
        raise InvalidSpace(f"{where} must be something that {parent_name!r} can be: {error}") from None
    return condition


def _as_values(wanted: Any, parent: Parameter) -> list[Any]:
    if not isinstance(wanted, list | tuple | set | frozenset):
        return [wanted]
    # A choice may be a list or a tuple itself: then it is one value.
    if isinstance(parent, Categorical) and isinstance(wanted, list | tuple) and _is_choice(parent, wanted):
        if isinstance(wanted, list) and all(_is_choice(parent, value) for value in wanted):
            raise ValueError(
                f"{wanted!r} is one of its choices and a list of them as well; write {[wanted]!r} for the one choice, "
                f"{tuple(wanted)!r} for the list"
            )
        return [wanted]
    return list(wanted)


def _is_choice(parent: Categorical, value: Any) -> bool:
    try:
        parent.level("", value)
    except ValueError:
        return False
    return True


def _threshold(
    condition: native.Condition, where: str, parent_name: str, wanted: AtLeast | AtMost, parent: Parameter
) -> None:
    above = isinstance(wanted, AtLeast)
    if isinstance(parent, Categorical):
        if not parent.ordered:
            raise InvalidSpace(f"{where} needs an ordered parent, but {parent_name!r} has choices without an order")
        level = parent.level(parent_name, wanted.value)
        condition.level_low, condition.level_high = (level, len(parent.choices) - 1) if above else (0, level)
        return
    assert isinstance(parent, Float | Normal | Int)
    low, high, value = parent.low, parent.high, wanted.value
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating) or value != value:
        raise InvalidSpace(f"{where} must be a number, got {value!r}")
    if value > high if above else value < low:
        raise InvalidSpace(f"{where} can never hold: {parent_name!r} lies within {low!r} .. {high!r}, got {wanted!r}")
    if parent.levels is None:
        condition.by_level = False
        # Within the bounds, and so within the doubles, however far outside an integer threshold lies.
        condition.real_low, condition.real_high = (
            (float(max(value, low)), high) if above else (low, float(min(value, high)))
        )
        return
    # The first level that is not below the threshold, by bisection: grids may have 2**63 levels.
    first, beyond = 0, parent.levels
    while first < beyond:
        middle = (first + beyond) // 2
        if (parent.at(middle) >= value) if above else (parent.at(middle) > value):
            beyond = middle
        else:
            first = middle + 1
    condition.level_low, condition.level_high = (first, parent.levels - 1) if above else (0, first - 1)
