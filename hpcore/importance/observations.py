"""Trials that count in an analysis of importance, as arrays: their points, and the quantity that is explained."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hpcore._core import records as native
from hpcore.arguments import check_choice, shown
from hpcore.errors import InvalidArgument, InvalidType, NoCompletedTrial
from hpcore.importance.partial import values_at_one_resource
from hpcore.records.history import History
from hpcore.records.trial import Trial
from hpcore.records.view import TrialsView
from hpcore.space.space import Space

__all__ = ["MIN_TRIALS", "Observations", "Target", "observe"]

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
Target = int | str | Callable[[Trial], float | None] | None

MIN_TRIALS = 5
"""Fewest trials of which anything can be said."""


@dataclass(frozen=True)
class Observations:
    """Trials that count.

    Attributes
    ----------
    space : Space
        Space of the search.
    X : ndarray of shape (n, d)
        Points of the unit cube; NaN where inactive.
    y : ndarray of shape (n,)
        Quantity, finite, signed so that lower is better.
    allowed : ndarray of shape (n,)
        False where the quantity is an objective and the trial is not known to keep all limits.
    label : str
        Words for the quantity.
    """

    space: Space
    X: FloatArray
    y: FloatArray
    allowed: BoolArray
    label: str


def observe(source: Any, target: Target, direction: str | None, *, front: bool) -> Observations:
    """Collect the trials of a search that have the quantity.

    Parameters
    ----------
    source : Study, Optimizer, fitted SearchCV, or SearchView
        Search.
    target : int, str, callable or None
        Quantity, see `hpcore.importance`.
    direction : {"minimize", "maximize"}, optional
        End of the quantity that is the best.
    front : bool
        True if several objectives may be explained at once, by the front that a trial is on.

    Raises
    ------
    InvalidArgument, InvalidType, NoCompletedTrial
        An unknown quantity, another kind of source, or too few trials.
    """
    if direction is not None:
        check_choice("direction", direction, ("minimize", "maximize"))
    search = _search_of(source)
    history: History = search.history
    n = history.n
    rows: BoolArray = history.complete[:n].copy()
    X = history.X[:n].copy()
    sign = -1.0 if direction == "maximize" else 1.0
    allowed: BoolArray = np.ones(n, dtype=np.bool_)
    if target is None or isinstance(target, int | np.integer) or target == "value":
        values, rows, resource = values_at_one_resource(history, n)
        if history.n_limits:
            allowed = np.asarray((history.violations[:n] <= 0.0).all(axis=1))
        y, label = _objective(
            search.directions, np.where(rows[:, None], values, math.nan), target, direction, allowed, front
        )
        if math.isfinite(resource):
            label += f" at resource {resource:g}"
    elif isinstance(target, str):
        y, label = sign * _named(history, n, target), target
    elif callable(target):
        y, label = np.full(n, math.nan), getattr(target, "__name__", type(target).__name__)
        trials = _trials_of(search, n)
        for i in np.flatnonzero(rows).tolist():
            y[i] = sign * _answer(target, trials[i])
    else:
        raise InvalidType(f"target must be an objective, a name or a function of a trial, got {shown(target)}")
    rows &= np.isfinite(y)
    n_rows = int(rows.sum())
    if n_rows < MIN_TRIALS:
        error = InvalidArgument if n_rows else NoCompletedTrial
        raise error(f"importance needs at least {MIN_TRIALS} trials with a finite {label}, got {n_rows} of {n}")
    return Observations(search.space, X[rows], y[rows], allowed[rows], label)


def _search_of(source: Any) -> Any:
    """An object with space, directions and history: a study's optimizer, a fitted search's, or the object itself."""
    for name in ("optimizer_", "optimizer"):
        inside = getattr(source, name, None)
        if inside is not None:
            source = inside
            break
    if isinstance(source, History):
        raise InvalidType("a History has neither names nor directions: pass its Optimizer, or optimizer.view()")
    if not isinstance(getattr(source, "history", None), History) or not isinstance(source.space, Space):
        raise InvalidType(f"importance is of a Study, an Optimizer or a fitted SearchCV, got {shown(source)}")
    return source


def _objective(
    directions: Sequence[str],
    values: FloatArray,
    target: Any,
    direction: str | None,
    allowed: BoolArray,
    front: bool,
) -> tuple[FloatArray, str]:
    """An objective by number; or of several the front that a trial is on, where trials that break limits have none."""
    m = len(directions)
    if target is None or target == "value":
        if m == 1:
            target = 0
        elif front and target is None and direction is None:
            y = np.full(len(values), math.nan)
            finite = np.isfinite(values).all(axis=1)
            for part in (finite & allowed, finite & ~allowed):
                if part.any():
                    y[part] = native.non_dominated_rank(np.ascontiguousarray(values[part]))
            return y, "the Pareto front"
        else:
            raise InvalidArgument(f"target must be one of the {m} objectives, by number from 0, got {target!r}")
    if isinstance(target, bool | np.bool_):
        raise InvalidType(f"target must be an objective, a name or a function of a trial, got {target!r}")
    if not 0 <= target < m:
        raise InvalidArgument(f"target must be the number of an objective, within 0 .. {m - 1}, got {target}")
    own = directions[target]
    label = "value" if m == 1 else f"objective {target}"
    return (values[:, target] if direction in (None, own) else -values[:, target]), label


def _named(history: History, n: int, name: str) -> FloatArray:
    """The cost or a metric of each trial; NaN where not known."""
    if name == "cost":
        if history.cost is None:
            raise InvalidArgument("target is 'cost', but no trial has a cost")
        cost: FloatArray = history.cost[:n].copy()
        return cost
    y = np.full(n, math.nan)
    known: set[str] = set()
    for number, notes in list(history.notes.items()):
        metrics = notes.get("metrics")
        if metrics and number < n:
            known.update(metrics)
            y[number] = metrics.get(name, math.nan)
    if name not in known:
        names = ", ".join(map(repr, ["value", "cost", *sorted(known)]))
        raise InvalidArgument(f"target must be a number of an objective, a function, or one of {names}, got {name!r}")
    return y


def _trials_of(search: Any, n: int) -> Sequence[Trial]:
    trials = getattr(search, "trials", None)
    if trials is None:  # a view of the search, without names of limits
        signs = tuple(-1.0 if way == "maximize" else 1.0 for way in search.directions)
        trials = TrialsView(search.history, {}, search.space.decode_recorded, signs)
    some: Sequence[Trial] = trials[:n]
    return some


def _answer(target: Callable[[Trial], float | None], trial: Trial) -> float:
    value = target(trial)
    try:
        return math.nan if value is None else float(value)
    except (TypeError, ValueError):
        raise InvalidType(f"target must return a number or None, got {shown(value)} for trial {trial.number}") from None
