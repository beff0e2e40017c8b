"""Kernels between rows and their derivatives by the parameters of the kernel.

The names are scikit-learn's: ``linear`` x.y, ``poly`` (gamma x.y + coef0)^degree, ``rbf`` exp(-gamma |x - y|²),
``laplacian`` exp(-gamma |x - y|_1), ``sigmoid`` tanh(gamma x.y + coef0).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from sklearn.metrics.pairwise import euclidean_distances, manhattan_distances
from sklearn.utils.extmath import safe_sparse_dot

from hpcore.evaluation.hypergradients.linear import FloatArray, as_matrix

__all__ = ["PARAMETERS", "Kernel"]

# Parameters by kernel; the kernel does not depend on the others.
PARAMETERS: dict[str, tuple[str, ...]] = {
    "linear": (),
    "poly": ("gamma", "coef0", "degree"),
    "polynomial": ("gamma", "coef0", "degree"),
    "rbf": ("gamma",),
    "laplacian": ("gamma",),
    "sigmoid": ("gamma", "coef0"),
}


class Kernel(NamedTuple):
    """Kernel with its parameters.

    Attributes
    ----------
    name : str
        Name, a key of `PARAMETERS`.
    gamma, coef0, degree : float
        Parameters.
    """

    name: str
    gamma: float
    coef0: float
    degree: float

    def with_slopes(self, X: Any, Y: Any, names: tuple[str, ...]) -> tuple[FloatArray, dict[str, FloatArray]]:
        """Compute the kernel between rows, and its derivatives by some parameters on which it depends."""
        X, Y = as_matrix(X), as_matrix(Y)
        if self.name in ("rbf", "laplacian"):
            distances = euclidean_distances(X, Y, squared=True) if self.name == "rbf" else manhattan_distances(X, Y)
            K = np.exp(-self.gamma * distances)
            return K, {"gamma": -distances * K} if "gamma" in names else {}
        products = safe_sparse_dot(X, Y.T, dense_output=True)
        if self.name == "linear":
            return products, {}
        inner = self.gamma * products + self.coef0
        slopes = {}
        if self.name == "sigmoid":
            K = np.tanh(inner)
            by_inner = 1.0 - K**2
        else:
            K = inner**self.degree
            by_inner = self.degree * inner ** (self.degree - 1)
            if "degree" in names:
                # Only for nonnegative bases: others have no real power of a degree that varies, and NaN says so.
                logs = np.log(inner, out=np.full_like(inner, np.nan), where=inner > 0.0)
                slopes["degree"] = np.where(inner == 0.0, 0.0, K * logs)
        if "gamma" in names:
            slopes["gamma"] = by_inner * products
        if "coef0" in names:
            slopes["coef0"] = by_inner
        return K, slopes
