"""Ridge regression: sum_i s_i (y_i - w.x_i - b)² + alpha |w|², with one alpha, or one for each target."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.linear_model import Ridge

from hpcore.errors import InvalidArgument
from hpcore.evaluation.hypergradients.linear import FloatArray, as_matrix, centre, solve_gram, transposed_times
from hpcore.evaluation.hypergradients.registry import hypergradient

__all__ = ["adjoint"]


def adjoint(
    X: Any, X_valid: Any, v: FloatArray, penalty: FloatArray, fit_intercept: bool, sample_weight: Any
) -> FloatArray:
    """Solve the adjoint system of penalised least squares.

    Parameters
    ----------
    X, X_valid : array or sparse matrix of shape (n, d)
        Rows of the fit and of the validation.
    v : ndarray of shape (n_valid,) or (n_valid, k)
        Derivative by the predictions.
    penalty : ndarray of shape (d,)
        Weight of the square of each coefficient.
    fit_intercept : bool
        Whether there is an intercept without a penalty.
    sample_weight : array-like, number or None
        Weights of the rows of the fit.

    Returns
    -------
    ndarray of shape (d,) or (d, k)
        The vector q: the derivative by the penalty of coefficient j is ``-q[j] * w[j]``.
    """
    X, X_valid = as_matrix(X), as_matrix(X_valid)
    s = None if sample_weight is None else np.broadcast_to(np.asarray(sample_weight, dtype=float), X.shape[:1])
    mean = centre(X, s, fit_intercept)
    # With an intercept predictions are y_mean + (x - mean).w, and y_mean depends on no hyperparameter.
    g = transposed_times(X_valid, v) - (np.multiply.outer(mean, v.sum(axis=0)) if fit_intercept else 0.0)
    return solve_gram(X, s, mean, penalty, g)


def _names(estimator: Any) -> Sequence[str]:
    if np.ndim(estimator.alpha):
        raise InvalidArgument("Ridge has a hypergradient for a single alpha, not for one of each target")
    return ("alpha",)


@hypergradient(Ridge, _names)
def ridge(
    estimator: Any, X: Any, y: Any, X_valid: Any, v: FloatArray, names: Sequence[str], sample_weight: Any = None
) -> dict[str, float]:
    """Differentiate by `alpha`; all solvers have the same minimum. With ``positive=True`` on the positive ones."""
    X, X_valid = as_matrix(X), as_matrix(X_valid)
    W = np.atleast_2d(estimator.coef_)
    V = v.reshape(len(v), -1)
    total = 0.0
    if not estimator.positive:
        penalty = np.full(X.shape[1], float(estimator.alpha))
        q = adjoint(X, X_valid, V, penalty, estimator.fit_intercept, sample_weight)
        return {"alpha": -float(np.sum(q.T * W))}
    for k, w in enumerate(W):
        on = np.flatnonzero(w)
        penalty = np.full(on.size, float(estimator.alpha))
        q = adjoint(X[:, on], X_valid[:, on], V[:, k], penalty, estimator.fit_intercept, sample_weight)
        total -= float(q @ w[on])
    return {"alpha": total}
