"""The estimator's own parameters as the first candidate."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.stats
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

import hpcore as hp
from hpcore.errors import InvalidType
from hpcore.sklearn import SearchCV
from hpcore.sklearn.defaults import default_candidate
from hpcore.sklearn.spaces import read_space

X, Y = load_iris(return_X_y=True)
TREE = {"max_depth": hp.Int(1, 12), "min_samples_leaf": hp.Int(1, 20), "criterion": ["gini", "entropy"]}


def candidate(space: Any, estimator: Any) -> Any:
    read = read_space(space)
    found = default_candidate(read, estimator.get_params())
    return None if found is None else read.params(found)


def search(space: Any = TREE, estimator: Any = None, **options: Any) -> SearchCV:
    estimator = DecisionTreeClassifier(max_depth=4, random_state=0) if estimator is None else estimator
    return SearchCV(estimator, space, **{"n_trials": 4, "cv": 3, "random_state": 0} | options).fit(X, Y)


# --- which candidate it is --------------------------------------------------------------------------------------------


def test_values_in_the_space_are_the_estimators() -> None:
    space = {"C": hp.Float(1e-3, 1e3, log=True), "kernel": ["linear", "rbf"]}
    assert candidate(space, SVC(C=3.0)) == {"C": 3.0, "kernel": "rbf"}


def test_numbers_beyond_a_range_are_at_its_end() -> None:
    space = {"C": hp.Float(10.0, 1e3), "tol": hp.Float(1e-9, 1e-6), "kernel": ["rbf"]}
    assert candidate(space, SVC()) == {"C": 10.0, "tol": 1e-6, "kernel": "rbf"}
    space = {"min_samples_leaf": hp.Int(3, 9, step=3), "criterion": ["gini"]}
    assert candidate(space, DecisionTreeClassifier(min_samples_leaf=20)) == {"min_samples_leaf": 9, "criterion": "gini"}


def test_what_the_estimator_has_no_value_for_is_in_the_middle() -> None:
    space = {"C": hp.Float(0.1, 10, log=True), "gamma": hp.Float(1e-4, 1.0, log=True)}
    assert candidate(space, SVC())["gamma"] == pytest.approx(1e-2)
    assert candidate({"max_depth": hp.Int(1, 9), "criterion": ["gini"]}, DecisionTreeClassifier())["max_depth"] == 5


def test_a_count_is_no_end_of_a_range_of_shares() -> None:
    space = {"min_samples_leaf": hp.Float(0.01, 0.5), "criterion": ["gini"]}
    assert candidate(space, DecisionTreeClassifier(min_samples_leaf=1))["min_samples_leaf"] == pytest.approx(0.255)


def test_a_switch_is_no_number() -> None:
    space = {"warm_start": hp.Int(0, 8), "criterion": ["gini"]}
    assert candidate(space, RandomForestClassifier(warm_start=True))["warm_start"] == 4


def test_of_several_dictionaries_it_is_of_the_one_with_the_largest_share_of_known_values() -> None:
    wide = {"C": hp.Float(0.1, 10), "kernel": ["poly", "rbf"], "gamma": hp.Float(1e-4, 1.0, log=True)}
    assert candidate([wide, {"C": hp.Float(0.5, 2.0)}], SVC()) == {"C": 1.0}  # one of one, not two of three
    assert candidate([{"C": hp.Float(0.1, 10)}, {"tol": hp.Float(1e-4, 1e-2)}], SVC()) == {"C": 1.0}  # the first


def test_inactive_parameters_are_left_out() -> None:
    space = {
        "kernel": hp.Categorical(["poly", "rbf"]),
        "degree": hp.Int(2, 5, when={"kernel": "poly"}),
        "C": hp.Float(0.1, 10),
    }
    assert candidate(space, SVC()) == {"kernel": "rbf", "C": 1.0}
    assert candidate(space, SVC(kernel="poly")) == {"kernel": "poly", "degree": 3, "C": 1.0}


def test_of_a_list_it_is_the_dictionary_with_most_of_the_estimators_values() -> None:
    space = [{"kernel": ["linear"], "C": [0.1, 1]}, {"kernel": ["rbf"], "C": [0.1, 1], "gamma": [0.1, 1]}]
    assert candidate(space, SVC(gamma=0.1)) == {"kernel": "rbf", "C": 1, "gamma": 0.1}
    assert candidate(space, SVC(kernel="linear")) == {"kernel": "linear", "C": 1}
    assert candidate([{"C": [5, 6]}, {}], SVC()) == {}


def test_steps_of_a_pipeline() -> None:
    line = make_pipeline(StandardScaler(), LogisticRegression(C=0.5))
    forest = RandomForestClassifier()
    steps = {
        "logisticregression": hp.Categorical([forest, line[-1]]),
        "logisticregression__C": hp.Float(0.1, 10, when={"logisticregression": line[-1]}),
    }
    assert candidate(steps, line) == {"logisticregression": line[-1], "logisticregression__C": 0.5}


def test_distributions() -> None:
    space = {"C": scipy.stats.gamma(2.0), "tol": scipy.stats.loguniform(1e-5, 1e-1)}
    found = candidate(space, SVC(C=1.5))
    assert found["C"] == pytest.approx(1.5) and found["tol"] == pytest.approx(1e-3)


def test_no_candidate_without_a_value_of_the_estimators() -> None:
    assert candidate({"C": [5, 7], "gamma": hp.Float(0.1, 1)}, SVC()) is None


def test_no_candidate_that_a_constraint_refuses() -> None:
    space = hp.Space({"C": hp.Float(0.1, 10), "tol": hp.Float(1e-4, 1e-1)}, constraints=[lambda p: p["C"] > 2])
    assert candidate(space, SVC()) is None
    assert candidate(space, SVC(C=3)) is not None


# --- searches ---------------------------------------------------------------------------------------------------------

OWN = {"max_depth": 4, "min_samples_leaf": 1, "criterion": "gini"}


@pytest.mark.parametrize("strategy", ["gp", "tpe", "auto", "hyperband"])
def test_it_is_the_first_of_a_strategy_that_learns(strategy: str) -> None:
    found = search(strategy=strategy)
    first = found.trials_[0].params
    assert first == OWN
    assert sum(trial.params == OWN for trial in found.trials_) == 1


@pytest.mark.parametrize("strategy", ["random", "sobol", "grid", "halving"])
def test_other_strategies_are_as_they_were(strategy: str) -> None:
    space = {"max_depth": [2, 4, 6], "min_samples_leaf": [1, 2]}
    options: dict[str, Any] = {"strategy": strategy, "n_trials": 6}
    with_it, without = search(space, **options), search(space, default_first=False, **options)
    assert with_it.cv_results_["params"] == without.cv_results_["params"]


def test_the_switch() -> None:
    assert OWN not in search(strategy="gp", default_first=False, n_trials=2).cv_results_["params"]
    assert search(strategy="random", default_first=True).cv_results_["params"][0] == OWN
    with pytest.raises(InvalidType, match="default_first must be True or False, got 'yes'"):
        search(default_first="yes")


def test_a_grid_has_every_point_once() -> None:
    space = {"max_depth": [2, 4, 6], "min_samples_leaf": [1, 2]}
    plain = search(space, strategy="grid", n_trials=None)
    first = search(space, strategy="grid", n_trials=None, default_first=True)
    points = first.cv_results_["params"]
    assert points[0] == {"max_depth": 4, "min_samples_leaf": 1}
    rest = [point for point in plain.cv_results_["params"] if point != points[0]]
    assert points[1:] == rest


def test_candidates_of_the_user_come_first() -> None:
    given = {"max_depth": 7, "min_samples_leaf": 3, "criterion": "entropy"}
    assert search(warm_start=[given]).cv_results_["params"][:2] == [given, OWN]
    points = search(warm_start=[given, OWN]).cv_results_["params"]
    assert points[:2] == [given, OWN] and points.count(OWN) == 1


def test_deterministic_searches_are_alike() -> None:
    one, two = (search(deterministic=2, n_jobs=n, n_trials=6) for n in (1, 2))
    assert one.cv_results_["params"] == two.cv_results_["params"]
    assert one.cv_results_["params"][0] == OWN
    assert np.array_equal(one.cv_results_["mean_test_score"], two.cv_results_["mean_test_score"])


def test_a_resumed_search_does_not_run_it_again(tmp_path: Path) -> None:
    options = {"storage": f"sqlite:///{tmp_path}/s.db", "study_name": "a"}
    search(n_trials=2, **options)
    points = search(n_trials=5, **options).cv_results_["params"]
    assert len(points) == 5 and points[0] == OWN and points.count(OWN) == 1


def test_workers_that_begin_at_once_queue_it_once(tmp_path: Path) -> None:
    from hpcore.ledger.studies import open_stored_log
    from hpcore.storage import open_storage

    space = hp.Space({"x": hp.Float(0, 1)})
    logs = []
    for _ in range(2):
        store = open_storage(f"sqlite:///{tmp_path}/s.db")
        sampler = hp.samplers.RandomSampler()
        logs.append(open_stored_log(space, store, "a", "maximize", None, sampler, 0, lease=60.0, retries=3))
    for log in logs:
        log.begin_with([{"x": 0.25}])
    values = [log.ask().params["x"] for log in (*logs, *logs)]
    assert values.count(0.25) == 1 and values[0] == 0.25
