"""Population-based training: the worst of a population continue from copies of the best, with other hyperparameters."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from hpcore.arguments import check_flag, check_integer, check_number
from hpcore.errors import InvalidArgument
from hpcore.records.history import PAUSED, RUNNING, History
from hpcore.records.streams import SUGGEST, Rng
from hpcore.schedulers.base import Judge, Resume, Scheduler, Start
from hpcore.schedulers.explore import perturbed
from hpcore.schedulers.population import ROUNDING, Population, best_first, mark
from hpcore.space.columns import Columns

__all__ = ["PopulationBasedTraining", "PopulationJudge"]

FloatArray = npt.NDArray[np.float64]


class PopulationJudge(Judge):
    """Population at work; how it explores is `explore`."""

    def __init__(self, columns: Columns, scheduler: PopulationBasedTraining) -> None:
        self._columns, self._options = columns, scheduler
        self.max_resource = scheduler.max_resource

    def __getstate__(self) -> dict[str, Any]:
        # Columns cannot be pickled; a copy that travels with a job explores nothing.
        return {**vars(self), "_columns": None}

    def next(self, history: History, rng: Rng) -> Start | Resume | None:
        """See `Judge`."""
        options = self._options
        population = Population(history, options.population_size)
        if population.n_places < options.population_size:
            return Start(self._target(0.0))
        due, running = population.due(), population.running()
        if not due:
            return None if running else Start(self._target(0.0))
        step, number = due[0]
        if options.synchronous and any(history.until_of(other) <= step for other in running):
            return None
        generator = rng.generator(SUGGEST)
        donor = self._donor(population, history, number, mark(step, options.interval), generator)
        if donor is not None:
            end = population.ended(donor)
            point = self.explore(population, history, donor, generator)
            return Start(self._target(end.step), point, donor, end.job, number)
        if history.state[number] != PAUSED:
            return Start(self._target(0.0), replaces=number)
        return Resume(number, self._target(step))

    def explore(
        self, population: Population, history: History, donor: int, generator: np.random.Generator
    ) -> FloatArray:
        """Choose the point (d,) with which a copy of a trial goes on."""
        options = self._options
        u = history.X[donor]
        return perturbed(u, self._columns, generator, options.perturbation, options.resample_probability)

    def _donor(
        self, population: Population, history: History, number: int, step: float, generator: np.random.Generator
    ) -> int | None:
        """Draw the trial that a copy of replaces trial `number`; None if that goes on itself, or there is none.

        Trials are compared by their values at the step that the waiting one has reached, so that one that is further on
        has no advantage.
        """
        has_ended = history.state[number] != PAUSED
        if has_ended:
            step = max(step, self._options.interval)
        elif step <= 0.0:
            return None
        numbers, values = population.reached(step)
        order = best_first(values)
        count = int(self._options.quantile * len(order) + ROUNDING)
        if has_ended:
            count = max(1, count)
        elif number not in {numbers[i] for i in order[len(order) - count :]}:
            return None
        own = None if has_ended else values[numbers.index(number)]
        heads = set(population.heads)
        donors = []
        for i in order[:count]:
            end = population.ended(numbers[i])
            if (
                numbers[i] in heads
                and history.state[numbers[i]] in (PAUSED, RUNNING)
                and step * (1.0 - ROUNDING) <= end.step < self.max_resource
                and _is_better(values[i], own)
            ):
                donors.append(numbers[i])
        return donors[int(generator.integers(len(donors)))] if donors else None

    def _target(self, step: float) -> float:
        """Resource that a job goes to from a step."""
        interval = self._options.interval
        return min(mark(step, interval) + interval, self.max_resource)


def _is_better(values: FloatArray, other: FloatArray | None) -> bool:
    if np.isnan(values).any():
        return False
    return other is None or bool(np.isnan(other).any()) or bool((values <= other).all() and (values < other).any())


class PopulationBasedTraining(Scheduler):
    """Population-based training (Jaderberg et al. 2017): hyperparameters change while a population trains.

    Parameters
    ----------
    max_resource : float
        Resource of a full training; positive.
    interval : float, optional
        Resource between two decisions on a member, within (0, max_resource); a tenth of `max_resource` by default.
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
        Compare members only when all have reached the same resource, which makes workers wait for the slowest.

    Notes
    -----
    A member trains for `interval` and pauses. When it is due again, it is compared with all that have reached its
    resource. If it is among the worst, it is replaced: a new trial begins, a copy of the checkpoint of one of the
    best, with changed hyperparameters, and the replaced trial stays paused. The new trial goes on from the resource of
    that checkpoint, which may be more than the replaced one had used. All others go on themselves. So the
    hyperparameters of a trial never change, and a schedule of hyperparameters is a chain of trials, from the last one
    back over each one's ``parent``. A trial that fails is replaced as well; after a few failures in a row its place
    stays empty.

    An objective saves its state in ``trial.checkpoint`` when it pauses, and begins with the state that it finds there.
    Values are compared at equal resource, and the latest report of a member that runs is not waited for: no worker
    waits, unless `synchronous`. When all members have ended, a further population begins.
    """

    def __init__(
        self,
        max_resource: float | None = None,
        interval: float | None = None,
        population_size: int = 10,
        quantile: float = 0.25,
        perturbation: float = 0.1,
        resample_probability: float = 0.25,
        synchronous: bool = False,
    ) -> None:
        if max_resource is None:
            raise InvalidArgument(
                f"max_resource must be given for {type(self).__name__}, the resource of a full training, got None"
            )
        self.max_resource = check_number("max_resource", max_resource, 0.0, open_low=True)
        if interval is None:
            interval = self.max_resource / 10.0
        self.interval = check_number("interval", interval, 0.0, self.max_resource, open_low=True, open_high=True)
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

    def bind(self, columns: Columns, n_objectives: int, seed: int) -> Judge:
        """See `Scheduler`."""
        return PopulationJudge(columns, self)
