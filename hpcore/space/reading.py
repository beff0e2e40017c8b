"""Params as tables hold them: every parameter has a cell, which is empty where it is inactive or None."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from hpcore.arguments import shown
from hpcore.errors import InvalidArgument, InvalidType
from hpcore.space.choices import choice_key
from hpcore.space.discrete import Categorical
from hpcore.space.parameter import Parameter

if TYPE_CHECKING:
    from hpcore.space.space import Space

__all__ = ["choices_for_missing", "is_missing", "read_row", "without_missing"]

_MISSING = ("NAType", "NaTType")  # pandas.NA and NaT, without importing pandas


def read_row(params: Any) -> Mapping[str, Any]:
    """Params as a mapping; a row of a data frame, which is a pandas.Series, is taken as one.

    Raises
    ------
    InvalidType
        They are something else.
    InvalidArgument
        A row has two columns of one name.
    """
    if isinstance(params, Mapping):
        return params
    series = getattr(sys.modules.get("pandas"), "Series", None)
    if series is None or not isinstance(params, series):
        raise InvalidType(f"params must be a mapping of names to values, got {shown(params):.200}")
    if not params.index.is_unique:
        raise InvalidArgument(f"params must have each name once, got {params.index.tolist()!r:.200}")
    row: dict[str, Any] = params.to_dict()
    return row


def is_missing(value: Any) -> bool:
    """Tell whether a value says that there is none: None, NaN of any kind, pandas.NA or NaT."""
    kind = type(value)
    if kind is float:
        return bool(value != value)
    if kind is str or kind is int or kind is bool:
        return False
    if value is None or kind.__name__ in _MISSING:
        return True
    try:
        return math.isnan(value)
    except (TypeError, ValueError, OverflowError):
        return False


def choices_for_missing(parameter: Parameter, value: Any) -> list[Any]:
    """The choice that a missing value may be, if any: None or NaN, the one that it is before the other."""
    if not isinstance(parameter, Categorical):
        return []
    order = (None, math.nan) if value is None or type(value).__name__ in _MISSING else (math.nan, None)
    keys = {choice_key(choice): choice for choice in parameter.choices if choice is None or type(choice) is float}
    return [keys[choice_key(wanted)] for wanted in order if choice_key(wanted) in keys][:1]


def without_missing(
    space: Space,
    params: Mapping[str, Any],
    choices: Callable[[str, Any], list[Any]] | None = None,
) -> Mapping[str, Any]:
    """Params without the missing values of inactive parameters, and with the choices that other missing values are.

    A missing value of an active parameter that has no such choice stays, for `Space.encode` to refuse.

    Parameters
    ----------
    space : Space
        Says what is active.
    params : mapping of str to value
        Perhaps with None or NaN for what is not there.
    choices : callable, optional
        ``choices(name, value)``, the choices that a missing value of a parameter may be; by default None or NaN.

    Raises
    ------
    InvalidArgument, InvalidType
        An unknown name or an illegal value; a missing value that may be one choice or another.
    """
    missing = {name: value for name, value in params.items() if is_missing(value) and name in space}
    if not missing:
        return params
    find = choices or (lambda name, value: choices_for_missing(space[name], value))
    found = {name: find(name, value) for name, value in missing.items()}
    active = set(missing)
    if any(space[name].when for name in missing):
        known = {name: value for name, value in params.items() if name not in missing}
        active &= space.coder.active({**known, **{name: some[0] for name, some in found.items() if some}})
    out = {name: value for name, value in params.items() if name not in missing or name in active}
    for name in active:
        if len(found[name]) > 1:
            shown = " or ".join(map(repr, found[name]))
            raise InvalidArgument(f"value of {name!r} must be told apart: an empty cell may be {shown}")
        if found[name]:
            out[name] = found[name][0]
    return out
