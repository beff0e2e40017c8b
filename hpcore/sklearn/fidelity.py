"""Resource and scheduler of a search on its data: the levels that there are, and those of a job."""

from __future__ import annotations

import copy
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from inspect import signature
from typing import Any

import numpy as np
from sklearn.base import is_classifier
from sklearn.pipeline import Pipeline
from sklearn.utils.multiclass import type_of_target, unique_labels
from sklearn.utils.validation import _num_samples

from hpcore import schedulers
from hpcore.errors import InvalidArgument
from hpcore.evaluation.resources import Epochs, Parameter, Resource, Rows
from hpcore.evaluation.subsample import strata_of
from hpcore.evaluation.workload import Indices
from hpcore.schedulers.base import Judge, Scheduler
from hpcore.schedulers.hyperband import bracket_size
from hpcore.schedulers.one_bracket import OneBracket, powers
from hpcore.sklearn.checks import Settings
from hpcore.sklearn.schedule import Schedule, trainer_of
from hpcore.space.space import Space

__all__ = ["Fidelity", "make_fidelity"]

# Without another wish the lowest level of a schedule other than scikit-learn's is that of four rungs: what is best at
# less than 1/27 of the rows is too often not the best at all of them.
_N_RUNGS = 4


@dataclass(frozen=True)
class Fidelity:
    """Resource and scheduler of a search on its data.

    Attributes
    ----------
    resource : Resource
        Resource of the fits.
    scheduler : Scheduler
        Scheduler, with the bounds of the resource.
    low, most : int
        Lowest and largest resource, ``min_resources_`` and ``max_resources_``.
    full : int
        Level at which a candidate is complete.
    factor : float
        Factor between levels.
    ladder : tuple of int
        Levels of a job that goes further at once, for schedulers that stop trials by their reports; else empty.
    n_trials : int or None
        Number of candidates; None for as many as there are.
    smallest : int
        Lowest level with enough rows.
    """

    resource: Resource
    scheduler: Scheduler
    low: int
    most: int
    full: int
    factor: float
    ladder: tuple[int, ...]
    n_trials: int | None
    smallest: int

    @property
    def n_possible(self) -> int:
        """Number of rungs between the lowest and the largest resource."""
        return 1 + powers(self.most // self.low, self.factor)

    def required(self, n_candidates: int) -> int:
        """Count the rungs after which fewer candidates are left than `factor`."""
        return 1 + powers(max(1, n_candidates), self.factor)

    def level(self, until: float, before: Sequence[int]) -> int:
        """Return the next level of a job.

        Parameters
        ----------
        until : float
            Resource that the job goes to; infinite for the full one.
        before : sequence of int
            Levels that the candidate has behind it.

        Raises
        ------
        InvalidArgument
            If the scheduler asks for fewer rows than there are classes.
        """
        # Rounded up, so that a report of the level is one of `until`.
        level = self.full if math.isinf(until) else min(self.full, math.ceil(until - 1e-9))
        last = before[-1] if before else 0
        level = next((step for step in self.ladder if last < step < level), level)
        if level < self.smallest:
            raise InvalidArgument(
                f"min_resource of the scheduler must be >= {self.smallest} for resource={self.resource.name!r}, so "
                f"that each fold has a row of each class, got a rung at {level:g}"
            )
        return level

    def params(self, level: int) -> dict[str, Any]:
        """Return the parameter that a level sets, as tables show it."""
        return {self.resource.name: level} if isinstance(self.resource, Parameter) else {}

    def refitted(self, estimator: Any, X: Any, y: Any, fit_params: Mapping[str, Any]) -> None:
        """Fit an estimator at the full resource."""
        if isinstance(self.resource, Parameter):
            estimator.set_params(**{self.resource.name: self.full})
        self.resource.fit(estimator, X, y, fit_params, 0, self.full)

    def no_more(self, n_candidates: int) -> None:
        """Note that the space has no more candidates."""
        if isinstance(self.scheduler, OneBracket):
            self.scheduler.close(n_candidates)


def make_fidelity(
    settings: Settings,
    space: Space,
    searched: Mapping[str, Sequence[Any]],
    X: Any,
    y: Any,
    splits: Sequence[tuple[Indices, Indices]],
) -> Fidelity:
    """Make resource and scheduler of a search on its data.

    Parameters
    ----------
    settings : Settings
        Checked arguments, among them the schedule.
    space : Space
        Space of the optimizer.
    searched : mapping of str to sequence
        Names of the estimator's parameters that are searched, with choices.
    X, y : array-like
        Data.
    splits : sequence of (train, test)
        Folds.

    Raises
    ------
    InvalidArgument
        If the resource is searched over, there are fewer rows than the lowest level needs, or the bounds do not fit.
    """
    schedule, estimator, seed = settings.schedule, settings.estimator, settings.seed
    assert schedule is not None
    _check_not_searched(schedule, searched)
    most, smallest, enough = _bounds(schedule, estimator, X, y, splits)
    high = schedule.max_resources
    if isinstance(high, int):
        if schedule.kind == "rows" and high > most:
            raise InvalidArgument(f"max_resources must be at most the {most} rows of X, got {high}")
        most = high
    low = schedule.min_resources
    scheduler = schedule.scheduler
    factor = schedule.factor
    # Without a number of candidates Hyperband has one round of its brackets.
    one_round = schedule.scheduler == "hyperband" and settings.n_trials is not None and not settings.gives_trials
    n = None if one_round else settings.n_trials
    if space.n_points is not None:
        n = space.n_points if n is None else min(n, space.n_points)
    if low == "exhaust":
        n_rungs = _N_RUNGS
        if n is not None:
            # As many as candidates suffice for, so that some come to the full resource.
            n_rungs = 1 + powers(n, factor) if schedule.halves else min(n_rungs, 1 + powers(n, factor))
        low = max(smallest, int(most // factor ** (n_rungs - 1)))
    elif low == "smallest":
        low = smallest
    assert isinstance(low, int)
    if low > most:
        raise InvalidArgument(f"min_resources must be <= max_resources={most}, got {low}: there are too few rows")
    if schedule.halves:
        levels = _halving_levels(low, most, n, factor)
        scheduler, full = OneBracket(levels, factor, n), levels[-1]
    elif isinstance(scheduler, str):
        scheduler, full = _made(scheduler, low, most, factor), most
        if n is None and one_round:
            n = _one_round(low, most, factor)
    else:
        scheduler, full = _bounded(scheduler, most)
        low = min(full, math.ceil(getattr(scheduler, "min_resource", low)))
        factor = float(getattr(scheduler, "eta", factor))
    judge = scheduler.bind(space.columns, ("maximize",), seed)
    stops = type(judge).decide is not Judge.decide
    if low < enough:
        raise InvalidArgument(
            f"{'min_resources' if isinstance(schedule.scheduler, str) else 'min_resource of the scheduler'} must be >= "
            f"{enough}, so that each fold has a row of each class, got {low}"
        )
    ladder = _halving_levels(low, full, None, factor) if stops else ()
    resource = _resource(schedule, estimator, searched, most, seed, X, y)
    return Fidelity(resource, scheduler, low, most, full, factor, (*ladder, full) if stops else (), n, enough)


def _check_not_searched(schedule: Schedule, searched: Collection[str]) -> None:
    if schedule.resource in searched:
        raise InvalidArgument(
            f"resource={schedule.resource!r} is also a parameter of space: the scheduler sets it, leave it out there"
        )


def _bounds(
    schedule: Schedule, estimator: Any, X: Any, y: Any, splits: Sequence[tuple[Indices, Indices]]
) -> tuple[int, int, int]:
    """Find the full resource, the lowest of scikit-learn's "smallest", and the lowest that is possible."""
    if schedule.kind == "rows":
        n = _num_samples(X)
        strata = strata_of(y) if is_classifier(estimator) else None
        n_classes = 1 if strata is None else int(strata.max()) + 1
        # Two rows of each class and fold, as scikit-learn has it.
        smallest = 2 * len(splits) * n_classes
        shortest = min(int(train.sum()) if train.dtype == bool else len(train) for train, _ in splits)
        if shortest < n_classes:
            raise InvalidArgument(
                f"resource='n_samples' needs training folds with a row of each of the {n_classes} classes, got one of "
                f"{shortest} rows"
            )
        enough = -(-n_classes * n // shortest)
        if smallest > n and not isinstance(schedule.min_resources, int):
            raise InvalidArgument(
                f"X must have at least 2 rows a class and fold, {smallest} in all, for min_resources="
                f"{schedule.min_resources!r}, got {n}; min_resources may be an integer from {enough} on"
            )
        return n, smallest, enough
    if isinstance(schedule.max_resources, int):
        return schedule.max_resources, 1, 1
    own = getattr(schedule.scheduler, "max_resource", None)
    value = estimator.get_params(deep=True).get(schedule.resource) if schedule.kind == "parameter" else None
    value = own if own is not None else value
    if value is None or value < 1:
        raise InvalidArgument(
            f"max_resources must be an integer for resource={schedule.resource!r}, whose largest value is not known, "
            "got 'auto'"
        )
    return int(value), 1, 1


def _halving_levels(low: int, most: int, n: int | None, factor: float) -> tuple[int, ...]:
    """Return the levels of scikit-learn's halving searches of n candidates; all up to `most` without `n`."""
    n_iterations = 1 + powers(most // low, factor)
    if n is not None:
        n_iterations = min(n_iterations, 1 + powers(n, factor))
    return tuple(sorted({min(most, int(factor**i * low)) for i in range(n_iterations)}))


def _made(name: str, low: int, most: int, factor: float) -> Scheduler:
    """Make a scheduler by its name, with the bounds that its class knows."""
    plain = schedulers.resolve(name)
    assert plain is not None
    kind = type(plain)
    bounds = {"min_resource": low, "max_resource": most, "eta": factor}
    known = signature(kind).parameters
    return kind(**{key: value for key, value in bounds.items() if key in known})


def _one_round(low: int, most: int, factor: float) -> int:
    """Count the candidates of one bracket of each kind."""
    n_rungs = 1 + powers(most / low, factor)
    return sum(bracket_size(s, n_rungs, factor) for s in range(n_rungs))


def _bounded(scheduler: Scheduler, most: int) -> tuple[Scheduler, int]:
    """Return a scheduler of the user's with the full resource, and that."""
    own = getattr(scheduler, "max_resource", most)
    if own is None:
        scheduler, own = copy.copy(scheduler), most
        vars(scheduler)["max_resource"] = most
    if own > most:
        raise InvalidArgument(f"max_resource of the scheduler must be <= max_resources={most}, got {own:g}")
    return scheduler, math.ceil(own)


def _resource(
    schedule: Schedule, estimator: Any, searched: Mapping[str, Sequence[Any]], most: int, seed: int, X: Any, y: Any
) -> Resource:
    if schedule.kind == "rows":
        return Rows(_num_samples(X), strata_of(y) if is_classifier(estimator) else None, seed)
    if schedule.kind == "parameter":
        return Parameter(most, schedule.resource, _warm_start(schedule.resource, estimator, searched))
    return Epochs(most, _classes(estimator, y), seed)


def _warm_start(name: str, estimator: Any, searched: Mapping[str, Sequence[Any]]) -> str | None:
    """Find the parameter by which a fit with a larger value of `name` adds to the last one; None if there is none.

    Notes
    -----
    By scikit-learn's glossary, ``warm_start`` of an ensemble, and of other estimators that count what they have in all,
    adds what is missing to a larger value. Iterative solvers count their iterations anew in each fit: with
    ``max_iter`` they are fitted from scratch, so that a level is what its number says.
    """
    owner = name.rpartition("__")[0]
    part, parent = estimator, ""
    while parent != owner:
        step = owner[len(parent) :].removeprefix("__").partition("__")[0]
        # Only a pipeline fits its last step itself; others fit clones, which begin anew.
        if not isinstance(part, Pipeline) or step != part.steps[-1][0]:
            return None
        parent = f"{parent}__{step}" if parent else step
        if parent in searched:
            return None
        part = part.steps[-1][1]
    warm = f"{owner}__warm_start" if owner else "warm_start"
    if warm in searched or "warm_start" not in part.get_params(deep=False):
        return None
    own = name.rpartition("__")[2]
    ensemble = type(part).__module__.startswith("sklearn.ensemble.")
    return warm if own != "max_iter" or ensemble else None


def _classes(estimator: Any, y: Any) -> Any:
    """Find all classes, for an estimator whose `partial_fit` asks for them."""
    if y is None or "classes" not in signature(trainer_of(estimator).partial_fit).parameters:
        return None
    target = np.asarray(y)
    if type_of_target(target) == "multiclass-multioutput":
        return [np.unique(column) for column in target.T]
    return unique_labels(target)
