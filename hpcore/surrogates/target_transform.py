"""Moments in the objective's units, from those of a Gaussian process of transformed targets."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hpcore._core import gp as native

__all__ = ["covariance", "moments"]

FloatArray = npt.NDArray[np.float64]

# Gauss-Hermite nodes and weights for a standard normal; exact for polynomials up to degree 79.
NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(40)
WEIGHTS = WEIGHTS / WEIGHTS.sum()
ORDER = 20  # terms of Mehler's formula: exact for transforms that are polynomials of this degree


def moments(transform: native.TargetTransform, mean: FloatArray, std: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Mean and standard deviation of restored normal variables, by quadrature; each of shape (m,)."""
    values = _at_nodes(transform, mean, std)
    unit, exponent = _in_range(values)
    first = unit @ WEIGHTS
    second = np.sqrt(np.square(unit - first[:, None]) @ WEIGHTS)
    with np.errstate(over="ignore"):
        return np.nan_to_num(np.ldexp(first, exponent)), np.nan_to_num(np.ldexp(second, exponent))


def covariance(transform: native.TargetTransform, mean: FloatArray, cov: FloatArray) -> FloatArray:
    """Covariance of restored, jointly normal variables, of shape (m, m).

    Mehler's formula: with a_k the Hermite coefficients of each variable's map from a standard normal,
    cov(f_i, f_j) = sum_k k! a_k(i) a_k(j) rho_ij^k.
    """
    std = np.sqrt(np.maximum(np.diag(cov), 0.0))
    unit, exponent = _in_range(_at_nodes(transform, mean, std))
    safe = np.where(std > 0, std, 1.0)
    rho = np.clip(cov / np.outer(safe, safe), -1.0, 1.0)
    out, power = np.zeros_like(rho), np.ones_like(rho)
    before, here, norm = np.zeros_like(NODES), np.ones_like(NODES), 1.0
    for k in range(1, ORDER + 1):
        before, here = here, NODES * here - (k - 1) * before  # Hermite polynomials, He_k
        norm *= k
        power = power * rho
        coefficient = unit @ (WEIGHTS * here / np.sqrt(norm))
        out += np.outer(coefficient, coefficient) * power
    with np.errstate(over="ignore"):
        scaled: FloatArray = np.nan_to_num(np.ldexp(out, 2 * exponent))
    return scaled


def _at_nodes(transform: native.TargetTransform, mean: FloatArray, std: FloatArray) -> FloatArray:
    return transform.restore(np.ascontiguousarray(mean[:, None] + std[:, None] * NODES))


def _in_range(values: FloatArray) -> tuple[FloatArray, int]:
    """The values in units of a power of two, where their squares neither overflow nor vanish."""
    exponent = int(np.frexp(np.abs(values).max(initial=0.0))[1])
    return np.ldexp(values, -exponent), exponent
