"""Recommendation: the complete trial that is best by a model of the values, where these are noisy."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from hpcore._core import bo as native_bo
from hpcore._core import gp as native
from hpcore.records.history import COMPLETE, History
from hpcore.samplers.failures import split
from hpcore.space.columns import Columns

__all__ = ["recommended"]

FloatArray = npt.NDArray[np.float64]

# Trials up to which the observed best is recommended: what a model says of so few is its prior.
FEW = 4
# Rows that hyperparameters are learnt from, and rows of the model, at most: an answer takes milliseconds.
FIT_ROWS, MODEL_ROWS = 250, 500
# Variance of the noise, as a share of that of the values, below which an observed value counts as the true one.
NO_NOISE = 0.03
# Prior of the logarithm of that share, of a greater median than a suggester's: a suggestion from a model that trusts
# single values too much is mended by its result, a recommendation is not. benchmarks/quality/noise_ablation.md
NOISE = native.LogNormal(-4.0, 2.0, math.log(1e-7), 0.0)
# Standard deviations above the mean by which trials are compared: of two equal means the surer one is recommended.
CAUTION = 1.0
# Variance of a known error, as a share of that of the values, beyond which a value tells nothing either way.
MOST_NOISE = 1e6
# Distances beyond a limit count up to so many times their median, because metrics may span decades.
FARTHEST = 2.0


class _Model:
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
        self._model = native.Regressor(categorical, conditional, theta.tolist())
        self._model.assign(X[self.held], y[self.held], noise[self.held])

    def predict(self, X: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Mean and standard deviation of the values without noise at rows X (m, d), in units of the targets."""
        mean, variance = self._model.predict(np.ascontiguousarray(X))
        return mean, np.sqrt(variance)

    def probability_below(self, value: float, X: FloatArray) -> FloatArray:
        """Probability (m,) that the value without noise is at most `value`."""
        mean, std = self.predict(X)
        z = (self._targets.apply(np.array([value]))[0] - mean) / std
        return np.array([0.5 * math.erfc(-x / math.sqrt(2.0)) for x in z])


def recommended(history: History, columns: Columns) -> int:
    """Find the number of the trial to recommend, for one objective.

    Parameters
    ----------
    history : History
        Trials, of which one at least is feasible; lower values are better.
    columns : Columns
        Columns of the space.

    Returns
    -------
    int
        Feasible trial with the lowest mean plus one standard deviation of a Gaussian process that is fitted to the
        values, the earliest among equals; the one with the lowest value if the learnt noise is near zero, or if there
        are few trials. Where violations are noisy, trials that break a limit more likely than not are passed over, or,
        if those are all, the most likely one to keep the limits is recommended.

    Notes
    -----
    Targets of the process are logarithmic above the median. Repeats of a point are as many observations of it; standard
    errors, where they were told, are added to the learnt noise. Trials with a penalty in place of a value are left out.
    The answer depends on the history alone. With more than 500 trials the model holds the best, those near them, and
    some of the others; only these can be recommended, unless none of them is feasible.
    """
    values = history.values[:, 0]
    observed = np.flatnonzero(split(history).complete)
    allowed = history.feasible
    candidates = observed[allowed[observed]]
    if not len(candidates):  # those that are feasible returned penalties
        candidates = np.flatnonzero(allowed)
    lowest = int(candidates[np.argmin(values[candidates])])
    if np.count_nonzero(history.state[observed] == COMPLETE) <= FEW:
        return lowest
    errors = None if history.std_errors is None else np.nan_to_num(history.std_errors[observed, 0])
    model = _Model(history.X[observed], values[observed], errors, columns, native.TransformKind.half_log)
    held = observed[model.held]
    held = held[allowed[held]]
    if not len(held):
        return lowest
    X = history.X[held]
    likely = _probability_of_limits(history, columns, X)
    if not (likely >= 0.5).any():
        return int(held[np.argmax(likely)])
    if model.is_noisy:
        mean, std = model.predict(X)
        score = mean + CAUTION * std
    else:
        score = values[held]
    return int(held[np.argmin(np.where(likely >= 0.5, score, math.inf))])


def _probability_of_limits(history: History, columns: Columns, X: FloatArray) -> FloatArray:
    """Probability (m,) that feasible trials at rows X (m, d) keep all limits, in which a metric may be noisy."""
    likely = np.ones(len(X))
    for beyond in history.violations.T:
        known = np.flatnonzero(~np.isnan(beyond))
        typical = float(np.median(np.abs(beyond[known])))
        if not typical > 0.0 or len(known) <= FEW:
            continue
        with np.errstate(over="ignore"):
            distance = np.clip(beyond[known] / typical, -FARTHEST, FARTHEST)
        if not distance.max() > 0.0:  # the limit was never broken
            continue
        model = _Model(history.X[known], distance, None, columns, native.TransformKind.standard)
        if model.is_noisy:
            likely *= model.probability_below(0.0, X)
    return likely
