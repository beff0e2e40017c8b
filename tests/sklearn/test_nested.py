"""Nested cross-validation: scikit-learn's own loop as the oracle, and the corrected score of a search."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import sklearn
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import Ridge
from sklearn.model_selection import GroupKFold, KFold, ShuffleSplit, cross_validate
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

import hpcore as hp
from hpcore.errors import DataChanged, InvalidArgument, InvalidType
from hpcore.evaluation.correction import corrected_best
from hpcore.sklearn import AllFitsFailed, SearchCV, nested_cross_validate

X, y = load_breast_cancer(return_X_y=True)
X, y = X[::4], y[::4]
TREE = DecisionTreeClassifier(random_state=0)
SPACE = {"max_depth": hp.Int(1, 8), "min_samples_leaf": hp.Int(1, 30)}


def assert_same_as_scikit_learn(search: SearchCV, data: Any, target: Any, cv: Any, n_jobs: int) -> None:
    theirs = cross_validate(search, data, target, cv=cv, return_estimator=True)
    ours = nested_cross_validate(search, data, target, cv=cv, n_jobs=n_jobs)
    np.testing.assert_array_equal(ours.test_scores, theirs["test_score"])
    for k, fitted in enumerate(theirs["estimator"]):
        assert ours.best_params[k] == fitted.best_params_
        assert ours.inner_scores[k] == fitted.best_score_
        assert ours.corrected_scores[k] == fitted.best_score_corrected_
        assert ours.searches[k].cv_results_["params"] == fitted.cv_results_["params"]
    assert ours.mean == theirs["test_score"].mean()
    assert ours.std == theirs["test_score"].std()
    assert ours.optimism == pytest.approx(np.mean(ours.inner_scores) - ours.mean)


@pytest.mark.parametrize("n_jobs", [1, 2])
@pytest.mark.parametrize(
    "options",
    [
        {"strategy": "grid"},
        {"strategy": "gp", "n_trials": 14, "deterministic": True, "racing": True},
    ],
    ids=["grid", "gp"],
)
def test_the_same_scores_as_scikit_learns_loop(options: dict[str, Any], n_jobs: int) -> None:
    space = {"max_depth": [1, 2, 4], "min_samples_leaf": [1, 10]} if options["strategy"] == "grid" else SPACE
    search = SearchCV(TREE, space, cv=3, random_state=0, **options)
    assert_same_as_scikit_learn(search, X, y, 4, n_jobs)


def test_precomputed_kernels() -> None:
    kernel = (X / X.std(axis=0)) @ (X / X.std(axis=0)).T
    search = SearchCV(SVC(kernel="precomputed"), {"C": [0.01, 1.0]}, strategy="grid", cv=3)
    assert_same_as_scikit_learn(search, kernel, y, 3, 1)


def test_groups_and_boolean_masks() -> None:
    groups = np.arange(len(X)) % 7
    search = SearchCV(TREE, {"max_depth": [1, 3]}, strategy="grid", cv=GroupKFold(3))
    outer = [(groups != k, groups == k) for k in (0, 1)]
    nested = nested_cross_validate(search, X, y, cv=outer, params={"groups": groups})
    assert nested.test_scores.shape == (2,)
    for own in nested.searches:
        assert own.n_splits_ == 3


def test_several_metrics() -> None:
    scoring = ["accuracy", "roc_auc"]
    search = SearchCV(TREE, {"max_depth": [1, 3]}, strategy="grid", cv=3, scoring=scoring, refit="roc_auc")
    nested = nested_cross_validate(search, X, y, cv=3)
    assert [set(scores) for scores in nested.all_test_scores] == [{"accuracy", "roc_auc"}] * 3
    np.testing.assert_array_equal(nested.test_scores, [scores["roc_auc"] for scores in nested.all_test_scores])


def test_optimism_is_seen_where_there_is_nothing_to_learn() -> None:
    rng = np.random.default_rng(0)
    noise, labels = rng.normal(size=(120, 30)), rng.integers(0, 2, size=120)
    space = {"max_depth": hp.Int(1, 10), "min_samples_leaf": hp.Int(1, 30), "max_features": hp.Float(0.1, 1.0)}
    search = SearchCV(TREE, space, strategy="random", n_trials=30, cv=4, random_state=0)
    nested = nested_cross_validate(search, noise, labels, cv=4)
    assert nested.optimism > 0.03
    assert abs(nested.corrected_scores.mean() - 0.5) < abs(nested.inner_scores.mean() - 0.5)


def test_failures() -> None:
    with pytest.raises(AllFitsFailed):
        nested_cross_validate(SearchCV(SVC(), {"C": [-1.0]}, strategy="grid"), X, y, cv=3)
    with pytest.raises(InvalidType, match="search must be a SearchCV"):
        nested_cross_validate(SVC(), X, y)  # type: ignore[arg-type]
    with pytest.raises(InvalidArgument, match="refit"):
        nested_cross_validate(SearchCV(SVC(), {"C": [1.0]}, refit=False), X, y)
    with pytest.raises(InvalidArgument, match="cv"):
        nested_cross_validate(SearchCV(SVC(), {"C": [1.0]}), X, y, cv=1)


# --- the corrected score of one search ---------------------------------------------------------------------------


def test_the_corrected_score_of_a_search() -> None:
    search = SearchCV(TREE, SPACE, strategy="random", n_trials=12, cv=4, random_state=0).fit(X, y)
    folds = np.array([search.cv_results_[f"split{i}_test_score"] for i in range(4)]).T
    assert search.best_score_corrected_ == corrected_best(folds)
    assert search.best_score_corrected_ <= search.best_score_


def test_stopped_candidates_take_part_by_their_estimates() -> None:
    search = SearchCV(TREE, SPACE, n_trials=25, cv=4, racing=True, random_state=0).fit(X, y)
    assert search.cv_results_["pruned"].any()
    assert search.best_score_ - 0.1 < search.best_score_corrected_ <= search.best_score_


@pytest.mark.parametrize(
    "options",
    [
        {"cv": ShuffleSplit(1, random_state=0)},
        {"refit": lambda results: 0},
        {"scoring": ["accuracy", "roc_auc"], "refit": False},
    ],
    ids=["one fold", "callable refit", "no metric decides"],
)
def test_where_it_is_not_defined_there_is_none(options: dict[str, Any]) -> None:
    search = SearchCV(DummyClassifier(), {"strategy": ["prior"]}, strategy="grid", **options).fit(X, y)
    assert not hasattr(search, "best_score_corrected_")


def test_regression() -> None:
    data, target = load_diabetes(return_X_y=True)
    search = SearchCV(Ridge(), {"alpha": hp.Float(1e-3, 1e3, log=True)}, n_trials=12, cv=KFold(3), random_state=0)
    assert_same_as_scikit_learn(search, data, target, KFold(3), 1)


def test_data_that_changes_is_noticed() -> None:
    X, y = load_breast_cancer(return_X_y=True)

    def change(search: Any, trial: Any) -> None:
        X[:] += 1.0

    search = SearchCV(SVC(), {"C": [1.0, 2.0]}, strategy="grid", callbacks=[change], cv=2)
    with pytest.raises(DataChanged):
        nested_cross_validate(search, X, y, cv=2)


def test_metadata_of_the_outer_folds_alone():
    weights, rows = np.linspace(0.5, 1.5, len(y)), np.arange(len(y)) % 7
    with sklearn.config_context(enable_metadata_routing=True):
        model = SVC().set_fit_request(sample_weight=True).set_score_request(sample_weight=False)
        search = SearchCV(model, {"C": [0.01, 1.0]}, strategy="grid", cv=KFold(2))
        for outer, name in ((GroupKFold(3), "groups"), (GroupKFold(3).set_split_request(groups="rows"), "rows")):
            params = {"sample_weight": weights, name: rows}
            nested = nested_cross_validate(search, X, y, cv=outer, params=params)
            expected = cross_validate(search, X, y, cv=outer, params=params)
            np.testing.assert_array_equal(nested.test_scores, expected["test_score"])
        with pytest.raises(TypeError, match="unknown"):
            nested_cross_validate(search, X, y, cv=outer, params={"rows": rows, "unknown": rows})
