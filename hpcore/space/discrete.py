"""Parameters with separate values: Int and Categorical."""

from __future__ import annotations

import math
import numbers
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from hpcore._core import space as native
from hpcore.arguments import check_flag, check_integer, check_number
from hpcore.errors import InvalidArgument, InvalidType
from hpcore.space.choices import choice_index, choice_table
from hpcore.space.conditions import When, check_when
from hpcore.space.parameter import Parameter, native_parameter

__all__ = ["Categorical", "Int"]

INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1


class Int(Parameter):
    """An integer parameter, uniform between two bounds or on their logarithms.

    Parameters
    ----------
    low, high : int
        Bounds, both included, within -2**63 .. 2**63 - 1.
    log : bool
        Uniform in the logarithm; needs ``low >= 1``.
    step : int
        Distance of the values, counted from `low`; one larger than the range leaves `low` alone.
    when : mapping or list of mapping, optional
        Conditions as for `Float`.

    Raises
    ------
    InvalidArgument, InvalidType
        Arguments that `Float` refuses. Floats are refused even if they are whole.
    """

    def __init__(self, low: int, high: int, *, log: bool = False, step: int = 1, when: When | None = None) -> None:
        self.low, self.high, self.step = (
            check_integer(argument, value, INT64_MIN, INT64_MAX)
            for argument, value in (("low", low), ("high", high), ("step", step))
        )
        if self.low > self.high:
            raise InvalidArgument(f"low must be <= high, got low={low!r}, high={high!r}")
        self.log = check_flag("log", log)
        if log and self.low < 1:
            raise InvalidArgument(f"low must be >= 1 when log=True, got low={low!r}")
        if self.step < 1:
            raise InvalidArgument(f"step must be >= 1, got {step!r}")
        self.core = self._make_core()
        self._last = self.core.column.last
        self.high = self.low + self._last * self.step
        self.when = check_when(when)

    @property
    def levels(self) -> int | None:
        return self._last + 1

    @property
    def kind(self) -> str:
        return "integer"

    def check(self, name: str, value: Any) -> int:
        if type(value) is int:
            x = value
        elif isinstance(value, bool) or not isinstance(value, numbers.Real) or value != value:
            raise InvalidType(f"value of {name!r} must be an integer, got {value!r}")
        elif isinstance(value, numbers.Integral):
            x = operator.index(value)
        elif math.isinf(value) or value != math.floor(value):
            raise InvalidArgument(f"value of {name!r} must be a whole number, got {value!r}")
        else:
            x = operator.index(math.floor(value))
        if not self.low <= x <= self.high:
            raise InvalidArgument(f"value of {name!r} must be within {self.low} .. {self.high}, got {value!r}")
        if (x - self.low) % self.step:
            raise InvalidArgument(
                f"value of {name!r} must be {self.low} plus a multiple of {self.step}, up to {self.high}, got {value!r}"
            )
        return x

    def level(self, name: str, value: Any) -> int:
        x: int = self.check(name, value)
        return (x - self.low) // self.step

    def at(self, level: int) -> int:
        return self.low + level * self.step

    def _make_core(self) -> native.Parameter:
        return native_parameter(native.integer, self.low, self.high, log=self.log, step=self.step)

    def to_dict(self) -> dict[str, Any]:
        return {"type": "Int", "low": self.low, "high": self.high, "log": self.log, "step": self.step}


class Categorical(Parameter):
    """One of several choices, which may be any objects: the very object given here comes back.

    Parameters
    ----------
    choices : sequence
        At least one; none twice. ``True``, ``1``, ``1.0`` and ``"1"`` are four choices; ``nan`` is one.
    ordered : bool
        The order of the choices means something: models treat them as a grid.
    weights : sequence of float, optional
        Relative prior probability of each choice; positive.
    when : mapping or list of mapping, optional
        Conditions as for `Float`.

    Raises
    ------
    InvalidArgument, InvalidType
        Choices that are empty, repeated, or a plain string; weights that do not fit the choices.
    """

    def __init__(
        self,
        choices: Sequence[Any],
        *,
        ordered: bool = False,
        weights: Sequence[float] | None = None,
        when: When | None = None,
    ) -> None:
        if isinstance(choices, str | bytes | dict) or not hasattr(choices, "__iter__"):
            raise InvalidType(f"choices must be a list of choices, got {choices!r}")
        if isinstance(choices, set | frozenset):
            raise InvalidType(
                f"choices must have an order that stays the same, so a list and not a set, got {choices!r}"
            )
        # Python numbers for those of a plain array, which are neither what a user compares with nor what can be stored.
        plain = isinstance(choices, np.ndarray) and choices.ndim == 1 and choices.dtype != object
        self.choices = tuple(choices.tolist() if plain else choices)  # type: ignore[attr-defined]
        self._table = choice_table(self.choices)
        self.ordered = check_flag("ordered", ordered)
        self.weights: tuple[float, ...] | None = None
        if weights is not None:
            if isinstance(weights, str | bytes) or not hasattr(weights, "__iter__"):
                raise InvalidType(f"weights must be a list of numbers, got {weights!r}")
            shares = tuple(check_number("weights", w) for w in weights)
            if len(shares) != len(self.choices):
                raise InvalidArgument(
                    f"weights must have one entry per choice ({len(self.choices)}), got {len(shares)}"
                )
            if min(shares) <= 0 or not math.isfinite(sum(shares)):
                raise InvalidArgument(f"weights must be > 0 and have a finite sum, got {list(shares)!r}")
            self.weights = shares
        self.core = self._make_core()
        self.when = check_when(when)

    @property
    def levels(self) -> int | None:
        return len(self.choices)

    @property
    def kind(self) -> str:
        return "integer" if self.ordered else "categorical"

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in super().__getstate__().items() if k != "_table"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        # Made again: it knows objects by their identity, which a copy does not keep.
        self._table = choice_table(self.choices)

    def check(self, name: str, value: Any) -> Any:
        return self.choices[self.level(name, value)]

    def level(self, name: str, value: Any) -> int:
        index = choice_index(self._table, self.choices, value)
        if index is None:
            shown = ", ".join(repr(c) for c in self.choices[:12]) + (", ..." if len(self.choices) > 12 else "")
            raise InvalidArgument(f"value of {name!r} must be one of {shown}, got {value!r}")
        return index

    def at(self, level: int) -> Any:
        return self.choices[level]

    def _make_core(self) -> native.Parameter:
        return native_parameter(native.choice, len(self.choices), ordered=self.ordered, weights=self.weights or ())

    def to_dict(self) -> dict[str, Any]:
        return {
            "type": "Categorical",
            "choices": list(self.choices),
            "ordered": self.ordered,
            "weights": None if self.weights is None else list(self.weights),
        }
