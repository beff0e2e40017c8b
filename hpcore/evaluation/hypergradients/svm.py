"""Support vector machines of libsvm, by differentiating their optimality conditions (Chapelle et al. 2002).

With f(x) = sum_i beta_i k(x_i, x) + b, rows on the margin keep f fixed (y f = 1, or |y - f| = epsilon) with
0 < |beta_i| < C_i, rows beyond it have |beta_i| = C_i = C s_i, and the beta sum to 0. As long as no row changes sides,
the changes of beta on the margin M and of b follow from the linear system

    K_MM dbeta_M + db = t_M - K_MB dbeta_B - (dK beta)_M,      sum dbeta_M = -sum dbeta_B,

with B the bounded support vectors and t the change of the value that f keeps. The adjoint system has the same matrix.
Chapelle, Vapnik, Bousquet & Mukherjee (2002), "Choosing multiple parameters for support vector machines".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import scipy.linalg
from sklearn.svm import SVC, SVR

from hpcore.errors import InvalidArgument
from hpcore.evaluation.hypergradients.kernels import PARAMETERS, Kernel
from hpcore.evaluation.hypergradients.linear import FloatArray, as_matrix
from hpcore.evaluation.hypergradients.registry import hypergradient

__all__ = ["svc", "svr"]

# Relative distance from its bound within which a dual variable is at the bound: libsvm sets it to the bound itself.
_AT_BOUND = 1e-9

_SHAPES = ("linear", "poly", "rbf", "sigmoid")


def _names(estimator: Any, more: tuple[str, ...] = ()) -> Sequence[str]:
    kernel = estimator.kernel
    if not isinstance(kernel, str) or kernel not in (*_SHAPES, "precomputed"):
        raise InvalidArgument(
            f"{type(estimator).__name__} has a hypergradient for kernel {', '.join(map(repr, _SHAPES))} or "
            f"'precomputed', got {kernel!r}"
        )
    # The degree is an integer there.
    return ("C", *more, *(name for name in PARAMETERS.get(kernel, ()) if name != "degree"))


def _names_of_svr(estimator: Any) -> Sequence[str]:
    return _names(estimator, ("epsilon",))


class _Side(NamedTuple):
    """Dual variables by the value of f at which their row would be on the margin: one a row, two for regression.

    Attributes
    ----------
    sign : ndarray of shape (k,)
        1 for a variable that raises f, -1 for one that lowers it.
    at_bound : ndarray of bool
        Whether a variable is at its upper bound.
    keeps : ndarray of shape (k,)
        Value of f on the margin.
    by_epsilon : ndarray of shape (k,)
        Derivative of that value by epsilon.
    row : ndarray of int
        Row of each variable; rows of a class with a weight of 0 have none.
    """

    sign: FloatArray
    at_bound: Any
    keeps: FloatArray
    by_epsilon: FloatArray
    row: Any


@hypergradient(SVC, _names)
def svc(
    estimator: Any, X: Any, y: Any, X_valid: Any, v: FloatArray, names: Sequence[str], sample_weight: Any = None
) -> dict[str, float]:
    """Differentiate the decision function of two classes by `C` and the parameters of the kernel."""
    if len(estimator.classes_) != 2:
        raise InvalidArgument(
            f"SVC has a hypergradient for two classes, got {len(estimator.classes_)}: the decision function of several "
            "counts votes of pairs, which have no derivative; LinearSVC has one for several"
        )
    X, y, s = _rows_that_count(estimator, X, np.asarray(y), sample_weight)
    # scikit-learn balances the classes of SVC without the weights of rows.
    by_class = np.asarray(estimator.class_weight_)[np.searchsorted(estimator.classes_, y)]
    bound = float(estimator.C) * by_class * s
    beta = _beta(estimator, len(y))
    sign = np.where(y == estimator.classes_[1], 1.0, -1.0)
    rows = np.flatnonzero(bound > 0.0)
    at_bound = np.abs(beta) >= bound * (1.0 - _AT_BOUND)
    side = _Side(sign[rows], at_bound[rows], sign[rows], np.zeros(rows.size), rows)
    return _differentiate(estimator, X, as_matrix(X_valid), np.ravel(v), beta, bound, side, names)


@hypergradient(SVR, _names_of_svr)
def svr(
    estimator: Any, X: Any, y: Any, X_valid: Any, v: FloatArray, names: Sequence[str], sample_weight: Any = None
) -> dict[str, float]:
    """Differentiate the predictions by `C`, `epsilon` and the parameters of the kernel."""
    X, y, s = _rows_that_count(estimator, X, np.asarray(y, dtype=float), sample_weight)
    epsilon, bound = float(estimator.epsilon), float(estimator.C) * s
    beta = _beta(estimator, len(y))
    rows = np.flatnonzero(bound > 0.0)
    sign = np.repeat([1.0, -1.0], rows.size)
    twice = np.tile(rows, 2)
    at_bound = sign * beta[twice] >= bound[twice] * (1.0 - _AT_BOUND)
    side = _Side(sign, at_bound, y[twice] - sign * epsilon, -sign, twice)
    return _differentiate(estimator, X, as_matrix(X_valid), np.ravel(v), beta, bound, side, names)


def _differentiate(
    estimator: Any,
    X: Any,
    X_valid: Any,
    v: FloatArray,
    beta: FloatArray,
    bound: FloatArray,
    side: _Side,
    names: Sequence[str],
) -> dict[str, float]:
    on = np.asarray(estimator.support_)
    kernel = _Kernels(estimator, X, on, tuple(name for name in names if name in ("gamma", "coef0")))
    beyond = np.abs(beta[on]) >= bound[on] * (1.0 - _AT_BOUND)
    K_valid, slopes_valid = kernel.to(X_valid)
    g = K_valid.T @ v
    if beyond.all():
        picks, weights = _around_margin(kernel, side, beta[on])
        rows, by_epsilon = side.row[picks], side.by_epsilon[picks]
        K, slopes = kernel.to_rows(rows)
        q, q_sum = weights * v.sum(), 0.0
    else:
        rows, by_epsilon = on[~beyond], -np.sign(beta[on[~beyond]])
        K, slopes = kernel.to_rows(rows)
        system = np.zeros((len(rows) + 1, len(rows) + 1))
        system[:-1, :-1] = K[:, ~beyond]
        system[-1, :-1] = system[:-1, -1] = 1.0
        # Rows that are repeated make it singular, and least squares then give one of the equal solutions.
        solution = scipy.linalg.lstsq(system, np.append(g[~beyond], v.sum()), check_finite=False)[0]
        q, q_sum = solution[:-1], solution[-1]
    out = {}
    for name in names:
        if name == "C":
            change = np.where(beyond, beta[on], 0.0) / float(estimator.C)
            out[name] = float(g @ change - q @ (K @ change) - q_sum * change.sum())
        elif name == "epsilon":
            out[name] = float(q @ by_epsilon)
        else:
            out[name] = float(v @ (slopes_valid[name] @ beta[on]) - q @ (slopes[name] @ beta[on]))
    return out


def _around_margin(kernel: _Kernels, side: _Side, beta: FloatArray) -> tuple[Any, FloatArray]:
    """Find the variables whose rows fix the intercept where none is on the margin; return them and their weights.

    libsvm then sets b halfway between the largest and the smallest value that the optimality conditions allow.
    """
    allowed = side.keeps - (kernel.to_rows(side.row)[0] @ beta)
    most = (side.sign > 0.0) == side.at_bound
    picks = []
    if most.any():
        picks.append(np.flatnonzero(most)[np.argmin(allowed[most])])
    if not most.all():
        picks.append(np.flatnonzero(~most)[np.argmax(allowed[~most])])
    return np.array(picks), np.full(len(picks), 1.0 / len(picks))


class _Kernels:
    """Kernel between any rows and the support vectors, with its derivatives by some of its parameters."""

    def __init__(self, estimator: Any, X: Any, support: Any, names: tuple[str, ...]) -> None:
        self._X, self._support, self._names = X, support, names
        self._kernel: Kernel | None = None
        if estimator.kernel != "precomputed":
            gamma, coef0 = float(estimator._gamma), float(estimator.coef0)  # "scale" and "auto" as a number
            self._kernel = Kernel(estimator.kernel, gamma, coef0, float(estimator.degree))

    def to(self, rows: Any) -> tuple[FloatArray, dict[str, FloatArray]]:
        """Compute the kernel from rows, a matrix like that of the fit."""
        if self._kernel is None:
            return rows[:, self._support], {}
        return self._kernel.with_slopes(rows, self._X[self._support], self._names)

    def to_rows(self, indices: Any) -> tuple[FloatArray, dict[str, FloatArray]]:
        """Compute the kernel from rows of the fit."""
        return self.to(self._X[indices])


def _rows_that_count(estimator: Any, X: Any, y: Any, sample_weight: Any) -> tuple[Any, Any, FloatArray]:
    """Return rows, targets and weights without the rows of weight 0, from which `support_` does not count either."""
    X = as_matrix(X)
    if sample_weight is None:
        return X, y, np.ones(len(y))
    s = np.broadcast_to(np.asarray(sample_weight, dtype=float), y.shape)
    rows = np.flatnonzero(s > 0.0)
    if rows.size == len(y):
        return X, y, s
    if estimator.kernel == "precomputed":
        raise InvalidArgument(
            f"sample_weight must be > 0 for the hypergradient of {type(estimator).__name__} with a precomputed kernel"
        )
    return X[rows], y[rows], s[rows]


def _beta(estimator: Any, n: int) -> FloatArray:
    coefficients = estimator.dual_coef_
    beta = np.zeros(n)
    beta[estimator.support_] = np.ravel(coefficients.toarray() if hasattr(coefficients, "toarray") else coefficients)
    return beta
