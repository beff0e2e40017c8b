"""Model of learning curves: its data, its hyperparameters, and the posterior at full fidelity."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hpcore._core import fidelity as native
from hpcore._core.acquisition import Kind, SearchOptions, log_expected_improvement
from hpcore.records.streams import ALLOWED, Rng
from hpcore.schedulers.curve_rows import CurveRows
from hpcore.schedulers.recipe import Recipe
from hpcore.space.columns import Columns

__all__ = ["CurveModel", "Posterior", "Targets"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

FEWEST = 4  # rows from which hyperparameters are fitted
N_BEST = 5  # configurations near which allowed points are looked for, where they are rare


@dataclass(frozen=True)
class Targets:
    """Map from values to targets of the model: ``log(1 + (value - low) / spread)``, standardised."""

    low: float
    spread: float
    mean: float
    std: float

    def __call__(self, value: FloatArray) -> FloatArray:
        """Map values (k,)."""
        return (_logarithm(value, self.low, self.spread) - self.mean) / self.std


@dataclass(frozen=True)
class Posterior:
    """Posterior at full fidelity, in units of the targets.

    Attributes
    ----------
    numbers : ndarray of shape (m,)
        Trials of the model, increasing.
    mean, std : ndarray of shape (m,)
        Their posterior.
    best : float
        Target of the lowest value at any fidelity.
    full : ndarray of shape (k,)
        Targets of the values at full fidelity.
    noise : float
        Variance of a value about its mean.
    model : hpcore._core.fidelity.Model
        Model itself.
    targets : Targets
        Map from values.
    """

    numbers: IntArray
    mean: FloatArray
    std: FloatArray
    best: float
    full: FloatArray
    noise: float
    model: native.Model
    targets: Targets

    def log_improvement(self, mean: FloatArray, std: FloatArray) -> FloatArray:
        """Logarithm of the expected improvement on the lowest value at any fidelity."""
        return log_expected_improvement(np.ascontiguousarray(mean), np.ascontiguousarray(std), self.best)[0]


class CurveModel:
    """Gaussian process of the curves of one search.

    Hyperparameters follow from the first rows alone, as many as there were when the last fit was due.

    Parameters
    ----------
    columns : Columns
        Columns of the space.
    recipe : Recipe
        Constants.
    n_start : int
        Number of trials of the start design, whose spread is the unit of the targets.
    """

    def __init__(self, columns: Columns, recipe: Recipe, n_start: int) -> None:
        self._columns, self._recipe, self._n_start = columns, recipe, n_start
        self._categorical = [kind == "categorical" for kind in columns.kinds]
        self._conditional = [bool(parents) for parents in columns.parents]
        self._prior = native.Prior.standard(columns.d)
        self._search = native.Search(columns.codec, self._categorical, SearchOptions())
        # By the number of fitted rows, and if all are of full fidelity; with the number of first rows that matter.
        self._fits: dict[tuple[int, bool], tuple[int, list[float]]] = {}

    def forget(self, n: int) -> None:
        """Forget fits that more than the first `n` rows matter for."""
        self._fits = {key: fit for key, fit in self._fits.items() if fit[0] <= n}

    def posterior(
        self, X: FloatArray, rows: CurveRows, n: int, running: Sequence[tuple[int, float]] = (), only_full: bool = False
    ) -> Posterior:
        """Compute the posterior given the first `n` rows.

        Parameters
        ----------
        X : ndarray of shape (t, d)
            Points of all trials.
        rows : CurveRows
            Rows.
        n : int
            Number of rows that are known.
        running : sequence of (int, float)
            Trials that run, and the fidelities that they go to: they enter at their posterior mean.
        only_full : bool
            True to learn from values at full fidelity alone, of which there must be one.
        """
        theta = self._hyperparameters(X, rows, min(n, rows.n_reported), only_full)
        chosen = self._chosen(rows, n, only_full)
        y, targets = self._targets(rows, n, chosen)
        number = np.concatenate([rows.number[chosen], np.array([t for t, _ in running], dtype=np.int64)])
        fidelity = np.concatenate([rows.fidelity[chosen], np.array([u for _, u in running])])
        numbers, index = np.unique(number, return_inverse=True)
        model = native.Model(self._categorical, self._conditional)
        noise_at = self._columns.d + 1
        while True:
            try:
                model.assign(theta, np.ascontiguousarray(X[numbers]), index.astype(np.int64), fidelity, y)
                break
            except np.linalg.LinAlgError:
                # Rounding; a smoother model has a factor.
                if theta[noise_at] > 0.0:
                    raise
                theta = [*theta[:noise_at], theta[noise_at] + math.log(100.0), *theta[noise_at + 1 :]]
        mean, variance = model.predict_full()
        return Posterior(
            numbers,
            mean,
            np.sqrt(variance),
            float(targets(rows.value[:n].min())),
            targets(rows.value[:n][rows.fidelity[:n] >= 1.0]),
            math.exp(theta[noise_at]),
            model,
            targets,
        )

    def propose(
        self, posterior: Posterior, X: FloatArray, rng: Rng, explore: bool = False
    ) -> tuple[FloatArray, float, float] | None:
        """Propose a new point for full fidelity.

        Parameters
        ----------
        posterior : Posterior
            Posterior.
        X : ndarray of shape (t, d)
            Points of all trials, which are not proposed again.
        rng : Rng
            Random numbers of the job.
        explore : bool
            True for the point with the lowest bound, `Recipe.kappa` standard deviations below the mean, and not for
            the largest expected improvement on the lowest posterior mean.

        Returns
        -------
        point : ndarray of shape (d,)
            Point.
        mean, std : float
            Its posterior at full fidelity.
        None
            If no point was met that is new and allowed.
        """
        extra = None
        if self._columns.around is not None:
            best = X[posterior.numbers[np.argsort(posterior.mean, kind="stable")[:N_BEST]]]
            extra = self._columns.around(best, rng.generator(ALLOWED))
        found = self._search.propose(
            posterior.model,
            Kind.ucb if explore else Kind.log_ei,
            self._recipe.kappa,
            np.ascontiguousarray(X),
            rng.seed_low,
            rng.seed_high,
            rng.number,
            rng.attempt,
            self._columns.feasible,
            extra,
        )
        return None if found is None else (found[0], found[1], math.sqrt(found[2]))

    def _hyperparameters(self, X: FloatArray, rows: CurveRows, n: int, only_full: bool) -> list[float]:
        full = np.flatnonzero(rows.fidelity[:n] >= 1.0)
        size = self._fitted_at(len(full) if only_full else n)
        key = size, only_full
        if key not in self._fits:
            if only_full and size:
                size = int(full[size - 1]) + 1
            chosen = self._chosen(rows, size, only_full)
            y = self._targets(rows, size, chosen)[0] if size else np.empty(0)
            numbers, index = np.unique(rows.number[chosen], return_inverse=True)
            theta = native.fit_map(
                np.ascontiguousarray(X[numbers]),
                index.astype(np.int64),
                rows.fidelity[chosen],
                y,
                self._categorical,
                self._conditional,
                self._prior,
                self._recipe.iterations,
            )
            self._fits[key] = size, theta.tolist()
        return self._fits[key][1]

    def _fitted_at(self, n: int) -> int:
        """Number of rows of the last fit that is due with `n` rows: a function of this number alone; 0 for none."""
        if n < FEWEST:
            return 0
        size = FEWEST
        while True:
            following = max(size + 1, math.ceil(size * (1 + self._recipe.refit_growth)))
            if following > n:
                return size
            size = following

    def _chosen(self, rows: CurveRows, n: int, only_full: bool) -> IntArray:
        """Rows of the model, of the first `n`: whole curves of the best configurations, ends of the others'."""
        recipe = self._recipe
        if only_full:
            return np.flatnonzero(rows.fidelity[:n] >= 1.0)[-recipe.most_rows :]
        number = rows.number[:n]
        known = np.unique(number)
        if len(known) <= recipe.whole_curves and n <= recipe.most_rows:
            return np.arange(n)
        last = np.full(int(known[-1]) + 1, math.inf)
        last[number] = rows.value[:n]  # the last assignment counts
        best = np.zeros(len(last), dtype=np.bool_)
        best[known[np.argsort(last[known], kind="stable")[: recipe.whole_curves]]] = True
        # Rows by trial, in their order; place of each from the end of its trial's.
        by_trial = np.argsort(number, kind="stable")
        ends = np.searchsorted(number[by_trial], number, side="right")
        place = np.empty(n, dtype=np.int64)
        place[by_trial] = np.arange(n)
        from_end = ends - place
        kept = np.flatnonzero(best[number] | (from_end <= 2))
        if len(kept) > recipe.most_rows:
            # Last values first, then the best configurations' other rows, and the newest of each.
            rank = np.where(best[number[kept]], 0, np.where(from_end[kept] == 1, 1, 2))
            kept = np.sort(kept[np.lexsort((-kept, rank))[: recipe.most_rows]])
        return kept

    def _targets(self, rows: CurveRows, n: int, chosen: IntArray) -> tuple[FloatArray, Targets]:
        """Targets of the chosen rows, and their map; the unit is a quarter of the start design's spread."""
        number, value = rows.number[:n], rows.value[:n]
        low = float(value.min())
        first = np.unique(number)[: self._n_start]
        start = number <= first[-1]
        lowest = np.full(len(first), math.inf)
        np.minimum.at(lowest, np.searchsorted(first, number[start]), value[start])
        spread = (float(np.median(lowest)) - low) / 4
        if not spread > 0.0:
            spread = (float(np.median(value)) - low) / 4
        if not spread > 0.0:
            spread = 1.0
        z = _logarithm(value[chosen], low, spread)
        std = float(z.std())
        targets = Targets(low, spread, float(z.mean()), std if std > 0.0 else 1.0)
        return (z - targets.mean) / targets.std, targets


def _logarithm(value: FloatArray, low: float, spread: float) -> FloatArray:
    with np.errstate(over="ignore"):
        # Below the lowest value there is nothing when the model is made, but later values are mapped as well.
        return np.log1p(np.clip((value - low) / spread, -0.9, 1e300))
