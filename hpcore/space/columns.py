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
from hpcore.space.conditions import AtLeast, AtMost, alternatives_of, parents_of
from hpcore.space.discrete import Categorical, Int
from hpcore.space.parameter import Parameter
from hpcore.space.reals import Float, Normal

__all__ = ["Columns", "native_space"]

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


def native_space(parameters: Mapping[str, Parameter]) -> native.Space:
    """The native space of some parameters, conditions included.

    Raises
    ------
    InvalidSpace
        A parent that is not a parameter, a cycle, or a condition that can never hold.
    """
    _check_parents(parameters)
    made = []
    for name, parameter in parameters.items():
        core = parameter.core.named(name)
        for i, alternative in enumerate(alternatives_of(parameter.when)):
            if i > 0:
                core = native.or_when(core)
            for parent, wanted in alternative.items():
                core = _add_condition(core, name, parent, wanted, parameters[parent])
        made.append(core)
    return native.Space(made)


def _check_parents(parameters: Mapping[str, Parameter]) -> None:
    for name, parameter in parameters.items():
        for parent in parents_of(parameter.when):
            if parent not in parameters:
                known = ", ".join(map(repr, parameters))
                raise InvalidSpace(f"when of {name!r} must name parameters of the space ({known}), got {parent!r}")
    try:
        TopologicalSorter({name: parents_of(p.when) for name, p in parameters.items()}).prepare()
    except CycleError as error:
        raise InvalidSpace(f"conditions must not form a cycle, got {' -> '.join(map(repr, error.args[1]))}") from None


def _add_condition(
    core: native.Parameter, name: str, parent_name: str, wanted: Any, parent: Parameter
) -> native.Parameter:
    where = f"when[{parent_name!r}] of {name!r}"
    try:
        if isinstance(wanted, AtLeast | AtMost):
            bound = _bound(where, parent_name, wanted, parent)
            if isinstance(wanted, AtLeast):
                return native.when(core, parent_name, at_least=bound)
            return native.when(core, parent_name, at_most=bound)
        return native.when(
            core, parent_name, values=[_native_value(parent_name, v, parent) for v in _as_values(wanted, parent)]
        )
    except InvalidSpace:
        raise
    except (TypeError, ValueError) as error:
        raise InvalidSpace(f"{where} must be something that {parent_name!r} can be: {error}") from None


def _native_value(name: str, value: Any, parent: Parameter) -> float:
    """A single value of a parent: a number, or the index of a choice."""
    level = parent.level(name, value)  # which a continuous parameter does not have
    if isinstance(parent, Categorical):
        return level
    number: float = parent.check(name, value)
    return number


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


def _bound(where: str, parent_name: str, wanted: AtLeast | AtMost, parent: Parameter) -> float:
    """The threshold of a condition that can hold: a number, or the index of a choice."""
    above = isinstance(wanted, AtLeast)
    if isinstance(parent, Categorical):
        if not parent.ordered:
            raise InvalidSpace(f"{where} needs an ordered parent, but {parent_name!r} has choices without an order")
        return parent.level(parent_name, wanted.value)
    assert isinstance(parent, Float | Normal | Int)
    low, high, value = parent.low, parent.high, wanted.value
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating) or value != value:
        raise InvalidSpace(f"{where} must be a number, got {value!r}")
    if value > high if above else value < low:
        raise InvalidSpace(f"{where} can never hold: {parent_name!r} lies within {low!r} .. {high!r}, got {wanted!r}")
    # Within the bounds, and so within 64 bits, however far outside an integer threshold lies.
    bound: Any = max(value, low) if above else min(value, high)
    return float(bound) if isinstance(bound, float) else int(bound)
