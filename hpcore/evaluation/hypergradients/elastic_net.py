"""Lasso and elastic net: |y - X w - b|² / (2 n) + alpha l1_ratio |w|_1 + alpha (1 - l1_ratio) |w|² / 2.

On the support of w the loss is smooth, and off it w stays 0 in a neighbourhood of the hyperparameters, wherever no
coefficient is at the point of leaving or joining (Bertrand et al. 2020, "Implicit differentiation of Lasso-type models
for hyperparameter optimization"). There the path has a kink and the derivative is one-sided.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.linear_model import ElasticNet, Lasso

from hpcore.evaluation.hypergradients.linear import FloatArray, as_matrix
from hpcore.evaluation.hypergradients.registry import hypergradient
from hpcore.evaluation.hypergradients.ridge import adjoint

__all__ = ["elastic_net"]


@hypergradient(Lasso, ["alpha"])
@hypergradient(ElasticNet, ["alpha", "l1_ratio"])
def elastic_net(
    estimator: Any, X: Any, y: Any, X_valid: Any, v: FloatArray, names: Sequence[str], sample_weight: Any = None
) -> dict[str, float]:
    """Differentiate by `alpha` and `l1_ratio` on the support, target by target."""
    X, X_valid = as_matrix(X), as_matrix(X_valid)
    n = X.shape[0]
    alpha, ratio = float(estimator.alpha), 1.0 if type(estimator) is Lasso else float(estimator.l1_ratio)
    s = np.ones(n) if sample_weight is None else np.broadcast_to(np.asarray(sample_weight, dtype=float), (n,))
    s = s / s.sum()  # scikit-learn scales the weights to a mean of 1
    out = dict.fromkeys(names, 0.0)
    for w, values in zip(np.atleast_2d(estimator.coef_), v.reshape(len(v), -1).T, strict=True):
        on = np.flatnonzero(w)
        penalty = np.full(on.size, alpha * (1.0 - ratio))
        q = adjoint(X[:, on], X_valid[:, on], values, penalty, estimator.fit_intercept, s)
        signs, w = np.sign(w[on]), w[on]
        # Derivatives of the gradient of the penalty, alpha (ratio sign(w) + (1 - ratio) w).
        slopes = {"alpha": ratio * signs + (1.0 - ratio) * w, "l1_ratio": alpha * (signs - w)}
        for name in names:
            out[name] -= float(q @ slopes[name])
    return out
