"""On the same candidates SearchCV says what GridSearchCV says, to the last bit."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import sklearn
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, make_regression
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_selection import SelectKBest, f_regression
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Lasso, LogisticRegression, Ridge
from sklearn.metrics import accuracy_score, f1_score, make_scorer
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    LeaveOneOut,
    RepeatedKFold,
    ShuffleSplit,
    TimeSeriesSplit,
    cross_val_score,
)
from sklearn.neighbors import KernelDensity, KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from hpcore.sklearn import SearchCV, nested_cross_validate

IRIS = load_iris(return_X_y=True)
CANCER = load_breast_cancer(return_X_y=True)
DIABETES = load_diabetes(return_X_y=True)


def assert_same_results(ours, theirs):
    assert list(ours) == list(theirs)
    for key, expected in theirs.items():
        if key.endswith("_time"):
            assert ours[key].shape == expected.shape
            assert ours[key].dtype == expected.dtype
            continue
        got = ours[key]
        assert type(got) is type(expected), key
        if isinstance(expected, list):
            assert [sorted(p) for p in got] == [sorted(p) for p in expected]
            assert [repr(p) for p in got] == [repr(p) for p in expected]
            continue
        assert got.dtype == expected.dtype, key
        if isinstance(expected, np.ma.MaskedArray):
            np.testing.assert_array_equal(np.ma.getmaskarray(got), np.ma.getmaskarray(expected))
            assert repr(got.compressed().tolist()) == repr(expected.compressed().tolist())
        else:
            np.testing.assert_array_equal(got, expected, err_msg=key)


def assert_same(estimator, grid, X, y=None, fit_params=None, **options):
    fit_params = fit_params or {}
    ours = SearchCV(estimator, grid, strategy="grid", **options).fit(X, y, **fit_params)
    theirs = GridSearchCV(estimator, grid, **options).fit(X, y, **fit_params)
    assert_same_results(ours.cv_results_, theirs.cv_results_)
    for name in ("best_index_", "best_params_", "best_score_", "n_splits_", "multimetric_"):
        assert hasattr(ours, name) == hasattr(theirs, name), name
        if hasattr(theirs, name):
            assert repr(getattr(ours, name)) == repr(getattr(theirs, name)), name
    assert repr(ours.scorer_) == repr(theirs.scorer_)
    if hasattr(theirs, "best_estimator_") and hasattr(theirs, "predict"):
        np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))
    return ours, theirs


GRIDS = {
    "svc": (SVC(), {"kernel": ["rbf", "linear"], "C": [0.1, 1, 10], "gamma": ["scale", 0.1]}, *IRIS),
    "ridge": (Ridge(), {"alpha": np.logspace(-2, 2, 5), "fit_intercept": [True, False]}, *DIABETES),
    "tree with a seed": (DecisionTreeClassifier(random_state=3), {"max_features": [1, 2, None]}, *CANCER),
    "tree with a generator": (
        DecisionTreeRegressor(random_state=np.random.RandomState(5), splitter="random"),
        {"max_depth": range(1, 4)},
        *DIABETES,
    ),
    "forest": (RandomForestClassifier(5, random_state=0), {"max_depth": [2, 4]}, *IRIS),
    "pipeline": (
        Pipeline([("select", SelectKBest(k=2)), ("clf", LogisticRegression(max_iter=500))]),
        {"select__k": [1, 2], "clf__C": [0.1, 1.0]},
        *IRIS,
    ),
    "steps are choices": (
        Pipeline([("scale", StandardScaler()), ("clf", SVC())]),
        [
            {"clf": [SVC(C=0.1), SVC()], "scale": [StandardScaler(), MinMaxScaler(), "passthrough"]},
            {"clf": [KNeighborsClassifier()], "clf__n_neighbors": [1, 5]},
        ],
        *IRIS,
    ),
    "list of dictionaries": (
        SVC(),
        [
            {"kernel": ["linear"], "C": [1, 10]},
            {"kernel": ["rbf"], "C": [1], "gamma": [0.1, 1.0]},
            {"kernel": ["poly"]},
        ],
        *IRIS,
    ),
    "an empty dictionary among others": (SVC(), [{}, {"C": [2.0]}], *IRIS),
    "odd values": (
        LogisticRegression(max_iter=1000),
        {"class_weight": [None, "balanced", {0: 1, 1: 2, 2: 1}], "C": np.array([0.5, 1.0], dtype=np.float32)},
        *IRIS,
    ),
    "mixed types": (DecisionTreeClassifier(random_state=0), {"max_features": [1, 1.0, "sqrt", None]}, *IRIS),
    "no target": (KernelDensity(), {"bandwidth": [0.1, 1.0]}, IRIS[0], None),
}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("name", GRIDS)
def test_grids(name):
    estimator, grid, X, y = GRIDS[name]
    assert_same(estimator, grid, X, y, return_train_score=True)


def test_estimators_that_work_in_place():
    # Not to the last bit: what GridSearchCV itself finds here depends on where in memory its arrays happen to lie.
    X, y = DIABETES
    estimator, grid = make_pipeline(StandardScaler(copy=False), Lasso(copy_X=False)), {"lasso__alpha": [0.1, 1.0]}
    ours = SearchCV(estimator, grid, strategy="grid", return_train_score=True).fit(X.copy(), y)
    theirs = GridSearchCV(estimator, grid, return_train_score=True).fit(X.copy(), y)
    for key in ("mean_test_score", "mean_train_score"):
        np.testing.assert_allclose(ours.cv_results_[key], theirs.cv_results_[key], rtol=1e-12)


@pytest.mark.parametrize(
    "scoring, refit",
    [
        ("balanced_accuracy", True),
        (["accuracy", "f1_macro"], "f1_macro"),
        (("accuracy", "neg_log_loss"), False),
        ({"a": "accuracy", "b": make_scorer(f1_score, average="micro")}, "b"),
        (make_scorer(accuracy_score), True),
        (lambda est, X, y: {"x": est.score(X, y), "y": -est.C}, "y"),
        (lambda est, X, y: est.score(X, y), True),
        ("accuracy", lambda results: int(results["mean_test_score"].argmin())),
        (["accuracy", "f1_macro"], lambda results: 1),
    ],
)
def test_scoring_and_refit(scoring, refit):
    grid = {"C": [0.01, 1.0, 3.0]}
    assert_same(LogisticRegression(max_iter=500), grid, *IRIS, scoring=scoring, refit=refit, return_train_score=True)


@pytest.mark.parametrize(
    "cv",
    [
        3,
        ShuffleSplit(3, random_state=0),
        RepeatedKFold(n_splits=2, n_repeats=2, random_state=1),
        TimeSeriesSplit(3),
        [(np.arange(0, 100), np.arange(100, 150)), (np.arange(50, 150), np.arange(50))],
        [(np.arange(150) % 2 == 0, np.arange(150) % 2 == 1)],
    ],
)
def test_splitters(cv):
    X, y = IRIS
    order = np.random.default_rng(0).permutation(len(y))
    assert_same(SVC(), {"C": [0.1, 1]}, X[order], y[order], cv=cv)


def test_leave_one_out():
    X, y = DIABETES
    assert_same(Ridge(), {"alpha": [0.1, 1]}, X[:30], y[:30], cv=LeaveOneOut(), scoring="neg_mean_squared_error")


def test_groups():
    X, y = IRIS
    groups = np.arange(len(y)) % 7
    assert_same(SVC(), {"C": [0.1, 1]}, X, y, {"groups": groups}, cv=GroupKFold(3))


def test_sample_weight_is_cut_like_the_data():
    X, y = DIABETES
    weight = np.random.default_rng(0).uniform(size=len(y))
    assert_same(Ridge(), {"alpha": [0.1, 1]}, X, y, {"sample_weight": weight})


def test_metadata_routing():
    X, y = IRIS
    rng = np.random.default_rng(0)
    data = {"sample_weight": rng.uniform(size=len(y)), "groups": np.arange(len(y)) % 5}
    with sklearn.config_context(enable_metadata_routing=True):
        estimator = LogisticRegression(max_iter=500).set_fit_request(sample_weight=True)
        scorer = make_scorer(accuracy_score).set_score_request(sample_weight=True)
        ours, theirs = assert_same(estimator, {"C": [0.1, 1]}, X, y, data, scoring=scorer, cv=GroupKFold(3))
        weight = data["sample_weight"]
        assert ours.score(X, y, sample_weight=weight) == theirs.score(X, y, sample_weight=weight)
        with pytest.raises(sklearn.exceptions.UnsetMetadataPassedError):
            SearchCV(LogisticRegression(), {"C": [1]}).fit(X, y, sample_weight=weight)


def test_routing_reaches_workers():
    X, y = IRIS
    with sklearn.config_context(enable_metadata_routing=True):
        estimator = LogisticRegression(max_iter=500).set_fit_request(sample_weight=True)
        estimator = estimator.set_score_request(sample_weight=True)
        weight = np.random.default_rng(0).uniform(size=len(y))
        assert_same(estimator, {"C": [0.1, 1]}, X, y, {"sample_weight": weight}, n_jobs=2)


@pytest.mark.parametrize("convert", [scipy.sparse.csr_matrix, scipy.sparse.csc_array, np.asfortranarray, list])
def test_containers(convert):
    X, y = CANCER
    assert_same(LogisticRegression(solver="liblinear", random_state=0), {"C": [0.1, 1]}, convert(X), y)


def test_data_frame():
    X, y = IRIS
    frame = pd.DataFrame(X, columns=list("abcd"))
    frame["text"] = pd.Series(["x", "y", "z"])[np.arange(len(y)) % 3].to_numpy()
    frame = frame.copy()  # pandas before 3 shares the array's memory
    frame.loc[::7, "a"] = np.nan
    columns = make_column_transformer(
        (make_pipeline(SimpleImputer(), StandardScaler()), ["a", "b"]), (OneHotEncoder(), ["text"])
    )
    target = pd.Series(y).map({0: "no", 1: "perhaps", 2: "yes"})
    ours, _ = assert_same(make_pipeline(columns, SVC()), {"svc__C": [0.1, 1]}, frame, target)
    assert list(ours.feature_names_in_) == list(frame.columns)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_precomputed_kernel(n_jobs):
    X, y = IRIS
    assert_same(SVC(kernel="precomputed"), {"C": [0.1, 1]}, rbf_kernel(X), y, n_jobs=n_jobs)


def test_string_target_and_several_outputs():
    X, y = IRIS
    assert_same(SVC(), {"C": [0.1, 1]}, X, np.array(["a", "b", "c"])[y])
    assert_same(DecisionTreeRegressor(random_state=0), {"max_depth": [1, 2]}, X, np.column_stack([y, -y]))


@pytest.mark.parametrize("n_jobs", [1, 2])
@pytest.mark.parametrize("error_score", [np.nan, 0.25])
def test_error_score(n_jobs, error_score):
    options = {"error_score": error_score, "n_jobs": n_jobs, "return_train_score": True}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert_same(DecisionTreeClassifier(random_state=0), {"max_depth": [-1, 2]}, *IRIS, **options)
    kinds = [type(w.message).__name__ for w in caught]
    assert kinds.count("FitFailedWarning") == 2
    ours, theirs = (str(w.message) for w in caught if type(w.message).__name__ == "FitFailedWarning")
    assert ours.splitlines()[:4] == theirs.splitlines()[:4]


def test_same_on_two_workers():
    assert_same(RandomForestClassifier(5, random_state=0), {"max_depth": range(1, 8)}, *IRIS, n_jobs=2)


@pytest.mark.parametrize("step", [PCA(7, svd_solver="full"), SelectKBest(f_regression, k=9)])
def test_cached_steps_round_as_they_would_have(step):
    X, y = make_regression(300, 20, noise=5.0, random_state=0)
    pipeline = make_pipeline(StandardScaler(), step, Ridge())
    grid = {"ridge__alpha": [0.1, 1.0, 10.0]}
    theirs = GridSearchCV(pipeline, grid, scoring="neg_mean_squared_error").fit(X, y)
    ours = SearchCV(pipeline, grid, strategy="grid", scoring="neg_mean_squared_error").fit(X, y)
    for fold in range(5):
        key = f"split{fold}_test_score"
        np.testing.assert_array_equal(ours.cv_results_[key], theirs.cv_results_[key])


def test_a_class_rarer_than_the_folds():
    X, y = IRIS
    rows = np.random.RandomState(0).permutation(150)
    X, y = X[rows], y[rows].copy()
    y[:4] = 9
    grid, message = {"C": [0.1, 1]}, "least populated class in y has only 4 members"
    with pytest.warns(UserWarning, match=message) as caught:
        ours, _ = assert_same(SVC(), grid, X, y, cv=5)
    assert len(caught) == 2, "one of each search"
    outer = 3
    with pytest.warns(UserWarning, match="least populated class"):
        expected = cross_val_score(GridSearchCV(SVC(), grid, cv=3), X, y, cv=outer)
        found = cross_val_score(SearchCV(SVC(), grid, strategy="grid", cv=3), X, y, cv=outer)
        nested = nested_cross_validate(SearchCV(SVC(), grid, strategy="grid", cv=3), X, y, cv=outer)
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(nested.test_scores, expected)
    assert ours.n_splits_ == 5
