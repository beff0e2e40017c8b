"""Facts of trials in the form in which trackers log them: numbers, texts, and what is no finite number."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hpcore.arguments import check_number
from hpcore.errors import InvalidArgument, InvalidType, closest

if TYPE_CHECKING:
    from hpcore.records.snapshot import TrialSnapshot
    from hpcore.study.trackers import TrackedStudy

__all__ = [
    "Facts",
    "Incumbent",
    "check_flush",
    "check_metric_name",
    "check_options",
    "metric_names",
    "number",
    "text",
    "title",
]


class Facts:
    """Results of a trial by name, as finite numbers and as texts.

    Parameters
    ----------
    trial : TrialSnapshot
        Trial that has ended.
    names : sequence of str
        Names of the objectives.

    Attributes
    ----------
    numbers : dict of str to float
        Values, cost, seconds, metrics, and ``violation_NAME`` of limits. The value of a pruned trial, an estimate, is
        ``NAME_estimate``; a metric with the name of another number is
        ``metric_NAME``.
    not_finite : dict of str to str
        Those that are ``"nan"``, ``"inf"`` or ``"-inf"``.
    """

    def __init__(self, trial: TrialSnapshot, names: Sequence[str]) -> None:
        found: dict[str, float] = {}
        for name, value in zip(names, trial.values, strict=False):
            found[f"{name}_estimate" if trial.state == "pruned" else name] = value
        if trial.cost is not None:
            found["cost"] = trial.cost
        if trial.started is not None and trial.finished is not None:
            found["seconds"] = max(trial.finished - trial.started, 0.0)
        own = set(found)
        for name, value in trial.metrics.items():
            found[f"metric_{name}" if name in own else name] = value
        for name, value in trial.violations.items():
            found[f"violation_{name}"] = value
        self.numbers: dict[str, float] = {}
        self.not_finite: dict[str, str] = {}
        for name, value in found.items():
            value = float(value)
            if math.isfinite(value):
                self.numbers[name] = value
            else:
                self.not_finite[name] = repr(value)


class Incumbent:
    """Best value so far, with one objective; with several there is none.

    Parameters
    ----------
    study : TrackedStudy
        Study, with its best trial before this run.
    """

    def __init__(self, study: TrackedStudy) -> None:
        self._sign = {"minimize": 1.0, "maximize": -1.0}[study.directions[0]] if len(study.directions) == 1 else None
        before = None if study.best is None else study.best.value
        self.value = math.nan if before is None else before

    def improves(self, trial: TrialSnapshot) -> bool:
        """Take a trial that has ended, and tell whether it is the best one now."""
        value = trial.value
        if self._sign is None or value is None or trial.state != "complete" or trial.feasible is False:
            return False
        if not math.isfinite(value) or self._sign * value >= self._sign * self.value:
            return False
        self.value = value
        return True


def check_metric_name(name: Any) -> str | tuple[str, ...]:
    """Check the argument `metric_name`: a name, or one for each objective."""
    if isinstance(name, str) and name:
        return name
    if isinstance(name, Sequence) and name and all(isinstance(part, str) and part for part in name):
        if len(set(name)) < len(name):
            raise InvalidArgument(f"metric_name must be one different name for each objective, got {name!r}")
        return tuple(name)
    raise InvalidType(f"metric_name must be a name, or a list of one name for each objective, got {name!r}")


def metric_names(given: str | tuple[str, ...], n: int) -> tuple[str, ...]:
    """Return the names of `n` objectives; of several without names of their own ``NAME_0``, ``NAME_1``, and so on.

    Raises
    ------
    InvalidArgument
        There are names, but not one for each objective.
    """
    if isinstance(given, str):
        return (given,) if n == 1 else tuple(f"{given}_{i}" for i in range(n))
    if len(given) != n:
        raise InvalidArgument(f"metric_name must have one name for each of {n} objectives, got {list(given)!r}")
    return given


def check_options(argument: str, given: Any, known: Sequence[str] | None = None) -> dict[str, Any]:
    """Check a mapping of options of a tool, and copy it; `known` are the names that there are."""
    if given is None:
        return {}
    if not isinstance(given, Mapping) or not all(isinstance(name, str) for name in given):
        raise InvalidType(f"{argument} must be a mapping of names to values, got {given!r}")
    for name in given:
        if known is not None and name not in known:
            raise InvalidArgument(f"{argument} has an unknown name {name!r}{closest(name, known)}")
    return dict(given)


def check_flush(seconds: Any) -> float:
    """Check the argument `flush_seconds`."""
    return check_number("flush_seconds", seconds, 0.0, unit=" of seconds")


def number(value: Any) -> bool | int | float | None:
    """Return a value that is a number, or a NumPy scalar of one, as Python's own; None for others."""
    item = getattr(value, "item", None)
    if item is not None and getattr(value, "shape", None) == ():
        value = item()
    return value if isinstance(value, bool | int | float) else None


def text(value: Any) -> str:
    """Return a value of a parameter or an attribute as text."""
    if isinstance(value, str):
        return value
    known = number(value)
    try:
        if known is not None:
            return repr(known)
        if isinstance(value, list | dict):
            return json.dumps(value, ensure_ascii=False)
        return " ".join(repr(value).split())
    except Exception:  # the value's own repr, or attributes that are no plain data
        return f"<{type(value).__name__}>"


def title(study: TrackedStudy) -> str:
    """Return the name of a study, or one for those that have none."""
    return study.name or f"study-{study.key[:8]}"
