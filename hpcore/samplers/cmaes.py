"""CMA-ES: covariance matrix adaptation, with margin for integers and categories, and restarts."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hpcore.arguments import check_choice, check_integer, check_number
from hpcore.records.history import History
from hpcore.records.streams import Rng
from hpcore.samplers.base import Sampler, Suggester, check_single_objective
from hpcore.samplers.cmaes_columns import Coordinates
from hpcore.samplers.cmaes_distribution import default_population
from hpcore.samplers.cmaes_replay import MOST_POPULATION, Replay
from hpcore.space.columns import Columns

__all__ = ["CMAESSampler"]

FloatArray = npt.NDArray[np.float64]

RESTARTS = ("ipop", "bipop")
LEAST_SIGMA0 = 1e-12  # a smaller step is lost in the rounding of most places in [0, 1], and its square may be 0


class _CMAES(Suggester):
    def __init__(self, columns: Columns, sampler: CMAESSampler) -> None:
        self._d = columns.d
        coordinates = Coordinates(columns)
        dimension = coordinates.n_numeric + coordinates.n_choices
        population = sampler.population_size or default_population(dimension)
        may_refuse = columns.feasible is not None or coordinates.n_real == 0
        # A space of one point has nothing to adapt.
        self._replay = (
            Replay(coordinates, sampler.sigma0, population, sampler.restart, may_refuse) if dimension else None
        )

    def prepare(self, n_objectives: int) -> None:
        check_single_objective("cmaes", n_objectives, "CMA-ES orders trials by one value")
        import cmaes  # noqa: F401 - a tenth of a second, which the first suggestion does not have under a deadline

    def revised(self) -> bool:
        # Trials are compared with those that the generations were made from.
        return True

    def suggest(self, history: History, pending: FloatArray, n: int, rng: Rng) -> FloatArray:
        if self._replay is None:
            return np.full((n, self._d), 0.5)
        if rng.number < history.n:  # trials after a generation do not count in it
            history = history.first(rng.number)
        generation = self._replay.current(history, rng)
        return np.array([self._replay.propose(generation, rng.number + k, rng.attempt) for k in range(n)])


class CMAESSampler(Sampler):
    """CMA-ES: draws from a Gaussian distribution that moves, and changes its shape, with the best of each generation.

    For objectives that take no time, with hundreds of trials or more: a suggestion costs a tenth of a millisecond.

    Parameters
    ----------
    population_size : int, optional
        Number of trials of a generation of the first run, 2 .. 10,000; by default 4 + floor(3 log D) for D parameters.
    sigma0 : float
        Standard deviation at the start, in units of the range of a parameter; 1e-12 .. 1.
    restart : {"ipop", "bipop"} or None
        Runs after the first, which has ended when its standard deviations are small, or when it improves no more:
        ``"ipop"`` doubles the population with each; ``"bipop"`` has short runs of a smaller population between them,
        which begin with a smaller standard deviation. None goes on with the one run.

    Raises
    ------
    InvalidArgument, InvalidType
        An option outside what is said above.

    Notes
    -----
    Hansen 2016, "The CMA evolution strategy: a tutorial", by the package ``cmaes``; Hamano et al. 2025, "CatCMA with
    margin", where a parameter is an integer or categorical, so that none of their values dies out. Integers with more
    than 1,000 values count as continuous. Values of inactive parameters are drawn like all others, and forgotten with
    the trial.

    The second trial of each generation is the minimum of a quadratic regression on the earlier trials near the
    distribution (Hansen 2019, "A global surrogate assisted CMA-ES"), if all parameters are numeric and
    unconditional, and not all of them integers: there the minimum is often a point that was tried.

    The distribution is a function of the history. A generation of L trials is the trials with L numbers in a row; those
    that were not proposed by the sampler are used as points from elsewhere. Failed trials come last, and those without
    a result when the next generation begins count as the centre; their results change the later generations when they
    come. With results of less than a quarter of a generation the distribution stays, and after two generations in a row
    that failed as a whole a restart begins elsewhere. Limits: trials that keep them come first, then the others by
    their violation.

    Warm start: trials before the first one that the sampler proposed, however they came there, give the mean and the
    covariance of the start: those of their best tenth, the wider the fewer there are (Nomura et al. 2021, "Warm
    starting CMA-ES for hyperparameter optimization").

    Several objectives are refused. Costs, standard errors and gradients are not used.

    Examples
    --------
    >>> import hpcore as hp
    >>> opt = hp.Optimizer({"x": hp.Float(-5, 5), "y": hp.Float(-5, 5)}, sampler="cmaes", seed=0)
    >>> for _ in range(200):
    ...     trial = opt.ask()
    ...     opt.tell(trial, (trial["x"] - 1) ** 2 + 100 * (trial["y"] - trial["x"] ** 2) ** 2)
    >>> opt.best_value < 1e-6
    True
    """

    def __init__(self, population_size: int | None = None, sigma0: float = 0.3, restart: str | None = "ipop") -> None:
        self.population_size = (
            None if population_size is None else check_integer("population_size", population_size, 2, MOST_POPULATION)
        )
        self.sigma0 = check_number("sigma0", sigma0, LEAST_SIGMA0, 1.0)
        self.restart = None if restart is None else check_choice("restart", restart, RESTARTS)

    def bind(self, columns: Columns) -> Suggester:
        """See `Sampler.bind`."""
        return _CMAES(columns, self)
