"""Completion of parameters: the rest is drawn so that the given ones are active."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from hpcore._core import space as native
from hpcore.errors import InvalidArgument
from hpcore.space.coder import Coder, Params, check_mapping
from hpcore.space.conditions import parents_of, shown_when
from hpcore.space.parameter import Parameter
from hpcore.space.partial import Shares, Ways, implied, pick, place, shares, ways_of

__all__ = ["Completer"]

FloatArray = npt.NDArray[np.float64]
Key = tuple[frozenset[int], tuple[tuple[int, int], ...]]  # given columns, and the way of those that have several


class Completer:
    """Completes what users give in part.

    Parameters
    ----------
    parameters : mapping of str to Parameter
        Parameters in the order of the columns.
    coder : Coder
        Coder of these parameters.
    layout : sequence of hpcore._core.space.Column
        The columns with their conditions.
    order : sequence of int
        Columns with every parent before its children.
    """

    def __init__(
        self,
        parameters: Mapping[str, Parameter],
        coder: Coder,
        layout: Sequence[native.Column],
        order: Sequence[int],
    ) -> None:
        self._parameters, self._coder, self._order = parameters, coder, order
        self._layout = layout
        self._names = tuple(parameters)
        self._last_shares: tuple[Key, dict[int, Shares]] | None = None

    def check(self, params: Mapping[str, Any]) -> tuple[Params, bool]:
        """The given parameters, each as its parameter's own type, and whether nothing is left out.

        Raises
        ------
        InvalidArgument, InvalidType
            An unknown name, an illegal value, or one that the others make inactive whatever the rest is.
        """
        check_mapping(params)
        clean = {name: self._coder.check(name, value) for name, value in params.items()}
        # Parents that are left out take what the given ones need; what is inactive even so can never be active.
        full = self.complete(clean, np.full(len(self._names), 0.5))
        for j in self._order:
            name = self._names[j]
            if name in clean and name not in full:
                raise InvalidArgument(
                    f"params must leave out {name!r}, which is active only when {self._when(name, clean)}, "
                    f"got {dict(params)!r}"
                )
        return clean, set(full) == set(clean)

    def complete(self, given: Params, u: FloatArray) -> Params:
        """See `Space.complete`."""
        row = np.array(u, dtype=np.float64)
        columns: set[int] = set()
        for j, name in enumerate(self._names):
            if name in given:
                row[j] = self._coder.encode_column(j, [given[name]])[0]
                columns.add(j)
        picked = pick(self._ways, self._order, self._places(given), u) if self._several else {}
        for j, within in self._shares(frozenset(columns), picked).items():
            row[j] = place(within, row[j])
        return {name: given.get(name, value) for name, value in self._coder.settle(row).items()}

    @cached_property
    def _ways(self) -> Ways:
        return ways_of(self._layout)

    @cached_property
    def _several(self) -> bool:
        return any(len(ways) > 1 for ways in self._ways)

    def _places(self, given: Params) -> dict[int, float]:
        """Levels of given columns, and values of continuous ones, by column."""
        found: dict[int, float] = {}
        for j, name in enumerate(self._names):
            if name in given:
                parameter = self._parameters[name]
                found[j] = given[name] if parameter.levels is None else parameter.level(name, given[name])
        return found

    def _shares(self, given: frozenset[int], picked: Mapping[int, int]) -> dict[int, Shares]:
        """Ranges that parents of given columns are drawn from; kept, as most draws are for the same columns."""
        known, key = self._last_shares, (given, tuple(picked.items()))
        if known is None or known[0] != key:
            found = implied(self._ways, self._order, given, picked)
            within = {j: shares(self._parameters[self._names[j]], where) for j, where in found.items() if where}
            known = self._last_shares = (key, within)
        return known[1]

    def _when(self, name: str, given: Params) -> str:
        """The conditions of a parameter and, where its parents are not given, of theirs."""
        waiting, said = [name], []
        for child in waiting:
            when = self._parameters[child].when
            if when:
                said.append(f"({shown_when(when)})" if isinstance(when, list) else shown_when(when))
            waiting += [parent for parent in parents_of(when) if parent not in given and parent not in waiting]
        return " and ".join(said)
