"""Predictions for test folds, and the candidates whose predictions a search keeps."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_diabetes, load_iris
from sklearn.linear_model import LogisticRegression, Ridge, RidgeClassifier
from sklearn.model_selection import KFold, StratifiedKFold, cross_val_predict

import hpcore as hp
from hpcore.errors import InvalidType
from hpcore.evaluation import predictions
from hpcore.evaluation.predictions import Kept, respond
from hpcore.sklearn import SearchCV


def test_probabilities_are_in_the_order_of_all_classes() -> None:
    X, y = load_iris(return_X_y=True)
    names = np.array(["c", "a", "b"])[y]
    model = LogisticRegression(max_iter=500).fit(X[names != "b"], names[names != "b"])
    out = respond(model, X, np.array(["a", "b", "c"]))
    assert out is not None
    np.testing.assert_array_equal(out[:, 1], 0.0)
    np.testing.assert_array_equal(out[:, [0, 2]], model.predict_proba(X))
    assert respond(RidgeClassifier().fit(X, names), X, np.unique(names)) is None


def test_a_regression_of_several_targets_has_none() -> None:
    X, y = load_diabetes(return_X_y=True)
    out = respond(Ridge().fit(X, y), X, None)
    np.testing.assert_array_equal(out, Ridge().fit(X, y).predict(X))
    assert respond(Ridge().fit(X, np.stack([y, y], axis=1)), X, None) is None


def test_rows_are_joined_and_repeated_ones_averaged() -> None:
    kept = Kept([np.array([0, 2]), np.array([False, True, True, False])], 4)
    kept.put(5, 0.5, [np.array([1.0, 2.0]), np.array([3.0, 4.0])])
    kept.put(6, 0.9, [np.array([1.0, 2.0]), None])  # a fold is missing
    table = kept.table()
    assert list(table) == [5]
    np.testing.assert_array_equal(table[5], [1.0, 3.0, 3.0, np.nan])


def test_the_worst_are_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(predictions, "_MOST_CANDIDATES", 3)
    kept = Kept([np.array([0])], 1)
    for number, score in enumerate([0.3, 0.9, 0.1, 0.9, 0.5]):
        kept.put(number, score, [np.array([score])])
    assert list(kept.table()) == [1, 3, 4]


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_search_keeps_what_cross_val_predict_gives(n_jobs: int) -> None:
    X, y = load_iris(return_X_y=True)
    cv = StratifiedKFold(4, shuffle=True, random_state=0)
    space = {"C": hp.Categorical([0.01, 1.0, 100.0])}
    search = SearchCV(
        LogisticRegression(max_iter=2000), space, strategy="grid", cv=cv, n_jobs=n_jobs, keep_predictions=True
    ).fit(X, y)
    assert len(search.predictions_) == 3
    assert next(iter(search.predictions_)) == search.trial_numbers_[search.best_index_]
    for number, table in search.predictions_.items():
        model = LogisticRegression(max_iter=2000, C=search.trials_[number].params["C"])
        np.testing.assert_array_equal(table, cross_val_predict(model, X, y, cv=cv, method="predict_proba"))


def test_a_race_and_a_scheduler_keep_whole_candidates_only() -> None:
    X, y = load_diabetes(return_X_y=True)
    space = {"alpha": hp.Float(1e-4, 1e4, log=True)}
    options = {"cv": KFold(5), "n_trials": 12, "random_state": 0, "keep_predictions": True, "strategy": "random"}
    race = SearchCV(Ridge(), space, racing=True, **options).fit(X, y)
    stopped = {trial.number for trial in race.trials_ if trial.state == "pruned"}
    assert stopped
    assert race.predictions_.keys() == {trial.number for trial in race.trials_} - stopped
    halving = SearchCV(Ridge(), space, scheduler="asha", resource="n_samples", **options).fit(X, y)
    full = halving.cv_results_["n_resources"] == halving.max_resources_
    assert halving.predictions_.keys() == set(halving.trial_numbers_[full].tolist())
    number, table = next(iter(halving.predictions_.items()))
    model = Ridge(alpha=halving.trials_[number].params["alpha"])
    np.testing.assert_array_equal(table, cross_val_predict(model, X, y, cv=KFold(5)))


def test_nothing_is_kept_by_default() -> None:
    X, y = load_iris(return_X_y=True)
    search = SearchCV(LogisticRegression(max_iter=2000), {"C": [0.1, 1.0]}, strategy="grid").fit(X, y)
    assert not hasattr(search, "predictions_")
    with pytest.raises(InvalidType, match="keep_predictions"):
        SearchCV(LogisticRegression(), {"C": [0.1]}, keep_predictions="yes").fit(X, y)
