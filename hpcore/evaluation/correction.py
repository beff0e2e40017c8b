"""Correction of the best score for having been chosen among many."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, pairwise
from math import comb, factorial

import numpy as np
import numpy.typing as npt

__all__ = ["corrected_best"]

FloatArray = npt.NDArray[np.float64]

# Up to this many folds all resamples are enumerated with their probabilities; for more they are drawn.
_MOST_ENUMERATED = 7
_N_DRAWN = 2000
_CHUNK = 256


def corrected_best(scores: FloatArray, seed: int = 0) -> float:
    """Bias-corrected score of the candidate with the best mean.

    Parameters
    ----------
    scores : ndarray of shape (n_candidates, n_folds)
        Scores on the folds' test rows, higher is better; finite, with at least two folds.
    seed : int
        Seed of the resamples, where they are drawn.

    Returns
    -------
    float
        Mean over resamples of the folds: the score of the best candidate of a resample on the folds outside it.

    Notes
    -----
    Bootstrap bias-corrected cross-validation (Tsamardinos, Greasidou & Borboudakis 2018, Machine Learning 107), which
    repeats the choice of the winner inside each resample and judges it outside. The paper resamples the rows of the
    out-of-fold predictions; here the folds are resampled, because a score a fold is what every metric gives and what a
    search keeps. That is coarser: a resample chooses from fewer folds (about 63 % of them) than the search did, so
    the estimate errs on the low side.
    """
    n_folds = scores.shape[1]
    total = weight = 0.0
    for counts, probabilities in _resamples(n_folds, seed):
        out = counts == 0
        usable = out.any(axis=1)
        counts, out, probabilities = counts[usable], out[usable], probabilities[usable]
        # The first of equals, as in `rank_test_score`.
        chosen = (counts @ scores.T).argmax(axis=1)
        outside = (scores[chosen] * out).sum(axis=1) / out.sum(axis=1)
        total += float(probabilities @ outside)
        weight += float(probabilities.sum())
    return total / weight


def _resamples(n_folds: int, seed: int) -> Iterator[tuple[FloatArray, FloatArray]]:
    """Yield blocks of resamples: counts (n, n_folds) of each fold, and weights (n,) of the resamples."""
    if n_folds <= _MOST_ENUMERATED:
        counts = np.array(list(_compositions(n_folds)), dtype=np.float64)
        ways = [factorial(n_folds) / np.prod([factorial(int(k)) for k in row]) for row in counts]
        yield counts, np.array(ways) / float(n_folds) ** n_folds
        return
    rng = np.random.default_rng(seed)
    for _ in range(-(-_N_DRAWN // _CHUNK)):
        yield rng.multinomial(n_folds, [1.0 / n_folds] * n_folds, size=_CHUNK).astype(np.float64), np.ones(_CHUNK)


def _compositions(n: int) -> Iterator[list[int]]:
    """Yield all ways to write n as a sum of n counts, by bars among stars."""
    assert comb(2 * n - 1, n - 1) < 10_000
    for bars in combinations(range(2 * n - 1), n - 1):
        edges = [-1, *bars, 2 * n - 1]
        yield [right - left - 1 for left, right in pairwise(edges)]
