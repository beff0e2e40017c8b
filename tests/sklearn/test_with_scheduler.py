"""Searches with a scheduler, from end to end."""

from __future__ import annotations

import os
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.datasets import load_iris, make_classification
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.exceptions import FitFailedWarning
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.model_selection import GroupKFold, StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

import hpcore as hp
from hpcore.errors import InvalidArgument
from hpcore.schedulers import ASHA, Hyperband, Judge, MedianStopping, Patience, Scheduler, Start, SuccessiveHalving
from hpcore.sklearn import SearchCV, nested_cross_validate

X, Y = make_classification(600, 8, random_state=0)
TREE = DecisionTreeClassifier(random_state=0)
SPACE = {"max_depth": hp.Int(1, 12), "min_samples_leaf": hp.Int(1, 30, log=True)}


def timeless(search: SearchCV) -> dict[str, Any]:
    return {
        name: column.tolist() if hasattr(column, "tolist") else column
        for name, column in search.cv_results_.items()
        if "time" not in name
    }


@pytest.mark.parametrize(
    "options",
    [
        {"strategy": "halving"},
        {"strategy": "hyperband"},
        {"strategy": "gp", "scheduler": "asha"},
        {"strategy": "tpe", "scheduler": Hyperband(min_resource=30)},
        {"strategy": "random", "scheduler": SuccessiveHalving(min_resource=60)},
        {"strategy": "sobol", "scheduler": "median"},
        {"strategy": "random", "scheduler": "asha", "racing": True},
    ],
)
def test_table(options):
    options = {"resource": "n_samples", "n_trials": 24, **options}
    search = SearchCV(TREE, SPACE, cv=3, random_state=0, **options).fit(X, Y)
    results = search.cv_results_
    assert (np.diff(results["iter"]) >= 0).all()
    assert [search.n_resources_[i] for i in results["iter"]] == results["n_resources"].tolist()
    assert np.bincount(results["iter"]).tolist() == search.n_candidates_
    assert search.n_iterations_ == len(search.n_resources_) == len(search.n_candidates_) > 1
    assert len(search.trials_) == 24 == len(set(search.trial_numbers_))
    last = results["iter"] == search.n_iterations_ - 1
    best = np.flatnonzero(last)[results["rank_test_score"][last].argmin()]
    assert search.best_index_ == best
    assert search.best_params_ == results["params"][best]
    assert search.n_resources_[-1] == 600 or (options["strategy"], search.n_resources_[-1]) == ("halving", 594)
    # At the full resource a row is the same as without a scheduler.
    assert (
        search.n_resources_[-1] < 600
        or search.best_score_ == cross_val_score(clone(TREE).set_params(**search.best_params_), X, Y, cv=3).mean()
    )
    fitted = clone(TREE).set_params(**search.best_params_).fit(X, Y)
    assert (search.predict_proba(X) == fitted.predict_proba(X)).all()
    for number, level, mean in zip(
        search.trial_numbers_, results["n_resources"], results["mean_test_score"], strict=True
    ):
        trial = search.trials_[number]
        assert trial.reports[level] == pytest.approx(mean)
        assert trial.params == {name: search.trials_[number].params[name] for name in SPACE}
    states = {trial.state for trial in search.trials_}
    assert states <= {"complete", "paused", "pruned"}
    assert {trial.number for trial in search.trials_ if trial.state == "complete"} <= set(search.trial_numbers_[last])


@pytest.mark.parametrize("racing", [False, True])
@pytest.mark.parametrize(
    "options",
    [
        {"strategy": "halving"},
        {"strategy": "hyperband"},
        {"strategy": "gp", "scheduler": "asha"},
        {"strategy": "random", "scheduler": ASHA(20, kind="stopping")},
    ],
    ids=lambda options: str(options["strategy"]),
)
def test_deterministic_order_for_any_number_of_workers(options, racing):
    if "scheduler" in options and not isinstance(options["scheduler"], str) and racing:
        pytest.skip("not together")
    tables = []
    for n_jobs in (1, 2):
        search = SearchCV(
            TREE, SPACE, resource="n_samples", cv=3, random_state=0, deterministic=True, n_trials=16, racing=racing,
            n_jobs=n_jobs, **options,
        ).fit(X, Y)  # fmt: skip
        tables.append((timeless(search), search.trial_numbers_.tolist(), [trial.params for trial in search.trials_]))
    np.testing.assert_equal(tables[0], tables[1])


def test_racing_with_rules_that_stop_is_refused_in_the_deterministic_order():
    search = SearchCV(
        TREE, SPACE, strategy="random", scheduler="median", resource="n_samples", racing=True, deterministic=True
    )
    with pytest.raises(InvalidArgument, match="racing must be False with deterministic"):
        search.fit(X, Y)


def test_racing_saves_folds_and_a_loser_is_not_the_best():
    def searched(racing: bool) -> SearchCV:
        return SearchCV(
            TREE, SPACE, strategy="halving", min_resources=60, n_trials=27, cv=10, random_state=0, racing=racing
        ).fit(X, Y)

    race, full = searched(True), searched(False)
    assert race.cv_results_["n_folds_evaluated"].sum() < 0.8 * len(full.cv_results_["iter"]) * 10
    assert race.n_candidates_ == full.n_candidates_
    assert not race.cv_results_["pruned"][race.best_index_]
    assert race.cv_results_["n_folds_evaluated"][race.best_index_] == 10
    # Losers of a lower rung pause; only at the full resource are they pruned.
    low = race.cv_results_["pruned"] & (race.cv_results_["iter"] == 0)
    assert low.any()
    assert {race.trials_[number].state for number in race.trial_numbers_[low]} <= {"paused", "complete", "pruned"}


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_trees_are_added(n_jobs):
    model = GradientBoostingClassifier(n_estimators=40, subsample=0.5, random_state=0)
    search = SearchCV(
        model,
        {"learning_rate": hp.Float(0.01, 1, log=True)},
        strategy="halving",
        resource="n_estimators",
        n_trials=9,
        cv=3,
        n_jobs=n_jobs,
        random_state=0,
    ).fit(X, Y)
    assert search.n_resources_ == [4, 12, 36]
    assert search.best_params_["n_estimators"] == 36
    assert search.best_estimator_.n_estimators_ == 36
    assert search.best_estimator_.warm_start is False
    warm = clone(model).set_params(learning_rate=search.best_params_["learning_rate"], warm_start=True)
    train, test = next(StratifiedKFold(3).split(X, Y))
    for n in search.n_resources_:
        warm.set_params(n_estimators=n).fit(X[train], Y[train])
    assert search.cv_results_["split0_test_score"][search.best_index_] == warm.score(X[test], Y[test])


class Mortal(GradientBoostingClassifier):  # type: ignore[misc]
    """End its process in the first fit with more trees than before."""

    def __init__(
        self, grave: str = "", n_estimators: int = 40, subsample: float = 0.5, random_state: int = 0, **rest: Any
    ):
        super().__init__(n_estimators=n_estimators, subsample=subsample, random_state=random_state, **rest)
        self.grave = grave

    @classmethod
    def _get_param_names(cls) -> list[str]:
        return sorted({*GradientBoostingClassifier._get_param_names(), "grave"})

    def fit(self, X: Any, y: Any, sample_weight: Any = None, monitor: Any = None) -> Any:
        if self.grave and self.n_estimators > 4 and not Path(self.grave).exists():
            Path(self.grave).touch()
            os._exit(3)
        return super().fit(X, y, sample_weight, monitor)


def test_a_rung_continues_after_the_death_of_a_worker(tmp_path):
    space = {"learning_rate": hp.Float(0.01, 1, log=True)}
    tables = []
    for n_jobs, grave in ((1, ""), (2, str(tmp_path / "grave"))):
        search = SearchCV(
            Mortal(grave), space, strategy="halving", resource="n_estimators", n_trials=9, cv=3, n_jobs=n_jobs,
            random_state=0, refit=False,
        ).fit(X, Y)  # fmt: skip
        tables.append(search.cv_results_["mean_test_score"].tolist())
    assert (tmp_path / "grave").exists()
    assert tables[0] == tables[1]


def test_epochs():
    model = make_pipeline(StandardScaler(), SGDClassifier(random_state=0))
    search = SearchCV(
        model,
        {"sgdclassifier__alpha": hp.Float(1e-6, 1, log=True)},
        strategy="hyperband",
        resource="epochs",
        max_resources=9,
        min_resources=1,
        cv=3,
        random_state=0,
    ).fit(X, Y)
    assert search.n_resources_ == [1, 3, 9]
    assert search.best_estimator_[-1].t_ == 9 * 600 + 1
    assert search.best_params_.keys() == {"sgdclassifier__alpha"}
    assert search.score(X, Y) > 0.8


def test_another_fit_without_a_scheduler_leaves_nothing_behind():
    search = SearchCV(TREE, {"max_depth": [1, 2, 3]}, strategy="halving", cv=3).fit(X, Y)
    assert hasattr(search, "n_resources_")
    search.set_params(strategy="grid").fit(X, Y)
    assert not [name for name in vars(search) if "resources_" in name or "iterations_" in name]
    assert "iter" not in search.cv_results_


def test_constraints_leave_fewer_candidates_than_the_grid_has():
    space = hp.Space(
        {"max_depth": hp.Int(1, 6), "min_samples_leaf": hp.Int(1, 5)},
        constraints=[lambda p: p["max_depth"] >= p["min_samples_leaf"]],
    )
    search = SearchCV(TREE, space, strategy="grid", scheduler="halving", resource="n_samples", cv=3).fit(X, Y)
    assert search.n_candidates_[0] == 20
    assert search.n_candidates_[1] == 7
    assert search.n_iterations_ > 2


def test_metrics_groups_and_weights():
    groups = np.arange(600) % 40
    weights = np.random.default_rng(0).uniform(size=600)
    search = SearchCV(
        TREE,
        SPACE,
        strategy="halving",
        n_trials=9,
        cv=GroupKFold(3),
        scoring=["roc_auc", "accuracy"],
        refit="accuracy",
        return_train_score=True,
        random_state=0,
    ).fit(X, Y, groups=groups, sample_weight=weights)
    last = search.cv_results_["iter"] == search.n_iterations_ - 1
    assert search.best_score_ == search.cv_results_["mean_test_accuracy"][last].max()
    assert np.isfinite(search.cv_results_["mean_train_roc_auc"]).all()
    assert len(search.best_estimator_.predict(X)) == 600


class Fragile(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Fail for some values, at some number of rows."""

    def __init__(self, quality: float = 0.0, breaks_at: int = 10**9) -> None:
        self.quality, self.breaks_at = quality, breaks_at

    def fit(self, X: Any, y: Any) -> Fragile:
        if len(X) >= self.breaks_at:
            raise ValueError("broken")
        self.classes_ = np.unique(y)
        return self

    def predict(self, X: Any) -> Any:
        return np.zeros(len(X))

    def score(self, X: Any, y: Any) -> float:
        return self.quality


def test_candidates_that_fail_are_the_worst():
    space = [{"quality": [0.1, 0.2, 0.3, 0.4, 0.5]}, {"quality": [0.9, 0.8], "breaks_at": [30]}, {"breaks_at": [1]}]
    search = SearchCV(
        Fragile(), space, strategy="grid", scheduler="halving", resource="n_samples", min_resources=66, cv=2,
        max_resources=600,
    )  # fmt: skip
    with pytest.warns(FitFailedWarning, match="6 fits failed"), pytest.warns(UserWarning, match="non-finite"):
        search.fit(X, Y)
    assert search.n_resources_ == [66, 198]
    assert search.n_candidates_ == [8, 3]
    assert search.best_params_ == {"quality": 0.5}
    assert sorted(trial.state for trial in search.trials_) == ["complete"] * 3 + ["failed"] * 3 + ["paused"] * 2


def test_timeout_keeps_the_rungs_so_far():
    class Slow(Fragile):
        def fit(self, X: Any, y: Any) -> Slow:
            time.sleep(0.02)
            super().fit(X, y)
            return self

    search = SearchCV(
        Slow(), {"quality": hp.Float(0, 1)}, strategy="halving", n_trials=500, cv=2, timeout=0.3, random_state=0
    ).fit(X, Y)
    assert search.n_iterations_ == 1
    assert search.best_score_ == search.cv_results_["mean_test_score"].max()
    # The last candidate may have one of its folds when the time is over.
    assert {trial.state for trial in search.trials_} - {"withdrawn"} == {"paused"}
    assert sum(trial.state == "withdrawn" for trial in search.trials_) <= 1


def test_timeout_in_a_job_of_several_levels():
    class Slow(Fragile):
        def fit(self, X: Any, y: Any) -> Slow:
            time.sleep(0.1)
            super().fit(X, y)
            return self

    search = SearchCV(
        Slow(), {"quality": hp.Float(0, 1)}, strategy="random", scheduler=Patience(9), resource="n_samples", cv=2,
        timeout=0.3, random_state=0, n_trials=100,
    ).fit(X, Y)  # fmt: skip
    assert {trial.state for trial in search.trials_} <= {"paused", "complete"}
    assert search.n_candidates_[0] <= 3


def test_error_of_a_callback_carries_the_table():
    def told(search: Any, trial: Any) -> None:
        raise RuntimeError("enough")

    search = SearchCV(TREE, SPACE, strategy="halving", n_trials=9, cv=2, callbacks=[told], random_state=0)
    with pytest.raises(RuntimeError, match="enough") as caught:
        search.fit(X, Y)
    assert caught.value.result is search
    assert search.n_candidates_[:2] == [9, 3]
    assert [trial.state for trial in search.trials_].count("paused") >= 6


def test_callbacks_hear_of_complete_candidates_and_lines_of_all(capsys):
    heard: list[str] = []
    search = SearchCV(
        TREE, SPACE, strategy="halving", n_trials=9, cv=2, random_state=0, verbose=2,
        callbacks=[lambda search, trial: heard.append(trial.state)],
    ).fit(X, Y)  # fmt: skip
    assert heard == ["complete"] * search.n_candidates_[-1]
    said = capsys.readouterr().out
    assert said.count(" at 600") == search.n_candidates_[-1] or search.n_resources_[-1] != 600
    assert said.count(f" at {search.n_resources_[0]}") >= 9


def test_choice_of_the_user():
    search = SearchCV(
        TREE, SPACE, strategy="halving", n_trials=9, cv=2, random_state=0,
        refit=lambda results: int(results["iter"].argmax()),
    ).fit(X, Y)  # fmt: skip
    assert search.cv_results_["iter"][search.best_index_] == search.n_iterations_ - 1


@pytest.mark.parametrize("resource", ["n_samples", "n_estimators"])
def test_nested(resource):
    data, target = load_iris(return_X_y=True)
    search = SearchCV(
        RandomForestClassifier(9, random_state=0),
        {"max_depth": [1, 2, 3, 4, 5, 6]},
        strategy="halving",
        resource=resource,
        min_resources=30 if resource == "n_samples" else 1,
        cv=2,
        random_state=0,
    )
    nested = nested_cross_validate(search, data, target, cv=3)
    assert nested.mean > 0.85
    assert all(len(one.n_resources_) > 1 for one in nested.searches)
    if resource == "n_estimators":
        assert [params["n_estimators"] for params in nested.best_params] == [3] * 3


def test_masks_frames_and_sparse_rows():
    import pandas as pd
    import scipy.sparse

    masks = [(np.arange(600) % 3 != k, np.arange(600) % 3 == k) for k in range(3)]
    tables = []
    for data, cv in (
        (X, masks),
        (pd.DataFrame(X), [(np.flatnonzero(train), np.flatnonzero(test)) for train, test in masks]),
        (scipy.sparse.csr_matrix(X), masks),
    ):
        search = SearchCV(TREE, SPACE, strategy="halving", n_trials=9, cv=cv, random_state=0).fit(data, Y)
        tables.append(timeless(search)["mean_test_score"])
    assert tables[0] == tables[1]
    assert tables[0] == pytest.approx(tables[2])


def test_solver_from_scratch():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # no convergence
        search = SearchCV(
            LogisticRegression(max_iter=27), {"C": hp.Float(1e-3, 1e3, log=True)}, strategy="halving", n_trials=9,
            resource="max_iter", cv=3, random_state=0,
        ).fit(X, Y)  # fmt: skip
        params = search.best_params_
        assert search.best_score_ == cross_val_score(LogisticRegression(**params), X, Y, cv=3).mean()
    assert params["max_iter"] == 27


def test_scheduler_that_copies_models_is_refused():
    class Copying(Scheduler):
        def bind(self, columns: Any, directions: Any, seed: int) -> Judge:
            class Copies(Judge):
                def next(self, history: Any, rng: Any) -> Any:
                    if not history.n:
                        return Start(30.0)
                    return Start(60.0, point=history.X[0], parent=0) if not history.n_running else None

            return Copies()

    search = SearchCV(TREE, SPACE, strategy="random", scheduler=Copying(), resource="n_samples", n_trials=3, cv=2)
    with pytest.raises(InvalidArgument, match="copies models from one trial to another"):
        search.fit(X, Y)


def test_stopping_rules_prune():
    search = SearchCV(
        TREE, SPACE, strategy="random", scheduler=MedianStopping(), resource="n_samples", n_trials=20, cv=3,
        random_state=0,
    ).fit(X, Y)  # fmt: skip
    states = [trial.state for trial in search.trials_]
    assert set(states) == {"complete", "pruned"}
    for trial in search.trials_:
        assert (max(trial.reports) == 600) == (trial.state == "complete")
