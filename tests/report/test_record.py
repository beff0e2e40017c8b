"""What a report is made from, by slow twins and Monte Carlo."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import Ridge

import hpcore as hp
from hpcore.errors import InvalidType
from hpcore.report.model import Surrogate
from hpcore.report.record import read
from hpcore.sklearn import SearchCV
from tests.report.samples import dated, told

WAYS = ("minimize", "maximize")


@pytest.mark.parametrize("way", WAYS)
def test_values_and_incumbents_are_in_the_users_sign(way: str) -> None:
    opt = told(40, lambda t: round(t["x"], 1), direction=way)  # with ties
    record = read(opt)
    better = max if way == "maximize" else min
    values = [trial.value for trial in opt.trials]
    assert record.values[:, 0].tolist() == values
    expected = [i for i in range(40) if all(better(values[i], v) == values[i] != v for v in values[:i])]
    assert record.incumbents.tolist() == expected
    assert record.best == opt.best_trial.number


def test_the_best_is_that_of_the_study_where_a_worker_is_faster() -> None:
    # Trial 1 ends before trial 0, with the same value.
    record = dated([(1.0, 0.0, 9.0), (1.0, 0.0, 3.0), (2.0, 4.0, 5.0)])
    assert record.best == 0
    assert record.order.tolist() == [1, 2, 0]


def test_without_times_the_order_is_by_number() -> None:
    opt = hp.Optimizer({"x": hp.Float(0, 1)}, "random", seed=0)
    opt.add_many([({"x": 0.1}, 2.0), {"params": {"x": 0.2}, "value": 1.0, "started": 0.0, "finished": 1.0}])
    assert read(opt).order.tolist() == [0, 1]


def test_states_limits_and_gaps() -> None:
    results: list[Any] = [1.0, math.nan, None, {"error": "no"}, {"value": 0.0, "metrics": {"ms": 9.0}}]
    results = [{"value": r, "metrics": {"ms": 1.0}} if r == 1.0 else r for r in results]
    opt = told(5, lambda t: results[t.number], limits={"ms": hp.at_most(5.0)})
    record = read(opt)
    assert record.complete.tolist() == [True, False, False, False, True]
    assert record.feasible.tolist() == [True, False, False, False, False]
    assert {name: numbers.tolist() for name, numbers in record.looks()} == {
        "complete": [0], "infeasible": [4], "failed": [1, 3], "running": [2],
    }  # fmt: skip
    assert record.best == 0
    assert record.facts[0] == ("limits", "ms <= 5")


def test_numbers_without_a_trial_are_not_present() -> None:
    opt = told(3, lambda t: 1.0)
    opt.history.skip(6)
    record = read(opt)
    assert record.present.tolist() == [0, 1, 2]
    assert np.isnan(record.X[3:]).all()
    assert not record.observed[3:].any()


@pytest.mark.parametrize("directions", [("minimize", "maximize"), ("maximize", "maximize", "minimize")])
def test_the_front_against_all_pairs(directions: tuple[str, ...]) -> None:
    rng = np.random.default_rng(1)
    opt = told(40, lambda t: rng.integers(0, 5, len(directions)).astype(float), directions=directions)
    record = read(opt)
    signs = np.array([1.0 if way == "minimize" else -1.0 for way in directions])
    lower = record.values * signs
    dominated = [any(np.all(o <= v) and np.any(o < v) for o in lower) for v in lower]
    assert sorted(record.front.tolist()) == np.flatnonzero(~np.array(dominated)).tolist()
    assert np.all(np.diff(lower[record.front, 0]) >= 0.0)
    assert sorted(record.front.tolist()) == sorted(t.number for t in opt.pareto_front)


def test_a_stopped_trial_has_its_last_report() -> None:
    opt = hp.Optimizer({"x": hp.Float(0, 1)}, "random", "maximize", seed=0)
    first, second = opt.ask(2)
    for step, value in ((1, 0.5), (4, 0.7), (2, 0.9)):
        opt.report(first, value, step)
    opt.tell(first, state="pruned")
    opt.tell(second, 0.1)
    record = read(opt)
    assert record.last_values.tolist() == [0.7, 0.1]
    assert math.isnan(record.values[0, 0])


def test_cost_is_the_told_one_and_otherwise_seconds() -> None:
    opt = hp.Optimizer({"x": hp.Float(0, 1)}, "random", seed=0)
    opt.add_many(
        [
            {"params": {"x": 0.1}, "value": 1.0, "started": 5.0, "finished": 7.0},
            {"params": {"x": 0.2}, "value": 1.0, "started": 5.0, "finished": 7.0, "cost": 30.0},
            ({"x": 0.3}, 1.0),
        ]
    )
    np.testing.assert_array_equal(read(opt).cost, [2.0, 30.0, math.nan])


def test_a_record_does_not_change_with_the_search() -> None:
    opt = told(4, lambda t: t["x"] if t.number < 2 else None)
    record = read(opt)
    assert record.state.tolist() == [1, 1, 0, 0]
    assert np.isnan(record.values[2:]).all()
    opt.tell(2, 0.5)
    assert record.n == 4
    assert record.complete.tolist() == [True, True, False, False]


@pytest.mark.parametrize("scoring", [None, "r2", ["r2", "neg_mean_squared_error"]])
def test_a_search_of_scikit_learn(scoring: Any) -> None:
    X = np.random.default_rng(0).random((40, 3))
    refit = "r2" if isinstance(scoring, list) else True
    search = SearchCV(
        Ridge(), {"alpha": hp.Float(0, 1)}, n_trials=4, sampler="random", scoring=scoring, refit=refit, cv=3
    ).fit(X, X @ [1, 2, 3])
    record = read(search)
    assert record.title == "Ridge"
    assert record.by_folds
    assert record.measures == ("score" if scoring is None else "r2",)
    assert record.directions == ("maximize",)


@pytest.mark.parametrize("scoring", ["r2", ["neg_mean_squared_error", "r2"]])
def test_a_stored_search_is_known_by_its_metric(tmp_path: Any, scoring: Any) -> None:
    X = np.random.default_rng(0).random((40, 3))
    path = tmp_path / "a.hpcore"
    SearchCV(
        Ridge(), {"alpha": hp.Float(0, 1)}, n_trials=4, sampler="random", scoring=scoring, refit="r2", cv=3,
        storage=path, study_name="s",
    ).fit(X, X @ [1, 2, 3])  # fmt: skip
    record = read(hp.study.view_study(path))
    assert (record.title, record.measures, record.by_folds) == ("s", ("r2",), True)
    assert dict(record.facts)["estimator"].startswith("Ridge")


@pytest.mark.parametrize("source", [None, 3, SearchCV(Ridge(), {"alpha": hp.Float(0, 1)})])
def test_wrong_sources(source: Any) -> None:
    with pytest.raises(InvalidType, match="a report is of a Study, an Optimizer or a fitted SearchCV"):
        read(source)


def test_paused_trials_are_compared_at_one_resource(searches: Callable[[str], Any]) -> None:
    study = searches("hyperband")
    record = read(study)
    paused = [trial.number for trial in study.trials if trial.state == "paused"]
    complete = [trial.number for trial in study.trials if trial.state == "complete"]
    assert paused and set(np.flatnonzero(record.observed)) == {*paused, *complete}
    assert np.array_equal(record.compared[complete, 0], record.values[complete, 0])
    # A training improves to its end, so that a value at the end is lower than the last report.
    last = np.array([study.trials[i].reports[max(study.trials[i].reports)] for i in paused])
    assert np.all(record.compared[paused, 0] < last)
    assert record.remark.startswith(f" {len(paused)} paused trials")
    assert Surrogate(record, 0).n == len(paused) + len(complete)
    assert read(searches("two objectives")).remark == ""
