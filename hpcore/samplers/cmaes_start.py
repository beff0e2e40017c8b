"""Start of CMA-ES around the best of the trials that were known before it."""

from __future__ import annotations

from bisect import insort

import numpy as np
import numpy.typing as npt

from hpcore.records.history import History
from hpcore.samplers.cmaes_columns import INACTIVE, Coordinates
from hpcore.samplers.cmaes_distribution import Distribution

__all__ = ["WarmStart"]

FloatArray = npt.NDArray[np.float64]

SHARE = 0.1  # of the known trials that a start is made of: Nomura et al. 2021, gamma
LEAST_SIGMA = 0.05


class WarmStart:
    """Known trials, in the order of their numbers, and the distribution that they lead to.

    Parameters
    ----------
    coordinates : Coordinates
        Coordinates of the space.
    sigma0 : float
        Standard deviation without known trials.
    population : int
        Number of points of a generation.

    Notes
    -----
    Nomura et al. 2021, "Warm starting CMA-ES for hyperparameter optimization": the mean and the covariance of the best
    tenth, widened by a round Gaussian distribution. Its width here is not constant: the best of n points that are
    spread evenly is about n**(-1 / D) of the range from the best that there is. n counts as a power of two, so that
    the start changes seldom.
    """

    def __init__(self, coordinates: Coordinates, sigma0: float, population: int) -> None:
        self._coordinates, self._sigma0, self._population = coordinates, sigma0, population
        self._known: list[tuple[float, float, int]] = []  # total violation, value and number, the best first

    def learn(self, history: History, number: int) -> bool:
        """Add a trial, and return whether the distribution is another one now."""
        if not history.observed_in(number, number + 1)[0]:
            return False
        before = self._counts()
        # A limit whose metric is not known is not kept.
        beyond = np.where(np.isnan(history.violations[number]), np.inf, history.violations[number])
        known = float(np.maximum(beyond, 0.0).sum()), float(history.values[number, 0]), number
        insort(self._known, known)
        after = self._counts()
        return after != before or known <= self._known[after[1] - 1]

    def forget(self, number: int) -> None:
        """Forget the trials from a number on."""
        self._known = [known for known in self._known if known[2] < number]

    def _counts(self) -> tuple[int, int]:
        """Number of known trials, rounded to a power of two, and how many of them the start is made of."""
        if not self._known:
            return 0, 0
        power = 1 << (len(self._known).bit_length() - 1)
        return power, max(1, int(SHARE * power))

    def distribution(self, history: History) -> Distribution:
        """Distribution after the known trials of a history."""
        coordinates, p = self._coordinates, self._coordinates.n_numeric
        n, n_best = self._counts()
        if not n:
            return Distribution(coordinates, np.full(p, 0.5), self._sigma0, self._population)
        best = coordinates.points(history.X[[known[2] for known in self._known[:n_best]]])
        numeric = np.where(np.isnan(best.numeric), 0.5, best.numeric)
        mean = numeric.mean(axis=0)
        dimension = p + coordinates.n_choices
        sigma = max(min(LEAST_SIGMA, self._sigma0), self._sigma0 * (1.0 + n) ** (-1.0 / dimension))
        cov = np.eye(p) + (numeric - mean).T @ (numeric - mean) / (n_best * sigma**2)
        shares = [
            _shares(best.choices[:, k], len(levels), sigma / self._sigma0)
            for k, levels in enumerate(coordinates.choices)
        ]
        return Distribution(coordinates, mean, sigma, self._population, cov, shares)


def _shares(chosen: npt.NDArray[np.int64], n_levels: int, uniform: float) -> FloatArray:
    """Probabilities of choices: those of the best, and a uniform share."""
    counts = np.bincount(chosen[chosen != INACTIVE], minlength=n_levels).astype(np.float64)
    total = counts.sum()
    seen = counts / total if total else np.full(n_levels, 1.0 / n_levels)
    out: FloatArray = (1.0 - uniform) * seen + uniform / n_levels
    return out
