"""Logistic regression with the l2 penalty: C sum_i s_i loss(y_i, f(x_i)) + |w|² / 2, of two or of several classes."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy.sparse
from scipy.sparse.linalg import LinearOperator, cg
from scipy.special import expit, softmax
from sklearn.linear_model import LogisticRegression
from sklearn.utils.class_weight import compute_class_weight

from hpcore.errors import InvalidArgument
from hpcore.evaluation.hypergradients.linear import FloatArray, as_matrix, solve_symmetric, times, transposed_times
from hpcore.evaluation.hypergradients.registry import hypergradient

__all__ = ["adjoint", "row_weights"]

# Number of unknowns above which conjugate gradients are cheaper than the factorisation of the Hessian.
_MOST_DENSE = 400
_CG_TOLERANCE = 1e-10


def row_weights(estimator: Any, y: Any, sample_weight: Any) -> FloatArray:
    """Compute the weights of rows in the loss of a classifier: those of their classes times those given to fit."""
    given = np.ones(len(y)) if sample_weight is None else np.asarray(sample_weight, dtype=float)
    given = np.broadcast_to(given, (len(y),))
    if estimator.class_weight is None:
        return given
    # Newer releases of scikit-learn balance classes by the weights of their rows.
    more = {"sample_weight": given} if "sample_weight" in inspect.signature(compute_class_weight).parameters else {}
    by_class = compute_class_weight(estimator.class_weight, classes=estimator.classes_, y=y, **more)
    return np.asarray(given * by_class[np.searchsorted(estimator.classes_, y)])


def adjoint(
    X: Any,
    X_valid: Any,
    v: FloatArray,
    W: FloatArray,
    b: FloatArray,
    weights: FloatArray,
    penalty: FloatArray,
    by_intercept: float | None,
) -> tuple[FloatArray, FloatArray | None]:
    """Solve the adjoint system of penalised logistic regression.

    Parameters
    ----------
    X, X_valid : array or sparse matrix of shape (n, d)
        Rows of the fit and of the validation.
    v : ndarray of shape (n_valid,) or (n_valid, k)
        Derivative by the decision function; one column for two classes.
    W, b : ndarray of shape (k, d) and (k,)
        Coefficients and intercepts; k is 1 for two classes.
    weights : ndarray of shape (n,)
        Weights of the rows in the loss.
    penalty : ndarray of shape (d,)
        Weight of half the square of each coefficient.
    by_intercept : float or None
        Weight of half the square of an intercept, 0 for one that is free; None without intercepts.

    Returns
    -------
    q : ndarray of shape (k, d)
        The derivative by the penalty of the coefficients j is ``-sum(q[:, j] * W[:, j])``.
    q_intercept : ndarray of shape (k,) or None
        The same for intercepts.
    """
    d, k = X.shape[1], len(W)
    f = times(X, W.T) + b
    V = v.reshape(len(v), -1).T
    width = d if by_intercept is None else d + 1
    g = np.empty((k, width))
    g[:, :d] = transposed_times(X_valid, V.T).T
    ridge = np.empty(width)
    ridge[:d] = penalty
    if by_intercept is not None:
        g[:, d] = V.sum(axis=1)
        ridge[d] = by_intercept
    p = expit(f) if k == 1 else softmax(f, axis=1)
    solve = _solve if k * width <= _MOST_DENSE and not scipy.sparse.issparse(X) else _solve_by_cg
    q = solve(X, p, weights, ridge, g)
    return q[:, :d], None if by_intercept is None else q[:, d]


def _solve(X: FloatArray, p: FloatArray, weights: FloatArray, ridge: FloatArray, g: FloatArray) -> FloatArray:
    n, d = X.shape
    k, width = g.shape
    A = X if width == d else np.hstack([X, np.ones((n, 1))])
    H = np.empty((k, width, k, width))
    for i in range(k):
        for j in range(i + 1):
            curvature = weights * p[:, i] * ((1.0 if i == j else 0.0) - p[:, j])
            H[i, :, j, :] = A.T @ (A * curvature[:, None])
            H[j, :, i, :] = H[i, :, j, :].T
    for i in range(k):
        H[i, :, i, :].flat[:: width + 1] += ridge
    if width > d and k > 1 and ridge[d] == 0.0:
        # Equal shifts of all intercepts change no probability. They stay 0, and this keeps them out of the solution.
        H[:, d, :, d] += weights.sum() / k**2
    return solve_symmetric(H.reshape(k * width, k * width), g.ravel()).reshape(k, width)


def _solve_by_cg(X: Any, p: FloatArray, weights: FloatArray, ridge: FloatArray, g: FloatArray) -> FloatArray:
    d, (k, width) = X.shape[1], g.shape
    shift = weights.sum() / k**2 if width > d and k > 1 and ridge[d] == 0.0 else 0.0

    def product(flat: FloatArray) -> FloatArray:
        q = flat.reshape(k, width)
        f = times(X, q[:, :d].T)
        if width > d:
            f = f + q[:, d]
        r = p * (f - (p * f).sum(axis=1, keepdims=True)) if k > 1 else p * (1.0 - p) * f
        r *= weights[:, None]
        out = q * ridge
        out[:, :d] += transposed_times(X, r).T
        if width > d:
            out[:, d] += r.sum(axis=0) + shift * q[:, d].sum()
        return np.asarray(out.ravel())

    squares = X.multiply(X) if scipy.sparse.issparse(X) else X**2
    curvature = weights[:, None] * p * (1.0 - p)
    diagonal = np.empty((k, width))
    diagonal[:, :d] = transposed_times(squares, curvature).T
    if width > d:
        diagonal[:, d] = curvature.sum(axis=0) + shift
    inverse = 1.0 / (diagonal + ridge).ravel()
    size = k * width
    operator = LinearOperator((size, size), matvec=product, dtype=np.float64)
    preconditioner = LinearOperator((size, size), matvec=lambda x: inverse * x, dtype=np.float64)
    q, _ = cg(operator, g.ravel(), rtol=_CG_TOLERANCE, maxiter=10 * size, M=preconditioner)
    return np.asarray(q).reshape(k, width)


def _names(estimator: Any) -> Sequence[str]:
    penalty = getattr(estimator, "penalty", "deprecated")
    ratio = getattr(estimator, "l1_ratio", None) or 0.0
    # Since scikit-learn 1.8 the penalty is told by l1_ratio alone; before, l1_ratio counts with 'elasticnet' only.
    has_l2 = penalty == "l2" or (penalty in ("deprecated", "elasticnet") and ratio == 0.0)
    if not has_l2:
        raise InvalidArgument(
            f"LogisticRegression has a hypergradient for the l2 penalty, got penalty={penalty!r} and "
            f"l1_ratio={getattr(estimator, 'l1_ratio', None)!r}"
        )
    if getattr(estimator, "multi_class", "auto") not in ("auto", "deprecated"):
        raise InvalidArgument(
            f"LogisticRegression has a hypergradient for multi_class='auto', got {estimator.multi_class!r}"
        )
    return ("C",)


@hypergradient(LogisticRegression, _names, link="softmax")
def logistic(
    estimator: Any, X: Any, y: Any, X_valid: Any, v: FloatArray, names: Sequence[str], sample_weight: Any = None
) -> dict[str, float]:
    """Differentiate by `C`. The solver liblinear penalises the intercept, and the others do not."""
    C, W = float(estimator.C), np.atleast_2d(estimator.coef_)
    if not np.isfinite(C):
        return {"C": 0.0}
    X, X_valid = as_matrix(X), as_matrix(X_valid)
    by_intercept = None
    if estimator.fit_intercept:
        by_intercept = 0.0
        if estimator.solver == "liblinear":
            if len(W) > 1:
                raise InvalidArgument(
                    "LogisticRegression with solver='liblinear' has a hypergradient for two classes, got "
                    f"{len(W)}: the other solvers fit several classes together"
                )
            by_intercept = 1.0 / float(estimator.intercept_scaling) ** 2
    weights = C * row_weights(estimator, y, sample_weight)
    b = np.broadcast_to(np.atleast_1d(estimator.intercept_), (len(W),)).astype(float)
    q, q_intercept = adjoint(X, X_valid, v, W, b, weights, np.ones(X.shape[1]), by_intercept)
    # C times the gradient of the loss is minus that of the penalty, w.
    total = np.sum(q * W)
    if q_intercept is not None and by_intercept is not None:
        total += by_intercept * np.sum(q_intercept * b)
    return {"C": float(total) / C}
