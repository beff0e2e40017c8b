"""Interface of a parameter: its legal values, how many there are, and its native twin.

The arithmetic between values and the unit cube is native.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from hpcore._core import space as native
from hpcore.errors import InvalidArgument
from hpcore.space.choices import choice_key
from hpcore.space.conditions import AtLeast, AtMost, Conditions, alternatives_of

__all__ = ["Parameter", "native_parameter"]


def native_parameter(make: Callable[..., native.Parameter], *args: Any, **options: Any) -> native.Parameter:
    """The native twin of a parameter, which has no name before a space gives it one.

    Raises
    ------
    InvalidArgument
        Arguments that have no meaning together.
    """
    try:
        return make("", *args, **options)
    except ValueError as error:
        raise InvalidArgument(str(error)) from None


class Parameter(ABC):
    """One dimension of a search space. Immutable.

    Attributes
    ----------
    when : dict or list of dict
        Parent's name to the value, list of values, `at_least` or `at_most` under which this parameter is active; a list
        of two or more such dicts if it is active under any of them.
    core : hpcore._core.space.Parameter
        The same parameter to the core, without a name and conditions.
    """

    when: Conditions
    core: native.Parameter

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
    def _make_core(self) -> native.Parameter:
        """The native twin, from the checked arguments."""

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """The constructor's arguments and the type's name, as plain data."""

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in vars(self).items() if k != "core"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self.core = self._make_core()

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
        conditions = [
            {
                parent: (type(wanted), choice_key(wanted.value if isinstance(wanted, AtLeast | AtMost) else wanted))
                for parent, wanted in alternative.items()
            }
            for alternative in alternatives_of(self.when)
        ]
        return [conditions, *(choice_key(value) for value in self.to_dict().values())]

    __hash__ = None  # type: ignore[assignment]
