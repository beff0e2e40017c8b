"""Forbidden clauses and relations of ConfigSpace as constraints."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

from hpcore.errors import InvalidArgument, InvalidSpace, InvalidType, require
from hpcore.space.parameter import Parameter

__all__ = ["Allowed"]

_cs: Any = require("ConfigSpace.forbidden", "configspace")

_RELATIONS: dict[str, Callable[[Any, Any], Any]] = {"<": operator.lt, "==": operator.eq, ">": operator.gt}


class Allowed:
    """A constraint that refuses what a clause forbids: plain data, which can be compared and pickled.

    Parameters
    ----------
    clause : tuple
        ``("in", name, values)``, ``("relation", sign, left, right)`` or ``("and", clauses)``.

    Notes
    -----
    A clause about a parameter that is not active forbids nothing, as in ConfigSpace.
    """

    def __init__(self, clause: tuple[Any, ...]) -> None:
        self.clause = clause

    @classmethod
    def of(cls, clause: Any, parameters: Mapping[str, Parameter]) -> Allowed:
        """Read a clause of ConfigSpace.

        Raises
        ------
        InvalidSpace
            A clause of another kind.
        """
        return cls(_read(clause, parameters))

    @property
    def names(self) -> frozenset[str]:
        """Names of the parameters that the clause is about."""
        return frozenset(_names(self.clause))

    def __call__(self, params: Mapping[str, Any]) -> bool:
        return not _holds(self.clause, params)

    def __eq__(self, other: object) -> bool:
        return self.clause == other.clause if isinstance(other, Allowed) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.names)

    @property
    def __name__(self) -> str:
        return f"not ({_shown(self.clause)})"

    def __repr__(self) -> str:
        return self.__name__


def _read(clause: Any, parameters: Mapping[str, Parameter]) -> tuple[Any, ...]:
    if isinstance(clause, _cs.ForbiddenEqualsClause | _cs.ForbiddenInClause):
        name = clause.hyperparameter.name
        values = [clause.value] if isinstance(clause, _cs.ForbiddenEqualsClause) else list(clause.values)
        return ("in", name, tuple(_value(name, parameters[name], value) for value in values))
    if isinstance(clause, _cs.ForbiddenAndConjunction):
        return ("and", tuple(_read(part, parameters) for part in clause.components))
    for kind, sign in (
        (_cs.ForbiddenLessThanRelation, "<"),
        (_cs.ForbiddenEqualsRelation, "=="),
        (_cs.ForbiddenGreaterThanRelation, ">"),
    ):
        if isinstance(clause, kind):
            return ("relation", sign, clause.left.name, clause.right.name)
    raise InvalidSpace(
        f"{type(clause).__name__} ({clause}) has no counterpart; use the clauses of ConfigSpace, or give the space a "
        "constraint: hpcore.Space.of(space(cs), [function])"
    )


def _value(name: str, parameter: Parameter, value: Any) -> Any:
    """The value as the parameter has it; itself if it is a choice of weight 0, which no point has."""
    try:
        return parameter.check(name, value)
    except (InvalidArgument, InvalidType):
        return value


def _holds(clause: tuple[Any, ...], params: Mapping[str, Any]) -> bool:
    kind, *rest = clause
    if kind == "and":
        return all(_holds(part, params) for part in rest[0])
    if kind == "in":
        name, values = rest
        # Choices of ConfigSpace differ by ==, and these values are the parameter's own.
        return name in params and params[name] in values
    sign, left, right = rest
    return left in params and right in params and bool(_RELATIONS[sign](params[left], params[right]))


def _names(clause: tuple[Any, ...]) -> list[str]:
    kind, *rest = clause
    if kind == "and":
        return [name for part in rest[0] for name in _names(part)]
    return [rest[0]] if kind == "in" else [rest[1], rest[2]]


def _shown(clause: tuple[Any, ...]) -> str:
    kind, *rest = clause
    if kind == "and":
        return " and ".join(_shown(part) for part in rest[0])
    if kind == "in":
        name, values = rest
        return f"{name} == {values[0]!r}" if len(values) == 1 else f"{name} in {list(values)!r}"
    sign, left, right = rest
    return f"{left} {sign} {right}"
