"""Kernel ridge regression: dual coefficients a = (K + alpha / s)^-1 y, and predictions K(X_valid, X) a."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.kernel_ridge import KernelRidge

from hpcore.errors import InvalidArgument
from hpcore.evaluation.hypergradients.kernels import PARAMETERS, Kernel
from hpcore.evaluation.hypergradients.linear import FloatArray, as_matrix, solve_symmetric
from hpcore.evaluation.hypergradients.registry import hypergradient

__all__ = ["kernel_ridge"]


def _names(estimator: Any) -> Sequence[str]:
    if np.ndim(estimator.alpha):
        raise InvalidArgument("KernelRidge has a hypergradient for a single alpha, not for one of each target")
    kernel = estimator.kernel
    if isinstance(kernel, str) and kernel == "precomputed":
        return ("alpha",)
    if not isinstance(kernel, str) or kernel not in PARAMETERS:
        raise InvalidArgument(
            f"KernelRidge has a hypergradient for kernel {', '.join(map(repr, PARAMETERS))} or 'precomputed', got "
            f"{kernel!r}"
        )
    return ("alpha", *PARAMETERS[kernel])


@hypergradient(KernelRidge, _names)
def kernel_ridge(
    estimator: Any, X: Any, y: Any, X_valid: Any, v: FloatArray, names: Sequence[str], sample_weight: Any = None
) -> dict[str, float]:
    """Differentiate by `alpha` and the parameters of the kernel."""
    X, X_valid = as_matrix(X), as_matrix(X_valid)
    given = tuple(name for name in names if name != "alpha")
    if estimator.kernel == "precomputed":
        K, K_valid = X, X_valid
        slopes: dict[str, FloatArray] = {}
        slopes_valid: dict[str, FloatArray] = {}
    else:
        # A kernel that is given no gamma uses 1 / d.
        gamma = 1.0 / X.shape[1] if estimator.gamma is None else float(estimator.gamma)
        kernel = Kernel(estimator.kernel, gamma, float(estimator.coef0), float(estimator.degree))
        K, slopes = kernel.with_slopes(X, X, given)
        K_valid, slopes_valid = kernel.with_slopes(X_valid, X, given)
    n = len(K)
    s = np.ones(n) if sample_weight is None else np.broadcast_to(np.asarray(sample_weight, dtype=float), (n,))
    a = np.asarray(estimator.dual_coef_).reshape(n, -1)
    V = v.reshape(len(v), -1)
    # q = (K + alpha / s)^-1 K_valid' v, with the weights on both sides so that one of 0 is none.
    root = np.sqrt(s)[:, None]
    system = root * K * root.T
    system.flat[:: n + 1] += float(estimator.alpha)
    q = root * solve_symmetric(system, root * (K_valid.T @ V))
    out = {}
    if "alpha" in names:
        with np.errstate(divide="ignore", invalid="ignore"):
            out["alpha"] = -float(np.sum(np.where(s[:, None] > 0.0, q * a / s[:, None], 0.0)))
    for name in given:
        out[name] = float(np.sum(V * (slopes_valid[name] @ a)) - np.sum(q * (slopes[name] @ a)))
    return out
