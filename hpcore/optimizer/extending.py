"""Trials of a search in a larger space."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from hpcore.errors import InvalidArgument, InvalidType, SpaceMismatch
from hpcore.optimizer.costs import Costs
from hpcore.optimizer.record import Record
from hpcore.records.limits import Limits
from hpcore.space.discrete import Categorical
from hpcore.space.parameter import Parameter
from hpcore.space.space import Space

__all__ = ["check_larger", "extended_costs", "extended_record"]


def check_larger(old: Space, new: Space, defaults: Mapping[str, Any]) -> None:
    """Check that every value of a space is one of another, and that defaults are values of its new parameters.

    Raises
    ------
    SpaceMismatch
        A parameter is missing, of another type, or has lost values.
    InvalidArgument, InvalidType
        A default is not allowed.
    """
    for name, parameter in old.items():
        if name not in new:
            raise SpaceMismatch(f"space must keep the parameter {name!r}, which trials have")
        why = _lost(name, parameter, new[name])
        if why is not None:
            raise SpaceMismatch(f"space must keep all values of {name!r}, {parameter!r}: {why}, got {new[name]!r}")
    for name, value in defaults.items():
        if name in old:
            raise InvalidArgument(f"defaults must be of new parameters, got {name!r}, which trials have")
        new.coder.check(name, value)


def _lost(name: str, old: Parameter, new: Parameter) -> str | None:
    """Reason why a parameter has not all values of the old one; None if it has."""
    if type(new) is not type(old):
        return f"its type was {type(old).__name__}"
    if isinstance(old, Categorical):
        probes = list(old.choices)
    elif new.levels is not None and old.levels is None:
        return "it was continuous"
    else:
        probes = [old.low, old.high]  # type: ignore[attr-defined]
        if old.levels is not None and old.levels > 1:
            probes = [old.at(0), old.at(1), old.at(old.levels - 1)]
    for value in probes:
        try:
            if new.levels is None and value in (new.low, new.high):  # type: ignore[attr-defined]
                continue  # of a Normal without a bound, infinite
            same = type(new.check(name, value)) is type(value)  # 1.0 would be taken for 1
        except (InvalidArgument, InvalidType):
            same = False
        if not same:
            return f"{value!r} was one of them"
    return None


def extended_record(record: Record, old: Space, new: Space, directions: Any, limits: Limits, defaults: Any) -> Record:
    """The same trials in a larger space; running ones are the same objects after `Record.keep_running`.

    Raises
    ------
    InvalidArgument
        A trial has a value for a parameter that is inactive now.
    """
    n = record.history.n
    params = [dict(trial.params) for trial in record.trials[:]]
    rows = record.rows(n)
    notes = {number: dict(note) for number, note in rows.notes.items()}
    # A number that stands for nothing has no point, so defaults have no place there.
    there = np.flatnonzero(record.history.present | ~np.isnan(record.history.X).all(axis=1))
    for number in there:
        notes.setdefault(int(number), {})["params"] = new.complete_missing(params[number], defaults)
    X = np.full((n, len(new)), np.nan)
    if len(there):
        X[there] = new.encode([notes[int(number)]["params"] for number in there], missing="inactive")
    made = Record(new, directions, limits)
    made.channel, made.root, made.full = record.channel, record.root, record.full
    made.restore(replace(rows, X=X, notes=notes))
    made.keep_said(record)
    return made


def extended_costs(costs: Costs, old: Space, new: Space, defaults: Mapping[str, Any]) -> Costs:
    """The same costs in a larger space."""
    if costs.known is None:
        return costs
    points, values = costs.known
    rows = new.encode(old.decode(points), missing="inactive", defaults=defaults)
    return costs._replace(known=(rows, values))
