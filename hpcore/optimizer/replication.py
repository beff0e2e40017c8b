"""Replication: the point of a noisy search of which another evaluation tells most."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from hpcore._core.gp import TransformKind
from hpcore.optimizer.noisy_model import NoisyModel
from hpcore.records.history import History
from hpcore.records.pareto import non_dominated
from hpcore.samplers.failures import split
from hpcore.space.columns import Columns

__all__ = ["most_telling"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


def most_telling(history: History, columns: Columns) -> int:
    """Find a trial whose point should be evaluated again.

    Parameters
    ----------
    history : History
        Trials, at least one; lower values are better.
    columns : Columns
        Columns of the space.

    Returns
    -------
    int
        Earliest trial at the point: of the one with the best mean by a Gaussian process with learnt noise and the one
        that is most likely to be better still, the one that is less certain; or the one with the fewest trials, if
        these are very few. With several objectives, the point on the front of the mean values with the fewest trials.
        Before anything is feasible, the point with the fewest trials.

    Notes
    -----
    Two contenders: Russo 2020, "Simple Bayesian algorithms for best-arm identification", without the random choice
    between them, so that the answer depends on the history alone. Trials that are running count as evaluated, with the
    value that the model expects.
    """
    present = history.present
    keys = [row.tobytes() for row in history.X]
    first: dict[bytes, int] = {}
    for number, key in enumerate(keys):
        if present[number]:
            first.setdefault(key, number)
    at = {key: i for i, key in enumerate(first)}
    point = np.array([at.get(key, -1) for key in keys])  # -1 for a number that no trial has
    numbers = np.array(list(first.values()))
    counts = np.bincount(point[present], minlength=len(numbers))
    known = split(history).complete & history.feasible
    contenders = np.unique(point[known])
    if not len(contenders):
        return int(numbers[np.argmin(counts)])
    if history.values.shape[1] > 1:
        # Of values at most 1, because a sum may be more than the largest double.
        size = np.abs(history.values[known]).max(axis=0)
        values = history.values / np.where(size > 0.0, size, 1.0)
        means = np.array([values[known & (point == i)].mean(axis=0) for i in contenders])
        front = contenders[non_dominated(means)]
        return int(numbers[front[np.argmin(counts[front])]])
    # The model may be sure too early, of a point that was unlucky once: half of the forced exploration of Garivier &
    # Kaufmann 2016, "Optimal best arm identification with fixed confidence", which is much in a few dozen trials.
    rarest = contenders[np.argmin(counts[contenders])]
    if counts[rarest] < (math.sqrt(counts.sum()) - len(contenders) / 2) / 2:
        return int(numbers[rarest])
    return int(numbers[_contender(history, columns, np.flatnonzero(known), contenders, point, numbers)])


def _contender(
    history: History, columns: Columns, known: IntArray, contenders: IntArray, point: IntArray, numbers: IntArray
) -> int:
    """Choose among the contenders for one objective; `known` are the trials with a value."""
    errors = None if history.std_errors is None else np.nan_to_num(history.std_errors[known, 0])
    model = NoisyModel(history.X[known], history.values[known, 0], errors, columns, TransformKind.standard)
    contenders = np.intersect1d(contenders, point[known[model.held]])
    model.expect(history.running())
    X = history.X[numbers[contenders]]
    mean, _ = model.predict(X)
    covariance = model.covariance(X)
    variance = np.diag(covariance)
    best = int(np.argmin(mean))
    gap = mean - mean[best]
    apart = np.maximum(variance + variance[best] - 2.0 * covariance[best], np.finfo(float).tiny)
    doubt = gap / np.sqrt(apart)
    doubt[best] = np.inf
    challenger = int(np.argmin(doubt))
    return int(contenders[best if variance[best] >= variance[challenger] else challenger])
