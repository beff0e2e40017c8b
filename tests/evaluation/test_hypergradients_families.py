"""Derivatives of the whole cross-validation, as `SearchCV` tells them, against its own central differences."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.datasets import make_classification, make_regression
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import ElasticNet, Lasso, LogisticRegression, Ridge
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR, LinearSVC, LinearSVR

import hpcore as hp
from hpcore.errors import InvalidArgument
from hpcore.evaluation.hypergradients import linear, logistic
from hpcore.sklearn import GroupLogisticRegression, GroupRidge, SearchCV, neg_squared_hinge

MSE, RMSE, LOG_LOSS, HINGE = "neg_mean_squared_error", "neg_root_mean_squared_error", "neg_log_loss", neg_squared_hinge
TIGHT = {"tol": 1e-13, "max_iter": 1_000_000}

RNG = np.random.default_rng(0)
X_REG, Y_REG = make_regression(60, 8, n_informative=5, noise=5.0, random_state=0)
Y_REG = Y_REG / Y_REG.std()
X_TWO, Y_TWO = make_classification(80, 6, n_informative=4, flip_y=0.15, random_state=1)
X_THREE, Y_THREE = make_classification(120, 6, n_informative=4, n_classes=3, flip_y=0.1, random_state=1)
X_WIDE, Y_WIDE = RNG.normal(size=(30, 70)), Y_REG[:30]
NAMES = np.array(["no", "perhaps", "yes"])  # classes that are no numbers
WEIGHTS = RNG.uniform(0.2, 2.0, 200)
NEWTON = {"solver": "newton-cholesky", **TIGHT}
LINEAR_SVC = {"dual": False, **TIGHT}
SMOOTH_SVR = {"dual": False, "loss": "squared_epsilon_insensitive", **TIGHT}

# what, estimator, X, y, parameters, scoring, relative step of the differences
# libsvm keeps kernels in single precision: differences by their parameters need longer steps.
CASES = [
    ("ridge", Ridge(), X_REG, Y_REG, {"alpha": 3.0}, MSE, 1e-4),
    ("ridge, R squared", Ridge(), X_REG, Y_REG, {"alpha": 3.0}, None, 1e-4),
    ("ridge, no intercept", Ridge(fit_intercept=False), X_REG + 1.0, Y_REG, {"alpha": 3.0}, RMSE, 1e-4),
    ("ridge, positive", Ridge(positive=True, tol=1e-13), X_REG, Y_REG, {"alpha": 3.0}, MSE, 1e-4),
    ("ridge, in place", Ridge(copy_X=False), X_REG + 1.0, Y_REG, {"alpha": 3.0}, MSE, 1e-4),
    ("ridge, two targets", Ridge(), X_REG, np.c_[Y_REG, Y_REG**2], {"alpha": 3.0}, RMSE, 1e-4),
    ("ridge, two targets, R squared", Ridge(), X_REG, np.c_[Y_REG, Y_REG**2], {"alpha": 3.0}, "r2", 1e-4),
    ("ridge, wide", Ridge(), X_WIDE, Y_WIDE, {"alpha": 3.0}, MSE, 1e-4),
    ("ridge, sparse", Ridge(solver="sparse_cg", tol=1e-13), scipy.sparse.csr_array(np.maximum(X_REG, 0.0)), Y_REG,
     {"alpha": 3.0}, MSE, 1e-4),
    ("kernel ridge, rbf", KernelRidge(kernel="rbf"), X_REG, Y_REG, {"alpha": 0.3, "gamma": 0.07}, MSE, 1e-4),
    ("kernel ridge, laplacian", KernelRidge(kernel="laplacian"), X_REG, Y_REG, {"alpha": 0.3, "gamma": 0.07}, MSE,
     1e-4),
    ("kernel ridge, poly", KernelRidge(kernel="poly"), X_REG, Y_REG, {"alpha": 0.3, "gamma": 0.07, "coef0": 0.9}, MSE,
     1e-4),
    ("kernel ridge, degree", KernelRidge(kernel="poly"), np.abs(X_REG), Y_REG,
     {"alpha": 0.3, "gamma": 0.01, "coef0": 3.0, "degree": 2.5}, MSE, 1e-4),
    ("kernel ridge, sigmoid", KernelRidge(kernel="sigmoid"), X_REG, Y_REG,
     {"alpha": 3.0, "gamma": 0.01, "coef0": 0.1}, MSE, 1e-4),
    ("kernel ridge, default gamma", KernelRidge(kernel="rbf"), X_REG, Y_REG, {"alpha": 0.3}, MSE, 1e-4),
    ("kernel ridge, precomputed", KernelRidge(kernel="precomputed"), X_REG @ X_REG.T, Y_REG, {"alpha": 0.3}, MSE, 1e-4),
    ("lasso", Lasso(**TIGHT), X_REG, Y_REG, {"alpha": 0.05}, MSE, 1e-5),
    ("lasso, positive", Lasso(positive=True, **TIGHT), X_REG, Y_REG, {"alpha": 0.05}, MSE, 1e-5),
    ("elastic net", ElasticNet(**TIGHT), X_REG, Y_REG, {"alpha": 0.05, "l1_ratio": 0.4}, MSE, 1e-5),
    ("elastic net, wide", ElasticNet(**TIGHT), X_WIDE, Y_WIDE, {"alpha": 0.05, "l1_ratio": 0.4}, MSE, 1e-5),
    ("elastic net, two targets", ElasticNet(**TIGHT), X_REG, np.c_[Y_REG, Y_REG**2], {"alpha": 0.05, "l1_ratio": 0.4},
     MSE, 1e-5),
    ("logistic", LogisticRegression(**TIGHT), X_TWO, Y_TWO, {"C": 0.7}, LOG_LOSS, 1e-2),
    ("logistic, hinge", LogisticRegression(**NEWTON), X_TWO, Y_TWO, {"C": 0.7}, HINGE, 1e-4),
    ("logistic, liblinear", LogisticRegression(solver="liblinear", intercept_scaling=2.0, **TIGHT), X_TWO, Y_TWO,
     {"C": 0.7}, LOG_LOSS, 1e-3),
    ("logistic, balanced", LogisticRegression(class_weight="balanced", **NEWTON), X_TWO,
     Y_TWO, {"C": 0.7}, LOG_LOSS, 1e-4),
    ("logistic, three classes", LogisticRegression(**NEWTON), X_THREE, NAMES[Y_THREE],
     {"C": 0.7}, LOG_LOSS, 1e-4),
    ("logistic, three classes, hinge", LogisticRegression(**NEWTON), X_THREE, Y_THREE,
     {"C": 0.7}, HINGE, 1e-4),
    ("logistic, three classes, weighted",
     LogisticRegression(fit_intercept=False, class_weight={0: 1.0, 1: 2.0, 2: 0.5}, **NEWTON),
     X_THREE, Y_THREE, {"C": 0.7}, LOG_LOSS, 1e-4),
    ("linear svc", LinearSVC(intercept_scaling=2.0, **LINEAR_SVC), X_TWO, Y_TWO, {"C": 0.1}, HINGE, 1e-4),
    ("linear svc, balanced", LinearSVC(class_weight="balanced", **LINEAR_SVC), X_TWO, Y_TWO, {"C": 0.1}, HINGE, 1e-4),
    ("linear svc, three classes", LinearSVC(**LINEAR_SVC), X_THREE, NAMES[Y_THREE], {"C": 0.1}, HINGE, 1e-4),
    ("linear svc, three balanced", LinearSVC(class_weight="balanced", **LINEAR_SVC), X_THREE, Y_THREE, {"C": 0.1},
     HINGE, 1e-3),
    ("linear svc, no intercept", LinearSVC(fit_intercept=False, **LINEAR_SVC), X_THREE, Y_THREE, {"C": 0.1}, HINGE,
     1e-4),
    ("linear svr", LinearSVR(intercept_scaling=2.0, **SMOOTH_SVR), X_REG, Y_REG, {"C": 0.1, "epsilon": 0.1}, MSE, 1e-5),
    ("svc", SVC(tol=1e-12), X_TWO, Y_TWO, {"C": 0.7}, HINGE, 1e-5),
    ("svc, balanced", SVC(tol=1e-12, class_weight="balanced"), X_TWO, NAMES[Y_TWO], {"C": 0.7}, HINGE, 1e-5),
    ("svc, linear", SVC(kernel="linear", tol=1e-12), X_TWO, Y_TWO, {"C": 0.05}, HINGE, 1e-5),
    ("svc, precomputed", SVC(kernel="precomputed", tol=1e-12), X_TWO @ X_TWO.T, Y_TWO, {"C": 0.05}, HINGE, 1e-5),
    ("svc, no row on the margin", SVC(tol=1e-12), X_TWO, Y_TWO, {"C": 0.001}, HINGE, 1e-4),
    ("svr", SVR(tol=1e-12), X_REG, Y_REG, {"C": 0.7, "epsilon": 0.1}, MSE, 1e-5),
    ("svr, no row on the margin", SVR(tol=1e-12), X_REG, Y_REG, {"C": 0.0001, "epsilon": 0.1}, MSE, 1e-5),
    ("group ridge", GroupRidge([0, 0, 1, 1, 1, 2, 2, 2]), X_REG, Y_REG,
     {"alpha_0": 3.0, "alpha_1": 0.5, "alpha_2": 20.0}, MSE, 1e-4),
    ("group ridge, wide", GroupRidge(3), X_WIDE, Y_WIDE, {"alpha_0": 3.0, "alpha_1": 5.0, "alpha_2": 20.0}, MSE, 1e-4),
    ("group logistic", GroupLogisticRegression([0, 1, 0, 1, 2, 2], **NEWTON), X_TWO, Y_TWO,
     {"C_0": 0.7, "C_1": 0.1, "C_2": 0.3}, LOG_LOSS, 1e-4),
    ("group logistic, three classes", GroupLogisticRegression(2, class_weight="balanced", **NEWTON), X_THREE, Y_THREE,
     {"C_0": 0.7, "C_1": 0.1}, LOG_LOSS, 1e-4),
]  # fmt: skip


def gradient_and_differences(
    estimator: Any, X: Any, y: Any, params: dict[str, float], scoring: Any, step: float, fit_params: dict[str, Any]
) -> tuple[dict[str, float], dict[str, float]]:
    """Return the gradient at a point, and differences of fourth order of the mean score around it, by one search."""
    space = {name: hp.Float(0.5 * value, 2.0 * value) for name, value in params.items()}
    at = [(name, k) for name in params for k in (-2, -1, 1, 2)]
    points = [params, *({**params, name: params[name] * (1.0 + k * step)} for name, k in at)]
    cv = (StratifiedKFold if y.ndim == 1 and len(np.unique(y)) < 5 else KFold)(3)
    search = SearchCV(
        estimator, space, strategy="gp", gradient=True, scoring=scoring, cv=cv, n_trials=len(points), warm_start=points,
        refit=False, random_state=0,
    ).fit(X, y, **fit_params)  # fmt: skip
    score = dict(zip(at, search.cv_results_["mean_test_score"][1:], strict=True))
    differences = {
        name: (score[name, -2] - 8.0 * score[name, -1] + 8.0 * score[name, 1] - score[name, 2]) / (12.0 * step * value)
        for name, value in params.items()
    }
    return search.trials_[0].gradient, differences


@pytest.mark.parametrize("weighted", [False, True], ids=["", "weighted"])
@pytest.mark.parametrize(
    ("estimator", "X", "y", "params", "scoring", "step"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_central_differences(estimator, X, y, params, scoring, step, weighted: bool) -> None:
    fit_params = {"sample_weight": WEIGHTS[: len(y)]} if weighted else {}
    # Short steps are lost in what solvers leave undone, on some processors more than on others, long ones cross kinks
    # of the loss: a right gradient agrees with one of them, a wrong one with none.
    for length in (step, 3 * step, 10 * step, min(30 * step, 0.1)):
        gradient, found = gradient_and_differences(estimator, X, y, params, scoring, length, fit_params)
        assert gradient.keys() == params.keys()
        if gradient == pytest.approx(found, rel=1e-4):
            return
    assert gradient == pytest.approx(found, rel=1e-4)


@pytest.mark.parametrize(
    ("estimator", "X", "y", "params", "scoring"),
    [
        (SVC(tol=1e-12), X_TWO, Y_TWO, {"C": 0.3, "gamma": 0.1}, HINGE),
        (SVC(kernel="poly", C=0.03, tol=1e-12), X_TWO, Y_TWO, {"gamma": 0.1, "coef0": 1.0}, HINGE),
        (SVC(kernel="sigmoid", C=0.3, tol=1e-12), X_TWO, Y_TWO, {"gamma": 0.02, "coef0": 0.1}, HINGE),
        (SVR(tol=1e-12), X_REG, Y_REG, {"C": 0.7, "gamma": 0.05, "epsilon": 0.1}, MSE),
        (SVR(kernel="sigmoid", C=0.3, tol=1e-12), X_REG, Y_REG, {"gamma": 0.02, "coef0": 0.1}, MSE),
    ],
    ids=["svc rbf", "svc poly", "svc sigmoid", "svr rbf", "svr sigmoid"],
)
def test_parameters_of_the_kernel_of_a_support_vector_machine(estimator, X, y, params, scoring) -> None:
    # Single precision in libsvm: a difference is good to 1e-4 at some step, before a row changes sides.
    steps = (3e-4, 1e-3, 3e-3, 1e-2)
    found = [gradient_and_differences(estimator, X[:30], y[:30], params, scoring, step, {}) for step in steps]
    gradient = found[0][0]
    for name in params:
        errors = [abs(gradient[name] / differences[name] - 1.0) for _, differences in found]
        assert min(errors) < 1e-4, (name, errors)


def test_large_systems_are_solved_by_conjugate_gradients(monkeypatch: pytest.MonkeyPatch) -> None:
    sparse = scipy.sparse.csr_array(np.maximum(X_REG, 0.0))
    for estimator, X, y, params, scoring in (
        (Ridge(solver="sparse_cg", tol=1e-13), sparse, Y_REG, {"alpha": 3.0}, MSE),
        (LogisticRegression(**NEWTON), X_TWO, Y_TWO, {"C": 0.7}, LOG_LOSS),
        (LogisticRegression(**NEWTON), X_THREE, Y_THREE, {"C": 0.7}, LOG_LOSS),
        (LogisticRegression(**NEWTON), X_THREE, Y_THREE, {"C": 0.7}, HINGE),
        (LogisticRegression(**TIGHT), scipy.sparse.csr_array(X_THREE), Y_THREE, {"C": 0.7}, LOG_LOSS),
    ):
        for weighted in ({}, {"sample_weight": WEIGHTS[: len(y)]}):
            dense, _ = gradient_and_differences(estimator, X, y, params, scoring, 1e-3, weighted)
            with monkeypatch.context() as patch:
                patch.setattr(linear, "_DENSE", 0)
                patch.setattr(logistic, "_MOST_DENSE", 0)
                iterated, _ = gradient_and_differences(estimator, X, y, params, scoring, 1e-3, weighted)
            assert iterated == pytest.approx(dense, rel=1e-6)


def test_steps_before_the_last_one_are_fitted_and_transform() -> None:
    X = np.c_[X_REG * 7.0 + 3.0, RNG.integers(0, 4, len(X_REG))]
    for pipeline, name in (
        (make_pipeline(StandardScaler(), Ridge()), "ridge__alpha"),
        (make_pipeline(StandardScaler(), make_pipeline("passthrough", Ridge())), "pipeline__ridge__alpha"),
        (make_pipeline(make_pipeline(StandardScaler(), None), Ridge()), "ridge__alpha"),
    ):
        gradient, differences = gradient_and_differences(pipeline, X, Y_REG, {name: 3.0}, MSE, 1e-4, {})
        assert gradient == pytest.approx(differences, rel=1e-4)


class Doubled(TransformerMixin, BaseEstimator):
    """Transformer that gives the fit other rows than predictions, as an encoder by cross-fitting does."""

    def fit(self, X, y=None):
        return self

    def fit_transform(self, X, y=None):
        return 2.0 * X

    def transform(self, X):
        return X


def test_a_step_that_transforms_the_rows_of_its_fit_differently() -> None:
    pipeline = make_pipeline(Doubled(), Ridge())
    gradient, differences = gradient_and_differences(pipeline, X_REG, Y_REG, {"ridge__alpha": 3.0}, MSE, 1e-4, {})
    assert gradient == pytest.approx(differences, rel=1e-4)


def test_rows_without_a_weight_count_as_absent() -> None:
    weights = np.where(np.arange(len(Y_TWO)) % 5 == 0, 0.0, 1.0)
    for estimator, X, y, params, scoring in (
        (SVC(tol=1e-12), X_TWO, Y_TWO, {"C": 0.7}, HINGE),
        (SVR(tol=1e-12), X_REG, Y_REG, {"C": 0.7, "epsilon": 0.1}, MSE),
        (KernelRidge(kernel="rbf", gamma=0.1), X_REG, Y_REG, {"alpha": 0.3}, MSE),
    ):
        given = {"sample_weight": weights[: len(y)]}
        gradient, differences = gradient_and_differences(estimator, X, y, params, scoring, 1e-5, given)
        assert gradient == pytest.approx(differences, rel=1e-4)


def test_a_precomputed_kernel_needs_all_rows() -> None:
    weights = np.arange(len(Y_TWO)) % 5 != 0
    with pytest.raises(InvalidArgument, match="sample_weight must be > 0"):
        gradient_and_differences(
            SVC(kernel="precomputed"), X_TWO @ X_TWO.T, Y_TWO, {"C": 0.7}, HINGE, 1e-3, {"sample_weight": weights}
        )


@pytest.mark.parametrize("convert", [pd.DataFrame, np.ndarray.tolist], ids=["frame", "list"])
def test_data_that_are_no_arrays(convert) -> None:
    for estimator, X, y, params, scoring in (
        (Ridge(), X_REG, Y_REG, {"alpha": 3.0}, MSE),
        (KernelRidge(kernel="rbf"), X_REG, Y_REG, {"alpha": 0.3, "gamma": 0.07}, MSE),
        (ElasticNet(**TIGHT), X_REG, Y_REG, {"alpha": 0.05, "l1_ratio": 0.4}, MSE),
        (LogisticRegression(**NEWTON), X_TWO, NAMES[Y_TWO], {"C": 0.7}, LOG_LOSS),
        (LinearSVC(**LINEAR_SVC), X_THREE, NAMES[Y_THREE], {"C": 0.1}, HINGE),
        (LinearSVR(**SMOOTH_SVR), X_REG, Y_REG, {"C": 0.1, "epsilon": 0.1}, MSE),
        (SVC(gamma=0.1, tol=1e-12), X_TWO, NAMES[Y_TWO], {"C": 0.7}, HINGE),
        (SVR(gamma=0.1, tol=1e-12), X_REG, Y_REG, {"C": 0.7, "epsilon": 0.1}, MSE),
        (GroupRidge(2), X_REG, Y_REG, {"alpha_0": 3.0, "alpha_1": 1.0}, MSE),
        (GroupLogisticRegression(2, **NEWTON), X_THREE, Y_THREE, {"C_0": 0.7, "C_1": 0.1}, LOG_LOSS),
    ):
        space = {name: hp.Float(0.5 * value, 2.0 * value) for name, value in params.items()}

        search = SearchCV(
            estimator, space, gradient=True, scoring=scoring, cv=3, n_trials=1, warm_start=[params], refit=False
        )
        plain = search.fit(X, y).trials_[0].gradient
        converted = search.fit(convert(X), pd.Series(y) if convert is pd.DataFrame else y.tolist())
        assert converted.trials_[0].gradient == pytest.approx(plain, rel=1e-9)


def test_a_solver_that_stops_early_has_nearly_the_same_gradient() -> None:
    def gradient(tol: float) -> float:
        model, params = LogisticRegression(tol=tol, max_iter=10_000), {"C": 0.7}
        return gradient_and_differences(model, X_THREE, Y_THREE, params, LOG_LOSS, 1e-3, {})[0]["C"]

    errors = [abs(gradient(tol) / gradient(1e-13) - 1.0) for tol in (1e-2, 1e-4, 1e-6)]
    assert errors[0] > errors[1] > errors[2] and errors[1] < 1e-2
