"""Recommendation: the complete trial that is best by a model of the values, where these are noisy."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from hpcore._core import bo as native_bo
from hpcore._core import gp as native
from hpcore.records.history import COMPLETE, History
from hpcore.samplers.failures import split
from hpcore.space.columns import Columns

__all__ = ["recommended"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

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


class _Posterior(NamedTuple):
    """Posterior of the values without noise, in the model's own units, at some of the rows."""

    rows: IntArray
    mean: FloatArray
    std: FloatArray
    is_noisy: bool


def recommended(history: History, columns: Columns) -> int | None:
    """Find the number of the trial to recommend, for one objective.

    Parameters
    ----------
    history : History
        Trials; lower values are better.
    columns : Columns
        Columns of the space.

    Returns
    -------
    int or None
        Complete trial with the lowest mean plus one standard deviation of a Gaussian process that is fitted to the
        values, the earliest among equals; the one with the lowest value if the learnt noise is near zero, or if there
        are few trials. None if no trial is complete.

    Notes
    -----
    Targets of the process are logarithmic above the median. Repeats of a point are as many observations of it; standard
    errors, where they were told, are added to the learnt noise. Trials with a penalty in place of a value are left out.
    The answer depends on the history alone. With more than 500 trials the model holds the best, those near them, and
    some of the others; only these can be recommended.
    """
    values = history.values[:, 0]
    observed = np.flatnonzero(split(history).complete)
    is_candidate = history.state == COMPLETE
    candidates = observed[is_candidate[observed]]
    if not len(candidates):  # those that are complete returned penalties
        candidates = np.flatnonzero(is_candidate)
    if not len(candidates):
        return None
    lowest = int(candidates[np.argmin(values[candidates])])
    if len(candidates) <= FEW:
        return lowest
    errors = None if history.std_errors is None else np.nan_to_num(history.std_errors[observed])
    posterior = _posterior(history.X[observed], values[observed], errors, columns)
    if not posterior.is_noisy:
        return lowest
    numbers = observed[posterior.rows]
    bound = np.where(is_candidate[numbers], posterior.mean + CAUTION * posterior.std, math.inf)
    return int(numbers[np.argmin(bound)])


def _posterior(X: FloatArray, values: FloatArray, errors: FloatArray | None, columns: Columns) -> _Posterior:
    """Fit a Gaussian process with learnt noise to values (n,) with standard errors, at rows X (n, d)."""
    targets = native.standardise(np.ascontiguousarray(values), native.TransformKind.half_log)
    y = targets.y
    noise = np.zeros(len(y))
    if errors is not None:
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):  # values that hardly differ
            noise = np.minimum(np.nan_to_num((errors / targets.scale) ** 2, posinf=MOST_NOISE), MOST_NOISE)
    categorical = [kind == "categorical" for kind in columns.kinds]
    conditional = [bool(parents) for parents in columns.parents]
    X = np.ascontiguousarray(X)

    fitted = native_bo.representative(columns.codec, categorical, X, y, FIT_ROWS)
    options, prior = native.FitOptions(), native.Prior.standard(columns.d)
    prior.noise = NOISE
    options.prior = prior
    theta = native.fit_map(X[fitted], y[fitted], noise[fitted], categorical, conditional, options)
    learnt = math.exp(theta[columns.d + 1])

    held = native_bo.representative(columns.codec, categorical, X, y, MODEL_ROWS)
    model = native.Regressor(categorical, conditional, theta.tolist())
    model.assign(X[held], y[held], noise[held])
    mean, variance = model.predict(X[held])
    return _Posterior(held, mean, np.sqrt(variance), bool(max(learnt, float(noise.max())) >= NO_NOISE))
