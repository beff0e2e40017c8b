"""Population-based training: the worst of a population continue from copies of the best, with other hyperparameters."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from hpcore.arguments import check_flag, check_integer, check_number
from hpcore.errors import InvalidArgument
from hpcore.records.curves import Curves
from hpcore.records.history import PAUSED, RUNNING, History
from hpcore.records.streams import SUGGEST, Rng
from hpcore.schedulers.base import Judge, Resume, Scheduler, Start, StateArray
from hpcore.schedulers.explore import perturbed
from hpcore.schedulers.ordering import best_first, check_objective
from hpcore.schedulers.population import ROUNDING, Due, Populations, mark
from hpcore.schedulers.resources import full_resource
from hpcore.space.columns import Columns

__all__ = ["PopulationBasedTraining", "PopulationJudge"]

FloatArray = npt.NDArray[np.float64]

# Intervals of a training, if no interval is given.
N_INTERVALS = 10


class PopulationJudge(Judge):
    """Populations at work; `explore` chooses how a copy goes on."""

    def __init__(self, columns: Columns, scheduler: PopulationBasedTraining) -> None:
        self._columns, self._options = columns, scheduler
        if scheduler.max_resource is not None:
            self.max_resource = scheduler.max_resource

    def __getstate__(self) -> dict[str, Any]:
        # Columns cannot be pickled; a copy that travels with a job orders none.
        return {**vars(self), "_columns": None}

    def full_resource(self, curves: Curves, state: StateArray) -> float:
        """See `Judge.full_resource`; infinite while it is not known."""
        given = self._options.max_resource
        return full_resource(curves, state) if given is None else given

    def next(self, history: History, rng: Rng) -> Start | Resume | None:
        """See `Judge.next`."""
        options = self._options
        full = self.full_resource(history.curves, history.state)
        interval = options.interval or full / N_INTERVALS
        populations = Populations(history, options.population_size)
        waiting = populations.due()
        due = waiting[0]
        if due.number < 0:
            return Start(_target(0.0, interval, full))
        if options.synchronous and any(history.until_of(i) <= due.step for i in populations.running(due.population)):
            return None
        # Copies come first, as long as those that are copied have not gone on.
        for place in waiting if math.isfinite(full) else ():
            donors = self._donors(populations, history, place, interval, full)
            if donors:
                generator = rng.generator(SUGGEST)
                donor = donors[int(generator.integers(len(donors)))]
                end = populations.ended(donor)
                point = self.explore(populations, history, donor, interval, generator)
                return Start(_target(end.step, interval, full), point, donor, end.job, place.number)
        if history.state[due.number] != PAUSED:
            return Start(_target(0.0, interval, full), replaces=due.number)
        return Resume(due.number, _target(due.step, interval, full))

    def explore(
        self, populations: Populations, history: History, donor: int, interval: float, generator: np.random.Generator
    ) -> FloatArray:
        """Choose the point (d,) with which a copy of a trial goes on."""
        options = self._options
        u = history.X[donor]
        return perturbed(u, self._columns, generator, options.perturbation, options.resample_probability)

    def _donors(self, populations: Populations, history: History, due: Due, interval: float, full: float) -> list[int]:
        """Find the trials of which a copy may replace the one that is due; none if that goes on itself.

        Trials are compared by their values at the step that the waiting one has reached, so that one that is further on
        has no advantage. As long as less than half of the population has reached it, that is an interval before.
        """
        has_ended = history.state[due.number] != PAUSED
        step = max(mark(due.step, interval), interval if has_ended else 0.0)
        if step <= 0.0:
            return []
        numbers, values = populations.at(step, due.population)
        if 2 * len(numbers) < self._options.population_size and step > 1.5 * interval:
            step -= interval
            numbers, values = populations.at(step, due.population)
        order = best_first(values, self._options.objective).tolist()
        count = int(self._options.quantile * len(order) + ROUNDING)
        own = None
        if has_ended:
            count = max(1, count)
        elif due.number not in {numbers[i] for i in order[len(order) - count :]}:
            return []
        else:
            own = values[numbers.index(due.number)]
        donors = []
        for i in order[:count]:
            number = numbers[i]
            reached = populations.ended(number).step
            if (
                populations.is_head(number)
                and history.state[number] in (PAUSED, RUNNING)
                and step * (1.0 - ROUNDING) <= reached < full
                and _is_better(values[i], own)
            ):
                donors.append(number)
        return donors


def _target(step: float, interval: float, full: float) -> float:
    """Resource that a job goes to from a step."""
    return min(mark(step, interval) + interval, full) if math.isfinite(interval) else math.inf


def _is_better(values: FloatArray, other: FloatArray | None) -> bool:
    if np.isnan(values).any():
        return False
    return other is None or bool(np.isnan(other).any() or (values < other).any())


class PopulationBasedTraining(Scheduler):
    """Population-based training (Jaderberg et al. 2017): hyperparameters change while a population trains.

    Parameters
    ----------
    max_resource : float, optional
        Resource of a full training; positive. None takes the largest step that the first complete trial reports; until
        then trials run as far as they will.
    interval : float, optional
        Resource between two decisions on a member, below `max_resource`; a tenth of that by default.
    population_size : int
        Number of members, at least 2.
    quantile : float
        Share of the population that is replaced, and share that is copied; within (0, 0.5], and at least one member.
    perturbation : float
        Size of a change of a hyperparameter, as a share of its range on its own scale; within (0, 1]. Integers change
        by at least one value, unordered choices only when they are drawn anew.
    resample_probability : float
        Probability, for each hyperparameter, that it is drawn anew from its range instead of changed; within [0, 1].
    synchronous : bool
        True to compare members only when all have reached the same resource, so that workers wait for the slowest.
    objective : str
        With several objectives, ``"dominance"`` orders trials by fronts, and within a front by the hypervolume that
        they contribute; ``"first"`` compares the first objective only.

    Notes
    -----
    A member trains for `interval` and pauses. When it is due again, the lowest resource first, it is compared with all
    that have reached its resource, by their values there, or an interval before if these are less than half of the
    population. If it is among the worst, it is replaced: a new trial begins
    from a copy of the last checkpoint of one of the best, with changed hyperparameters, and the replaced trial stays
    paused. The new trial goes on from the resource of that checkpoint, which may be more than the replaced one had
    used. All others go on themselves. So the hyperparameters of a trial never change, and a schedule of hyperparameters
    is a chain of trials; see `hpcore.schedule`. A trial that fails is replaced as well; after a few failures in a row
    its place stays empty.

    Nobody waits, unless `synchronous`: with more workers than members, and when members are complete, a further
    population begins. New trials that continue another one do not count as new in ``n_trials``, so that
    ``n_trials=population_size`` trains one population.

    An objective saves its state in ``trial.checkpoint`` when it pauses, and begins with the state that it finds there.

    Examples
    --------
    >>> from hpcore.schedulers import PopulationBasedTraining
    >>> scheduler = PopulationBasedTraining(max_resource=100, interval=5, population_size=8)
    """

    def __init__(
        self,
        max_resource: float | None = None,
        interval: float | None = None,
        population_size: int = 10,
        quantile: float = 0.25,
        *,
        perturbation: float = 0.1,
        resample_probability: float = 0.25,
        synchronous: bool = False,
        objective: str = "dominance",
    ) -> None:
        if max_resource is not None:
            check_number("max_resource", max_resource, 0.0, open_low=True)
        if interval is not None:
            check_number("interval", interval, 0.0, open_low=True)
            if max_resource is not None and interval >= max_resource:
                raise InvalidArgument(f"interval must be < max_resource={max_resource:g}, got {interval:g}")
        self.max_resource, self.interval = max_resource, interval
        self.population_size = check_integer("population_size", population_size, 2)
        self.quantile = check_number("quantile", quantile, 0.0, 0.5, open_low=True)
        if self.quantile * self.population_size < 1.0 - ROUNDING:
            raise InvalidArgument(
                f"population_size must be >= {math.ceil(1.0 / self.quantile - ROUNDING)}, so that quantile="
                f"{self.quantile:g} of it is a member, got {self.population_size}"
            )
        self.perturbation = check_number("perturbation", perturbation, 0.0, 1.0, open_low=True)
        self.resample_probability = check_number("resample_probability", resample_probability, 0.0, 1.0)
        self.synchronous = check_flag("synchronous", synchronous)
        self.objective = check_objective(objective)

    def bind(self, columns: Columns, directions: tuple[str, ...], seed: int) -> Judge:
        """See `Scheduler.bind`."""
        return PopulationJudge(columns, self)
