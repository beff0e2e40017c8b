"""Checks of the JSON in a store when it is read: a checksum can be forged, or be that of wrong data.

There is one function per kind of record. Each returns the data in the types that the rest of hpcore relies on, or
raises ValueError with the reason; its caller adds the name of the record.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from hpcore.arguments import shown
from hpcore.errors import InvalidArgument, InvalidType
from hpcore.records.limits import Limits
from hpcore.storage.plain import MAX_PARAMETERS, from_text
from hpcore.storage.records import MOST

__all__ = [
    "ORIGIN",
    "Notes",
    "check_mapping",
    "json_from",
    "notes_from",
    "objective_from",
    "report_from",
    "spec_from",
]

# Names of what a scheduler keeps with a trial, besides its ``until``.
ORIGIN = ("parent", "parent_job", "replaces", "as_of")
_ONE = re.compile(r"\[-?[0-9]+(\.[0-9]+)?(e[-+]?[0-9]+)?\]", re.ASCII)


def json_from(what: str, text: str) -> Any:
    """Read JSON data of any kind."""
    try:
        return from_text(text)
    except ValueError as error:
        raise ValueError(f"{what} cannot be read: {error}") from None


def check_mapping(what: str, data: Any) -> dict[str, Any]:
    """Check that JSON data is an object."""
    if not isinstance(data, dict):
        raise ValueError(f"{what} must be a mapping, got {shown(data):.80}")
    return data


def number_from(what: str, data: Any) -> float:
    """Check that JSON data is a number within the range of a double."""
    if type(data) is float:
        return data
    if type(data) is not int:
        raise ValueError(f"{what} must be a number, got {shown(data):.80}")
    try:
        return float(data)
    except OverflowError:
        raise ValueError(f"{what} must be a number within the range of a double") from None


def objective_from(text: str, m: int) -> tuple[float, ...]:
    """Read the values of a trial: a list of finite numbers, one per objective."""
    if m == 1 and _ONE.fullmatch(text):
        # Fast path for the most common form.
        value = float(text[1:-1])
        if math.isfinite(value):
            return (value,)
    values = report_from(text, m)
    if not all(map(math.isfinite, values)):
        raise ValueError("its values must be finite")
    return values


def report_from(text: str, m: int) -> tuple[float, ...]:
    """Read the values of a partial result: a list of numbers, one per objective, which may be NaN."""
    data = json_from("its values", text)
    if not isinstance(data, list) or len(data) != m:
        raise ValueError(f"its values must be a list of {m}, got {text:.80}")
    return tuple(number_from("its value", item) for item in data)


class Notes(NamedTuple):
    """Notes of a trial; None for each that is missing.

    Attributes
    ----------
    user_attrs : dict or None
        User attributes.
    metrics, gradient : dict of str to float, or None
        Further measurements, and the derivative of the first value by parameter.
    until : float or None
        Resource that the last job of a trial goes to that a scheduler began.
    std_errors : tuple of float, or None
        Standard errors of the values, if there are several.
    origin : mapping of str to int
        Numbers that a scheduler keeps with a trial: ``parent``, ``parent_job``, ``replaces`` and ``as_of``, see
        `hpcore.records.history.History.notes`.
    """

    user_attrs: dict[str, Any] | None = None
    metrics: dict[str, float] | None = None
    gradient: dict[str, float] | None = None
    until: float | None = None
    std_errors: tuple[float, ...] | None = None
    origin: Mapping[str, int] = MappingProxyType({})


def notes_from(text: str | None) -> Notes:
    """Read the notes of a trial."""
    if text is None:
        return Notes()
    data = check_mapping("its notes", json_from("its notes", text))
    user_attrs = data.get("user_attrs")
    if user_attrs is not None:
        check_mapping("its user_attrs", user_attrs)
    if data.get("reports") is not None:  # the migration from version 1 leaves reports that it cannot read
        raise ValueError(f"its reports must be pairs of a step and a number, got {shown(data['reports']):.80}")
    until = data.get("until")
    if until is not None and math.isnan(until := number_from("its until", until)):
        raise ValueError("its until must be a number, got NaN")
    origin = {name: _index(name, data[name]) for name in ORIGIN if data.get(name) is not None}
    if ("parent" in origin) != ("parent_job" in origin):
        raise ValueError("its parent and its parent_job do not go together")
    return Notes(user_attrs, _numbers("metrics", data), _numbers("gradient", data), until, _errors_from(data), origin)


def _errors_from(data: dict[str, Any]) -> tuple[float, ...] | None:
    if (found := data.get("std_errors")) is None:
        return None
    if not isinstance(found, list):
        raise ValueError(f"its std_errors must be a list, got {shown(found):.80}")
    errors = tuple(number_from("its std_errors", item) for item in found)
    if not all(0.0 <= error < math.inf for error in errors):
        raise ValueError(f"its std_errors must be finite and >= 0, got {shown(found):.80}")
    return errors


def _index(name: str, data: Any) -> int:
    if type(data) is not int or not (-1 if name == "as_of" else 0) <= data <= MOST:
        raise ValueError(f"its {name} must be a number of a trial or job, got {shown(data):.80}")
    return data


def _numbers(name: str, data: dict[str, Any]) -> dict[str, float] | None:
    if (found := data.get(name)) is None:
        return None
    return {key: number_from(f"its {name}", value) for key, value in check_mapping(f"its {name}", found).items()}


def spec_from(text: str) -> dict[str, Any]:
    """Read space, directions, seed, limits, sampler and scheduler of a study; `spaces` checks the contents of space,
    sampler and scheduler."""
    spec = check_mapping("its spec", json_from("its spec", text))
    missing = {"space", "directions", "seed", "sampler"} - spec.keys()
    if missing:
        raise ValueError(f"its spec has no {min(missing)}")
    space = check_mapping("its space", spec["space"])
    parameters, n_constraints = space.get("parameters"), space.get("n_constraints")
    if not isinstance(parameters, list) or not 1 <= len(parameters) <= MAX_PARAMETERS:
        raise ValueError(f"its parameters must be a list, got {shown(parameters):.80}")
    names = set()
    for entry in parameters:
        check_mapping("a parameter", entry)
        name = entry.get("name")
        if not isinstance(name, str) or name in names:
            raise ValueError(f"a parameter must have a name of its own, got {shown(name):.80}")
        names.add(name)
        if not isinstance(entry.get("type"), str):
            raise ValueError(f"parameter {name!r:.80} must have a type, got {shown(entry.get('type')):.80}")
        when = entry.get("when")
        for alternative in when if isinstance(when, list) and when else [when]:
            check_mapping(f"the conditions of {name!r:.80}", alternative)
    if type(n_constraints) is not int or n_constraints < 0:
        raise ValueError(f"its number of constraints cannot be {shown(n_constraints):.80}")
    ways = spec["directions"]
    if not isinstance(ways, list) or not ways or any(way not in ("minimize", "maximize") for way in ways):
        raise ValueError(f"its directions must be 'minimize' or 'maximize', got {shown(ways):.80}")
    seed = spec["seed"]
    if type(seed) is not int or not 0 <= seed < 2**128:
        raise ValueError(f"its seed must be within 0 .. 2**128 - 1, got {shown(seed):.80}")
    _check_limits(spec.get("limits"))
    for part in ("sampler", "scheduler"):
        if part == "sampler" or spec.get(part) is not None:
            _check_named(part, spec[part])
    return spec


def _check_limits(data: Any) -> None:
    """Check the limits of metrics, which are left out if there are none."""
    if data is None:
        return
    for name, bounds in check_mapping("its limits", data).items():
        if not isinstance(bounds, list) or len(bounds) != 2:
            raise ValueError(f"its limit of {name!r:.80} must be a list of two bounds, got {shown(bounds):.80}")
        for bound in bounds:
            if bound is not None:
                number_from(f"its limit of {name!r:.80}", bound)
    try:
        Limits.from_plain(data)
    except (InvalidArgument, InvalidType) as error:
        raise ValueError(f"its limits cannot be read: {error}") from None


def _check_named(part: str, spec: Any) -> None:
    """Check the name and the options of a sampler or a scheduler."""
    data = check_mapping(f"its {part}", spec)
    if not isinstance(data.get("name"), str | None) or not isinstance(data.get("shown"), str | None):
        raise ValueError(f"its {part} must have a name")
    if data.get("options") is not None:
        check_mapping(f"the {part}'s options", data["options"])
