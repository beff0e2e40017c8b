"""Names of a space: those that an estimator does not tell of are taken, and typos are found before the first fit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

import hpcore as hp
from hpcore.errors import InvalidSpace
from hpcore.sklearn import SearchCV

X, y = load_iris(return_X_y=True)


class Silent(ClassifierMixin, BaseEstimator):
    """As CatBoost: `get_params` tells only what was set, `set_params` takes every name."""

    def __init__(self, **kwargs: Any) -> None:
        self.kwargs = kwargs

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        return dict(self.kwargs)

    def set_params(self, **params: Any) -> Silent:
        self.kwargs = {**self.kwargs, **params}
        return self

    def fit(self, X: Any, y: Any) -> Silent:
        self.tree_ = DecisionTreeClassifier(random_state=0, max_depth=self.kwargs.get("depth", 1)).fit(X, y)
        self.classes_ = self.tree_.classes_
        return self

    def predict(self, X: Any) -> Any:
        return self.tree_.predict(X)


class Secret(Silent):
    """`get_params` tells nothing of what `set_params` keeps."""

    def __init__(self) -> None:
        super().__init__()

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        return {}


class Network(Silent):
    """As skorch: parameters of the module that is given, and no other names."""

    def __init__(self, module: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.module = module

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        return {"module": self.module, **self.kwargs}

    def set_params(self, **params: Any) -> Network:
        for name in params:
            if name != "module" and not name.startswith("module__") and name != "depth":
                raise TypeError(f"{name} is unexpected")
        self.module = params.pop("module", self.module)
        super().set_params(**params)
        if "module__depth" in self.kwargs:
            self.kwargs["depth"] = self.kwargs["module__depth"] + self.module.more
        return self


class Deep:
    more = 1


class Flat:
    more = 0


class Moody(Silent):
    """Takes a depth where its kind is a tree, and only in the range of that kind."""

    def __init__(self, kind: str = "none") -> None:
        super().__init__()
        self.kind = kind

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        return {"kind": self.kind}

    def set_params(self, kind: str | None = None, **params: Any) -> Moody:
        self.kind = kind or self.kind
        allowed = {"none": (), "stump": range(1, 6), "tree": range(6, 20)}[self.kind]
        if not all(name == "depth" and value in allowed for name, value in params.items()):
            raise ValueError(f"{self.kind} does not take {params}")
        super().set_params(**params)
        return self


def steps(model: Any) -> list[tuple[str, Any]]:
    return [("scale", StandardScaler()), ("model", model)]


PIPE = Pipeline([("model", SVC())])
CASES: dict[str, tuple[Any, Any]] = {
    "alone": (Silent(), {"depth": [1, 2]}),
    "what is set is not told": (Secret(), {"depth": [1, 2]}),
    "not told, in a pipeline": (Pipeline(steps(Secret())), {"model__depth": [1, 2]}),
    "a choice": (PIPE, {"model": [Silent(), Silent(depth=3)], "model__depth": [1, 2]}),
    "one of two dictionaries": (
        PIPE,
        [{"model": [Silent()], "model__depth": [1, 2]}, {"model": [SVC()], "model__C": [0.1, 1]}],
    ),
    "inside a choice": (
        PIPE,
        {
            "model": [Pipeline(steps(SVC())), Pipeline(steps(DecisionTreeClassifier()))],
            "model__model": [Silent(), Secret()],
            "model__model__depth": [1, 2],
        },
    ),
    "steps": (PIPE, {"steps": [steps(SVC()), steps(SVC(kernel="linear"))], "scale__with_mean": [True, False]}),
    "steps and theirs": (PIPE, {"steps": [steps(SVC()), steps(SVC(kernel="linear"))], "scale": [StandardScaler()]}),
    "module": (Network(Flat), {"module": [Deep, Flat], "module__depth": [1, 2]}),
    "plain values that bring names": (
        Moody(),
        [{"kind": ["stump"], "depth": [1, 2, 3, 4, 4]}, {"kind": ["tree", "tree"], "depth": range(6, 8)}],
    ),
    "module of a choice": (
        PIPE,
        {"model": [Network(Flat)], "model__module": [Deep, Flat], "model__module__depth": [1]},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_same_as_scikit_learn(name: str) -> None:
    estimator, grid = CASES[name]
    a = GridSearchCV(estimator, grid, cv=3).fit(X, y)
    b = SearchCV(estimator, grid, strategy="grid", cv=3).fit(X, y)
    for fold in range(3):
        key = f"split{fold}_test_score"
        np.testing.assert_array_equal(a.cv_results_[key], b.cv_results_[key])
    assert a.best_score_ == b.best_score_
    np.testing.assert_array_equal(a.predict(X), b.predict(X))


def test_conditions() -> None:
    silent, machine = Silent(), SVC()
    space = {
        "model": hp.Categorical([silent, machine]),
        "model__depth": hp.Int(1, 3, when={"model": silent}),
        "model__C": hp.Float(0.1, 10, log=True, when={"model": machine}),
    }
    search = SearchCV(PIPE, space, n_trials=6, random_state=0, cv=3).fit(X, y)
    assert {"model__depth", "model__C"} <= set().union(*search.cv_results_["params"])


REFUSED: dict[str, tuple[Any, Any, list[str]]] = {
    "typo": (SVC(), {"Gamma": [1]}, ["'Gamma'", "'gamma'"]),
    "typo in a step": (PIPE, {"model__c": [1]}, ["'model__c'", "'model__C'"]),
    "typo in all choices": (
        PIPE,
        {"model": [SVC(), DecisionTreeClassifier()], "model__depht": [1]},
        ["'model__depht'"],
    ),
    "typo beside a choice": (PIPE, {"model": [Silent()], "modell__depth": [1]}, ["'modell__depth'"]),
    "typo in another dictionary": (
        PIPE,
        [{"model": [Silent()], "model__depth": [1]}, {"model": [SVC()], "model__gama": [1]}],
        ["'model__gama'", "'model__gamma'"],
    ),
    "no such step": (PIPE, {"steps": [steps(SVC())], "scales__with_mean": [True]}, ["'scales__with_mean'"]),
    "no estimator": (PIPE, {"model": ["passthrough"], "model__depth": [1]}, ["'model__depth'"]),
    "module": (Network(Flat), {"modul__depth": [1]}, ["'modul__depth'"]),
    "plain values": (Moody(), {"kind": ["stump", "tree"], "depht": [7]}, ["'depht'"]),
    "choices of another dictionary": (
        Moody(),
        [{"kind": ["tree"], "depth": [7, 7]}, {"kind": ["stump", "stump"], "depth": range(8, 10)}],
        ["'depth'"],
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_typos_are_refused(name: str) -> None:
    estimator, grid, words = REFUSED[name]
    with pytest.raises(InvalidSpace) as caught:
        SearchCV(estimator, grid, strategy="grid").fit(X, y)
    for word in words:
        assert word in str(caught.value)
