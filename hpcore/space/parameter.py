"""Interface of a parameter: its legal values, how many there are, and how its native column is laid out.

The arithmetic between values and the unit cube is native.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

from hpcore._core import space as native
from hpcore.space.choices import choice_key
from hpcore.space.conditions import AtLeast, AtMost

__all__ = ["MAX_SHARES", "Parameter", "edges_of", "log_or_linear"]

# Grids up to this size know the share of the cube of each value; larger ones compute it.
MAX_SHARES = 10_000
# The least share that a value of such a grid gets: any less, and the doubles of the cube might step over it.
MIN_SHARE = 2.0**-40


def edges_of(weights: Sequence[float]) -> list[float]:
    """The upper edge of each value's share of [0, 1]."""
    total = math.fsum(weights)
    shares = [max(weight / total, MIN_SHARE) for weight in weights]
    total = math.fsum(shares)
    edges = [edge / total for edge in accumulate(shares)]
    edges[-1] = 1.0
    return edges


def log_or_linear(log: bool, low: float, high: float) -> native.Scale:
    """The scale on which a parameter is uniform."""
    # Over a ten-thousandth of its value a logarithm is straight, and rounded it could not tell 2**62 from 2**62 + 1.
    return native.Scale.log if log and high > 1.0001 * low else native.Scale.linear


class Parameter(ABC):
    """One dimension of a search space. Immutable.

    Attributes
    ----------
    when : dict
        Parent's name to the value, list of values, `at_least` or `at_most` under which this parameter is active.
    """

    when: dict[str, Any]

    @property
    @abstractmethod
    def levels(self) -> int | None:
        """Number of distinct values; None for a continuous parameter."""

    @property
    @abstractmethod
    def kind(self) -> str:
        """``"continuous"``, ``"integer"`` (a grid with an order) or ``"categorical"``."""

    @property
    def open_ends(self) -> tuple[bool, bool]:
        """True for each end, lower and upper, where values have no bound."""
        return False, False

    @abstractmethod
    def check(self, name: str, value: Any) -> Any:
        """The value as this parameter's own type, or a typed error that names the parameter."""

    @abstractmethod
    def level(self, name: str, value: Any) -> int:
        """The index of a legal value on the grid."""

    @abstractmethod
    def at(self, level: int) -> Any:
        """The value at an index of the grid."""

    @abstractmethod
    def column(self) -> native.Column:
        """The native column, without conditions."""

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """The constructor's arguments and the type's name, as plain data."""

    def __repr__(self) -> str:
        fields = self.to_dict()
        kind = fields.pop("type")
        shown = ", ".join(f"{k}={v!r}" for k, v in fields.items() if v is not None and v is not False)
        when = f", when={self.when!r}" if self.when else ""
        return f"{kind}({shown}{when})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Parameter) and type(self) is type(other) and self._key() == other._key()

    def _key(self) -> list[Any]:
        """Key by which two parameters are the same: choices by `choice_key`, so that True is not 1 and nan is nan."""
        conditions = {
            parent: (type(wanted), choice_key(wanted.value if isinstance(wanted, AtLeast | AtMost) else wanted))
            for parent, wanted in self.when.items()
        }
        return [conditions, *(choice_key(value) for value in self.to_dict().values())]

    __hash__ = None  # type: ignore[assignment]
