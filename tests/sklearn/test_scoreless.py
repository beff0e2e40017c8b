"""A search without a single score says so early."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_iris
from sklearn.exceptions import FitFailedWarning

from hpcore.sklearn import AllFitsFailed, NoScoreYet, SearchCV, nested_cross_validate

X, y = load_iris(return_X_y=True)


class Fails(ClassifierMixin, BaseEstimator):
    """Fails, or scores NaN, below some k."""

    def __init__(self, k: int = 0, how: str = "fit", until: int = 10**6) -> None:
        self.k, self.how, self.until = k, how, until

    def fit(self, X: Any, y: Any) -> Fails:
        if self.how == "fit" and self.k < self.until:
            raise RuntimeError("the licence has run out")
        self.classes_ = np.unique(y)
        return self

    def score(self, X: Any, y: Any) -> float:
        if self.k >= self.until:
            return 0.5
        if self.how == "score":
            raise RuntimeError("the licence has run out")
        return np.nan


def seen_after(estimator: Any, n: int = 8, **options: Any) -> tuple[list[int], SearchCV, bool]:
    """After how many candidates the warning came; the search, and whether it raised in the end."""
    after: list[int] = []
    done: list[int] = []
    search = SearchCV(estimator, {"k": list(range(n))}, strategy="grid", cv=2, refit=False, **options)
    search.set_params(callbacks=[lambda search, trial: done.append(trial.number)])

    def show(message: Any, category: Any, *args: Any, **kwargs: Any) -> None:
        if issubclass(category, NoScoreYet):
            after.append(len(done))
            assert "licence has run out" in str(message) or "nan" in str(message)

    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = show
        try:
            search.fit(X, y)
        except AllFitsFailed:
            return after, search, True
    return after, search, False


@pytest.mark.parametrize(
    "how, options",
    [
        *[(how, options) for how in ("fit", "score", "nan") for options in ({}, {"n_jobs": 2}, {"racing": True})],
        # A scorer that fails has a score then, and is told of each time.
        *[(how, {"error_score": 0.0}) for how in ("fit", "nan")],
    ],
)
def test_it_is_said_once_and_early(how: str, options: dict[str, Any]) -> None:
    after, search, raised = seen_after(Fails(how=how), **options)
    assert after == [2], "before the third is reported"
    assert raised == (how == "fit")
    if not raised:
        assert np.isnan(search.cv_results_["mean_test_score"]).all()


@pytest.mark.parametrize("until", [0, 1, 2])
def test_nothing_is_said_where_one_of_the_first_has_a_score(until: int) -> None:
    after, _, raised = seen_after(Fails(until=until))
    assert not after and not raised


def test_the_search_goes_on() -> None:
    after, search, raised = seen_after(Fails(until=6))
    assert after == [2] and not raised
    np.testing.assert_array_equal(search.cv_results_["mean_test_score"], [np.nan] * 6 + [0.5] * 2)


@pytest.mark.filterwarnings("ignore:One or more of the test scores are non-finite:UserWarning")
def test_a_search_that_goes_on_knows_the_scores_it_had(tmp_path: Any) -> None:
    options = {"strategy": "grid", "cv": 2, "refit": False, "storage": tmp_path / "s.db", "study_name": "s"}
    # The best is tried first; all that come later fail.
    space = {"k": [9, 0, 1, 2, 3, 4, 5]}
    SearchCV(Fails(until=9), space, n_trials=1, **options).fit(X, y)
    with pytest.warns(FitFailedWarning) as caught:
        search = SearchCV(Fails(until=9), space, **options).fit(X, y)
    assert not [w for w in caught if issubclass(w.category, NoScoreYet)]
    assert np.isnan(search.cv_results_["mean_test_score"]).sum() == 6


@pytest.mark.filterwarnings("ignore:One or more of the test scores are non-finite:UserWarning")
def test_nested() -> None:
    search = SearchCV(Fails(how="nan"), {"k": [1, 2, 3, 4]}, strategy="grid", cv=2)
    with pytest.warns(NoScoreYet):
        nested_cross_validate(search, X, y, cv=2)
