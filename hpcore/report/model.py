"""Surrogate of a report: a Gaussian process of an objective, and rows of the cube to ask it at."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hpcore._core import bo as native
from hpcore.report.look import LARGEST
from hpcore.report.record import Record
from hpcore.surrogates import GaussianProcess

__all__ = ["MIN_TRIALS", "Surrogate"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

MIN_TRIALS = 5
"""Fewest trials of which a surface says anything."""

# Trials in the process, the best and a spread over the others: it is fitted in a second then.
MOST_ROWS = 500
# Trials beyond which one run of the optimiser of the hyperparameters has to do.
ONE_START = 64
# A process is of values within so many widths of the middle ones: one of 1e300 would leave nothing of the others.
FARTHEST, BEYOND = 20.0, 3.0


class Surrogate:
    """Gaussian process of an objective.

    Parameters
    ----------
    record : Record
        Search, with `MIN_TRIALS` observed trials or more.
    objective : int
        Number of the objective.

    Attributes
    ----------
    n : int
        Number of trials in the process.
    """

    def __init__(self, record: Record, objective: int) -> None:
        rows = np.flatnonzero(record.observed)
        X, y = record.X[rows], record.compared[rows, objective] * record.signs[objective]
        columns = record.space.columns
        self._sign, self._codec = float(record.signs[objective]), columns.codec
        y = _without_outliers(np.clip(y, -LARGEST, LARGEST))
        categorical = [kind == "categorical" for kind in columns.kinds]
        held = native.representative(columns.codec, categorical, np.ascontiguousarray(X), y, MOST_ROWS)
        self.n = len(held)
        starts = None if self.n <= ONE_START else 1
        # Not the transform of the search, which looks for the best: of all, this one comes closest to values at random
        # points (Hartmann, Branin and two conditional problems, 60 and 200 trials, with noise or without).
        self._process = GaussianProcess(record.space, warp=True, n_starts=starts).fit(X[held], y[held])
        # Where an inactive parameter becomes active, it is where it was in the best trial that had it.
        self._filler = np.full(X.shape[1], 0.5)
        self._ranked = ranked = record.X[record.ranked(rows, objective)]
        for j in range(X.shape[1]):
            active = ranked[~np.isnan(ranked[:, j])]
            if len(active):
                self._filler[j] = active[0, j]

    def base(self, *columns: int) -> FloatArray:
        """Point (d,) around which columns are varied: the best trial, or the best in which all are active."""
        active = ~np.isnan(self._ranked[:, list(columns)]).any(axis=1)
        point: FloatArray = self._ranked[int(np.argmax(active))]
        return point

    def rows(self, base: FloatArray, columns: tuple[int, ...], coordinates: FloatArray) -> FloatArray:
        """Points (n, d) like `base` with other coordinates (n, k) in some columns; NaN where inactive."""
        X = np.repeat(np.where(np.isnan(base), self._filler, base)[None, :], len(coordinates), axis=0)
        X[:, list(columns)] = coordinates
        self._codec.snap(X)
        return np.asarray(X)

    def predict(self, X: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Mean and standard deviation (n,) of the objective without noise, in the user's sign."""
        mean, std = self._process.predict(X, return_std=True)
        return self._sign * np.asarray(mean), np.asarray(std)


def _without_outliers(y: FloatArray) -> FloatArray:
    """Values cut off far above the others, as a diverged training has them; the best ones stay as they are."""
    tenth, first, middle, third, ninth = np.quantile(y, (0.1, 0.25, 0.5, 0.75, 0.9))
    cut: FloatArray = np.minimum(y, max(middle + FARTHEST * (third - first), ninth + BEYOND * (ninth - tenth)))
    return cut
