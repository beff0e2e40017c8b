"""Checks of arguments of the public functions.

Each returns the value in its plain type, or raises a typed error with the argument, the allowed values and the value.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Any

import numpy as np

from hpcore.attributes import Attributes
from hpcore.errors import InvalidArgument, InvalidType

__all__ = [
    "check_alias",
    "check_attributes",
    "check_choice",
    "check_flag",
    "check_integer",
    "check_number",
    "check_values",
    "shown",
]


def check_integer(name: str, value: Any, low: int, high: int | None = None) -> int:
    """Check an integer in ``low .. high``; True, False and 3.0 are not integers."""
    if isinstance(value, bool | np.bool_) or not isinstance(value, numbers.Integral):
        raise InvalidType(f"{name} must be an integer, got {value!r}")
    x = int(value)
    if high is None and x < low:
        raise InvalidArgument(f"{name} must be >= {low}, got {x}")
    if high is not None and not low <= x <= high:
        raise InvalidArgument(f"{name} must be within {_bound(low)} .. {_bound(high)}, got {x}")
    return x


def _bound(bound: int) -> str:
    """Write a bound, with powers of two as such."""
    for exponent in (31, 63, 128):
        for shift in (0, 1):
            if abs(bound + shift) == 2**exponent:
                return f"{'-' if bound < 0 else ''}2**{exponent}{f' - {shift}' if shift else ''}"
    return str(bound)


def check_number(
    name: str,
    value: Any,
    low: float = -math.inf,
    high: float = math.inf,
    *,
    open_low: bool = False,
    open_high: bool = False,
    unit: str = "",
) -> float:
    """Check a finite number between two bounds, which are allowed unless open; True and False are not numbers."""
    if isinstance(value, bool | np.bool_) or not isinstance(value, numbers.Real):
        raise InvalidType(f"{name} must be a number{unit}, got {value!r}")
    try:
        x = float(value)
    except OverflowError:
        raise InvalidArgument(f"{name} must be finite, within the range of a double, got {value!r}") from None
    inside = (low < x if open_low else low <= x) and (x < high if open_high else x <= high)
    if not math.isfinite(x) or not inside:
        bounds = [f"{'>' if open_low else '>='} {low:g}"] if low > -math.inf else []
        bounds += [f"{'<' if open_high else '<='} {high:g}"] if high < math.inf else []
        raise InvalidArgument(f"{name} must be {' and '.join(['finite', *bounds])}{unit}, got {value!r}")
    return x


def check_flag(name: str, value: Any) -> bool:
    """Check that a value is True or False, not merely convertible to a bool."""
    if not isinstance(value, bool | np.bool_):
        raise InvalidType(f"{name} must be True or False, got {value!r}")
    return bool(value)


def check_choice(name: str, value: Any, allowed: Sequence[str]) -> str:
    """Check that a value is one of the allowed names."""
    shown = ", ".join(map(repr, allowed))
    if not isinstance(value, str):
        raise InvalidType(f"{name} must be one of {shown}, got {value!r}")
    if value not in allowed:
        raise InvalidArgument(f"{name} must be one of {shown}, got {value!r}")
    return value


def check_alias(name: str, value: Any, alias: str, other: Any) -> Any:
    """Return the value of an argument that has two names; None if neither is given."""
    if value is None or other is None:
        return value if other is None else other
    plain = str | int | np.integer
    if value is other or (isinstance(value, plain) and isinstance(other, plain) and value == other):
        return value
    raise InvalidArgument(
        f"{name} and {alias} are two names of one argument, got {name}={value!r} and {alias}={other!r}"
    )


def check_attributes(name: str, value: Any) -> dict[str, Any]:
    """Copy a mapping of names to values as plain data; None gives an empty one."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise InvalidType(f"{name} must be a mapping of names to values, got {value!r}")
    return dict(Attributes(value))


def shown(value: Any) -> str:
    """Return the repr of a user's object for a message, also when its repr fails."""
    try:
        return repr(value)
    except Exception as error:  # for instance an int with thousands of digits, or a repr defined by the user
        return f"an object of type {type(value).__name__} that cannot be written ({type(error).__name__})"


def check_values(value: Any, m: int) -> tuple[float, ...] | None:
    """Check a value and return one float per objective, which may be infinite or NaN; None if a value is None.

    Raises
    ------
    InvalidArgument, InvalidType
        The number of values is not `m`, or one is not a number.
    """
    if value is None:
        return None
    if isinstance(value, str | bytes | bytearray | Mapping | Set):
        raise InvalidType(f"value must be a number or one number per objective, got {shown(value)}")
    if isinstance(value, Iterable) and getattr(value, "ndim", 1) != 0:
        items = list(value)
    else:
        items = [value]
    if len(items) != m:
        raise InvalidArgument(f"value must have one number per objective ({m}), got {len(items)}: {shown(value)}")
    out = []
    for item in items:
        if item is None:
            return None
        # `float` accepts a nested array of one number, with a warning of NumPy.
        if (
            isinstance(item, str | bytes | bytearray)
            or getattr(item, "ndim", 0) != 0
            or (isinstance(item, numbers.Complex) and not isinstance(item, numbers.Real))
        ):
            raise InvalidType(f"value must be a number, got {shown(item)}")
        try:
            out.append(float(item))
        except OverflowError:
            out.append(math.inf)  # an int beyond the range of doubles is not finite: a failed trial
        except (TypeError, ValueError):
            raise InvalidType(f"value must be a number, got {shown(item)}") from None
    return tuple(out)
