"""Rule by which the models of a search share its trials: the better ones get more, and each gets some."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["next_model"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

# Trials of each model before they share by rank: its default, and two that say whether tuning helps.
LEAST_TRIALS = 3
# Share that all models have in equal parts, and the ratio of the shares of two models with neighbouring ranks.
EVEN_SHARE, RATIO = 0.2, 0.5
# Trials without any value after which a model gets no more.
MOST_FAILURES = 3


def next_model(best: FloatArray, n_trials: IntArray, seconds: FloatArray | None = None) -> int:
    """Choose the model of the next trial.

    Parameters
    ----------
    best : ndarray of shape (m,)
        Best value of each model, lower is better; NaN without one.
    n_trials : ndarray of shape (m,)
        Number of trials of each model, running ones included.
    seconds : ndarray of shape (m,), optional
        Seconds that the trials of each model have taken. With them models share the time, without them the number of
        trials.

    Returns
    -------
    int
        Index of the model. Models that were not tried come first, in their order; then those with fewer than 3 trials,
        except one that has already had its part of the fifth of the time that all have in equal parts; then the one
        that is farthest below its share: this part, and of the rest half as much for each rank below the best. A model
        without a value in 3 trials gets no more, unless that is so of all.
    """
    m = len(best)
    untried = np.flatnonzero(n_trials == 0)
    if len(untried):
        return int(untried[0])
    hopeless = np.isnan(best) & (n_trials >= MOST_FAILURES)
    if hopeless.all():
        return int(np.argmin(n_trials))
    spent = n_trials.astype(float) if seconds is None else seconds
    spent = spent / max(float(spent.sum()), 1e-12)
    open_ = ~hopeless
    allowed = 1.0 / m if seconds is None else EVEN_SHARE / m
    few = np.flatnonzero(open_ & (n_trials < LEAST_TRIALS) & (spent <= allowed))
    if len(few):
        return int(few[np.argmin(n_trials[few])])
    rank = np.empty(m)
    rank[np.argsort(np.where(np.isnan(best), np.inf, best), kind="stable")] = np.arange(m)
    share = np.where(np.isnan(best), 0.0, RATIO**rank)
    share = (1.0 - EVEN_SHARE) * share / max(float(share.sum()), 1e-12) + EVEN_SHARE / m
    return int(np.argmax(np.where(open_, share - spent, -np.inf)))
