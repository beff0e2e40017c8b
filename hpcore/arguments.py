"""Checks of arguments, made once at the door: each gives the value in its plain type, or a typed error that names the
argument, what is allowed and what was given."""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from hpcore.attributes import Attributes
from hpcore.errors import InvalidArgument, InvalidType

__all__ = ["check_alias", "check_attributes", "check_choice", "check_flag", "check_integer", "check_number", "shown"]


def check_integer(name: str, value: Any, low: int, high: int | None = None) -> int:
    """An integer in ``low .. high``; True and False are none, and neither is 3.0."""
    if isinstance(value, bool | np.bool_) or not isinstance(value, numbers.Integral):
        raise InvalidType(f"{name} must be an integer, got {value!r}")
    x = int(value)
    if high is None and x < low:
        raise InvalidArgument(f"{name} must be >= {low}, got {x}")
    if high is not None and not low <= x <= high:
        raise InvalidArgument(f"{name} must be within {_bound(low)} .. {_bound(high)}, got {x}")
    return x


def _bound(bound: int) -> str:
    """Powers of two as people know them."""
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
    """A finite number between two bounds, which count unless they are open; True and False are none."""
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
    """True or False, and not merely something that could be read as one."""
    if not isinstance(value, bool | np.bool_):
        raise InvalidType(f"{name} must be True or False, got {value!r}")
    return bool(value)


def check_choice(name: str, value: Any, allowed: Sequence[str]) -> str:
    """One of some names."""
    shown = ", ".join(map(repr, allowed))
    if not isinstance(value, str):
        raise InvalidType(f"{name} must be one of {shown}, got {value!r}")
    if value not in allowed:
        raise InvalidArgument(f"{name} must be one of {shown}, got {value!r}")
    return value


def check_alias(name: str, value: Any, alias: str, other: Any) -> Any:
    """Value of an argument that has two names; None where neither is given."""
    if value is None or other is None:
        return value if other is None else other
    plain = str | int | np.integer
    if value is other or (isinstance(value, plain) and isinstance(other, plain) and value == other):
        return value
    raise InvalidArgument(
        f"{name} and {alias} are two names of one argument, got {name}={value!r} and {alias}={other!r}"
    )


def check_attributes(name: str, value: Any) -> dict[str, Any]:
    """A copy of a mapping of names to values, as plain data; None is an empty one."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise InvalidType(f"{name} must be a mapping of names to values, got {value!r}")
    return dict(Attributes(value))


def shown(value: Any) -> str:
    """What a message says of a user's object, whatever its own repr does."""
    try:
        return repr(value)
    except Exception as error:  # an int of thousands of digits, or a class of the user's
        return f"an object of type {type(value).__name__} that cannot be written ({type(error).__name__})"
