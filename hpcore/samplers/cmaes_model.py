"""Quadratic model of the known values around a search distribution, and its minimum."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from hpcore.records.tradeoff import half_range

__all__ = ["lowest_point"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

FULL_UP_TO = 10  # coordinates, with more the fit of every product costs milliseconds
REACH = 2.0  # radius of the region that the minimum is looked for in, in units of sqrt(p)
LEAST_WEIGHT = 0.05  # weight of the worst value against that of the best
RIDGE = 1e-8  # of the mean diagonal element
N_BISECTIONS = 40


def lowest_point(Z: FloatArray, values: FloatArray, least: int) -> FloatArray | None:
    """Minimum of a quadratic regression within reach of the origin.

    Parameters
    ----------
    Z : ndarray of shape (n, p)
        Points, in coordinates in which the search distribution is standard normal.
    values : ndarray of shape (n,)
        Finite; lower is better.
    least : int
        The nearest points to the origin are used: twice as many as there are coefficients, but at least so many.

    Returns
    -------
    ndarray of shape (p,) or None
        None if there are fewer than two points more than a model without products has coefficients, or if the values
        do not differ.

    Notes
    -----
    The model of Hansen 2019, "A global surrogate assisted CMA-ES": with all products as soon as a tenth more points
    than coefficients are known, without them before that. Weights fall linearly with the rank.
    """
    n, p = Z.shape
    n_diagonal, n_full = 1 + 2 * p, 1 + 2 * p + p * (p - 1) // 2
    if n < n_diagonal + 2:
        return None
    is_full = p <= FULL_UP_TO and n >= 1.1 * n_full
    k = min(n, max(2 * (n_full if is_full else n_diagonal), least))
    if k < n:
        nearest = np.argsort((Z * Z).sum(axis=1), kind="stable")[:k]
        Z, values = Z[nearest], values[nearest]
    scaled = (0.5 * values - 0.5 * values.min()) / half_range(values[:, None])[0]
    if scaled.max() <= 0.0:
        return None
    rank = np.empty(k)
    rank[np.argsort(scaled, kind="stable")] = np.arange(k)
    weights = 1.0 - (1.0 - LEAST_WEIGHT) * rank / (k - 1)
    i, j = _pairs(p)
    terms = np.hstack([np.ones((k, 1)), Z, Z * Z, *([Z[:, i] * Z[:, j]] if is_full else [])])
    weighted = terms.T * weights
    normal_matrix = weighted @ terms
    normal_matrix.flat[:: len(normal_matrix) + 1] += RIDGE * np.trace(normal_matrix) / len(normal_matrix)
    coefficients = np.linalg.solve(normal_matrix, weighted @ scaled)
    if not np.isfinite(coefficients).all():
        return None
    hessian = np.diag(2.0 * coefficients[p + 1 : n_diagonal])
    if is_full:
        hessian[i, j] = hessian[j, i] = coefficients[n_diagonal:]
    return minimum_within(coefficients[1 : p + 1], hessian, REACH * math.sqrt(p))


def minimum_within(gradient: FloatArray, hessian: FloatArray, radius: float) -> FloatArray:
    """Minimum of ``gradient @ z + z @ hessian @ z / 2`` for z within a ball around the origin.

    Parameters
    ----------
    gradient : ndarray of shape (p,)
    hessian : ndarray of shape (p, p)
        Symmetric, of any signs.
    radius : float
        Greater than 0.

    Notes
    -----
    By the eigenvalues and bisection: Conn, Gould & Toint 2000, "Trust-region methods", chapter 7.3. In the hard case,
    a gradient orthogonal to the lowest eigenvector, the point stays short of the boundary.
    """
    eigenvalues, V = np.linalg.eigh(hessian)
    along = V.T @ gradient
    scale = max(float(np.abs(eigenvalues).max()), float(np.abs(along).max()), 1e-300)
    low = max(0.0, -float(eigenvalues[0])) + 1e-12 * scale

    def step(shift: float) -> FloatArray:
        out: FloatArray = -along / (eigenvalues + shift)
        return out

    if np.linalg.norm(step(low)) > radius:
        high = low + float(np.linalg.norm(along)) / radius
        for _ in range(N_BISECTIONS):
            middle = 0.5 * (low + high)
            if np.linalg.norm(step(middle)) > radius:
                low = middle
            else:
                high = middle
        low = high
    out: FloatArray = V @ step(low)
    return out


@lru_cache(maxsize=64)
def _pairs(p: int) -> tuple[IntArray, IntArray]:
    return np.triu_indices(p, 1)
