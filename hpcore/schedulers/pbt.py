"""Population-based training."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hpcore.arguments import check_number
from hpcore.records.history import History
from hpcore.schedulers.base import Judge
from hpcore.schedulers.exploit import PopulationJudge, PopulationScheduler
from hpcore.schedulers.explore import perturbed
from hpcore.schedulers.population import Populations
from hpcore.space.columns import Columns

__all__ = ["PopulationBasedTraining"]

FloatArray = npt.NDArray[np.float64]


class _Judge(PopulationJudge):
    def __init__(self, columns: Columns, scheduler: PopulationBasedTraining) -> None:
        super().__init__(columns, scheduler)
        self._step, self._resample_probability = scheduler.perturbation, scheduler.resample_probability

    def explore(
        self, populations: Populations, history: History, donor: int, interval: float, generator: np.random.Generator
    ) -> FloatArray:
        return perturbed(history.X[donor], self._columns, generator, self._step, self._resample_probability)


class PopulationBasedTraining(PopulationScheduler):
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
    population. If it is among the worst, it is replaced: a new trial begins from a copy of the last checkpoint of one
    of the best, with changed hyperparameters, and the replaced trial stays paused. The new trial goes on from the
    resource of that checkpoint, which may be more than the replaced one had used. All others go on themselves. So the
    hyperparameters of a trial never change, and a schedule of hyperparameters is a chain of trials, which
    `Study.schedule` returns and `Replay` repeats. A trial that fails is replaced as well; after a few failures in a row
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
        super().__init__(max_resource, interval, population_size, quantile, synchronous, objective)
        self.perturbation = check_number("perturbation", perturbation, 0.0, 1.0, open_low=True)
        self.resample_probability = check_number("resample_probability", resample_probability, 0.0, 1.0)

    def bind(self, columns: Columns, directions: tuple[str, ...], seed: int) -> Judge:
        """See `Scheduler.bind`."""
        return _Judge(columns, self)
