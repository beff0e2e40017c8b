"""Values of the objectives of a trial."""

from __future__ import annotations

from collections.abc import Mapping, ValuesView
from typing import Any

__all__ = ["ObjectiveValues"]


class ObjectiveValues(tuple[float, ...]):
    """Objective values of a trial, which can be called like the method `values` of a mapping.

    Other libraries have an attribute `values` of a trial, and every mapping has a method `values`: one object serves
    both.
    """

    _params: Mapping[str, Any]

    @classmethod
    def of(cls, params: Mapping[str, Any], values: tuple[float, ...] | None) -> ObjectiveValues:
        """Values of a trial with these parameters; empty if `values` is None."""
        made = cls(values or ())
        made._params = params
        return made

    def __call__(self) -> ValuesView[Any]:
        """Values of the parameters."""
        return self._params.values()

    def __eq__(self, other: object) -> bool:
        # Earlier versions had None for a trial without values: comparisons with None still work.
        return not self if other is None else super().__eq__(other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = tuple.__hash__

    def __reduce__(self) -> Any:
        return tuple, (tuple(self),)
