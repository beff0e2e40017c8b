"""Searches that an error ends: what is known is not lost."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_iris
from sklearn.model_selection import cross_val_score

import hpcore as hp
from hpcore.sklearn import SearchCV

X, y = load_iris(return_X_y=True)


class Ending(ClassifierMixin, BaseEstimator):
    """Its score is k; one of them ends otherwise."""

    def __init__(self, k: int = 0, how: str = "") -> None:
        self.k, self.how = k, how

    def fit(self, X: Any, y: Any) -> Ending:
        self.classes_ = [0, 1, 2]
        if self.k == 5 and self.how == "exit":
            sys.exit(3)
        if self.k == 5 and self.how == "raise":
            raise ArithmeticError("the estimator's own")
        return self

    def predict(self, X: Any) -> Any:
        return [0] * len(X)

    def score(self, X: Any, y: Any) -> float:
        return float(self.k)


def callback(search: SearchCV, trial: hp.Trial) -> None:
    if trial["k"] == 4:
        raise ArithmeticError("the callback's own")


def search(how: str, **options: Any) -> SearchCV:
    if how == "callback":
        options["callbacks"] = [callback]
    return SearchCV(
        Ending(how=how), {"k": list(range(9))}, strategy="grid", cv=2, error_score="raise", refit=True, **options
    )


ERRORS = {"exit": SystemExit, "raise": ArithmeticError, "callback": ArithmeticError}


@pytest.mark.parametrize("how", list(ERRORS))
@pytest.mark.parametrize("where", ["memory", "stored"])
@pytest.mark.parametrize("deterministic", [False, True])
def test_the_error_carries_the_search(how: str, where: str, deterministic: bool, tmp_path: Path) -> None:
    stored = {"storage": tmp_path / "runs.db", "study_name": "a"} if where == "stored" else {}
    tried = search(how, deterministic=deterministic, **stored)
    with pytest.raises(ERRORS[how]) as caught:
        tried.fit(X, y)
    assert caught.value.result is tried
    known = tried.cv_results_["mean_test_score"].tolist()
    assert known == list(range(len(known))) and len(known) >= 2
    assert tried.best_params_ == {"k": len(known) - 1}
    assert not hasattr(tried, "best_estimator_")


def test_of_a_worker() -> None:
    tried = search("exit", n_jobs=2)
    with pytest.raises(SystemExit) as caught:
        tried.fit(X, y)
    assert caught.value.result is tried
    known = [params["k"] for params in tried.cv_results_["params"]]  # all but what others were at
    assert known and 5 not in known
    assert tried.cv_results_["mean_test_score"].tolist() == known


def test_a_search_that_has_nothing_is_no_result() -> None:
    def at_once(search: SearchCV, trial: hp.Trial) -> None:
        raise ArithmeticError

    with pytest.raises(ArithmeticError) as caught:
        SearchCV(Ending(how="raise"), {"k": [5, 6]}, strategy="grid", cv=2, error_score="raise").fit(X, y)
    assert not hasattr(caught.value, "result")
    with pytest.raises(ArithmeticError) as caught:
        SearchCV(Ending(), {"k": [1, 2]}, strategy="grid", cv=2, callbacks=[at_once]).fit(X, y)
    assert caught.value.result.best_params_ == {"k": 1}


def test_an_error_inside_a_worker_of_another_search_arrives() -> None:
    """It travels by pickle, and what a search holds may not."""
    import threading

    def holding(search: SearchCV, trial: hp.Trial) -> None:
        if trial.number == 1:
            search.held_ = threading.Lock()
            raise ArithmeticError("inside")

    inner = SearchCV(Ending(), {"k": [1, 2, 3]}, strategy="grid", cv=2, callbacks=[holding])
    with pytest.raises(ArithmeticError, match="inside"):
        cross_val_score(inner, X, y, cv=2, n_jobs=2, error_score="raise")
