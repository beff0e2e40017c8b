"""The schedule of scikit-learn's halving searches, against those."""

from __future__ import annotations

import math
import pickle
from typing import Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_breast_cancer, make_classification
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import HalvingGridSearchCV
from sklearn.tree import DecisionTreeClassifier

from hpcore.records.history import COMPLETE, FAILED, PAUSED, History
from hpcore.records.streams import Rng
from hpcore.schedulers.base import Resume, Start
from hpcore.sklearn import SearchCV
from hpcore.sklearn.halving import OneBracket, powers
from hpcore.space import Float, Space

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


@pytest.mark.parametrize("factor", [2, 3, 1.5, 2.5])
def test_powers(factor):
    for n in [1, 2, 3, 9, 27, 81, 243, 242, 244, 1000, 3**12]:
        k = powers(n, factor)
        assert factor**k <= n < factor ** (k + 1)


def run(scheduler: OneBracket, values: np.ndarray, fails: Any = ()) -> dict[int, list[float]]:
    """Run one job at a time; the levels of each trial."""
    history = History(1, 1)
    space = Space({"x": Float(0, 1)})
    judge = scheduler.bind(space.columns, ("minimize",), 0)
    levels: dict[int, list[float]] = {}
    while True:
        order = judge.next(history, Rng(0, history.n_jobs))
        if isinstance(order, Start):
            if history.n == len(values):
                return levels
            number = history.append(np.array([0.5]))
        else:
            assert isinstance(order, Resume)
            number = order.number
            history.resume(number)
        history.set_until(number, order.until)
        levels.setdefault(number, []).append(order.until)
        if (number, order.until) in fails:
            history.finish(number, FAILED, None)
            continue
        history.curves.append(number, order.until, (values[number],), job=history.job_of(number))
        full = order.until >= judge.max_resource
        history.finish(number, COMPLETE if full else PAUSED, (values[number],) if full else None)
        judge = pickle.loads(pickle.dumps(judge))  # noqa: S301 - a new one decides the same


@pytest.mark.parametrize("factor", [2, 3, 1.5])
@pytest.mark.parametrize("n", [1, 2, 7, 20])
def test_one_bracket(factor, n):
    values = np.random.default_rng(n).permutation(n).astype(float)
    found = run(OneBracket((2, 5, 11, 30), factor, n), values)
    left, expected = list(range(n)), {k: [2.0] for k in range(n)}
    for level in (5.0, 11.0, 30.0):
        left = sorted(left, key=lambda k: values[k])[: math.ceil(len(left) / factor - 1e-12)]
        for k in left:
            expected[k].append(level)
    assert found == expected


def test_failures_count_as_worst():
    values = np.arange(9.0)
    found = run(OneBracket((1, 3, 9), 3, 9), values, fails={(0, 1.0), (2, 3.0)})
    assert {k: len(levels) for k, levels in found.items()} == {0: 1, 1: 3, 2: 2, 3: 2, **dict.fromkeys(range(4, 9), 1)}


def test_fewer_candidates_than_expected():
    scheduler = OneBracket((1, 3), 3, None)
    space = Space({"x": Float(0, 1)})
    judge = scheduler.bind(space.columns, ("minimize",), 0)
    history = History(1, 1)
    for number in range(4):
        assert judge.next(history, Rng(0, number)) == Start(1.0)
        history.append(np.array([0.5]))
        history.set_until(number, 1.0)
        history.curves.append(number, 1.0, (float(number),))
        history.finish(number, PAUSED, None)
    assert isinstance(judge.next(history, Rng(0, 4)), Start)
    scheduler.close(4)
    assert judge.next(history, Rng(0, 4)) == Resume(0, 3.0)
    scheduler.close(9)
    assert judge.next(history, Rng(0, 4)) == Resume(0, 3.0)
