"""Scores of recorded runs: 0 is random search with as many evaluations, 100 the best known value.

A run is its incumbents, [[evaluation, value], ...]. Intervals are 95 % by bootstrap over problems, then seeds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from tasks import FloatArray, Reference

N_RESAMPLES = 1000
DECADES = 4.0  # of regret, from the median random value down, that the curve of regret shows


def best_so_far(incumbents: Sequence[tuple[int, float]], budget: int) -> FloatArray:
    """Return the best of the first n evaluations, (budget,); infinite before the first finite one."""
    out = np.full(budget, np.inf)
    for evaluation, value in incumbents:
        out[evaluation - 1 :] = value
    return out


def scores(curve: FloatArray, reference: Reference, best: float) -> FloatArray:
    """Compute 100 (1 - regret / expected regret of random search) after each evaluation, at least -100."""
    n = curve.shape[-1]
    regret = np.maximum(curve - best, 0.0)
    chance = np.maximum(reference.random[:n] - best, 1e-300)
    out: FloatArray = 100.0 * (1.0 - np.clip(regret / chance, 0.0, 2.0))
    return out


def log_regret(curve: FloatArray, reference: Reference, best: float) -> FloatArray:
    """Compute log10 of the regret over that of the median random value, in [-4, 0]."""
    regret = np.maximum(curve - best, 0.0) / max(reference.median - best, 1e-300)
    out: FloatArray = np.log10(np.clip(regret, 10.0**-DECADES, 1.0))
    return out


def mean_over_problems(by_problem: Mapping[str, FloatArray]) -> FloatArray:
    """Average over problems the means over seeds; each value is (n_seeds, ...)."""
    out: FloatArray = np.mean([values.mean(axis=0) for values in by_problem.values()], axis=0)
    return out


def interval(by_problem: Mapping[str, FloatArray], seed: int = 0) -> tuple[FloatArray, FloatArray]:
    """Return the ends of the 95 % interval of `mean_over_problems`: problems are resampled, then seeds within each."""
    rng = np.random.default_rng(seed)
    values = list(by_problem.values())
    means = []
    for _ in range(N_RESAMPLES):
        drawn = [values[k] for k in rng.integers(len(values), size=len(values))]
        means.append(np.mean([v[rng.integers(len(v), size=len(v))].mean(axis=0) for v in drawn], axis=0))
    low, high = np.percentile(means, [2.5, 97.5], axis=0)
    return low, high
