import numpy as np
from numpy.typing import NDArray

def cholesky_factor(K: NDArray[np.float64]) -> None:
    """Factor K (n, n), symmetric, in place: its lower triangle becomes L with K = L L'.

    Only the lower triangle is read. Raises numpy.linalg.LinAlgError if a pivot is not positive, NaN included; the
    triangle then holds nothing useful.
    """

def cholesky_append(L: NDArray[np.float64], n: int, k: NDArray[np.float64], kappa: float) -> None:
    """Append row n to a lower factor L, in place. O(n^2).

    L (r, c) with r, c > n holds chol(K) in rows [0, n); k (n,) = K(X, x*) and kappa = k(x*, x*) + noise. Raises
    numpy.linalg.LinAlgError if the new pivot is not positive; rows [0, n) are unchanged.
    """

def solve_lower(L: NDArray[np.float64], B: NDArray[np.float64]) -> None:
    """Solve L x = b for each row b of B (m, n), in place; L (n, n) is a lower factor."""

def solve_upper(L: NDArray[np.float64], B: NDArray[np.float64]) -> None:
    """Solve L' x = b for each row b of B (m, n), in place; L (n, n) is a lower factor."""

def cholesky_inverse(L: NDArray[np.float64]) -> None:
    """Turn a lower factor L (n, n) into the lower triangle of K^-1, in place. O(n^3)."""

def log_determinant(L: NDArray[np.float64]) -> float:
    """Logarithm of det K from its lower factor L (n, n)."""
