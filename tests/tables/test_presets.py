"""Each preset for each of its tasks: its estimator accepts the points of its space, and one of them is good."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.datasets import make_classification, make_regression
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from hpcore.errors import InvalidArgument
from hpcore.tables import presets

EVERY = [(name, task) for task in presets.TASKS for name in presets.available(task)]


# Limits of the slow parameters; larger values are equally valid.
MOST = {"n_estimators": 40, "max_iter": 40, "iterations": 40}


def data(task: str) -> tuple[Any, Any]:
    if task == "classification":
        return make_classification(90, 6, n_informative=4, n_classes=3, random_state=0)
    X, y = make_regression(90, 6, noise=5.0, random_state=0)
    return X, 1e4 + 100 * y


def cheaper(params: dict[str, Any]) -> dict[str, Any]:
    most = {name: MOST[last] for name in params if (last := name.rpartition("__")[2]) in MOST}
    return params | {name: min(params[name], limit) for name, limit in most.items()}


@pytest.mark.parametrize(("name", "task"), EVERY)
def test_points_can_be_fitted(name: str, task: Any) -> None:
    X, y = data(task)
    estimator, space = presets.build(name, task, n_rows=len(y), random_state=0)
    assert (is_classifier if task == "classification" else is_regressor)(estimator)
    assert set(space) <= set(estimator.get_params())
    for params in space.sample(4, 1):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # bad values are part of a search
            model = clone(estimator).set_params(**cheaper(params)).fit(StandardScaler().fit_transform(X), y)
        assert model.predict(X).shape == y.shape


@pytest.mark.parametrize(("name", "task"), EVERY)
def test_space_holds_a_good_point(name: str, task: Any) -> None:
    X, y = data(task)
    estimator, space = presets.build(name, task, n_rows=len(y), random_state=0, prefix="model__")
    assert all(parameter.startswith("model__") for parameter in space)
    best = -np.inf
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        for params in space.sample(6, 2):
            own = {key.removeprefix("model__"): value for key, value in params.items()}
            model = clone(estimator).set_params(**cheaper(own))
            best = max(best, make_pipeline(StandardScaler(), model).fit(X[:60], y[:60]).score(X[60:], y[60:]))
    assert best > 0.45


@pytest.mark.parametrize(("name", "task"), EVERY)
def test_few_rows(name: str, task: Any) -> None:
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(8, 2)), np.arange(8) % 2
    estimator, space = presets.build(name, task, n_rows=8, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        for params in space.sample(5, 0):
            clone(estimator).set_params(**cheaper(params)).fit(X, y).predict(X)


def test_seed_reaches_the_estimator() -> None:
    assert presets.build("random_forest", "regression", n_rows=50, random_state=7)[0].random_state == 7
    assert presets.build("mlp", "regression", n_rows=50, random_state=7)[0].regressor.random_state == 7


def test_missing_values_are_announced_truly() -> None:
    X, y = data("classification")
    X[::3, 0] = np.nan
    for name in presets.names("classification"):
        if name in presets.available() and presets.get(name).missing:
            estimator, space = presets.build(name, "classification", n_rows=len(y))
            estimator.set_params(**cheaper(space.sample(1, 0)[0])).fit(X, y)


def test_wrong_names() -> None:
    with pytest.raises(InvalidArgument, match=r"model must be one of svc, svr, .*got 'svcc'; did you mean 'svc'"):
        presets.get("svcc")
    with pytest.raises(
        InvalidArgument, match="'svr' is for regression, but the task is classification; choose one of svc"
    ):
        presets.get("svr", "classification")
    with pytest.raises(InvalidArgument, match="'logistic' is for classification"):
        presets.build("logistic", "regression", n_rows=10)


@pytest.mark.parametrize(
    ("task", "rows", "share", "model"),
    [
        ("classification", 500, 1.0, "svc"),
        ("regression", 500, 0.5, "svr"),
        ("classification", 500, 0.2, "hist_gradient_boosting"),
        ("regression", 5000, 1.0, "hist_gradient_boosting"),
    ],
)
def test_default(task: Any, rows: int, share: float, model: str) -> None:
    assert presets.default_model(task, rows, share) == model
