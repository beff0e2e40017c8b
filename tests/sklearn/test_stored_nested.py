"""Nested cross-validation in a store: a run that goes on repeats no inner fold and comes to the same scores."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_breast_cancer
from sklearn.tree import DecisionTreeClassifier

import hpcore as hp
from hpcore.errors import InvalidArgument
from hpcore.sklearn import NestedScores, SearchCV, nested_cross_validate

X, y = load_breast_cancer(return_X_y=True)
X, y = X[::4], y[::4]
SPACE = {"max_depth": hp.Int(1, 8), "min_samples_leaf": hp.Int(1, 30)}
N_TRIALS, N_INNER, N_OUTER = 8, 3, 3


class Logged(ClassifierMixin, BaseEstimator):
    """Tree that writes down each fit, by its parameters and the rows; ends with an error after some."""

    def __init__(
        self, max_depth: int = 1, min_samples_leaf: int = 1, log: str = "", die: int = -1, fault: int = -1
    ) -> None:
        self.max_depth, self.min_samples_leaf = max_depth, min_samples_leaf
        self.log, self.die, self.fault = log, die, fault

    def __repr__(self) -> str:  # the same estimator, dying or not
        return "Logged()"

    def fit(self, X: Any, y: Any) -> Logged:
        n = len(fits(Path(self.log)))
        if 0 <= self.die <= n:
            raise SystemExit(3)
        if 0 <= self.fault <= n:
            raise ZeroDivisionError
        with Path(self.log).open("a") as file:
            file.write(f"{self.max_depth} {self.min_samples_leaf} {float(X.sum())!r} {len(X)}\n")
        options = {name: getattr(self, name) for name in SPACE}
        self.model_ = DecisionTreeClassifier(random_state=0, **options).fit(X, y)
        self.classes_ = self.model_.classes_
        return self

    def predict(self, X: Any) -> Any:
        return self.model_.predict(X)


def fits(log: Path) -> list[str]:
    return log.read_text().splitlines() if log.exists() else []


def inner(lines: list[str]) -> list[str]:
    """Fits of inner folds; those of outer ones have more rows."""
    outer_rows = len(X) * (N_OUTER - 1) // N_OUTER - 2
    return [line for line in lines if int(line.split()[-1]) < outer_rows]


def nested(
    folder: Path, *, stored: bool = True, die: int = -1, fault: int = -1, n_threads: int = 1, **options: Any
) -> NestedScores:
    given: dict[str, Any] = {"strategy": "tpe", "n_trials": N_TRIALS, "cv": N_INNER, "random_state": 0, **options}
    if stored:
        given |= {"storage": folder / "runs.db", "study_name": "a"}
    search = SearchCV(Logged(log=str(folder / "log"), die=die, fault=fault), SPACE, **given)
    if n_threads == 1:
        return nested_cross_validate(search, X, y, cv=N_OUTER)
    with ThreadPoolExecutor(n_threads) as executor:
        return nested_cross_validate(search, X, y, cv=N_OUTER, executor=executor)


def assert_same(a: NestedScores, b: NestedScores) -> None:
    np.testing.assert_array_equal(a.test_scores, b.test_scores)
    np.testing.assert_array_equal(a.inner_scores, b.inner_scores)
    np.testing.assert_array_equal(a.corrected_scores, b.corrected_scores)
    assert a.best_params == b.best_params
    for one, other in zip(a.searches, b.searches, strict=True):
        assert one.cv_results_["params"] == other.cv_results_["params"]
        for key in one.cv_results_:
            if "test" in key or key in ("pruned", "n_folds_evaluated"):
                np.testing.assert_array_equal(one.cv_results_[key], other.cv_results_[key], err_msg=key)


class Stop(Exception):
    pass


def stop_after(n: int) -> Any:
    left = [n]

    def callback(search: Any, trial: Any) -> None:
        left[0] -= 1
        if not left[0]:
            raise Stop

    return callback


def stored_counts(folder: Path) -> list[int]:
    """Folds that the store has, by study."""
    studies = [hp.load_study(folder / "runs.db", summary.name) for summary in hp.list_studies(folder / "runs.db")]
    return [len(study._trial_log.reports(range(len(study.trials)))) for study in studies]


@pytest.fixture(scope="module", params=[False, True], ids=["whole", "racing"])
def racing(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture(scope="module")
def whole(racing: bool, tmp_path_factory: pytest.TempPathFactory) -> NestedScores:
    """Search that was not stopped, in memory."""
    return nested(tmp_path_factory.mktemp("whole"), stored=False, deterministic=True, racing=racing)


@pytest.mark.parametrize("n_threads", [1, 2])
def test_a_store_changes_nothing_and_holds_a_study_for_each_outer_fold(
    racing: bool, n_threads: int, whole: NestedScores, tmp_path: Path
) -> None:
    assert_same(nested(tmp_path, deterministic=True, racing=racing, n_threads=n_threads), whole)
    assert sorted(study.name for study in hp.list_studies(tmp_path / "runs.db")) == ["a/0", "a/1", "a/2"]
    n = len(inner(fits(tmp_path / "log")))
    assert sum(stored_counts(tmp_path)) == n
    assert_same(nested(tmp_path, deterministic=True, racing=racing), whole)
    assert len(inner(fits(tmp_path / "log"))) == n, "an inner fold was run again"


@pytest.mark.parametrize("n_threads", [1, 2])
@pytest.mark.parametrize("n", [1, 5, 13])
def test_an_error_of_a_callback(racing: bool, n: int, n_threads: int, whole: NestedScores, tmp_path: Path) -> None:
    with pytest.raises(Stop):
        nested(tmp_path, deterministic=True, racing=racing, n_threads=n_threads, callbacks=[stop_after(n)])
    n_known, n_before = sum(stored_counts(tmp_path)), len(inner(fits(tmp_path / "log")))
    assert n <= n_known <= n_before
    assert_same(nested(tmp_path, deterministic=True, racing=racing, n_threads=n_threads), whole)
    lines = inner(fits(tmp_path / "log"))
    assert len(lines) - len(set(lines)) <= n_before - n_known, "a stored fold was run again"
    if n_threads == 1:
        assert len(set(lines)) == len(lines)


@pytest.mark.parametrize("die", [0, 4, 40])
def test_a_system_exit_in_a_fit(racing: bool, die: int, whole: NestedScores, tmp_path: Path) -> None:
    with pytest.raises(SystemExit):
        nested(tmp_path, die=die, deterministic=True, racing=racing)
    assert sum(stored_counts(tmp_path)) == len(inner(fits(tmp_path / "log")))
    assert_same(nested(tmp_path, deterministic=True, racing=racing), whole)
    lines = inner(fits(tmp_path / "log"))
    assert len(set(lines)) == len(lines), "an inner fold was run again"


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"callbacks": [stop_after(3)]}, Stop),
        ({"die": 11}, SystemExit),
        ({"error_score": "raise", "fault": 11}, ZeroDivisionError),
    ],
    ids=["callback", "exit", "fit"],
)
def test_an_error_gives_the_open_candidates_of_all_searches_back(
    options: dict[str, Any], error: type[BaseException], tmp_path: Path
) -> None:
    """They are open with several searches at once; whoever asks next gets them, and need not wait for a lease."""
    with pytest.raises(error):
        nested(tmp_path, n_threads=4, **options)
    for summary in hp.list_studies(tmp_path / "runs.db"):
        study = hp.load_study(tmp_path / "runs.db", summary.name)
        left = [trial.number for trial in study.trials if trial.state == "running"]
        context = multiprocessing.get_context("fork")
        found = context.Queue()
        child = context.Process(target=ask_elsewhere, args=(tmp_path, summary.name, len(left), found))
        child.start()
        assert found.get(timeout=60) == left
        child.join(60)
    again = nested(tmp_path, **({"error_score": "raise"} if "error_score" in options else {}))
    assert all(len(own.cv_results_["params"]) == N_TRIALS for own in again.searches)


def ask_elsewhere(folder: Path, name: str, n: int, found: Any) -> None:
    study = hp.load_study(folder / "runs.db", name)
    found.put(sorted(study.ask().number for _ in range(n)))


def run_elsewhere(folder: Path, racing: bool) -> None:
    nested(folder, deterministic=True, racing=racing)


def test_two_processes_at_once(whole: NestedScores, racing: bool, tmp_path: Path) -> None:
    child = multiprocessing.get_context("fork").Process(target=run_elsewhere, args=(tmp_path, racing))
    child.start()
    here = nested(tmp_path, deterministic=True, racing=racing)
    child.join(60)
    assert child.exitcode == 0
    for own in here.searches:
        # The other one may still have the last.
        assert len(own.cv_results_["params"]) >= N_TRIALS - 1
    assert_same(nested(tmp_path, deterministic=True, racing=racing), whole)


def test_another_search_under_the_same_name(tmp_path: Path) -> None:
    nested(tmp_path, n_trials=1)
    with pytest.raises(InvalidArgument, match="cv must be as in the search"):
        nested(tmp_path, cv=2)
    with pytest.raises(InvalidArgument, match="study_name must be given"):
        nested(tmp_path, study_name=None, storage=tmp_path / "runs.db", stored=False)
