"""Levels of candidates as jobs of the scheduler."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.tree import DecisionTreeClassifier

import hpcore as hp
from hpcore.schedulers import ASHA
from hpcore.sklearn import SearchCV

SPACE = {"max_depth": hp.Int(1, 12), "min_samples_leaf": hp.Int(1, 30)}


def searched(**options: Any) -> SearchCV:
    X, y = load_iris(return_X_y=True)
    model = DecisionTreeClassifier(random_state=0)
    return SearchCV(model, SPACE, n_trials=12, cv=3, random_state=0, resource="n_samples", **options).fit(X, y)


def test_reports_are_levels_and_not_folds():
    search = searched(strategy="random", scheduler="asha")
    curves = search.optimizer_.history.curves
    rows = search.cv_results_
    assert sorted(zip(curves.trial.tolist(), curves.step.tolist(), strict=True)) == sorted(
        zip(search.trial_numbers_.tolist(), rows["n_resources"].tolist(), strict=True)
    )
    means = dict(
        zip(zip(search.trial_numbers_, rows["n_resources"], strict=True), rows["mean_test_score"], strict=True)
    )
    for number, step, value in zip(curves.trial, curves.step, curves.values[:, 0], strict=True):
        assert -value == pytest.approx(means[number, step])


def test_cost_of_a_level_is_its_seconds_and_unknown_in_the_deterministic_order():
    search = searched(strategy="random", scheduler="asha")
    curves, rows = search.optimizer_.history.curves, search.cv_results_
    assert curves.cost.sum() == pytest.approx(3 * (rows["mean_fit_time"] + rows["mean_score_time"]).sum())
    search = searched(strategy="random", scheduler="asha", deterministic=True)
    assert np.isnan(search.optimizer_.history.curves.cost).all()


def test_levels_of_one_job_are_reported_one_by_one():
    search = searched(strategy="random", scheduler=ASHA(12, kind="stopping"))
    curves = search.optimizer_.history.curves
    for number in range(12):
        steps = curves.step[curves.of(number)].tolist()
        assert steps == sorted(set(steps))
        assert steps == search.n_resources_[: len(steps)]
    assert search.optimizer_.history.n_jobs == 12
    assert {trial.state for trial in search.trials_} == {"complete", "pruned"}
