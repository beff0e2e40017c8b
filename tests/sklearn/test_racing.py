"""SearchCV with racing and in deterministic mode: which folds are run, what the table says, who may win."""

from __future__ import annotations

import math
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_breast_cancer
from sklearn.dummy import DummyClassifier
from sklearn.exceptions import FitFailedWarning
from sklearn.linear_model import Ridge
from sklearn.metrics import accuracy_score, get_scorer, make_scorer
from sklearn.model_selection import ShuffleSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

import hpcore as hp
from hpcore.errors import InvalidArgument, InvalidType
from hpcore.sklearn import Racing, SearchCV
from hpcore.sklearn.races import upper_bound

X, y = load_breast_cancer(return_X_y=True)
X, y = X[::3], y[::3]
SVM = make_pipeline(StandardScaler(), SVC())
SPACE = {"svc__C": hp.Float(1e-3, 1e3, log=True), "svc__gamma": hp.Float(1e-5, 1e1, log=True)}


def table(search: SearchCV) -> dict[str, Any]:
    return {key: value for key, value in search.cv_results_.items() if "time" not in key}


def assert_same_table(a: dict[str, Any], b: dict[str, Any]) -> None:
    assert a.keys() == b.keys()
    for key in a:
        if key == "params":
            assert a[key] == b[key]
        elif key.startswith("param_"):
            assert a[key].tolist() == b[key].tolist()
        else:
            np.testing.assert_array_equal(a[key], b[key], err_msg=key)


class Table(ClassifierMixin, BaseEstimator):
    """Scores what a table says for this candidate and fold, after some time."""

    def __init__(self, k: int = 0, seconds: float = 0.0) -> None:
        self.k = k
        self.seconds = seconds

    def fit(self, X: Any, y: Any) -> Table:
        time.sleep(self.seconds)
        self.classes_ = np.unique(y)
        return self

    def predict(self, X: Any) -> Any:
        return np.zeros(len(X))


SCORES = np.array(
    [
        [0.90, 0.80, 0.85, 0.90],
        [0.10, 0.95, 0.95, 0.95],  # cannot win after the first fold: 0.1 + 3 < 3.45
        [0.95, 0.85, 0.90, 0.95],  # the winner
        [0.91, 0.81, 0.20, 0.99],  # cannot win after the third
        [0.95, 0.85, 0.90, 0.95],  # as good as the winner, later
        [math.nan, 0.9, 0.9, 0.9],
    ]
)
ROWS = np.arange(40.0).reshape(-1, 1)
SPLITS = [(np.arange(20), np.arange(20 + 5 * i, 25 + 5 * i)) for i in range(4)]


def scoring(estimator: Any, X: Any, y: Any) -> float:
    return float(SCORES[estimator.k, int(X[0, 0] - 20) // 5])


def race_on_table(racing: Any, **options: Any) -> SearchCV:
    grid = {"k": list(range(len(SCORES)))}
    given = {"scoring": scoring, "cv": SPLITS, "strategy": "grid", "refit": True, **options}
    with pytest.warns(UserWarning, match="non-finite"):
        return SearchCV(Table(), grid, racing=racing, **given).fit(ROWS, np.arange(40) % 2)


def test_the_table_of_a_race() -> None:
    search = race_on_table(Racing(test=False, upper=1.0))
    results = search.cv_results_
    assert results["n_folds_evaluated"].tolist() == [4, 1, 4, 3, 4, 1]
    assert results["pruned"].tolist() == [False, True, False, True, False, False]
    for k, n in enumerate(results["n_folds_evaluated"]):
        for fold in range(4):
            expected = SCORES[k, fold] if fold < n else math.nan
            np.testing.assert_equal(results[f"split{fold}_test_score"][k], expected)
    mean = results["mean_test_score"]
    assert mean[0] == pytest.approx(0.8625)
    # By paired differences to the incumbent of that moment.
    assert mean[1] == pytest.approx(0.8625 + (0.10 - 0.90))
    assert mean[3] == pytest.approx(np.mean(SCORES[2]) + np.mean(SCORES[3, :3] - SCORES[2, :3]))
    assert math.isnan(mean[5])
    assert results["std_test_score"][3] == pytest.approx(np.std(SCORES[3, :3]))
    assert results["rank_test_score"].tolist() == [3, 5, 1, 4, 1, 6]
    assert search.best_index_ == 2
    assert search.best_score_ == mean[2]
    assert [trial.state.value for trial in search.trials_] == [
        "complete", "pruned", "complete", "pruned", "complete", "failed",
    ]  # fmt: skip
    assert search.trials_[3].value == pytest.approx(mean[3])
    history = search.optimizer_.history
    assert history.std_errors[3, 0] > 0 and math.isnan(history.std_errors[2, 0])


def test_without_racing_the_table_is_scikit_learns() -> None:
    search = race_on_table(False)
    assert "pruned" not in search.cv_results_
    assert "n_folds_evaluated" not in search.cv_results_


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_exact_racing_finds_the_same_winner(n_jobs: int) -> None:
    grid = {"svc__C": [0.01, 1, 100], "svc__gamma": [1e-4, 1e-2, 1.0]}
    full = SearchCV(SVM, grid, strategy="grid", cv=8).fit(X, y)
    race = SearchCV(SVM, grid, strategy="grid", cv=8, racing="exact", n_jobs=n_jobs).fit(X, y)
    assert race.best_score_ == full.best_score_
    if n_jobs == 1:  # otherwise it depends on who is complete first
        assert race.cv_results_["n_folds_evaluated"].sum() < 72
    assert race.cv_results_["n_folds_evaluated"][race.best_index_] == 8
    done = ~race.cv_results_["pruned"]
    np.testing.assert_array_equal(race.cv_results_["mean_test_score"][done], full.cv_results_["mean_test_score"][done])
    # What was stopped could not have won.
    assert (full.cv_results_["mean_test_score"][~done] <= full.best_score_).all()
    assert len(race.best_estimator_.predict(X)) == len(X)


def test_several_metrics_and_training_scores() -> None:
    options: dict[str, Any] = {"scoring": ["accuracy", "roc_auc"], "refit": "roc_auc", "return_train_score": True}
    search = SearchCV(SVM, SPACE, n_trials=25, cv=5, racing=True, random_state=0, **options).fit(X, y)
    results = search.cv_results_
    assert results["pruned"].any()
    for metric in ("accuracy", "roc_auc"):
        assert np.isfinite(results[f"mean_test_{metric}"]).all()
        assert np.isfinite(results[f"mean_train_{metric}"]).all()
        done = results[f"rank_test_{metric}"][~results["pruned"]]
        assert done.max() < results[f"rank_test_{metric}"][results["pruned"]].min()
    assert results["mean_test_roc_auc"][results["pruned"]].max() <= search.best_score_


def test_failures_in_a_race() -> None:
    grid = {"max_depth": [2, -1, 3]}
    with pytest.warns(FitFailedWarning, match="1 fits failed out of a total of"), pytest.warns(UserWarning):
        search = SearchCV(DecisionTreeClassifier(random_state=0), grid, strategy="grid", racing=True).fit(X, y)
    assert search.cv_results_["n_folds_evaluated"][1] == 1
    assert not search.cv_results_["pruned"][1]
    assert search.trials_[1].state == "failed"
    with pytest.warns(FitFailedWarning):
        search = SearchCV(
            DecisionTreeClassifier(random_state=0), grid, strategy="grid", racing="exact", error_score=2.0, refit=False
        ).fit(X, y)
    assert search.best_index_ == 1, "a score that the caller set above all others wins, as without a race"


# --- deterministic -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("racing", [False, True])
@pytest.mark.parametrize("strategy", ["gp", "tpe"])
def test_any_number_of_workers_gives_the_same_table(strategy: str, racing: bool) -> None:
    def search(**workers: Any) -> dict[str, Any]:
        options: dict[str, Any] = {"n_trials": 24, "cv": 4, "scoring": "neg_log_loss", "random_state": 1}
        model = DecisionTreeClassifier(random_state=0)
        space = {"max_depth": hp.Int(1, 12), "min_samples_leaf": hp.Int(1, 40), "ccp_alpha": hp.Float(0, 0.05)}
        search = SearchCV(model, space, strategy=strategy, racing=racing, deterministic=True, **options, **workers)
        search.fit(X, y)
        return {**table(search), "values": np.array([trial.value for trial in search.trials_])}

    alone = search(n_jobs=1)
    for n_jobs in (2, 4):
        assert_same_table(alone, search(n_jobs=n_jobs))
    with ThreadPoolExecutor(3) as executor:
        assert_same_table(alone, search(executor=executor))


def test_timing_changes_the_fast_mode_and_not_the_deterministic_one() -> None:
    seen = []

    def told(search: Any, trial: Any) -> None:
        seen.append(trial.number)

    grid = {"k": list(range(len(SCORES))), "seconds": [0.0]}
    with pytest.warns(UserWarning, match="non-finite"), ThreadPoolExecutor(3) as executor:
        search = SearchCV(
            Table(), grid, strategy="grid", scoring=scoring, cv=SPLITS, executor=executor,
            racing=Racing(upper=1.0), deterministic=3, callbacks=[told],
        ).fit(ROWS, np.arange(40) % 2)  # fmt: skip
    assert sorted(seen) == list(range(len(SCORES))), "called back as results come"
    assert search.trial_numbers_.tolist() == list(range(len(SCORES)))


def test_another_lag_is_another_search() -> None:
    def params(deterministic: Any) -> Any:
        model = DecisionTreeClassifier(random_state=0)
        space = {"max_depth": hp.Int(1, 12), "ccp_alpha": hp.Float(0, 0.05)}
        search = SearchCV(model, space, n_trials=18, cv=2, deterministic=deterministic, random_state=1)
        return search.fit(X, y).cv_results_["params"]

    assert params(1) == params(False), "one after the other is what one process does anyway"
    assert params(True) == params(4) != params(2)


# --- bounds and bad input ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["accuracy", "f1_macro", "roc_auc", "matthews_corrcoef", "r2", "explained_variance"])
def test_scores_of_at_most_one(name: str) -> None:
    scorer = get_scorer(name)
    assert upper_bound(scorer, SVC()) == 1.0
    truth = np.array([0, 1, 1, 0, 1])
    assert scorer._score_func(truth, truth) == 1.0


@pytest.mark.parametrize("name", ["neg_log_loss", "neg_mean_squared_error", "neg_max_error", "neg_brier_score"])
def test_losses_of_at_least_zero(name: str) -> None:
    assert upper_bound(get_scorer(name), Ridge()) == 0.0


def test_scores_without_a_bound() -> None:
    assert upper_bound(get_scorer("positive_likelihood_ratio"), SVC()) == math.inf
    assert upper_bound(get_scorer("mutual_info_score"), SVC()) == math.inf
    assert upper_bound(make_scorer(accuracy_score, normalize=False), SVC()) == math.inf
    assert upper_bound(make_scorer(accuracy_score, greater_is_better=False), SVC()) == math.inf
    assert upper_bound(scoring, SVC()) == math.inf


class OwnScore(SVC):
    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        return 7.0


def test_the_estimators_own_score() -> None:
    from sklearn.metrics import check_scoring

    for estimator, bound in ((SVC(), 1.0), (Ridge(), 1.0), (SVM, 1.0), (OwnScore(), math.inf)):
        assert upper_bound(check_scoring(estimator), estimator) == bound


CASES: list[tuple[str, dict[str, Any], type[Exception], list[str]]] = [
    ("one fold", {"racing": True, "cv": ShuffleSplit(1)}, InvalidArgument, ["racing", "2 folds", "1"]),
    ("no bound", {"racing": "exact", "scoring": scoring}, InvalidArgument, ["racing='exact'", "upper"]),
    ("refit", {"racing": True, "refit": lambda results: 0}, InvalidArgument, ["racing", "refit"]),
    ("racing", {"racing": "often"}, InvalidArgument, ["racing", "'often'"]),
    ("racing 3", {"racing": 3}, InvalidType, ["racing", "3"]),
    ("deterministic", {"deterministic": "yes"}, InvalidType, ["deterministic", "'yes'"]),
    ("deterministic 0", {"deterministic": 0}, InvalidArgument, ["deterministic", "0"]),
]


@pytest.mark.parametrize("arguments, error, words", [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_bad_input(arguments: dict[str, Any], error: type[Exception], words: list[str]) -> None:
    with pytest.raises(error) as caught:
        SearchCV(DummyClassifier(), {"strategy": ["prior", "uniform"]}, **arguments).fit(X, y)
    for word in words:
        assert word in str(caught.value)
