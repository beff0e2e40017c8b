"""Conditions under which a parameter is active: its parent has one of some values, or is above or below a threshold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from hpcore.errors import InvalidArgument, InvalidType

__all__ = ["AtLeast", "AtMost", "When", "at_least", "at_most", "check_when"]


# A range is kept as the list of its values.
MAX_RANGE = 100_000


@dataclass(frozen=True)
class AtLeast:
    """The parent's value is ``value`` or more."""

    value: Any


@dataclass(frozen=True)
class AtMost:
    """The parent's value is ``value`` or less."""

    value: Any


When = Mapping[str, Any]


def at_least(value: Any) -> AtLeast:
    """Condition for ``when``, or limit of a metric for ``limits``: its value is `value` or more.

    Parameters
    ----------
    value : number, or a choice of an ordered Categorical
        The threshold, itself included.

    Returns
    -------
    AtLeast
        To be used as ``when={"layers": hp.at_least(2)}`` or ``limits={"recall": hp.at_least(0.9)}``.
    """
    return AtLeast(value)


def at_most(value: Any) -> AtMost:
    """Condition for ``when``, or limit of a metric for ``limits``: its value is `value` or less.

    Parameters
    ----------
    value : number, or a choice of an ordered Categorical
        The threshold, itself included.

    Returns
    -------
    AtMost
        To be used as ``when={"layers": hp.at_most(2)}`` or ``limits={"latency_ms": hp.at_most(20.0)}``.
    """
    return AtMost(value)


def check_when(when: When | None) -> dict[str, Any]:
    """The conditions as a plain dict, with their form checked; their values are checked by the space."""
    if when is None:
        return {}
    if not isinstance(when, Mapping):
        raise InvalidType(f"when must map a parent's name to its values, got {when!r}")
    for name, wanted in when.items():
        if not isinstance(name, str):
            raise InvalidType(f"when must map a parent's name (str) to its values, got the name {name!r}")
        if isinstance(wanted, list | set | frozenset | range) and not wanted:
            raise InvalidArgument(f"when[{name!r}] must list at least one value, got {wanted!r}")
        if isinstance(wanted, range) and len(wanted) > MAX_RANGE:
            raise InvalidArgument(
                f"when[{name!r}] must list at most {MAX_RANGE} values (at_least and at_most take any number), "
                f"got {wanted!r}"
            )
    return {name: _plain(wanted) for name, wanted in when.items()}


def _plain(wanted: Any) -> Any:
    """The same condition with Python numbers for NumPy's, and a list for a set or range: what can be stored."""
    if isinstance(wanted, AtLeast | AtMost):
        return type(wanted)(_plain(wanted.value))
    if isinstance(wanted, set | frozenset):
        return sorted(map(_plain, wanted), key=repr)
    if isinstance(wanted, range):
        return list(wanted)
    if type(wanted) is list:
        return [_plain(value) for value in wanted]
    return wanted.item() if isinstance(wanted, np.generic) else wanted
