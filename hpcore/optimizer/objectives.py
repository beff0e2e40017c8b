"""What may be said of objectives: their directions, and the values told."""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Any

from hpcore.arguments import shown
from hpcore.errors import InvalidArgument, InvalidType

__all__ = ["check_directions", "check_values"]


def check_directions(direction: str | None, directions: Sequence[str] | None) -> tuple[str, ...]:
    """One direction per objective; a single "minimize" if nothing is said."""
    if directions is None:
        ways: Sequence[str] = ["minimize" if direction is None else direction]
    elif direction is not None:
        raise InvalidArgument("give direction or directions, not both")
    elif isinstance(directions, str) or not isinstance(directions, Sequence) or not directions:
        raise InvalidType(f"directions must be a list of 'minimize' or 'maximize', got {directions!r}")
    else:
        ways = directions
    for way in ways:
        if not isinstance(way, str):
            raise InvalidType(f"direction must be 'minimize' or 'maximize', got {way!r}")
        if way not in ("minimize", "maximize"):
            raise InvalidArgument(f"direction must be 'minimize' or 'maximize', got {way!r}")
    return tuple(ways)


def check_values(value: Any, m: int) -> tuple[float, ...] | None:
    """One float per objective, which may be infinite or NaN; None if a value is None."""
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
        # A nested array of one number is a number to NumPy before 2.x, with a warning.
        if (
            isinstance(item, str | bytes | bytearray)
            or getattr(item, "ndim", 0) != 0
            or (isinstance(item, numbers.Complex) and not isinstance(item, numbers.Real))
        ):
            raise InvalidType(f"value must be a number, got {shown(item)}")
        try:
            out.append(float(item))
        except OverflowError:
            out.append(math.inf)  # an int beyond the doubles: not finite, so a failed trial
        except (TypeError, ValueError):
            raise InvalidType(f"value must be a number, got {shown(item)}") from None
    return tuple(out)
