"""Fields of a document or of an object of an SDK, by the names of the YAML schema."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from hpcore.errors import InvalidArgument, InvalidType

__all__ = ["EVERYTHING", "fields_of", "is_mapping", "kind_of", "one_of", "only", "spelt"]

EVERYTHING: Collection[str] = ()


def fields_of(where: str, given: Any, names: Collection[str]) -> dict[str, Any]:
    """The fields of a mapping, all of them; or the public ones of an object that are not None.

    Parameters
    ----------
    where : str
        Name for errors.
    names : collection of str
        Fields to read of an object; EVERYTHING reads its own attributes.
    """
    if is_mapping(given):
        for name in given:
            if not isinstance(name, str):
                raise InvalidType(f"a key of {where} must be a string, got {name!r}")
        return dict(given)
    if isinstance(given, str | bytes | int | float | list | tuple) or given is None or not hasattr(given, "__dict__"):
        raise InvalidType(f"{where} must be a mapping or an object of an SDK of Azure ML, got {given!r:.200}")
    # Objects of the SDK that are dicts as well make an empty dict of every name that they do not have.
    found = {name: getattr(given, name, None) for name in names or [n for n in vars(given) if not n.startswith("_")]}
    return {name: value for name, value in found.items() if value is not None and not _is_nothing(value)}


def _is_nothing(value: Any) -> bool:
    return isinstance(value, dict) and not value and (type(value) is dict or "AttrDict" in type(value).__name__)


def is_mapping(given: Any) -> bool:
    """True for a mapping that is its content; nodes of the SDK v2 are dicts, and have it in their attributes."""
    return isinstance(given, Mapping) and not type(given).__module__.startswith("azure.")


def only(where: str, fields: Mapping[str, Any], known: Collection[str]) -> None:
    """Refuse fields that are not known.

    Raises
    ------
    InvalidArgument
        The message names the field and those that there are.
    """
    for name in fields:
        if name not in known and name != "type":
            place = f"{where}." if where else ""
            raise InvalidArgument(f"{place}{name} is not known; the keys here are {', '.join(sorted(known))}")


def spelt(name: Any) -> str:
    """A name in the spelling of the YAML schema: ``MedianStopping`` and ``median stopping`` are ``median_stopping``."""
    text = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", str(getattr(name, "value", name)))
    return re.sub(r"[\s-]+", "_", text).lower()


def kind_of(where: str, fields: Mapping[str, Any], known: Collection[str]) -> str:
    """The ``type`` of fields, which must be among those known."""
    if "type" not in fields:
        raise InvalidArgument(f"{where}.type must be one of {', '.join(known)}, got none")
    return one_of(f"{where}.type", fields["type"], known)


def one_of(where: str, value: Any, known: Collection[str]) -> str:
    """A name in the spelling of the schema, which must be among those known."""
    name = spelt(value)
    if name not in known:
        raise InvalidArgument(f"{where} must be one of {', '.join(known)}, got {value!r}")
    return name
