"""Presets of LightGBM, XGBoost and CatBoost: beginnings within their spaces, early stopping by size, no output."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import make_classification, make_friedman1
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import Pipeline

from hpcore.cli.report import short
from hpcore.errors import MissingDependency
from hpcore.tables import presets
from hpcore.tables.early import EarlyStopping, finalise

NAMES = ("lightgbm", "xgboost", "catboost")
INSTALLED = [name for name in NAMES if name in presets.available()]
ROUNDS = {"lightgbm": "n_estimators", "xgboost": "n_estimators", "catboost": "iterations"}


def data(task: str, n: int) -> tuple[Any, Any]:
    """Return data with missing values and classes in words, or with large numbers."""
    if task == "classification":
        X, y = make_classification(n, 8, n_informative=5, n_classes=3, random_state=0)
        y = np.array(["low", "middle", "high"], dtype=object)[y]
    else:
        X, y = make_friedman1(n, 8, random_state=0)
        y = 1e6 + 1000 * y
    X[::5, 0] = np.nan
    return X, y


def model_of(estimator: Any) -> Any:
    """Return the estimator of the library, without those around it."""
    while hasattr(inner := getattr(estimator, "regressor", getattr(estimator, "estimator", None)), "get_params"):
        estimator = inner
    return estimator


@pytest.mark.parametrize("n_rows", [8, 40, 300, 999, 1000, 50_000])
@pytest.mark.parametrize("task", presets.TASKS)
@pytest.mark.parametrize("name", INSTALLED)
def test_the_estimator_is_a_point_of_its_space(name: str, task: Any, n_rows: int) -> None:
    estimator, space = presets.build(name, task, n_rows=n_rows, random_state=3, prefix="model__")
    assert space == presets.space(name, task, n_rows=n_rows, prefix="model__")
    values = Pipeline([("model", estimator)]).get_params()
    begin = {parameter: values[parameter] for parameter in space}
    assert space.decode(space.encode(begin)) == pytest.approx(begin)
    shown = [short(parameter) for parameter in space]
    assert not [parameter for parameter in shown if "__" in parameter]
    early = n_rows >= 1000
    assert (ROUNDS[name] in shown) != early
    assert "learning_rate" in shown
    assert ("class_weight" in shown) == (task == "classification")
    around = estimator.regressor if task == "regression" else estimator
    assert isinstance(around, EarlyStopping) == early
    own = model_of(estimator).get_params()
    assert own["thread_count" if name == "catboost" else "n_jobs"] == 1
    assert own["random_seed" if name == "catboost" else "random_state"] == 3
    assert not early or around.seed == 3


@pytest.mark.parametrize("n", [200, 1000])
@pytest.mark.parametrize("task", presets.TASKS)
@pytest.mark.parametrize("name", INSTALLED)
def test_points_are_fitted_silently_and_the_same_again(
    name: str, task: Any, n: int, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    X, y = data(task, n)
    estimator, space = presets.build(name, task, n_rows=n, random_state=1)
    for params in space.sample(2, 3):
        few = {parameter: min(value, 20) for parameter, value in params.items() if parameter.endswith(ROUNDS[name])}
        model = clone(estimator).set_params(**(params | few))
        around = getattr(model, "regressor", model)
        if isinstance(around, EarlyStopping):
            around.set_params(most_rounds=20)
        found = model.fit(X, y).predict(X)
        assert found.shape == y.shape and found.dtype == y.dtype
        np.testing.assert_array_equal(clone(model).fit(X, y).predict(X), found)
        pipeline = Pipeline([("prepare", "passthrough"), ("model", model)])
        assert finalise(pipeline, X, y).predict(X).shape == y.shape
    assert capfd.readouterr() == ("", "")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("task", presets.TASKS)
@pytest.mark.parametrize("name", INSTALLED)
def test_the_beginning_is_good(name: str, task: Any) -> None:
    X, y = data(task, 300)
    estimator, _ = presets.build(name, task, n_rows=200, random_state=1)
    least = 0.7 if task == "classification" else 0.75
    constant = DummyClassifier() if task == "classification" else DummyRegressor()
    assert cross_val_score(estimator, X, y, cv=3).mean() > least > cross_val_score(constant, X, y, cv=3).mean()


@pytest.mark.parametrize("name", INSTALLED)
def test_small_differences_of_large_numbers(name: str) -> None:
    X, y = data("regression", 120)
    y = 1e9 + (y - y.mean()) / 1e4  # single precision has steps of 64 there
    estimator, _ = presets.build(name, "regression", n_rows=120, random_state=0)
    assert estimator.fit(X, y).score(X, y) > 0.8


@pytest.mark.parametrize("name", NAMES)
def test_without_the_package(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, name, None)
    assert name in presets.names() and name not in presets.available("regression")
    assert "svc" in presets.available() and "svc" not in presets.available("regression")
    assert "regressor__estimator__learning_rate" in presets.space(name, "regression", n_rows=2000)
    for call in (presets.get, lambda name: presets.build(name, "classification", n_rows=50)):
        with pytest.raises(MissingDependency, match=rf"model '{name}' needs {name}, .*pip install 'hpcore\[{name}\]'"):
            call(name)
    assert presets.find(name).requires == name


def test_a_package_that_does_not_load(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "catboost.py").write_text("raise ImportError('libgomp.so.1 is missing')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "catboost", raising=False)
    with pytest.raises(MissingDependency, match=r"libgomp.so.1 is missing.*pip install"):
        presets.build("catboost", "regression", n_rows=50)
