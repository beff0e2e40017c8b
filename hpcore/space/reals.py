"""Floating-point parameters: Float and Normal, continuous or on a grid of decimals."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any

from hpcore._core import space as native
from hpcore.arguments import check_flag, check_number
from hpcore.errors import InvalidArgument
from hpcore.space.conditions import When, check_when
from hpcore.space.parameter import MAX_SHARES, Parameter, edges_of, log_or_linear

__all__ = ["Float", "Normal"]

# Without bounds, a quantised Normal's grid covers mean +- 8.3 std: what 53 bits of probability can reach.
REACH = 8.3


class _Real(Parameter):
    """Common part of Float and Normal: values are floats between two bounds, perhaps on a grid."""

    low: float
    high: float
    step: float | None
    _last: int  # index of the highest grid value
    _ticks: tuple[int, int, int] | None  # grid value = (first + level * stride) / scale, exact in its numerator

    def _make_grid(self, low: float, high: float, step: float | None) -> None:
        self.step, self._last, self._ticks = step, 0, None
        if step is None:
            return
        # Decimals as people write them: 0.1 is a tenth here, so that 0 .. 1 by 0.1 has 11 values and ends at 1.0.
        first, stride = Fraction(Decimal(repr(low))), Fraction(Decimal(repr(step)))
        # A bound that was computed may fall short of the grid by its rounding.
        slack = min(2 * Fraction(math.ulp(max(abs(low), abs(high)))), stride / 1000)
        self._last = int((Fraction(Decimal(repr(high))) + slack - first) / stride)
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
        x = value if type(value) is float and value - value == 0.0 else check_number(f"value of {name!r}", value)
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
        Distance of a grid that starts at `low`; the highest value is the last one not above `high`, which is `low`
        itself if the step is larger than the range. May be combined with `log`.
    when : mapping, optional
        Parent's name to the value, list or `range` of values, `at_least` or `at_most` under which this parameter is
        active. Where the parent's choices are lists themselves, a list that is a choice is read as that one value,
        and refused if its items are choices too.

    Raises
    ------
    InvalidArgument, InvalidType
        Bounds that are not finite numbers, reversed, not positive under `log`; a step that is not positive.
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
        return self._bounded_column(log_or_linear(self.log, self.low, self.high))

    def to_dict(self) -> dict[str, Any]:
        return {"type": "Float", "low": self.low, "high": self.high, "log": self.log, "step": self.step}


class Normal(_Real):
    """A floating-point parameter with a normal (or log-normal) prior, perhaps cut to bounds or put on a grid.

    Parameters
    ----------
    mean, std : float
        Mean and standard deviation of the value, or of its natural logarithm when ``log=True``; ``std > 0``.
    log : bool
        The logarithm is normal.
    low, high : float, optional
        Bounds of the value itself; the density between them is renormalised. Positive when ``log=True``.
    step : float, optional
        Distance of a grid, which starts at `low` if that is given and else holds the multiples of `step`; without a
        bound it ends 8.3 standard deviations from the mean.
    when : mapping, optional
        Condition as for `Float`.

    Raises
    ------
    InvalidArgument, InvalidType
        Arguments that `Float` refuses; also bounds that leave no probability.
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
        if (low is None and reach_low == (0.0 if log else -math.inf)) or (high is None and reach_high == math.inf):
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
                raise InvalidArgument(
                    f"step must have a multiple within 8.3 std of the mean and the bounds, {reach_low!r} .. {last!r}, "
                    f"got {step!r}"
                )
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
        if self.step is not None and 0 < self._last < MAX_SHARES:
            column.cumulative = edges_of(self._cell_shares())
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
