"""autotune: from a table to the best of several models."""

from __future__ import annotations

import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest
from sklearn import config_context
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, make_classification
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import accuracy_score, get_scorer
from sklearn.model_selection import TimeSeriesSplit
from sklearn.pipeline import Pipeline

from hpcore.errors import InvalidArgument, InvalidType, MissingDependency
from hpcore.sklearn import AllFitsFailed, SearchInterrupted
from hpcore.tables import autotune, presets, tuning
from hpcore.tables.choice_space import MODEL
from hpcore.tables.deploy import load_deployment

QUICK = {"n_jobs": 1, "n_trials": 8, "models": ["logistic", "decision_tree"]}


def _mixed(n: int = 240, seed: int = 0) -> tuple[pd.DataFrame, pd.Series[Any]]:
    """Table of numbers with a currency, categories, a date and missing cells; the target follows two of them."""
    rng = np.random.default_rng(seed)
    price, kind = rng.uniform(5, 90, n), rng.choice(["red", "green", "blue"], n)
    X = pd.DataFrame(
        {
            "price": [f"{value:.2f} EUR" for value in price],
            "kind": kind,
            "day": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 300, n), unit="D"),
            "noise": np.where(rng.random(n) < 0.1, np.nan, rng.standard_normal(n)),
        }
    )
    y = np.where((price > 40) ^ (kind == "red"), "buys", "leaves")
    y[rng.random(n) < 0.05] = "leaves"
    return X, pd.Series(y, name="outcome")


def test_the_best_of_several_models() -> None:
    X, y = _mixed()
    tuned = autotune(X, y, n_jobs=1, n_trials=20, models=["logistic", "decision_tree", "knn"])
    assert tuned.best_model_ == "decision_tree"
    assert tuned.best_score_ > 0.85
    assert isinstance(tuned.best_estimator_, Pipeline)
    assert set(tuned.predict(X)) == {"buys", "leaves"}
    np.testing.assert_array_equal(tuned.predict(X), tuned.best_estimator_.predict(X))
    np.testing.assert_allclose(tuned.predict_proba(X).sum(axis=1), 1.0)
    assert list(tuned.classes_) == ["buys", "leaves"]
    board = tuned.leaderboard
    assert set(board["model"]) == {"logistic", "decision_tree", "knn"}
    assert board["model"].iloc[0] == "decision_tree"
    assert (np.diff(board["score"]) <= 0).all()
    assert board["score"].iloc[0] == tuned.best_score_
    assert board["n_trials"].sum() == 20
    text = tuned.report
    assert repr(tuned) == text
    for part in ("decision_tree", "knn", "constant answer", "parameters", "accuracy"):
        assert part in text
    # As the command does, which prints them before the search.
    assert tuned.notices and all(f"note: {notice}" in text for notice in tuned.notices)


def test_each_model_begins_as_it_is() -> None:
    X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    tuned = autotune(X, y, n_jobs=1, n_trials=3, models=["knn", "logistic", "decision_tree"])
    first = [trial.params for trial in tuned.search_.trials_]
    assert [params[MODEL] for params in first] == ["logistic", "knn", "decision_tree"]  # cheap ones first
    assert first[0]["logistic__model__C"] == 1.0
    assert first[1]["knn__model__n_neighbors"] == 5
    assert tuned.default_score_ == tuned.best_score_


def test_scores_are_those_of_the_pipeline_by_cross_validation() -> None:
    X, y = load_diabetes(return_X_y=True, as_frame=True)
    tuned = autotune(X, y, n_jobs=1, n_trials=6, models=["ridge", "decision_tree"])
    assert tuned.scoring_ == "r2"
    search, scores = tuned.search_, []
    for train, test in search.cv:
        pipeline, _ = search.estimator.set_params(**search.best_params_).chosen()
        pipeline.fit(tuned.problem.X.iloc[train], y.iloc[train])
        scores.append(get_scorer("r2")(pipeline, tuned.problem.X.iloc[test], y.iloc[test]))
    assert tuned.best_score_ == pytest.approx(np.mean(scores), abs=1e-12)
    assert tuned.constant_score_ < 0.01 < tuned.best_score_


def test_the_same_seed_gives_the_same_search() -> None:
    X, y = load_iris(return_X_y=True, as_frame=True)
    first, second, other = (autotune(X, y, seed=seed, **QUICK) for seed in (0, 0, 1))
    assert [t.params for t in first.search_.trials_] == [t.params for t in second.search_.trials_]
    assert [t.value for t in first.search_.trials_] == [t.value for t in second.search_.trials_]
    assert [t.params for t in first.search_.trials_] != [t.params for t in other.search_.trials_]


def test_arrays_and_a_target_by_name() -> None:
    X, y = load_iris(return_X_y=True)
    tuned = autotune(X, y, **QUICK)
    assert tuned.predict(X[:5]).shape == (5,)
    frame = load_iris(as_frame=True).frame
    assert autotune(frame, "target", **QUICK).best_score_ == tuned.best_score_


def test_an_ensemble_is_better_on_rows_that_were_not_seen() -> None:
    X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    options = {"n_jobs": 1, "n_trials": 10, "models": ["decision_tree", "knn"], "scoring": "neg_log_loss"}
    tuned = autotune(X, y, ensemble=True, **options)
    assert tuned.ensemble is not None
    assert tuned.ensemble_score_ > tuned.best_score_
    assert f"ensemble of {len(tuned.ensemble.estimators_)} candidates, which predicts" in tuned.report
    members = [pipeline.predict_proba(X) for pipeline in tuned.ensemble.estimators_]
    expected = np.average(members, axis=0, weights=tuned.ensemble.weights)
    np.testing.assert_allclose(tuned.predict_proba(X), expected)
    assert autotune(X, y, **options).ensemble is None


def test_an_ensemble_for_a_regression() -> None:
    X, y = load_diabetes(return_X_y=True, as_frame=True)
    tuned = autotune(X, y, n_jobs=1, n_trials=14, models=["knn", "decision_tree"], ensemble=True)
    assert tuned.ensemble is not None
    members = [pipeline.predict(X) for pipeline in tuned.ensemble.estimators_]
    np.testing.assert_allclose(tuned.predict(X), np.average(members, axis=0, weights=tuned.ensemble.weights))


def test_groups_are_kept_together() -> None:
    X, y = load_iris(return_X_y=True, as_frame=True)
    groups = np.arange(len(y)) // 3
    tuned = autotune(X, y, groups=groups, **QUICK)
    for train, test in tuned.search_.cv:
        assert not set(groups[train]) & set(groups[test])


def test_weights_count_in_fits() -> None:
    X, y = load_diabetes(return_X_y=True, as_frame=True)
    weights = np.where(y > 150, 100.0, 1e-3)
    options = {"n_jobs": 1, "n_trials": 3, "models": ["ridge"]}
    tuned, plain = autotune(X, y, sample_weight=weights, **options), autotune(X, y, **options)
    assert tuned.predict(X).mean() > plain.predict(X).mean() + 20.0
    with pytest.raises(InvalidArgument, match=r"'knn'.*weights"):
        autotune(X, y, sample_weight=weights, n_trials=2, models=["knn"])


def test_a_stored_search_is_continued(tmp_path: Path) -> None:
    X, y = load_iris(return_X_y=True, as_frame=True)
    first = autotune(X, y, storage=tmp_path / "runs.db", **QUICK)
    again = autotune(X, y, storage=tmp_path / "runs.db", **{**QUICK, "n_trials": 12})
    assert again.n_trials_ == 12
    assert [t.params for t in again.search_.trials_[:8]] == [t.params for t in first.search_.trials_]
    assert again.search_.trials_[0].finished == first.search_.trials_[0].finished


def test_a_large_table_begins_with_a_part_of_the_rows() -> None:
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.standard_normal((6000, 3)), columns=list("abc"))
    y = pd.Series((X["a"] + 0.5 * rng.standard_normal(6000) > 0).map({True: "yes", False: "no"}))
    tuned = autotune(X, y, n_jobs=1, n_trials=9, models=["logistic", "decision_tree"])
    results = tuned.search_.cv_results_
    assert set(results["n_resources"]) == {667, 2000, 6000}
    best = tuned.search_.best_index_
    assert results["n_resources"][best] == 6000
    assert tuned.best_model_ == "logistic"
    board = tuned.leaderboard
    assert board["score"].iloc[0] == tuned.best_score_
    assert board["n_trials"].sum() == 9
    seconds = (results["mean_fit_time"] + results["mean_score_time"]) * results["n_folds_evaluated"]
    assert board["seconds"].sum() == pytest.approx(seconds.sum())
    for row in board.itertuples():
        mine = [params[MODEL] == row.model for params in results["params"]]
        assert row.resource == results["n_resources"][mine].max()
        assert np.isnan(row.score) == (row.resource < 6000)


@pytest.mark.parametrize(("n_trials", "levels"), [(1, {6000}), (4, {2000, 6000})])
def test_few_candidates_have_few_levels_so_that_one_has_all_rows(n_trials: int, levels: set[int]) -> None:
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.standard_normal((6000, 2)), columns=list("ab"))
    tuned = autotune(X, X["a"] + rng.standard_normal(6000), n_jobs=1, n_trials=n_trials, models=["ridge"])
    assert set(tuned.search_.cv_results_["n_resources"]) == levels
    assert tuned.leaderboard["resource"].tolist() == [6000]
    assert all(remark.kind != "time" for remark in tuned.remarks)


def test_a_model_that_lost_every_race_has_an_estimate() -> None:
    rng = np.random.default_rng(3)
    X = pd.DataFrame(rng.standard_normal((300, 4)), columns=list("abcd"))
    y = X["a"] + X["b"] + 0.05 * rng.standard_normal(300)
    tuned = autotune(X, y, n_jobs=1, n_trials=6, models=["ridge", "decision_tree"])
    results, search = tuned.search_.cv_results_, tuned.search_
    board = tuned.leaderboard.set_index("model")
    tree = board.loc["decision_tree"]
    assert tree.estimated and tree.n_folds < 5
    row = search.trial_numbers_.tolist().index(tree.number)
    assert results["pruned"][row]
    best = [results[f"split{i}_test_score"][search.best_index_] for i in range(5)]
    own = np.array([results[f"split{i}_test_score"][row] for i in range(5)])
    assert tree.score == results["mean_test_score"][row]
    assert tree.n_folds == np.isfinite(own).sum()
    assert tree.score == pytest.approx(np.mean(best) + np.nanmean(own - best), abs=0.05)
    assert "~" in tuned.report


def test_splits_of_ones_own() -> None:
    X, y = load_diabetes(return_X_y=True, as_frame=True)
    tuned = autotune(X, y, cv=TimeSeriesSplit(4), n_jobs=1, n_trials=5, models=["ridge"], ensemble=True)
    assert len(tuned.search_.cv) == 4
    assert tuned.best_score_ == pytest.approx(tuned.search_.best_score_)


@pytest.mark.parametrize("seconds", [1e-3, 0.3])
def test_no_time_gives_the_default(seconds: float) -> None:
    X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    tuned = autotune(X, y, time=seconds, models=["logistic", "random_forest", "extra_trees", "mlp"])
    assert tuned.n_trials_ < 4
    assert tuned.best_model_ == "logistic"
    assert tuned.default_score_ == tuned.best_score_
    assert any("were enough for the defaults of" in remark.text for remark in tuned.remarks)


def test_no_time_for_all_rows() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(5200, 2))
    tuned = autotune(X, X[:, 0] > rng.normal(size=5200), time=1e-3, n_jobs=1, models=["logistic", "decision_tree"])
    assert any("11 % of the training rows" in remark.text for remark in tuned.remarks)
    assert tuned.leaderboard["score"].iloc[0] == tuned.best_score_ == tuned.default_score_


@pytest.mark.parametrize("seconds", [None, 60.0])
def test_models_without_a_candidate_are_named(seconds: float | None) -> None:
    X, y = load_iris(return_X_y=True, as_frame=True)
    tuned = autotune(X, y, n_trials=1, time=seconds, models=["logistic", "knn"], executor=ThreadPoolExecutor(1))
    (remark,) = [remark for remark in tuned.remarks if remark.kind in ("models", "time")]
    assert remark.text == "knn was not tried: candidates were limited to 1"  # and not by the time


def test_an_interrupted_search_says_so() -> None:
    def interrupt(search: Any, trial: Any) -> None:
        raise KeyboardInterrupt

    X, y = load_iris(return_X_y=True, as_frame=True)
    with pytest.warns(SearchInterrupted):
        tuned = autotune(X, y, time=60.0, models=["logistic", "knn"], callbacks=[interrupt], n_jobs=1)
    assert "knn was not finished, because the search was interrupted" in tuned.report


def test_time_ends_a_search() -> None:
    X, y = load_iris(return_X_y=True, as_frame=True)
    tuned = autotune(X, y, time=3.0, models=["decision_tree"], n_jobs=1)
    assert tuned.n_trials_ > 3
    assert tuned.best_estimator_.predict(tuned.problem.X).shape == (150,)


def test_candidates_without_all_their_folds_do_not_count() -> None:
    states = ["complete", "pruned", "failed", "paused", "withdrawn", "running"]
    search = SimpleNamespace(trials_=[SimpleNamespace(state=state) for state in states])
    assert tuning._n_finished(cast("Any", search)) == 4


def test_one_candidate_of_a_large_table_has_all_rows() -> None:
    X, y = make_classification(5400, 5, random_state=0)
    tuned = autotune(X, y, n_trials=1, models=["decision_tree"], n_jobs=1, cv=2)
    assert tuned.n_trials_ == 1
    assert not [remark for remark in tuned.remarks if remark.kind == "rows"]


def test_warnings_of_fits_are_not_shown_and_others_are() -> None:
    def score(model: Any, X: Any, y: Any) -> float:
        warnings.warn("a score of one's own", UserWarning, stacklevel=1)
        warnings.warn_explicit("did not converge", ConvergenceWarning, "m.py", 1, module="sklearn.linear_model._x")
        return float(model.score(X, y))

    X, y = load_iris(return_X_y=True, as_frame=True)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        autotune(X, y, scoring=score, **{**QUICK, "n_trials": 2})
    assert {str(warning.message) for warning in seen} == {"a score of one's own"}


def test_a_model_of_nothing_is_said_to_be_one() -> None:
    rng = np.random.default_rng(1)
    X = pd.DataFrame(rng.standard_normal((120, 3)), columns=list("abc"))
    tuned = autotune(X, pd.Series(rng.standard_normal(120)), n_jobs=1, n_trials=4, models=["ridge"])
    assert any(remark.kind == "constant" for remark in tuned.remarks)


def test_an_imbalanced_target_has_another_score() -> None:
    rng = np.random.default_rng(2)
    X = pd.DataFrame({"a": rng.standard_normal(400), "b": rng.standard_normal(400)})
    y = (X["a"] > 1.5).map({True: "rare", False: "common"})
    tuned = autotune(X, y, n_jobs=1, n_trials=3, models=["logistic"])
    assert tuned.scoring_ == "roc_auc"
    assert any("roc_auc" in remark.text for remark in tuned.remarks)
    named = autotune(X, y, n_jobs=1, n_trials=3, models=["logistic"], scoring="f1", positive="rare")
    assert named.scoring_ == "f1"


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"time": 0.0}, InvalidArgument, "time"),
        ({"time": float("nan")}, InvalidArgument, "time"),
        ({"n_trials": 0}, InvalidArgument, "n_trials"),
        ({"seed": -1}, InvalidArgument, "seed"),
        ({"ensemble": "yes"}, InvalidType, "ensemble"),
        ({"models": ["svm"]}, InvalidArgument, "did you mean 'svc'"),
        ({"models": ["svr"]}, InvalidArgument, "for regression"),
        ({"models": []}, InvalidArgument, "at least one"),
        ({"models": ["knn", "knn"]}, InvalidArgument, "twice"),
        ({"models": ["auto", "knn"]}, InvalidArgument, "alone"),
        ({"models": 3}, InvalidType, "list of names"),
        ({"scoring": "accurracy"}, InvalidArgument, "did you mean 'accuracy'"),
        ({"scoring": "r2"}, InvalidArgument, "r2"),
        ({"scoring": 3}, InvalidType, "scoring must be the name of a score or a function"),
        ({"scoring": ["accuracy"]}, InvalidType, "scoring"),
        ({"scoring": accuracy_score}, InvalidArgument, "scoring must be a scorer.*make_scorer"),
        ({"scoring": lambda estimator, X, y: {"a": 1.0}}, InvalidArgument, "scoring.*number"),
        ({"models": np.array(["knn", "logistic"])}, InvalidType, "list of names"),
        ({"models": ["svc"], "scoring": "neg_log_loss"}, InvalidArgument, "probabilities"),
        ({"cv": 1}, InvalidArgument, "cv"),
        ({"cv": 5000}, InvalidArgument, "cv"),
        ({"task": "ranking"}, InvalidArgument, "task"),
        ({"groups": [1, 2]}, InvalidArgument, "groups"),
        ({"sample_weight": -np.ones(150)}, InvalidArgument, "sample_weight"),
    ],
)
def test_bad_arguments(change: dict[str, Any], error: type[Exception], words: str) -> None:
    X, y = load_iris(return_X_y=True, as_frame=True)
    with pytest.raises(error, match=words):
        autotune(X, y, **{**QUICK, **change})


@pytest.mark.parametrize(
    ("X", "y", "words"),
    [
        (pd.DataFrame({"a": [1.0] * 9}), ["x"] * 9, "two different values"),
        (pd.DataFrame({"a": np.arange(9.0)}), [None] * 9, "every row is missing"),
        (pd.DataFrame({"a": []}), [], "row"),
        (pd.DataFrame({"a": np.arange(9.0)}), [0, 1], "9.*2|2.*9"),
        (pd.DataFrame({"a": [3.0] * 20}), [0, 1] * 10, "constant"),
    ],
)
def test_bad_data(X: pd.DataFrame, y: Any, words: str) -> None:
    with pytest.raises(InvalidArgument, match=words):
        autotune(X, y, **QUICK)


def test_a_library_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.util

    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *a: None if name == "catboost" else find(name, *a))
    monkeypatch.setitem(__import__("sys").modules, "catboost", None)
    X, y = load_iris(return_X_y=True, as_frame=True)
    assert "catboost" not in presets.available("classification")
    with pytest.raises(MissingDependency, match=r"hpcore\[catboost\]"):
        autotune(X, y, models=["catboost"], n_trials=2)


def test_it_is_scored_like_an_estimator() -> None:
    X, y = load_iris(return_X_y=True, as_frame=True)
    tuned = autotune(X, y, **QUICK)
    for name in ("accuracy", "neg_log_loss", "roc_auc_ovr"):
        assert get_scorer(name)(tuned, X, y) == get_scorer(name)(tuned.best_estimator_, X, y)
    without = autotune(X, y, n_jobs=1, n_trials=2, models=["svc"])
    assert not hasattr(without, "predict_proba")
    assert without.decision_function(X).shape == (150, 3)


def test_a_saved_model_predicts_the_same(tmp_path: Path) -> None:
    X, y = _mixed()
    tuned = autotune(X, y, n_jobs=1, n_trials=4, models=["decision_tree"])
    names = {path.name for path in tuned.save(tmp_path / "saved")}
    assert names == {"best_model.joblib", "table_steps.py", "predict.py", "requirements.txt", "model.json"}
    loaded = load_deployment(tmp_path / "saved")
    assert loaded.facts["model"] == "decision_tree"
    np.testing.assert_array_equal(loaded.model.predict_proba(X), tuned.predict_proba(X))


def _rings(n: int = 150) -> tuple[pd.DataFrame, np.ndarray[Any, Any]]:
    X = np.random.default_rng(1).normal(size=(n, 2))
    return pd.DataFrame(X, columns=["u", "v"]), ((X**2).sum(axis=1) > 1.4).astype(int)


def test_an_ensemble_is_better_than_a_model_without_probabilities() -> None:
    X, y = _rings()
    tuned = autotune(X, y, models=["svc", "logistic", "decision_tree"], n_trials=9, n_jobs=1, ensemble=True)
    assert tuned.best_model_ == "svc"
    assert tuned.ensemble is None


def _of_some_rows(estimator: Any, X: pd.DataFrame, y: Any) -> float:
    return float((estimator.predict(X) == y)[X["u"] > -0.5].mean())


def _of_the_steps(estimator: Any, X: pd.DataFrame, y: Any) -> float:
    return float((estimator.named_steps["model"].n_features_in_ == 2) * (estimator.predict(X) == y).mean())


def test_scores_by_functions() -> None:
    X, y = _rings()
    options: dict[str, Any] = {"models": ["knn", "decision_tree"], "n_trials": 9, "n_jobs": 1, "ensemble": True}
    tuned = autotune(X, y, scoring=_of_some_rows, **options)
    assert tuned.constant_score_ is not None  # which has the columns as well
    assert tuned.best_score_ > tuned.constant_score_
    assert not [remark for remark in tuned.remarks if remark.kind == "ensemble"]
    other = autotune(X, y, scoring=_of_the_steps, **options)
    assert other.best_score_ > 0.8
    assert other.ensemble is None
    assert [remark.kind for remark in other.remarks].count("ensemble") == 1


@pytest.mark.filterwarnings("ignore::hpcore.sklearn.NoScoreYet")
def test_no_score_at_all_is_an_error() -> None:
    X, y = load_iris(return_X_y=True, as_frame=True)
    with pytest.raises(AllFitsFailed, match="none of the 8 candidates has a score by _nothing: the mean score is nan"):
        autotune(X, y, scoring=_nothing, **QUICK)


def _nothing(estimator: Any, X: Any, y: Any) -> float:
    return float("nan")


def test_weights_with_metadata_routing() -> None:
    X, y = load_iris(return_X_y=True, as_frame=True)
    weights = np.linspace(0.5, 2.0, len(y))
    plain = autotune(X, y, sample_weight=weights, **QUICK)
    with config_context(enable_metadata_routing=True):
        assert autotune(X, y, sample_weight=weights, **QUICK).best_score_ == plain.best_score_


def test_no_rows_to_predict() -> None:
    X, y = load_iris(return_X_y=True, as_frame=True)
    tuned = autotune(X, y, **QUICK)
    with pytest.raises(InvalidArgument, match="X must have rows to predict"):
        tuned.predict(X.iloc[:0])


@pytest.mark.parametrize(
    "change",
    [
        {"cv": [(np.arange(0, 150, 2), np.arange(1, 150, 2)), (np.arange(1, 150, 2), np.arange(0, 150, 2))]},
        {"groups": np.arange(150) % 30},
        {"sample_weight": np.linspace(0.5, 2.0, 150)},
        {"scoring": lambda estimator, X, y: 0.25},
    ],
)
def test_another_search_in_the_same_store_begins_anew(tmp_path: Path, change: dict[str, Any]) -> None:
    X, y = load_iris(return_X_y=True, as_frame=True)
    first: dict[str, Any] = {"cv": 2, "groups": np.arange(150) % 25, "scoring": lambda estimator, X, y: 0.5}
    for options in (first, {**first, **change}, first):
        tuned = autotune(X, y, storage=tmp_path / "runs.db", n_jobs=1, n_trials=2, models=["logistic"], **options)
        assert tuned.best_score_ == (0.25 if "scoring" in change and options is not first else 0.5)


def test_a_file_is_no_directory_to_save_to(tmp_path: Path) -> None:
    X, y = load_iris(return_X_y=True, as_frame=True)
    tuned = autotune(X, y, **{**QUICK, "n_trials": 1})
    (tmp_path / "file").touch()
    for path in (tmp_path / "file", tmp_path / "file" / "inner"):
        with pytest.raises(InvalidArgument, match="directory must be a directory"):
            tuned.save(path)


def test_an_ensemble_of_stored_candidates_is_said_to_be_missing(tmp_path: Path) -> None:
    X, y = load_iris(return_X_y=True, as_frame=True)
    told = []
    for _ in range(2):
        tuned = autotune(X, y, storage=tmp_path / "runs.db", ensemble=True, **{**QUICK, "n_trials": 3})
        told.append([remark.text for remark in tuned.remarks if remark.kind == "ensemble"])
    assert not told[0]
    assert "not stored" in told[1][0]
