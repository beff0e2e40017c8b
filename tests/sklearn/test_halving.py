"""The schedule of scikit-learn's halving searches, against those."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_breast_cancer, make_classification
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import HalvingGridSearchCV
from sklearn.tree import DecisionTreeClassifier

from hpcore.sklearn import SearchCV

ATTRIBUTES = (
    "n_resources_",
    "n_candidates_",
    "n_iterations_",
    "n_remaining_candidates_",
    "n_required_iterations_",
    "n_possible_iterations_",
    "min_resources_",
    "max_resources_",
)
GRID = {"max_depth": [2, 3, 4, 5, 6], "min_samples_leaf": [1, 3, 5, 10], "criterion": ["gini", "entropy"]}


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"min_resources": "smallest"},
        {"factor": 2},
        {"factor": 2, "min_resources": "smallest", "cv": 3},
        {"min_resources": 50, "max_resources": 500},
        {"min_resources": 37},
        {"max_resources": 210},
        {"factor": 4},
        {"factor": 3, "min_resources": 1000},
    ],
)
@pytest.mark.parametrize("n", [1000, 569])
def test_same_schedule_as_halving_grid_search(options, n):
    if max(options.get("min_resources", 1) if isinstance(options.get("min_resources"), int) else 1, 1) > n:
        pytest.skip("more than there are")
    X, y = make_classification(n, 6, random_state=0)
    model = DecisionTreeClassifier(random_state=0)
    theirs = HalvingGridSearchCV(model, GRID, random_state=0, **{"cv": 3, **options}).fit(X, y)
    ours = SearchCV(
        model, GRID, strategy="grid", scheduler="halving", resource="n_samples", random_state=0, **{"cv": 3, **options}
    ).fit(X, y)
    for name in ATTRIBUTES:
        assert getattr(ours, name) == getattr(theirs, name), name
    for name in ("iter", "n_resources"):
        assert ours.cv_results_[name].tolist() == theirs.cv_results_[name].tolist()
    assert ours.cv_results_["iter"][ours.best_index_] == ours.n_iterations_ - 1
    # The columns are theirs, with these names and types.
    assert ours.cv_results_.keys() == {key for key in theirs.cv_results_ if "train_score" not in key}
    first = [params for params, i in zip(ours.cv_results_["params"], ours.cv_results_["iter"], strict=True) if not i]
    assert first == [
        params for params, i in zip(theirs.cv_results_["params"], theirs.cv_results_["iter"], strict=True) if not i
    ]


class Constant(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Score that does not depend on the data, so that both searches promote the same."""

    def __init__(self, quality: float = 0.0, n_units: int = 1) -> None:
        self.quality, self.n_units = quality, n_units

    def fit(self, X: Any, y: Any) -> Constant:
        self.classes_ = np.unique(y)
        return self

    def score(self, X: Any, y: Any) -> float:
        return self.quality * math.sqrt(self.n_units)


@pytest.mark.parametrize("options", [{"max_resources": 50}, {"max_resources": 30, "min_resources": 2}, {"factor": 2}])
def test_same_table_with_a_parameter_as_the_resource(options):
    X, y = load_breast_cancer(return_X_y=True)
    options = {"max_resources": 40, "resource": "n_units", "cv": 2, **options}
    grid = {"quality": np.random.default_rng(0).permutation(np.linspace(0.0, 1.0, 30)).tolist()}
    theirs = HalvingGridSearchCV(Constant(), grid, **options).fit(X, y)
    ours = SearchCV(Constant(), grid, strategy="grid", scheduler="halving", **options).fit(X, y)
    for name in ATTRIBUTES:
        assert getattr(ours, name) == getattr(theirs, name), name
    key = ("iter", "n_resources", "param_quality", "param_n_units", "mean_test_score")

    def table(search: Any) -> list[Any]:
        return sorted(zip(*(search.cv_results_[name] for name in key), strict=True))

    assert table(ours) == table(theirs)
    assert ours.best_params_ == theirs.best_params_
    assert ours.best_score_ == theirs.best_score_
    assert ours.best_estimator_.get_params() == theirs.best_estimator_.get_params()
