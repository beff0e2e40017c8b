"""Gaussian process of noisy values, for what is said about a search and not for what it suggests."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from hpcore._core import bo as native_bo
from hpcore._core import gp as native
from hpcore.space.columns import Columns

__all__ = ["NoisyModel"]

FloatArray = npt.NDArray[np.float64]

# Rows that hyperparameters are learnt from, and rows of the model, at most: an answer takes milliseconds.
FIT_ROWS, MODEL_ROWS = 250, 500
# Variance of the noise, as a share of that of the values, below which an observed value counts as the true one.
NO_NOISE = 0.03
# Prior of the logarithm of that share, of a greater median than a suggester's: a suggestion from a model that trusts
# single values too much is mended by its result, a recommendation is not. benchmarks/quality/noise_ablation.md
NOISE = native.LogNormal(-4.0, 2.0, math.log(1e-7), 0.0)
# Variance of a known error, as a share of that of the values, beyond which a value tells nothing either way.
MOST_NOISE = 1e6


class NoisyModel:
    """Gaussian process with learnt noise, fitted to values (n,) with standard errors at rows X (n, d).

    Attributes
    ----------
    held : ndarray of int
        Rows that the model holds, at most `MODEL_ROWS`: the best, those near the best, and an even spread.
    is_noisy : bool
        True if an observed value is not the true one.
    """

    def __init__(
        self, X: FloatArray, values: FloatArray, errors: FloatArray | None, columns: Columns, kind: native.TransformKind
    ) -> None:
        X = np.ascontiguousarray(X)
        self._targets = native.standardise(np.ascontiguousarray(values), kind)
        y, noise = self._targets.y, np.zeros(len(values))
        if errors is not None:
            with np.errstate(over="ignore", divide="ignore", invalid="ignore"):  # values that hardly differ
                noise = np.nan_to_num((errors / self._targets.scale) ** 2, posinf=MOST_NOISE)
            noise = np.minimum(noise, MOST_NOISE)
        categorical = [kind == "categorical" for kind in columns.kinds]
        conditional = [bool(parents) for parents in columns.parents]
        options, prior = native.FitOptions(), native.Prior.standard(columns.d)
        prior.noise = NOISE
        options.prior = prior
        fitted = native_bo.representative(columns.codec, categorical, X, y, FIT_ROWS)
        theta = native.fit_map(X[fitted], y[fitted], noise[fitted], categorical, conditional, options)
        self.is_noisy = bool(max(math.exp(theta[columns.d + 1]), noise.max()) >= NO_NOISE)
        self.held = native_bo.representative(columns.codec, categorical, X, y, MODEL_ROWS)
        self._y = y[self.held]
        self._model = native.Regressor(categorical, conditional, theta.tolist())
        self._model.assign(X[self.held], self._y, noise[self.held])

    def expect(self, X: FloatArray) -> None:
        """Add values at rows X (m, d) that are still out, as the model expects them."""
        for row in np.ascontiguousarray(X):
            mean, _ = self._model.predict(row[None, :])
            self._model.append(row, 0.0)
            self._y = np.append(self._y, mean)
            self._model.set_targets(self._y)

    def covariance(self, X: FloatArray) -> FloatArray:
        """Joint covariance (m, m) of the values without noise at rows X (m, d), in units of the targets."""
        return self._model.covariance(np.ascontiguousarray(X))

    def predict(self, X: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Mean and standard deviation of the values without noise at rows X (m, d), in units of the targets."""
        mean, variance = self._model.predict(np.ascontiguousarray(X))
        return mean, np.sqrt(variance)

    def probability_below(self, value: float, X: FloatArray) -> FloatArray:
        """Probability (m,) that the value without noise is at most `value`."""
        mean, std = self.predict(X)
        z = (self._targets.apply(np.array([value]))[0] - mean) / std
        return np.array([0.5 * math.erfc(-x / math.sqrt(2.0)) for x in z])
