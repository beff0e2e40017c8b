"""Conditions under which a parameter is active: its parent has one of some values, or is above or below a threshold.

The conditions of a dict must all hold; of a list of dicts, the alternatives, any one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hpcore.errors import InvalidArgument, InvalidType

__all__ = [
    "AtLeast",
    "AtMost",
    "Conditions",
    "When",
    "alternatives_of",
    "at_least",
    "at_most",
    "check_when",
    "parents_of",
    "shown_when",
]


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


When = Mapping[str, Any] | Sequence[Mapping[str, Any]]  # as given
Conditions = dict[str, Any] | list[dict[str, Any]]  # as kept: a list has two alternatives or more, none of them empty


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


def check_when(when: When | None) -> Conditions:
    """The conditions as plain dicts, with their form checked; their values are checked by the space."""
    if when is None:
        return {}
    if isinstance(when, Mapping):
        return _check_all("when", when)
    if isinstance(when, str | bytes) or not isinstance(when, Sequence):
        raise InvalidType(f"when must map a parent's name to its values, or list such mappings, got {when!r}")
    if not when:
        raise InvalidArgument("when must list at least one alternative, got []")
    found = []
    for i, alternative in enumerate(when):
        if not isinstance(alternative, Mapping):
            raise InvalidType(f"when[{i}] must map a parent's name to its values, got {alternative!r}")
        if not alternative:
            raise InvalidArgument(
                f"when[{i}] must hold at least one condition (without one the parameter is always active), got {{}}"
            )
        found.append(_check_all(f"when[{i}]", alternative))
    return found[0] if len(found) == 1 else found


def _check_all(where: str, when: Mapping[str, Any]) -> dict[str, Any]:
    for name, wanted in when.items():
        if not isinstance(name, str):
            raise InvalidType(f"{where} must map a parent's name (str) to its values, got the name {name!r}")
        if isinstance(wanted, list | set | frozenset | range) and not wanted:
            raise InvalidArgument(f"{where}[{name!r}] must list at least one value, got {wanted!r}")
        if isinstance(wanted, range) and len(wanted) > MAX_RANGE:
            raise InvalidArgument(
                f"{where}[{name!r}] must list at most {MAX_RANGE} values (at_least and at_most take any number), "
                f"got {wanted!r}"
            )
    return {name: _plain(wanted) for name, wanted in when.items()}


def alternatives_of(when: Conditions) -> list[dict[str, Any]]:
    """The dicts any one of which must hold; none for a parameter that is always active."""
    return when if isinstance(when, list) else [when] if when else []


def parents_of(when: Conditions) -> list[str]:
    """Names of the parents, each once, in the order in which they are named."""
    return list(when) if isinstance(when, dict) else list(dict.fromkeys(name for one in when for name in one))


def shown_when(when: Conditions) -> str:
    """The conditions for the text of an error."""
    return " or ".join(map(repr, alternatives_of(when)))


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
