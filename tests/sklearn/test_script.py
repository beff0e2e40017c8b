"""A search in a script: what the script itself defines reaches the workers, and its errors come back."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sklearn.datasets import load_iris
from sklearn.dummy import DummyClassifier
from sklearn.svm import SVC

from hpcore.errors import InvalidArgument
from hpcore.sklearn import SearchCV

SCRIPT = """
import sys
from concurrent.futures import ProcessPoolExecutor
import multiprocessing
import numpy as np
import sklearn
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.dummy import DummyClassifier
from sklearn.datasets import load_iris
from sklearn.metrics import make_scorer
from sklearn.model_selection import BaseCrossValidator, GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.svm import SVC
from hpcore.sklearn import SearchCV, nested_cross_validate

class Boost(ClassifierMixin, BaseEstimator):
    def __init__(self, a=1): self.a = a
    def fit(self, X, y, eval_metric=None, callbacks=(), sample_weight=None):
        self.classes_ = [0, 1, 2]
        self.bonus_ = 0.0
        if eval_metric is not None: self.bonus_ += eval_metric(0, 0)
        self.bonus_ += sum(c() for c in callbacks)
        if sample_weight is not None: self.bonus_ += sum(w.value for w in sample_weight)
        if hasattr(X[0], "size"): self.bonus_ += sum(row.size for row in X) / len(X)
        return self
    def predict(self, X): return np.zeros(len(X))
    def score(self, X, y): return self.a + self.bonus_

class Stop:
    def __call__(self): return 100

class Weight:
    def __init__(self, value): self.value = value

class Row:
    def __init__(self, size): self.size = size

class Target(str): pass

class Splitter(BaseCrossValidator):
    def split(self, X, y=None, groups=None):
        yield np.arange(0, 100), np.arange(100, 150)
        yield np.arange(50, 150), np.arange(0, 50)
    def get_n_splits(self, X=None, y=None, groups=None): return 2

class Strange(Exception):
    def __init__(self, first, second):  # pickled in the usual way it could not be made again
        super().__init__(f"{first} and {second}")
        self.second = second

class Fails(Boost):
    def fit(self, X, y):
        raise Strange("one", self.a)

def weighted(y, predicted, sample_weight=None, extra=None):
    return float(sum(w.value for w in sample_weight)) + extra()

X, y = load_iris(return_X_y=True)
weights = [Weight(i % 3) for i in range(150)]
rows = [Row(i) for i in range(150)]

def main():
    options = []
    for way in sys.argv[1:]:
        context = None if way == "own" else multiprocessing.get_context(way)
        options.append({"executor": ProcessPoolExecutor(1, context)} if context else {"n_jobs": 2})
    def compare(estimator, space, X, y, fit={}, **more):
        right = GridSearchCV(estimator, space, **more).fit(X, y, **fit).cv_results_["mean_test_score"]
        for option in options:
            ours = SearchCV(estimator, space, strategy="grid", **option, **more).fit(X, y, **fit)
            assert np.array_equal(ours.cv_results_["mean_test_score"], right), (ours.cv_results_, right)
    grid = {"a": [1, 2]}
    compare(Boost(), grid, X, y, {"eval_metric": lambda a, b: 10.0})
    compare(Boost(), grid, X, y, {"eval_metric": max, "callbacks": [Stop()]})
    compare(Boost(), grid, X, y, {"sample_weight": weights})
    compare(Boost(), grid, rows, y)
    compare(Boost(), grid, rows, [Target("abc"[k]) for k in y])
    compare(Boost(), grid, X, y, cv=Splitter())
    compare(make_pipeline(FunctionTransformer(), SVC()),
            {"functiontransformer__func": [lambda X: X * 2, lambda X: -X[:, :1]]}, X, y)
    with sklearn.config_context(enable_metadata_routing=True):
        scorer = make_scorer(weighted).set_score_request(sample_weight=True, extra=True)
        model = Boost().set_fit_request(sample_weight=False)
        compare(model, grid, X, y, {"sample_weight": weights, "extra": lambda: 7.0}, scoring=scorer)
    for option in options:
        try:
            SearchCV(Fails(), grid, strategy="grid", error_score="raise", **option).fit(X, y)
        except Strange as error:
            assert error.second in (1, 2) and "one and" in str(error)
        else:
            raise AssertionError("it must raise")
    search = SearchCV(Boost(), grid, strategy="grid", cv=3)
    nested = nested_cross_validate(search, rows, y, cv=3, n_jobs=2).test_scores
    assert np.array_equal(nested, cross_val_score(GridSearchCV(Boost(), grid, cv=3), rows, y, cv=3))
    print("all the same")

if __name__ == "__main__":
    main()
"""


def test_what_a_script_defines(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    ways = ["own", "spawn", *(["fork"] if sys.platform == "linux" else [])]
    done = subprocess.run(
        [sys.executable, str(script), *ways],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.stdout == "all the same\n", done.stderr


class Unsendable(DummyClassifier):
    """Holds what no process can send to another."""

    def __init__(self, C: float = 1.0) -> None:
        super().__init__()
        self.C = C

    def __getstate__(self) -> Any:
        raise TypeError("a connection is open")

    def score(self, X: Any, y: Any) -> float:
        return self.C


@pytest.mark.parametrize("what", ["y", "fit_params", "estimator"])
def test_what_cannot_be_sent_is_named(what: str) -> None:
    X, y = load_iris(return_X_y=True)
    lock = threading.Lock()
    model = Unsendable() if what == "estimator" else SVC()
    target = [(k, lock) for k in y] if what == "y" else y
    fit = {"sample_weight": lock} if what == "fit_params" else {}
    search = SearchCV(
        model, {"C": [0.1, 1]}, strategy="grid", n_jobs=2, cv=[(range(100), range(100, 150))], refit=False
    )
    with pytest.raises(InvalidArgument, match=f"^{what} cannot be sent to worker processes: .*n_jobs=1"):
        search.fit(X, target, **fit)
    with ThreadPoolExecutor(1) as executor:
        if what == "estimator":
            assert search.set_params(n_jobs=None, executor=executor).fit(X, y).best_score_ == 1.0
