"""Trials of a search for a report: arrays in the user's own units, with what is known of the search."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from hpcore import samplers, schedulers
from hpcore.arguments import shown
from hpcore.errors import InvalidType
from hpcore.importance.partial import values_at_one_resource
from hpcore.records.history import COMPLETE, FAILED, PAUSED, PRUNED, RUNNING, STATES, WITHDRAWN, History
from hpcore.records.pareto import non_dominated
from hpcore.records.trial import Trial
from hpcore.report.axes import Axis
from hpcore.space.space import Space

__all__ = ["Record", "read"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Record:
    """Trials of a search.

    Attributes
    ----------
    title : str
        Name of the study, or of the estimator.
    space : Space
        Space of the search.
    directions : tuple of str
        Direction of each objective.
    history : History
        Trials, as they are recorded: lower is better.
    trials : sequence of Trial
        The same as objects.
    measures : tuple of str
        Name of each objective.
    by_folds : bool
        True if partial results are folds of a cross-validation; otherwise they are steps of a training.
    sampler, scheduler : str
        Names; the latter is empty without one.
    facts : tuple of (str, str)
        Further facts with their names: limits, note, attributes.
    """

    title: str
    space: Space
    directions: tuple[str, ...]
    history: History
    trials: Sequence[Trial]
    measures: tuple[str, ...]
    by_folds: bool
    sampler: str
    scheduler: str
    facts: tuple[tuple[str, str], ...]

    @property
    def n(self) -> int:
        """Number of trials."""
        return len(self.state)

    @property
    def m(self) -> int:
        """Number of objectives."""
        return len(self.directions)

    @cached_property
    def signs(self) -> FloatArray:
        """Factor (m,) between recorded values and the user's own."""
        return np.array([-1.0 if way == "maximize" else 1.0 for way in self.directions])

    @cached_property
    def state(self) -> npt.NDArray[np.uint8]:
        """(n,) indices into `STATES`."""
        state: npt.NDArray[np.uint8] = self.history.state.copy()
        return state

    @cached_property
    def present(self) -> IntArray:
        """Numbers of the trials that were not withdrawn."""
        return np.flatnonzero(self.state != WITHDRAWN)

    @cached_property
    def X(self) -> FloatArray:
        """(n, d) points of the unit cube, NaN where inactive."""
        X: FloatArray = self.history.X[: self.n].copy()
        return X

    @cached_property
    def values(self) -> FloatArray:
        """(n, m) values in the user's sign; NaN without one."""
        values: FloatArray = self.history.values[: self.n] * self.signs
        return values

    @cached_property
    def last_values(self) -> FloatArray:
        """(n,) first value of each trial in the user's sign; of one that was stopped without it, its last report."""
        out: FloatArray = self.values[:, 0].copy()
        curves = self.history.curves
        for i in np.flatnonzero(((self.state == PRUNED) | (self.state == PAUSED)) & np.isnan(out)).tolist():
            rows = curves.of(i)
            if rows:
                out[i] = self.signs[0] * curves.values[max(rows, key=lambda row: float(curves.step[row])), 0]
        return out

    @cached_property
    def complete(self) -> BoolArray:
        """(n,) True where a trial is complete, with finite values."""
        mask: BoolArray = (self.state == COMPLETE) & np.isfinite(self.values).all(axis=1)
        return mask

    @cached_property
    def feasible(self) -> BoolArray:
        """(n,) True where a trial is complete and keeps all limits."""
        mask: BoolArray = self.complete
        if self.history.n_limits:
            mask = mask & (self.history.violations[: self.n] <= 0.0).all(axis=1)
        return mask

    @cached_property
    def _at_one_resource(self) -> tuple[FloatArray, BoolArray, float]:
        return values_at_one_resource(self.history, self.n)

    @cached_property
    def compared(self) -> FloatArray:
        """(n, m) values at `resource` in the user's sign, which compare trials that a scheduler paused with others."""
        values: FloatArray = self._at_one_resource[0] * self.signs
        return values

    @property
    def resource(self) -> float:
        """Resource of the values in `compared`; infinite where they are results."""
        return self._at_one_resource[2]

    @property
    def remark(self) -> str:
        """Sentence on values that are not results, after a space; empty if there are none."""
        n = int((self.observed & (self.state == PAUSED)).sum())
        if not n:
            return ""
        where = f"step {self.resource:g}" if math.isfinite(self.resource) else "the end"
        return f" {n} paused trials count with their last value, brought to {where} by the median change of the others."

    @cached_property
    def observed(self) -> BoolArray:
        """(n,) True where a trial has a value in `compared`, so that a model can be fitted to it."""
        values, rows, _ = self._at_one_resource
        return rows & np.isfinite(values).all(axis=1)

    @cached_property
    def cost(self) -> FloatArray:
        """(n,) cost of each trial; the seconds that it took, where it has none."""
        times = self.times
        seconds: FloatArray = times[:, 1] - times[:, 0]
        if self.history.cost is None:
            return seconds
        cost = self.history.cost[: self.n]
        return np.where(np.isnan(cost), seconds, cost)

    @cached_property
    def times(self) -> FloatArray:
        """(n, 2) unix times of start and end."""
        times: FloatArray = self.history.times[: self.n].copy()
        return times

    @cached_property
    def axes(self) -> dict[str, Axis]:
        """Axis of each parameter by its name."""
        return {name: Axis(self.space, name) for name in self.space.names}

    @cached_property
    def incumbents(self) -> IntArray:
        """Numbers of the trials that are better than all with lower numbers; for one objective."""
        lower = np.where(self.feasible, self.history.values[: self.n, 0], math.inf)
        before = np.minimum.accumulate(np.append(math.inf, lower))
        return np.flatnonzero(lower < before[:-1])

    @cached_property
    def order(self) -> IntArray:
        """Numbers of the trials in the order in which they ended; by number where the times are not known."""
        ended = self.times[:, 1]
        if np.isnan(ended[self.complete]).any():
            return np.arange(self.n)
        return np.argsort(np.where(np.isnan(ended), math.inf, ended), kind="stable")

    @property
    def best(self) -> int | None:
        """Number of the best trial of one objective, the lowest among equals, as `best_trial` of the search."""
        return int(self.incumbents[-1]) if self.m == 1 and len(self.incumbents) else None

    @cached_property
    def front(self) -> IntArray:
        """Numbers of the trials on the Pareto front, by their first value."""
        rows = np.flatnonzero(self.feasible)
        if not len(rows):
            return rows
        lower = self.history.values[rows]
        front = rows[non_dominated(lower)]
        return front[np.argsort(self.history.values[front, 0], kind="stable")]

    def ranked(self, rows: IntArray, objective: int) -> IntArray:
        """Numbers of observed trials from the best to the worst in an objective.

        As elsewhere, no trial is the best that breaks a limit, or has an estimate in place of a result: such come last.
        """
        mine = self.feasible[rows]
        lower = np.where(
            mine, self.history.values[rows, objective], self.compared[rows, objective] * self.signs[objective]
        )
        return rows[np.lexsort((lower, ~mine))]

    def looks(self) -> list[tuple[str, IntArray]]:
        """Numbers of trials by how they are drawn, with the name of the state; infeasible ones apart."""
        groups: list[tuple[str, IntArray]] = [("complete", np.flatnonzero(self.feasible))]
        if self.history.n_limits:
            groups.append(("infeasible", np.flatnonzero(self.complete & ~self.feasible)))
        groups += [
            (STATES[state].value, np.flatnonzero(self.state == state)) for state in (PRUNED, PAUSED, FAILED, RUNNING)
        ]
        return [(name, numbers) for name, numbers in groups if len(numbers)]


def read(source: Any) -> Record:
    """Read a search.

    Parameters
    ----------
    source : Study, Optimizer or fitted SearchCV
        Search.

    Raises
    ------
    InvalidType
        It is another object, or a search that was not fitted.
    """
    search = source
    for name in ("optimizer_", "optimizer"):
        if getattr(source, name, None) is not None:
            search = getattr(source, name)
            break
    history, space = getattr(search, "history", None), getattr(search, "space", None)
    if not isinstance(history, History) or not isinstance(space, Space) or not hasattr(search, "trials"):
        raise InvalidType(f"a report is of a Study, an Optimizer or a fitted SearchCV, got {shown(source)}")
    m = len(search.directions)
    title, measures, by_folds, facts = "", _measures(m), False, list[tuple[str, str]]()
    estimator = getattr(source, "estimator", None)
    if estimator is not None and hasattr(source, "cv_results_"):
        title, by_folds = type(estimator).__name__, source.n_splits_ > 1 and search.scheduler is None
        if m == 1:
            measures = (_scoring(source.scoring, source.refit),)
    else:
        title = getattr(source, "name", None) or ""
        search_settings = getattr(source, "search_settings", None)
        if search_settings is not None:
            by_folds = search.scheduler is None
            facts.append(("estimator", str(search_settings.get("estimator", ""))))
            measures = (_stored_scoring(search_settings.get("scoring", "")),) if m == 1 else measures
        note = getattr(source, "note", "")
        facts += [("note", note)] if note else []
        facts += [(str(name), shown(value)) for name, value in dict(getattr(source, "user_attrs", {})).items()]
    limits = getattr(search, "limits", None)
    if limits:
        facts.insert(0, ("limits", ", ".join(f"{name} {limit}" for name, limit in limits.items())))
    scheduler = search.scheduler
    return Record(
        title=title,
        space=space,
        directions=tuple(search.directions),
        history=history,
        trials=search.trials,
        measures=measures,
        by_folds=by_folds,
        sampler=samplers.name_of(search.sampler) or repr(search.sampler),
        scheduler="" if scheduler is None else schedulers.name_of(scheduler) or repr(scheduler),
        facts=tuple(facts),
    )


def _measures(m: int) -> tuple[str, ...]:
    return ("value",) if m == 1 else tuple(f"objective {i}" for i in range(m))


def _stored_scoring(settings: str) -> str:
    """Name of the metric in the stored settings of a search, which are the text of a tuple."""
    found = re.match(r"\('([^']{1,200})'|\(.*?, '([^']{1,200})', (?:nan|[-\d.e']+)\)$", settings)
    return next(filter(None, found.groups()), "score") if found else "score"


def _scoring(scoring: Any, refit: Any) -> str:
    if isinstance(scoring, str):
        return scoring
    if isinstance(scoring, dict | list | tuple | set) and isinstance(refit, str):
        return refit
    return "score"
