"""PED-ANOVA: importance for being among the best trials, by densities on a grid, in closed form.

Watanabe, Bansal & Hutter (2023), "PED-ANOVA: efficiently quantifying hyperparameter importance in arbitrary subspaces";
conditional parameters as in "Conditional PED-ANOVA" (2026, arXiv 2601.20800).

    gamma           share of the best trials among those of the baseline
    alpha, beta     share of trials where a parameter is active, among the best and in the baseline
    p, q            densities of its values among the best and in the baseline, where it is active
    gamma^2 alpha^2 / beta * sum_g q_g (p_g / q_g - 1)^2

is the variance over the baseline of the chance to be among the best given the parameter's value, where it is active.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from hpcore.importance.observations import Observations
from hpcore.space.discrete import Categorical
from hpcore.space.parameter import Parameter

__all__ = ["ped_anova", "resampled"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

N_CELLS = 50  # of a continuous parameter, as the authors have it
MIN_BEST = 5  # fewer trials give no density
NARROWEST = 0.5 / 1.64  # in cells: 90 % of a kernel's mass within its own
FLOOR = 1e-12  # for ratios of densities


def resampled(n: int, n_resamples: int, rng: np.random.Generator) -> FloatArray:
    """(n_resamples, n) numbers of times that each trial is drawn with replacement."""
    return rng.multinomial(n, np.full(n, 1.0 / n), size=n_resamples).astype(np.float64)


def ped_anova(seen: Observations, weights: FloatArray, quantile: float, baseline: float | None) -> FloatArray:
    """Importances of the parameters, for samples of the trials at once.

    Parameters
    ----------
    seen : Observations
        Trials.
    weights : ndarray of shape (r, n)
        Number of times that each trial counts in each of r samples; every row has the sum n.
    quantile, baseline : float
        Shares of the trials that are the best, and that they are compared with; `baseline` is None for random search.

    Returns
    -------
    ndarray of shape (r, d)
        Shares of the sum; all are 0 where nothing tells the best from the baseline.
    """
    y = np.where(seen.allowed, seen.y, math.inf)  # trials that break limits are never among the best
    order = np.argsort(y, kind="stable")
    y, weights = y[order], weights[:, order]
    n = len(y)
    n_best = max(math.ceil(quantile * n), min(MIN_BEST, n // 2))
    n_base = n if baseline is None else max(math.ceil(baseline * n), n_best)
    base = _first(y, weights, n_base)
    best = _first(y, weights, n_best) * np.isfinite(y)
    total_best, total_base = best.sum(axis=1), base.sum(axis=1)
    out = np.zeros((len(weights), seen.X.shape[1]))
    for j, name in enumerate(seen.space.names):
        parameter = seen.space[name]
        cells, n_cells = _cells(parameter, seen.X[order, j])
        if n_cells == 1:
            continue
        active = cells >= 0
        indicator = np.zeros((int(active.sum()), n_cells))
        indicator[np.arange(len(indicator)), cells[active]] = 1.0
        in_best, in_base = best[:, active] @ indicator, base[:, active] @ indicator
        n_in_best, n_in_base = in_best.sum(axis=1), in_base.sum(axis=1)
        known = (n_in_best >= 1.0) & (n_in_base >= 2.0)
        if not known.any():
            continue
        density = _shares if isinstance(parameter, Categorical) else _density
        p = density(in_best[known]) + FLOOR
        if baseline is not None:
            q = density(in_base[known]) + FLOOR
        elif density is _shares:  # as smooth as those of the best
            q = _shares(_prior(parameter, n_cells) * n_in_best[known, None]) + FLOOR
        else:
            q = _prior(parameter, n_cells)[None, :]
        divergence = (q * (p / q - 1.0) ** 2).sum(axis=1)
        alpha, beta = n_in_best[known] / total_best[known], n_in_base[known] / total_base[known]
        gamma = total_best[known] / total_base[known]
        out[known, j] = gamma**2 * alpha**2 / beta * divergence
    total = out.sum(axis=1, keepdims=True)
    # Where best and baseline are the same trials, the divergences are rounding errors.
    return np.where((total > FLOOR) & (total_best < total_base)[:, None], out / np.maximum(total, FLOOR), 0.0)


def _first(y: FloatArray, weights: FloatArray, k: int) -> FloatArray:
    """Weights of the k best trials of each sample, and of those that are as good as the last; `y` is ascending."""
    if k >= len(y):
        return weights
    last = np.argmax(np.cumsum(weights, axis=1) >= k, axis=1)
    end: IntArray = np.searchsorted(y, y[last], side="right")
    chosen: FloatArray = np.where(np.arange(len(y)) < end[:, None], weights, 0.0)
    return chosen


def _cells(parameter: Parameter, u: FloatArray) -> tuple[IntArray, int]:
    """The cell of each coordinate, -1 where inactive, and the number of cells."""
    levels, out = parameter.levels, np.full(len(u), -1, dtype=np.int64)
    active = ~np.isnan(u)
    edges = parameter.core.column.cumulative
    if edges:  # choices with weights
        out[active] = np.minimum(np.searchsorted(edges, u[active], side="right"), len(edges) - 1)
        return out, len(edges)
    if isinstance(parameter, Categorical):
        n_cells = len(parameter.choices)
    elif levels is not None and getattr(parameter, "log", False):
        # As in the authors' code: low levels are far apart on a log scale, so fewer cells.
        n_cells = min(math.ceil(math.log2(levels)) + 1, N_CELLS) if levels > 1 else 1
    else:
        n_cells = N_CELLS if levels is None else min(levels, N_CELLS)
    out[active] = np.minimum((u[active] * n_cells).astype(np.int64), n_cells - 1)
    return out, n_cells


def _prior(parameter: Parameter, n_cells: int) -> FloatArray:
    """(c,) probabilities of cells in random search."""
    edges = parameter.core.column.cumulative
    return np.diff(edges, prepend=0.0) if edges else np.full(n_cells, 1.0 / n_cells)


def _shares(counts: FloatArray) -> FloatArray:
    """(r, c) probabilities of choices, from counts, with a uniform prior of the weight of one trial."""
    c = counts.shape[1]
    total = counts.sum(axis=1, keepdims=True)
    smooth = 1.0 / ((counts > 0.0).sum(axis=1, keepdims=True) + 1.0)
    weights = counts / (total + 1.0)
    mixed = (weights + weights.sum(axis=1, keepdims=True) * smooth) / (1.0 + c * smooth)
    shares: FloatArray = mixed + 1.0 / ((total + 1.0) * c)
    return shares


def _density(counts: FloatArray) -> FloatArray:
    """(r, c) probabilities of cells, from counts, by normal kernels that are cut at the ends and a wide prior one."""
    from scipy.special import ndtr

    c, total = counts.shape[1], counts.sum(axis=1)
    sigma = _bandwidth(counts, total)
    # Kernels at all distances k of two cells: the mass of a cell, and the distribution function at its edges.
    edge = ndtr((np.arange(-c + 1, c + 1) - 0.5) / sigma[:, None])
    mass = np.diff(edge, axis=1)
    at = np.arange(c)
    inside = edge[:, 2 * c - 1 - at] - edge[:, c - 1 - at]  # of a kernel at cell `at`, between both ends
    reach = mass[:, (at[None, :] - at[:, None]) + c - 1]  # (r, from, to)
    p = np.matmul((counts / inside)[:, None, :], reach)[:, 0, :]
    middle = (at - 0.5 * (c - 1)) / c
    prior = np.diff(ndtr(np.append(middle - 0.5 / c, middle[-1] + 0.5 / c)))
    out: FloatArray = (p + prior / prior.sum()) / (total[:, None] + 1.0)
    return out


def _bandwidth(counts: FloatArray, total: FloatArray) -> FloatArray:
    """(r,) bandwidths in cells, by Scott's rule (1992)."""
    at = np.arange(counts.shape[1])
    mean = counts @ at / total
    spread = (counts * (at - mean[:, None]) ** 2).sum(axis=1) / np.maximum(1.0, total - 1.0)
    below = np.cumsum(counts, axis=1)
    low = np.argmax(below >= np.maximum(total // 4, 1.0)[:, None], axis=1)
    high = np.argmax(below >= np.minimum(total * 3 // 4 + 1.0, total)[:, None], axis=1)
    scale = np.minimum((high - low) / 1.34, np.sqrt(spread))
    sigma: FloatArray = np.maximum(1.059 * scale * total**-0.2, NARROWEST)
    return sigma
