"""Activity of parameters by recorded values, some of which are missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hpcore._core import space as native
from hpcore.errors import InvalidArgument
from hpcore.space.parameter import Parameter
from hpcore.space.partial import ways_of

__all__ = ["Activity"]


class Activity:
    """Decides what is active where not every active parameter has a value.

    Parameters
    ----------
    parameters : mapping of str to Parameter
        Parameters in the order of the columns.
    layout : sequence of hpcore._core.space.Column
        The columns with their conditions.
    order : sequence of int
        Columns with every parent before its children.
    """

    def __init__(
        self, parameters: Mapping[str, Parameter], layout: Sequence[native.Column], order: Sequence[int]
    ) -> None:
        self._parameters, self._order = parameters, order
        self._column = {name: j for j, name in enumerate(parameters)}
        self._ways = ways_of(layout)

    def place(self, name: str, value: Any) -> float:
        """The level of a value, or the value itself of a continuous parameter.

        Raises
        ------
        InvalidArgument, InvalidType
            An unknown name, or an illegal value.
        """
        parameter = self._parameters.get(name)
        if parameter is None:
            known = ", ".join(map(repr, self._parameters))
            raise InvalidArgument(f"params must name parameters of the space ({known}), got {name!r}")
        place: float = parameter.check(name, value) if parameter.levels is None else parameter.level(name, value)
        return place

    def states(
        self, places: Mapping[str, float], defaults: Mapping[str, float] | None = None
    ) -> dict[str, bool | None]:
        """For each parameter True if it is active, False if not, and None if that depends on a missing value.

        Parameters
        ----------
        places : mapping of str to number
            Places of the values that are there.
        defaults : mapping of str to number, optional
            Places of values that stand for missing ones of active parameters.
        """
        names = list(self._parameters)
        known: list[float | None] = [places.get(name) for name in names]
        found: list[bool | None] = [True] * len(names)
        for j in self._order:
            if self._ways[j]:
                found[j] = self._state(j, known, found)
            if defaults and found[j] and known[j] is None:
                known[j] = defaults.get(names[j])
        return dict(zip(names, found, strict=True))

    def _state(self, j: int, known: list[float | None], found: list[bool | None]) -> bool | None:
        out: bool | None = False
        for way in self._ways[j]:
            met: bool | None = True
            for parent, within in way:
                place = known[parent]
                if place is None and found[parent] is not False:
                    met = None
                elif place is None or not any(low <= place <= high for low, high in within):
                    met = False
                    break
            if met:
                return True
            if met is None:
                out = None
        return out
