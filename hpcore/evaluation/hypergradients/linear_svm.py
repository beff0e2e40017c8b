"""Linear support vector machines with a squared loss: C sum_i s_i loss_i² + (|w|² + (b / scaling)²) / 2.

The squared hinge max(0, 1 - y f) and the squared epsilon-insensitive loss max(0, |y - f| - epsilon) have a continuous
gradient, whose derivative is that on the rows with a loss (Chapelle 2007, "Training a support vector machine in the
primal"). The hinge and the epsilon-insensitive loss themselves have not: their derivative needs the dual variables of
the rows on the margin, which liblinear does not return; `SVC` and `SVR` with a linear kernel have them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.svm import LinearSVC, LinearSVR

from hpcore.errors import InvalidArgument
from hpcore.evaluation.hypergradients.linear import FloatArray, as_matrix, solve_gram, times, transposed_times
from hpcore.evaluation.hypergradients.logistic import row_weights
from hpcore.evaluation.hypergradients.registry import hypergradient

__all__ = ["linear_svc", "linear_svr"]


def _names_of_svc(estimator: Any) -> Sequence[str]:
    wanted = {"loss": "squared_hinge", "penalty": "l2", "multi_class": "ovr"}
    for name, value in wanted.items():
        if getattr(estimator, name) != value:
            hint = "; SVC(kernel='linear') has one for the hinge" if name == "loss" else ""
            raise InvalidArgument(
                f"LinearSVC has a hypergradient for {name}={value!r}, got {getattr(estimator, name)!r}{hint}"
            )
    return ("C",)


def _names_of_svr(estimator: Any) -> Sequence[str]:
    if estimator.loss != "squared_epsilon_insensitive":
        raise InvalidArgument(
            f"LinearSVR has a hypergradient for loss='squared_epsilon_insensitive', got {estimator.loss!r}; "
            f"SVR(kernel='linear') has one for the loss that is not squared"
        )
    return ("C", "epsilon")


@hypergradient(LinearSVC, _names_of_svc)
def linear_svc(
    estimator: Any, X: Any, y: Any, X_valid: Any, v: FloatArray, names: Sequence[str], sample_weight: Any = None
) -> dict[str, float]:
    """Differentiate by `C`, class by class against the rest."""
    X, X_valid = as_matrix(X), as_matrix(X_valid)
    y = np.asarray(y)
    given = np.ones(len(y)) if sample_weight is None else np.broadcast_to(np.asarray(sample_weight, float), y.shape)
    weighted = row_weights(estimator, y, sample_weight)
    total = 0.0
    for k, w in enumerate(estimator.coef_):
        several = len(estimator.coef_) > 1
        positive = y == estimator.classes_[k if several else 1]
        # liblinear weighs the class itself, but not the rest of several classes.
        s = np.where(positive, weighted, given) if several else weighted
        sign = np.where(positive, 1.0, -1.0)
        f = times(X, w) + np.atleast_1d(estimator.intercept_)[k if estimator.fit_intercept else 0]
        total += _solve(estimator, w, f, sign * f < 1.0, X, X_valid, v.reshape(len(v), -1)[:, k], s)[1]
    return {"C": total}


@hypergradient(LinearSVR, _names_of_svr)
def linear_svr(
    estimator: Any, X: Any, y: Any, X_valid: Any, v: FloatArray, names: Sequence[str], sample_weight: Any = None
) -> dict[str, float]:
    """Differentiate by `C` and `epsilon`."""
    X, X_valid = as_matrix(X), as_matrix(X_valid)
    s = np.ones(X.shape[0]) if sample_weight is None else np.asarray(sample_weight, dtype=float)
    s = np.broadcast_to(s, X.shape[:1])
    w = np.ravel(estimator.coef_)
    f = times(X, w) + float(np.ravel(estimator.intercept_)[0])
    residuals = np.asarray(y, dtype=float) - f
    active = np.abs(residuals) > estimator.epsilon
    q, by_C = _solve(estimator, w, f, active, X, X_valid, np.ravel(v), s)
    out = {"C": by_C} if "C" in names else {}
    if "epsilon" in names:
        # The gradient of the loss is -2 C sum_i s_i sign(r_i) (|r_i| - epsilon) x_i.
        pull = 2.0 * estimator.C * np.where(active, s * np.sign(residuals), 0.0)
        by_epsilon = transposed_times(X, pull)
        d = len(w)
        out["epsilon"] = -float(q[:d] @ by_epsilon + (q[d] * pull.sum() if len(q) > d else 0.0))
    return out


def _solve(
    estimator: Any,
    w: FloatArray,
    f: FloatArray,
    active: FloatArray,
    X: Any,
    X_valid: Any,
    v: FloatArray,
    s: FloatArray,
) -> tuple[FloatArray, float]:
    """Solve the adjoint system of one squared loss; return its solution, intercept last, and the derivative by C."""
    d, C = len(w), float(estimator.C)
    on = np.flatnonzero(active)
    rows = X[on].toarray() if hasattr(X, "toarray") else X[on]
    g = transposed_times(X_valid, v)
    ridge, theta = np.ones(d), w
    if estimator.fit_intercept:
        rows = np.hstack([rows, np.ones((len(rows), 1))])
        g = np.append(g, v.sum())
        by_intercept = 1.0 / float(estimator.intercept_scaling) ** 2
        ridge = np.append(ridge, by_intercept)
        # f = X w + b, without a second look at which of several intercepts it is.
        theta = np.append(w, (f - times(X, w))[0])
    q = solve_gram(rows, 2.0 * C * s[on], np.zeros(len(g)), ridge, g)
    return q, float(q @ (ridge * theta)) / C
