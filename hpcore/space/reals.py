"""Floating-point parameters: Float and Normal, continuous or on a grid of decimals."""

from __future__ import annotations

import math
from typing import Any

from hpcore._core import space as native
from hpcore.arguments import check_flag, check_number
from hpcore.errors import InvalidArgument
from hpcore.space.conditions import When, check_when
from hpcore.space.parameter import Parameter, native_parameter

__all__ = ["Float", "Normal"]


class _Real(Parameter):
    """Common part of Float and Normal: values are floats between two bounds, perhaps on a grid."""

    low: float
    high: float
    step: float | None
    _given: tuple[float | None, float | None]  # bounds as they were given

    @property
    def levels(self) -> int | None:
        return None if self.step is None else self.core.column.last + 1

    @property
    def kind(self) -> str:
        return "continuous" if self.step is None else "integer"

    def check(self, name: str, value: Any) -> float:
        x = value if type(value) is float and value - value == 0.0 else check_number(f"value of {name!r}", value)
        if not self.low <= x <= self.high:
            raise InvalidArgument(f"value of {name!r} must be within {self.low!r} .. {self.high!r}, got {value!r}")
        if self.step is not None:
            nearest = self.core.column.real_at(self.core.column.level_of_real(x))
            # A sum such as 0.1 + 0.2 is a few roundings away from the grid's own 0.3, and means it.
            if abs(x - nearest) > 1e-9 * self.step + 4 * math.ulp(nearest):
                raise InvalidArgument(
                    f"value of {name!r} must lie on the grid {self.low!r}, "
                    f"{self.at(min(1, self.core.column.last))!r} .. "
                    f"{self.high!r}, got {value!r} (nearest: {nearest!r})"
                )
            return nearest
        return x

    def level(self, name: str, value: Any) -> int:
        if self.step is None:
            raise InvalidArgument(
                f"{name!r} is continuous, so a single value of it has no probability: use at_least or at_most, "
                f"got {value!r}"
            )
        return self.core.column.level_of_real(self.check(name, value))

    def at(self, level: int) -> float:
        assert self.step is not None
        return self.core.column.real_at(level)


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
    when : mapping or list of mapping, optional
        Parent's name to the value, list or `range` of values, `at_least` or `at_most` under which this parameter is
        active. All entries must hold; a list of mappings means that any one of them suffices. Where the parent's
        choices are lists themselves, a list that is a choice is read as that one value, and refused if its items are
        choices too.

    Raises
    ------
    InvalidArgument, InvalidType
        Bounds that are not finite numbers, reversed, not positive under `log`; a step that is not positive.
    """

    def __init__(
        self, low: float, high: float, *, log: bool = False, step: float | None = None, when: When | None = None
    ) -> None:
        # The sum makes -0.0 a 0.0, which is the same value and has one point.
        self.low, self.high = check_number("low", low) + 0.0, check_number("high", high) + 0.0
        if self.low > self.high:
            raise InvalidArgument(f"low must be <= high, got low={low!r}, high={high!r}")
        self.log = check_flag("log", log)
        if log and self.low <= 0:
            raise InvalidArgument(f"low must be > 0 when log=True, got low={low!r}")
        if step is not None:
            step = check_number("step", step)
            if step <= 0:
                raise InvalidArgument(f"step must be > 0, got {step!r}")
        self.step, self._given = step, (self.low, self.high)
        self.core = self._make_core()
        self.high = self.core.column.high
        self.when = check_when(when)

    def _make_core(self) -> native.Parameter:
        low, high = self._given
        return native_parameter(native.real, low, high, log=self.log, step=self.step)

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
    when : mapping or list of mapping, optional
        Conditions as for `Float`.

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
        self.low = (math.ulp(0.0) if log else -math.inf) if low is None else check_number("low", low) + 0.0
        self.high = math.inf if high is None else check_number("high", high) + 0.0
        self._given = (None if low is None else self.low, None if high is None else self.high)
        if self.low > self.high:
            raise InvalidArgument(f"low must be <= high, got low={low!r}, high={high!r}")
        if log and low is not None and self.low <= 0:
            raise InvalidArgument(f"low must be > 0 when log=True, got low={low!r}")
        if step is not None:
            step = check_number("step", step)
            if step <= 0:
                raise InvalidArgument(f"step must be > 0, got {step!r}")
        self.step = step
        self.core = self._make_core()
        if step is not None:
            self.low, self.high = self.core.column.low, self.core.column.high
        self.when = check_when(when)

    def _make_core(self) -> native.Parameter:
        low, high = self._given
        return native_parameter(native.normal, self.mean, self.std, low=low, high=high, log=self.log, step=self.step)

    @property
    def open_ends(self) -> tuple[bool, bool]:
        return self._given[0] is None, self._given[1] is None

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
