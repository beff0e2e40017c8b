"""PB2: population-based training whose copies go on with the hyperparameters that a bandit chooses."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from hpcore._core import gp as native
from hpcore.records.history import History
from hpcore.schedulers.base import Judge
from hpcore.schedulers.exploit import PopulationJudge, PopulationScheduler
from hpcore.schedulers.explore import perturbed
from hpcore.schedulers.improvements import improvements
from hpcore.schedulers.population import Populations, mark
from hpcore.space.columns import Columns

__all__ = ["PB2"]

FloatArray = npt.NDArray[np.float64]

# Fewest intervals that a model is made of, and most: the latest ones count.
FEWEST, MOST = 6, 200

# Points among which the bandit chooses: changes of the copied one, small and large, with columns drawn anew or not.
N_CANDIDATES = 256
STEPS = (0.02, 0.05, 0.1, 0.2)
RESAMPLE_PROBABILITY = 0.25

# Where the model knows too little: a change as in population-based training.
STEP = 0.1


class _Judge(PopulationJudge):
    def explore(
        self, populations: Populations, history: History, donor: int, interval: float, generator: np.random.Generator
    ) -> FloatArray:
        columns, options = self._columns, self._options
        u = history.X[donor]
        data = improvements(populations, history, interval, options.objective)
        ended = np.flatnonzero(~np.isnan(data.change))
        if len(ended) < FEWEST:
            return perturbed(u, columns, generator, STEP, RESAMPLE_PROBABILITY)
        ended = ended[np.argsort(data.step[ended], kind="stable")][-MOST:]
        running = np.flatnonzero(np.isnan(data.change))
        step = mark(populations.ended(donor).step, interval)
        span = max(step, float(data.step.max())) or 1.0
        known = np.column_stack([history.X[data.number], data.step / span, data.before])
        model = self._model(known[ended], data.change[ended])
        if len(running):
            # The intervals that run are as good as expected, and need not be tried again.
            mean, _ = model.predict(known[running])
            for row in known[running]:
                model.append(row, 0.0)
            model.set_targets(np.concatenate([data.change[ended], mean]))
        before = data.before[(data.number == donor) & (data.step <= step)]
        at = [step / span, float(before[-1]) if len(before) else 0.0]
        candidates = np.array(
            [
                perturbed(u, columns, generator, STEPS[i % len(STEPS)], RESAMPLE_PROBABILITY if i % 2 else 0.0)
                for i in range(N_CANDIDATES)
            ]
        )
        settled = candidates.copy()
        columns.codec.snap(settled)
        mean, variance = model.predict(np.column_stack([settled, np.broadcast_to(at, (len(settled), 2))]))
        # Parker-Holder et al. (2020), appendix: beta = 0.2 + log(0.4 n).
        beta = 0.2 + max(0.0, math.log(0.4 * len(ended)))
        best: FloatArray = candidates[int(np.argmin(mean - np.sqrt(beta * np.maximum(variance, 0.0))))]
        return best

    def _model(self, X: FloatArray, y: FloatArray) -> native.Regressor:
        """Fit a Gaussian process of the changes over the columns, the step and the standing."""
        columns = self._columns
        categorical = [kind == "categorical" for kind in columns.kinds] + [False, False]
        conditional = [bool(parents) for parents in columns.parents] + [False, False]
        options = native.FitOptions()
        options.prior = native.Prior.standard(columns.d + 2)
        theta = native.fit_map(X, y, None, categorical, conditional, options)
        model = native.Regressor(categorical, conditional, list(theta))
        model.assign(X, y, None)
        return model


class PB2(PopulationScheduler):
    """Population-based bandits (Parker-Holder et al. 2020): population-based training with chosen hyperparameters.

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
    synchronous : bool
        True to compare members only when all have reached the same resource, so that workers wait for the slowest.
    objective : str
        With several objectives, ``"dominance"`` orders trials by fronts, and within a front by the hypervolume that
        they contribute; ``"first"`` compares the first objective only.

    Notes
    -----
    Members are replaced as in `PopulationBasedTraining`. The hyperparameters of a copy are those with the best
    confidence bound on the improvement over the next interval, by a Gaussian process over the hyperparameters, the
    resource and the standing of the member in the population. Improvements are compared with those of other members at
    the same resource. Intervals that run count with their expected improvement, so that copies differ. Choices and
    conditional parameters are columns of the process too. While few intervals are known, hyperparameters are changed as
    in `PopulationBasedTraining`.

    Examples
    --------
    >>> from hpcore.schedulers import PB2
    >>> scheduler = PB2(max_resource=100, interval=5, population_size=8)
    """

    def __init__(
        self,
        max_resource: float | None = None,
        interval: float | None = None,
        population_size: int = 10,
        quantile: float = 0.25,
        *,
        synchronous: bool = False,
        objective: str = "dominance",
    ) -> None:
        super().__init__(max_resource, interval, population_size, quantile, synchronous, objective)

    def bind(self, columns: Columns, directions: tuple[str, ...], seed: int) -> Judge:
        """See `Scheduler.bind`."""
        return _Judge(columns, self)
