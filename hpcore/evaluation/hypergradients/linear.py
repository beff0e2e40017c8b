"""Linear systems of the families: Hessians of regularised linear models, solved in the cheaper way.

Symbols: X (n, d) rows, s (n,) nonnegative weights of rows, mean (d,) the centre of the rows (zeros without an
intercept), r (d,) the ridge, g (d, k) right-hand sides. The Hessian is H = (X - mean)' S (X - mean) + diag(r).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.linalg
import scipy.sparse
from scipy.sparse.linalg import LinearOperator, cg

__all__ = ["as_matrix", "centre", "solve_gram", "solve_symmetric", "times", "transposed_times"]

FloatArray = npt.NDArray[np.float64]

# Size of a system of sparse rows above which conjugate gradients take the place of a dense factorisation.
_DENSE = 2000
_CG_TOLERANCE = 1e-12


def as_matrix(X: Any) -> Any:
    """Convert rows as an estimator gets them to an array of floats, or to a sparse matrix of rows."""
    if scipy.sparse.issparse(X):
        return scipy.sparse.csr_array(X, dtype=np.float64)
    return np.asarray(X, dtype=np.float64)


def times(X: Any, w: FloatArray) -> FloatArray:
    """Multiply rows by coefficients."""
    return np.asarray(X @ w)


def transposed_times(X: Any, v: FloatArray) -> FloatArray:
    """Multiply transposed rows by values of the rows."""
    return np.asarray(X.T @ v)


def centre(X: Any, s: FloatArray | None, fit_intercept: bool) -> FloatArray:
    """Compute the weighted mean of the rows; zeros without an intercept."""
    n, d = X.shape
    if not fit_intercept:
        return np.zeros(d)
    weights = np.full(n, 1.0 / n) if s is None else s / s.sum()
    return transposed_times(X, weights)


def solve_gram(X: Any, s: FloatArray | None, mean: FloatArray, r: FloatArray, g: FloatArray) -> FloatArray:
    """Solve H q = g; see the symbols above.

    Notes
    -----
    O(n d²) for d <= n, else O(n² d) by the identity of Woodbury, which needs r > 0; the costs are those of a fit by a
    Cholesky factorisation. Large sparse systems are solved by conjugate gradients with a relative residual of 1e-12.
    """
    n, d = X.shape
    if scipy.sparse.issparse(X) and min(n, d) > _DENSE:
        return _solve_by_cg(X, s, mean, r, g)
    if d > n and np.all(r > 0.0):
        return _solve_by_rows(X, s, mean, r, g)
    if scipy.sparse.issparse(X):
        scaled = X if s is None else X.multiply(s[:, None]).tocsr()
        gram = np.asarray((X.T @ scaled).todense())
    else:
        gram = X.T @ X if s is None else X.T @ (X * s[:, None])
    if mean.any():
        # The mean is that of the same rows with the same weights: X' s = mean sum(s).
        gram -= (n if s is None else s.sum()) * np.outer(mean, mean)
    gram.flat[:: d + 1] += r
    return solve_symmetric(gram, g)


def _solve_by_rows(X: Any, s: FloatArray | None, mean: FloatArray, r: FloatArray, g: FloatArray) -> FloatArray:
    """Solve by H^-1 = R^-1 - R^-1 A' (I + A R^-1 A')^-1 A R^-1, with A = sqrt(S) (X - mean)."""
    n = X.shape[0]
    root = np.ones(n) if s is None else np.sqrt(s)
    A = (X.toarray() if scipy.sparse.issparse(X) else X) - mean
    A = A * root[:, None]
    scaled = A / r
    inner = scaled @ A.T
    inner.flat[:: n + 1] += 1.0
    ridge = r if g.ndim == 1 else r[:, None]
    return np.asarray(g / ridge - scaled.T @ solve_symmetric(inner, scaled @ g))


def _solve_by_cg(X: Any, s: FloatArray | None, mean: FloatArray, r: FloatArray, g: FloatArray) -> FloatArray:
    n, d = X.shape
    weights = np.ones(n) if s is None else s

    def product(w: FloatArray) -> FloatArray:
        rows = weights * (X @ w - mean @ w)
        return np.asarray(X.T @ rows - mean * rows.sum() + r * w)

    squares = X.multiply(X).T @ weights - weights.sum() * mean**2
    inverse = 1.0 / np.maximum(np.asarray(squares).ravel() + r, np.finfo(float).tiny)
    operator = LinearOperator((d, d), matvec=product, dtype=np.float64)
    preconditioner = LinearOperator((d, d), matvec=lambda w: inverse * w, dtype=np.float64)
    columns = g[:, None] if g.ndim == 1 else g
    q = [cg(operator, column, rtol=_CG_TOLERANCE, maxiter=10 * d, M=preconditioner)[0] for column in columns.T]
    return np.reshape(np.transpose(q), g.shape)


def solve_symmetric(H: FloatArray, g: FloatArray) -> FloatArray:
    """Solve with a symmetric matrix that is positive definite, or else in the sense of least squares.

    A singular Hessian means that the minimiser is not unique: the derivative is that of the one with the least norm.
    """
    if not len(H):
        return np.zeros_like(g)
    try:
        return np.asarray(scipy.linalg.cho_solve(scipy.linalg.cho_factor(H, lower=True, check_finite=False), g))
    except scipy.linalg.LinAlgError:
        return np.asarray(scipy.linalg.lstsq(H, g, check_finite=False)[0])
