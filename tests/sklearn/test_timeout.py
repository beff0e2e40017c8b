"""The time limit of a search: which folds run, counted in a file, and what becomes of candidates that lack some."""

from __future__ import annotations

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.model_selection import KFold

import hpcore as hp
from hpcore.errors import InvalidArgument, InvalidType
from hpcore.sklearn import SearchCV, nested_cross_validate

X = np.arange(60, dtype=float).reshape(60, 1)
Y = np.arange(60) % 2
SECONDS = 0.3


class Logged(ClassifierMixin, BaseEstimator):
    """Estimator that writes a line for each fit, and takes its time if `slow`."""

    def __init__(self, path: str = "", slow: int = 0, seconds: float = SECONDS, fails: int = -1) -> None:
        self.path, self.slow, self.seconds, self.fails = path, slow, seconds, fails

    def fit(self, X: Any, y: Any) -> Logged:
        with Path(self.path).open("a") as stream:
            stream.write(f"{self.slow} {X[:, 0].sum():g}\n")
        time.sleep(self.seconds if self.slow else 0.0)
        if self.slow == self.fails:
            raise ValueError("this one fails")
        self.classes_ = np.unique(y)
        return self

    def predict(self, X: Any) -> Any:
        return np.zeros(len(X), dtype=int)


def fits(path: Path, slow: int) -> list[str]:
    """Return the folds that were fitted with a value of `slow`, each by the sum of its rows."""
    lines = path.read_text().split("\n") if path.exists() else []
    return [line.split()[1] for line in lines if line.startswith(f"{slow} ")]


def make(path: Path, n_folds: int, **options: Any) -> SearchCV:
    return SearchCV(
        Logged(str(path)),
        {"slow": hp.Int(0, 50)},
        strategy="random",
        cv=KFold(n_folds),
        refit=False,
        random_state=0,
        **options,
    )


FIRST = [{"slow": 0}, {"slow": 1}, {"slow": 2}]


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_no_fold_begins_after_the_deadline(tmp_path: Path, n_jobs: int) -> None:
    search = make(tmp_path / "log", 12, warm_start=FIRST, timeout=0.8, n_trials=50, n_jobs=n_jobs).fit(X, Y)
    assert len(fits(tmp_path / "log", 0)) == 12
    # A worker begins at most three folds of 0.3 s within 0.8 s.
    ran = sum(len(fits(tmp_path / "log", slow)) for slow in range(1, 51))
    assert ran <= 3 * n_jobs
    assert [params["slow"] for params in search.cv_results_["params"]] == [0]
    assert {str(trial.state) for trial in search.trials_[1:]} <= {"withdrawn"}
    assert search.best_params_ == {"slow": 0} and not search.interrupted_


def test_no_fold_begins_after_the_deadline_in_an_executor(tmp_path: Path) -> None:
    with ThreadPoolExecutor(2) as executor:
        make(tmp_path / "log", 12, warm_start=FIRST, timeout=0.8, n_trials=50, executor=executor).fit(X, Y)
    assert sum(len(fits(tmp_path / "log", slow)) for slow in range(1, 51)) <= 6


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_there_is_always_one_complete_candidate(tmp_path: Path, n_jobs: int) -> None:
    estimator = {"warm_start": [{"slow": 1}], "timeout": 0.01, "n_trials": 50, "n_jobs": n_jobs}
    search = make(tmp_path / "log", 4, **estimator).fit(X, Y)
    assert len(search.cv_results_["params"]) == 1
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    [number] = search.trial_numbers_
    assert search.trials_[number].state == "complete"
    ran = Counter(fits(tmp_path / "log", search.best_params_["slow"]))
    assert len(ran) == 4 and set(ran.values()) == {1}


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_stored_search_continues_the_candidate_that_lacks_folds(tmp_path: Path, n_jobs: int) -> None:
    log = tmp_path / "log"
    options = {"storage": tmp_path / "runs.db", "study_name": "s", "n_jobs": n_jobs, "warm_start": FIRST[:2]}
    first = make(log, 12, timeout=0.8, n_trials=2, **options).fit(X, Y)
    before = fits(log, 1)
    assert len(before) <= 3 * n_jobs
    assert [str(trial.state) for trial in first.trials_] in (["complete", "running"], ["complete"])
    second = make(log, 12, n_trials=2, **options).fit(X, Y)
    ran = Counter(fits(log, 1))
    assert len(ran) == 12 and set(ran.values()) == {1}
    assert len(fits(log, 0)) == 12
    assert len(second.cv_results_["params"]) == 2
    # A study with results begins no candidate when the time is over before the first fold.
    third = make(log, 12, timeout=1e-6, n_trials=9, **options).fit(X, Y)
    assert len(third.trials_) == 2


def test_a_failed_candidate_is_not_the_one(tmp_path: Path) -> None:
    search = make(tmp_path / "log", 3, warm_start=[{"slow": 7}], timeout=0.01, n_trials=9)
    search.estimator.set_params(fails=7, seconds=0.1)
    with pytest.raises(Exception, match="this one fails"):
        search.fit(X, Y)
    assert len(fits(tmp_path / "log", 7)) == 3


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.FitFailedWarning")
@pytest.mark.filterwarnings("ignore:One or more of the test scores are non-finite:UserWarning")
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_after_a_failed_candidate_another_one_is_finished(tmp_path: Path, n_jobs: int) -> None:
    search = make(tmp_path / "log", 3, warm_start=[{"slow": 7}, {"slow": 0}], timeout=0.01, n_trials=9, n_jobs=n_jobs)
    search.estimator.set_params(fails=7, seconds=0.1)
    search.fit(X, Y)
    best = search.best_params_["slow"]
    assert best != 7
    assert len(set(fits(tmp_path / "log", best))) == 3


def test_with_a_scheduler_rungs_end_too(tmp_path: Path) -> None:
    search = make(
        tmp_path / "log", 12, scheduler="halving", resource="n_samples", min_resources=18, n_trials=9,
        warm_start=FIRST, timeout=0.8,
    ).fit(X, Y)  # fmt: skip
    assert len(fits(tmp_path / "log", 0)) == 12
    assert sum(len(fits(tmp_path / "log", slow)) for slow in range(1, 51)) <= 3
    assert [params["slow"] for params in search.cv_results_["params"]] == [0]


def test_each_search_of_a_nested_validation_has_a_result(tmp_path: Path) -> None:
    search = make(tmp_path / "log", 3, warm_start=[{"slow": 1}], timeout=0.01, n_trials=9).set_params(refit=True)
    nested = nested_cross_validate(search, X, Y, cv=2)
    assert [len(own.cv_results_["params"]) for own in nested.searches] == [1, 1]


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_refit_in_timeout_leaves_time_for_the_refit(tmp_path: Path, n_jobs: int) -> None:
    # One fold of a candidate takes 0.3 s, a refit 0.6 s by the estimate of two folds: after the first candidate only
    # folds begin that leave so much of the time.
    options = {"warm_start": [{"slow": 1}, {"slow": 2}], "timeout": 1.1, "n_trials": 50, "n_jobs": n_jobs}
    search = make(tmp_path / "log", 2, refit_in_timeout=True, **options).set_params(refit=True).fit(X, Y)
    assert len(fits(tmp_path / "log", search.best_params_["slow"])) >= 2
    if n_jobs == 1:
        assert search.trial_numbers_.tolist() == [0]
        assert not fits(tmp_path / "log", 2)


def test_refit_in_timeout_needs_a_timeout() -> None:
    with pytest.raises(InvalidArgument, match=r"refit_in_timeout.*timeout=None"):
        SearchCV(Logged(), {"slow": [0, 1]}, refit_in_timeout=True).fit(X, Y)


@pytest.mark.parametrize(
    ("value", "error"), [("yes", InvalidType), (-1.0, InvalidArgument), (float("nan"), InvalidArgument)]
)
def test_refit_in_timeout_is_a_number_of_refits(value: object, error: type[Exception]) -> None:
    with pytest.raises(error, match="refit_in_timeout"):
        SearchCV(Logged(), {"slow": [0, 1]}, timeout=1.0, refit_in_timeout=value).fit(X, Y)
