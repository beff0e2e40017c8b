"""Checks of the command line's options, as callbacks of click."""

from __future__ import annotations

import math
from typing import Any

import click

from hpcore.errors import InvalidArgument

__all__ = ["interval", "number", "one", "optional_seed", "seed", "several", "timeout"]


def number(name: str, least: int, also: tuple[int, ...] = ()) -> Any:
    """Return a check of a whole number that is at least `least`, or one of others."""
    allowed = f"a whole number >= {least}" + "".join(f", or {other}" for other in also)

    def check(context: click.Context, option: click.Parameter, value: int | None) -> int | None:
        if value is not None and value < least and value not in also:
            raise InvalidArgument(f"{name} must be {allowed}, got {value}")
        return value

    return check


def timeout(context: click.Context, option: click.Parameter, value: float | None) -> float | None:
    """Check a number of seconds above 0."""
    if value is not None and not (value > 0 and math.isfinite(value)):
        raise InvalidArgument(f"{option.opts[0]} must be a number of seconds > 0, got {value:g}")
    return value


def seed(context: click.Context, option: click.Parameter, value: int) -> int:
    """Check a seed."""
    if not 0 <= value < 2**32:
        raise InvalidArgument(f"--seed must be a whole number from 0 to 2**32 - 1, got {value}")
    return value


def optional_seed(context: click.Context, option: click.Parameter, value: int | None) -> int | None:
    """Check a seed that may be left out."""
    return None if value is None else seed(context, option, value)


def one(context: click.Context, option: click.Parameter, value: tuple[str, ...]) -> str | None:
    """Return the value of an option; click would silently use the last of several."""
    if len(set(value)) > 1:
        name = option.opts[0]
        raise InvalidArgument(
            f"{name} takes one value, got {' and '.join(map(repr, value))}: run the command once for each, "
            f"with a different --out"
        )
    return value[0] if value else None


def several(context: click.Context, option: click.Parameter, value: tuple[str, ...]) -> tuple[str, ...]:
    """Return the values of an option, each once."""
    return tuple(dict.fromkeys(value))


def interval(context: click.Context, option: click.Parameter, value: float) -> float:
    """Check the seconds between two looks."""
    if not 0.05 <= value <= 86400.0:
        raise InvalidArgument(f"--interval must be a number of seconds from 0.05 to 86400, got {value:g}")
    return value
