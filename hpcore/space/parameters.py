"""The kinds of parameter: what a value may be, and how its native column is laid out.

Every parameter answers two questions about values: ``check`` (is this one legal, and which one is it?) and
``levels`` (how many are there, if it is a finite grid?). The arithmetic between values and the unit cube is native.
"""

from __future__ import annotations

import math
import numbers
import operator
from abc import ABC, abstractmethod
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from itertools import accumulate, pairwise
from typing import Any

import numpy as np

from hpcore._core import space as native
from hpcore.arguments import check_flag, check_integer, check_number
from hpcore.errors import InvalidArgument, InvalidType
from hpcore.space.choices import choice_index, choice_key, choice_table
from hpcore.space.conditions import AtLeast, AtMost, When, check_when

__all__ = ["Categorical", "Float", "Int", "Normal", "Parameter"]

INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1
# Without bounds, a quantised Normal's grid covers mean +- 8.3 std: what 53 bits of probability can reach.
REACH = 8.3
# Grids up to this size know the share of the cube of each value; larger ones compute it.
MAX_SHARES = 10_000
# The least share that a value of such a grid gets: any less, and the doubles of the cube might step over it.
MIN_SHARE = 2.0**-40


def _edges(weights: Sequence[float]) -> list[float]:
    """The upper edge of each value's share of [0, 1]."""
    total = math.fsum(weights)
    shares = [max(weight / total, MIN_SHARE) for weight in weights]
    total = math.fsum(shares)
    edges = [edge / total for edge in accumulate(shares)]
    edges[-1] = 1.0
    return edges


def _log_or_linear(log: bool, low: float, high: float) -> native.Scale:
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
        """Whether values have no lower, no upper bound."""
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
        """What makes two parameters the same one: choices by `choice_key`, so that True is not 1 and nan is nan."""
        conditions = {
            parent: (type(wanted), choice_key(wanted.value if isinstance(wanted, AtLeast | AtMost) else wanted))
            for parent, wanted in self.when.items()
        }
        return [conditions, *(choice_key(value) for value in self.to_dict().values())]

    __hash__ = None  # type: ignore[assignment]


class _Real(Parameter):
    """What Float and Normal share: values are floats between two bounds, perhaps on a grid."""

    low: float
    high: float
    step: float | None
    _last: int  # index of the highest grid value
    _ticks: tuple[int, int, int] | None  # grid value = (first + level * stride) / scale, exact in its numerator

    def _make_grid(self, low: float, high: float, step: float | None) -> None:
        self.step, self._last, self._ticks = step, 0, None
        if step is None:
            return
        # As decimals people write: 0.1 is a tenth here, so that 0 .. 1 by 0.1 has 11 values and ends at 1.0.
        first, stride = Fraction(Decimal(repr(low))), Fraction(Decimal(repr(step)))
        # A bound that was computed may fall short of the grid by its rounding.
        slack = min(2 * Fraction(math.ulp(max(abs(low), abs(high)))), stride / 1000)
        self._last = int((Fraction(Decimal(repr(high))) + slack - first) / stride)
        if self._last < 1:
            raise InvalidArgument(f"step must be at most high - low = {high - low!r}, got {step!r}")
        if self._last > 2**63 - 1:
            raise InvalidArgument(f"step must leave at most 2**63 values in the range, got step={step!r}")
        scale = 1
        while scale < 10**22 and (first * scale).denominator * (stride * scale).denominator > 1:
            scale *= 10
        ends = (first * scale, (first + self._last * stride) * scale, stride * scale)
        if all(x.denominator == 1 and abs(x) < 2**53 for x in ends) and int(ends[1]) / scale <= high:
            self._ticks = (int(ends[0]), int(ends[2]), scale)
            self.high = int(ends[1]) / scale
        else:
            self.high = min(high, low + self._last * step)

    @property
    def levels(self) -> int | None:
        return None if self.step is None else self._last + 1

    @property
    def kind(self) -> str:
        return "continuous" if self.step is None else "integer"

    def check(self, name: str, value: Any) -> float:
        x = check_number(f"value of {name!r}", value)
        if not self.low <= x <= self.high:
            raise InvalidArgument(f"value of {name!r} must be within {self.low!r} .. {self.high!r}, got {value!r}")
        if self.step is not None:
            nearest = self.at(self._nearest(x))
            # A sum such as 0.1 + 0.2 is a few roundings away from the grid's own 0.3, and means it.
            if abs(x - nearest) > 1e-9 * self.step + 4 * math.ulp(nearest):
                raise InvalidArgument(
                    f"value of {name!r} must lie on the grid {self.low!r}, {self.at(min(1, self._last))!r} .. "
                    f"{self.high!r}, got {value!r} (nearest: {nearest!r})"
                )
            return nearest
        return x

    def _nearest(self, x: float) -> int:
        assert self.step is not None
        position = (x - self.low) / self.step
        if not math.isfinite(position):
            position = 2 * ((x / 2 - self.low / 2) / self.step)
        return min(max(math.floor(position + 0.5), 0), self._last)

    def level(self, name: str, value: Any) -> int:
        if self.step is None:
            raise InvalidArgument(
                f"{name!r} is continuous, so a single value of it has no probability: use at_least or at_most, "
                f"got {value!r}"
            )
        return self._nearest(self.check(name, value))

    def at(self, level: int) -> float:
        assert self.step is not None
        if self._ticks is not None:
            first, stride, scale = self._ticks
            return (first + level * stride) / scale
        x = self.low + level * self.step
        if not math.isfinite(x):
            x = 2.0 * (self.low / 2 + level * (self.step / 2))
        return min(max(x, self.low), self.high)

    def _bounded_column(self, scale: native.Scale) -> native.Column:
        column = native.Column()
        column.kind, column.scale = native.Kind.real, scale
        column.low, column.high = self.low, self.high
        if self.step is not None:
            column.gridded, column.last, column.step = True, self._last, self.step
            if self._ticks is not None:
                column.tick_low, column.tick_step = self._ticks[:2]
                column.ticks = float(self._ticks[2])
        return column


class Float(_Real):
    """A floating-point parameter, uniform between two bounds or on their logarithms.

    Parameters
    ----------
    low, high : float
        Bounds, both included; finite, ``low <= high``.
    log : bool
        Uniform in the logarithm; needs ``low > 0``.
    step : float, optional
        Distance of a grid that starts at `low`; the highest value is the last one not above `high`. May be combined
        with `log`.
    when : mapping, optional
        Parent's name to the value, list of values, `at_least` or `at_most` under which this parameter is active.

    Raises
    ------
    InvalidArgument, InvalidType
        Bounds that are not finite numbers, reversed, not positive under `log`; a step that is not positive or is
        larger than the range.
    """

    def __init__(
        self, low: float, high: float, *, log: bool = False, step: float | None = None, when: When | None = None
    ) -> None:
        self.low, self.high = check_number("low", low), check_number("high", high)
        if self.low > self.high:
            raise InvalidArgument(f"low must be <= high, got low={low!r}, high={high!r}")
        self.log = check_flag("log", log)
        if log and self.low <= 0:
            raise InvalidArgument(f"low must be > 0 when log=True, got low={low!r}")
        if step is not None:
            step = check_number("step", step)
            if step <= 0:
                raise InvalidArgument(f"step must be > 0, got {step!r}")
        self._make_grid(self.low, self.high, step)
        self.when = check_when(when)

    def column(self) -> native.Column:
        return self._bounded_column(_log_or_linear(self.log, self.low, self.high))

    def to_dict(self) -> dict[str, Any]:
        return {"type": "Float", "low": self.low, "high": self.high, "log": self.log, "step": self.step}


class Normal(_Real):
    """A floating-point parameter with a normal (or log-normal) prior, perhaps cut to bounds or put on a grid.

    Parameters
    ----------
    mean, std : float
        Of the value, or of its natural logarithm when ``log=True``; ``std > 0``.
    log : bool
        The logarithm is normal.
    low, high : float, optional
        Bounds of the value itself; the density between them is renormalised. Positive when ``log=True``.
    step : float, optional
        Distance of a grid, which starts at `low` if that is given and else holds the multiples of `step`; without a
        bound it ends 8.3 standard deviations from the mean.
    when : mapping, optional
        As for `Float`.

    Raises
    ------
    InvalidArgument, InvalidType
        As for `Float`; also bounds that leave no probability.
    """

    def __init__(
        self,
        mean: float,
        std: float,
        *,
        log: bool = False,
        low: float | None = None,
        high: float | None = None,
        step: float | None = None,
        when: When | None = None,
    ) -> None:
        self.mean, self.std = check_number("mean", mean), check_number("std", std)
        if self.std <= 0:
            raise InvalidArgument(f"std must be > 0, got {std!r}")
        self.log = check_flag("log", log)
        self.low = (math.ulp(0.0) if log else -math.inf) if low is None else check_number("low", low)
        self.high = math.inf if high is None else check_number("high", high)
        self._given = (None if low is None else self.low, None if high is None else self.high)
        if self.low > self.high:
            raise InvalidArgument(f"low must be <= high, got low={low!r}, high={high!r}")
        if log and low is not None and self.low <= 0:
            raise InvalidArgument(f"low must be > 0 when log=True, got low={low!r}")
        reach_low, reach_high = self._reach()
        if (low is None and reach_low in (-math.inf, 0.0)) or (high is None and reach_high == math.inf):
            raise InvalidArgument(
                f"mean and std must keep values within the range of a double (8.3 std to either side, unless low and "
                f"high are given), got mean={mean!r}, std={std!r}"
            )
        if self.low > reach_high or self.high < reach_low:
            raise InvalidArgument(
                f"low and high must leave some probability within 8.3 std of the mean, got low={low!r}, high={high!r} "
                f"for mean={mean!r}, std={std!r}"
            )
        if step is not None:
            step = check_number("step", step)
            if step <= 0:
                raise InvalidArgument(f"step must be > 0, got {step!r}")
            # Multiples of step, unless a lower bound says where the grid begins.
            first = self.low if low is not None else math.ceil(reach_low / step) * step
            last = self.high if high is not None else reach_high
            if not math.isfinite(first) or not math.isfinite(last) or first > last:
                raise InvalidArgument(f"step must be smaller than the range of values, got {step!r}")
            self.low = first
            self._make_grid(first, last, step)
        else:
            self._make_grid(self.low, self.high, None)
        self.when = check_when(when)

    def _reach(self) -> tuple[float, float]:
        ends = (self.mean - REACH * self.std, self.mean + REACH * self.std)
        if not self.log:
            return ends
        low, high = (math.exp(end) if end <= 709.0 else math.inf for end in ends)
        return low, high

    @property
    def open_ends(self) -> tuple[bool, bool]:
        return self._given[0] is None, self._given[1] is None

    def column(self) -> native.Column:
        column = self._bounded_column(native.Scale.log_normal if self.log else native.Scale.normal)
        column.mean, column.std = self.mean, self.std
        width = math.log(self.high) - math.log(self.low) if self.log else self.high - self.low
        if width < 1e-4 * self.std:  # the density is even there, and differences of probabilities are mostly rounding
            column.scale = native.Scale.log if self.log else native.Scale.linear
        if self._given[0] is None and self.step is None:
            column.low = 0.0 if self.log else -math.inf
        if self.step is not None and self._last < MAX_SHARES:
            column.cumulative = _edges(self._cell_shares())
        return column

    def _cell_shares(self) -> list[float]:
        """The probability of each grid value: of what lies nearer to it than to another."""
        half = 0.5 * self.step if self.step is not None else 0.0
        values = [self.at(level) for level in range(self._last + 1)]
        # On a log scale the lowest cell must stay above zero.
        first = max(values[0] - half, 0.5 * values[0]) if self.log else values[0] - half
        edges = [first, *(value + half for value in values)]
        z = [((math.log(edge) if self.log else edge) - self.mean) / (self.std * math.sqrt(2.0)) for edge in edges]
        # Differences of the tail that is smaller, so that none is rounded away.
        return [math.erfc(a) - math.erfc(b) if a > 0.0 else math.erfc(-b) - math.erfc(-a) for a, b in pairwise(z)]

    def to_dict(self) -> dict[str, Any]:
        low, high = self._given
        return {
            "type": "Normal",
            "mean": self.mean,
            "std": self.std,
            "log": self.log,
            "low": low,
            "high": high,
            "step": self.step,
        }


class Int(Parameter):
    """An integer parameter, uniform between two bounds or on their logarithms.

    Parameters
    ----------
    low, high : int
        Bounds, both included, within -2**63 .. 2**63 - 1.
    log : bool
        Uniform in the logarithm; needs ``low >= 1``.
    step : int
        Distance of the values, counted from `low`.
    when : mapping, optional
        As for `Float`.

    Raises
    ------
    InvalidArgument, InvalidType
        As for `Float`. Floats are refused even if they are whole.
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
        if self.step > 1 and self.step > self.high - self.low:
            raise InvalidArgument(f"step must be at most high - low = {self.high - self.low}, got {step!r}")
        self._last = (self.high - self.low) // self.step
        self.high = self.low + self._last * self.step
        self.when = check_when(when)

    @property
    def levels(self) -> int | None:
        return self._last + 1

    @property
    def kind(self) -> str:
        return "integer"

    def check(self, name: str, value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, numbers.Real) or value != value:
            raise InvalidType(f"value of {name!r} must be an integer, got {value!r}")
        if isinstance(value, numbers.Integral):
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

    def column(self) -> native.Column:
        column = native.Column()
        column.kind = native.Kind.integer
        column.scale = _log_or_linear(self.log, self.low, self.high)
        column.low, column.high = float(self.low), float(self.high)
        column.gridded, column.last = True, self._last
        column.whole_low, column.whole_step = self.low, self.step
        return column

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
    when : mapping, optional
        As for `Float`.

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
        # Of a plain array the Python numbers: its own are neither what a user compares with nor what can be stored.
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
        self.when = check_when(when)

    @property
    def levels(self) -> int | None:
        return len(self.choices)

    @property
    def kind(self) -> str:
        return "integer" if self.ordered else "categorical"

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in vars(self).items() if k != "_table"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
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

    def column(self) -> native.Column:
        column = native.Column()
        column.kind = native.Kind.choice
        column.gridded, column.last = True, len(self.choices) - 1
        if self.weights is not None:
            column.cumulative = _edges(self.weights)
        return column

    def to_dict(self) -> dict[str, Any]:
        return {
            "type": "Categorical",
            "choices": list(self.choices),
            "ordered": self.ordered,
            "weights": None if self.weights is None else list(self.weights),
        }
