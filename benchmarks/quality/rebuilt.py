"""Problems made from packages alone, for use without the project's collection.

- ``bbob_*``, ``mixint_*``: the collection's own functions of COCO, by the package coco-experiment, with their optima.
- ``table_*``: five-fold losses of scikit-learn models over whole grids, computed once (two minutes) and kept in the
  user's cache folder; random search and the best value are known exactly.
"""

from __future__ import annotations

import os
import tempfile
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import sklearn
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier
from tasks import FloatArray, Problem, Reference, expected_best

import hpcore as hp

LONGEST = 400  # number of evaluations of the references
SAMPLE = 4096  # random configurations behind a reference that is not exact
COCO = [
    *(f"bbob_f{f:02d}_d{d:02d}_i1" for d in (2, 5, 10) for f in (1, 6, 10, 15, 20, 21)),
    "mixint_f08_d05_i1",
    "mixint_f15_d05_i1",
    "mixint_f21_d10_i1",
]


class Coco:
    """A function of COCO by its name."""

    def __init__(self, name: str) -> None:
        import cocoex

        self.suite, function, dimension, instance = name.split("_")
        collection = "bbob-mixint" if self.suite == "mixint" else "bbob"
        chosen = f"function_indices:{int(function[1:])} dimensions:{int(dimension[1:])}"
        self._owner = cocoex.Suite(collection, f"instances: {instance[1:]}", chosen)  # owns the function's memory
        self._function = self._owner[0]
        low, high = self._function.lower_bounds, self._function.upper_bounds
        integers = self._function.number_of_integer_variables
        self.space = hp.Space({
            f"x{j}": hp.Int(int(a), int(b)) if j < integers else hp.Float(float(a), float(b))
            for j, (a, b) in enumerate(zip(low, high, strict=True))
        })  # fmt: skip

    def __call__(self, cfg: dict[str, Any]) -> float:
        return float(self._function(np.array([cfg[name] for name in self.space], dtype=float)))

    def best(self) -> float:
        """Return the value at the optimum, which COCO gives only in a file in the working folder."""
        here = Path.cwd()
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)
            try:
                self._function._best_parameter("print")
                [written] = Path().glob("*best_parameter*")
                return float(self._function(np.loadtxt(written)))
            finally:
                os.chdir(here)

    def reference(self) -> Reference:
        """Compute the reference by a large random sample."""
        values = np.array([self(params) for params in self.space.sample(SAMPLE, seed=12345)])
        return Reference(expected_best(values, LONGEST), float(np.median(values)), self.best())


def _svc(**params: Any) -> Any:
    return make_pipeline(StandardScaler(), SVC(max_iter=20_000, **params))


def _tree(**params: Any) -> Any:
    return DecisionTreeClassifier(random_state=0, **params)


def _boosting(**params: Any) -> Any:
    return HistGradientBoostingRegressor(max_iter=25, random_state=0, **params)


def _powers(low: float, high: float, n: int) -> list[float]:
    return [float(f"{v:.3g}") for v in np.geomspace(low, high, n)]


# Model, data, scoring, and the levels of each parameter; an ordered choice is a number's levels.
TABLES: dict[str, tuple[Callable[..., Any], Callable[..., Any], str, dict[str, hp.Categorical]]] = {
    "table_svc_breast": (
        _svc, load_breast_cancer, "accuracy",
        {
            "kernel": hp.Categorical(["rbf", "sigmoid", "poly"]),
            "C": hp.Categorical(_powers(1e-3, 1e3, 13), ordered=True),
            "gamma": hp.Categorical(_powers(1e-5, 1e1, 13), ordered=True),
        },
    ),
    "table_tree_wine": (
        _tree, load_wine, "neg_log_loss",
        {
            "criterion": hp.Categorical(["gini", "entropy"]),
            "max_depth": hp.Categorical([1, 2, 3, 4, 6, 8], ordered=True),
            "min_samples_leaf": hp.Categorical([1, 2, 4, 8, 12, 18, 27, 40], ordered=True),
            "max_features": hp.Categorical([0.1, 0.2, 0.4, 0.6, 1.0], ordered=True),
            "ccp_alpha": hp.Categorical([0.0, 0.003, 0.01, 0.03], ordered=True),
        },
    ),
    "table_boosting_diabetes": (
        _boosting, load_diabetes, "neg_mean_squared_error",
        {
            "learning_rate": hp.Categorical(_powers(0.01, 0.5, 7), ordered=True),
            "max_leaf_nodes": hp.Categorical([2, 3, 5, 8, 16], ordered=True),
            "min_samples_leaf": hp.Categorical([2, 5, 12, 30, 70], ordered=True),
            "l2_regularization": hp.Categorical([1e-3, 1.0, 30.0], ordered=True),
        },
    ),
}  # fmt: skip
CORE = [name for name in COCO if "_d05_" in name and name != "mixint_f08_d05_i1"] + list(TABLES)


def _loss(model: Callable[..., Any], load: Callable[..., Any], scoring: str, params: dict[str, Any]) -> float:
    X, y = load(return_X_y=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some cells do not converge; their score shows it
        return -float(cross_val_score(model(**params), X, y, scoring=scoring, cv=5).mean())


def _cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "hpcore-benchmarks" / f"scikit-learn-{sklearn.__version__}"


class Table:
    """A grid of losses, by position."""

    suite = "table"

    def __init__(self, name: str) -> None:
        *of, self.levels = TABLES[name]
        self.space = hp.Space(self.levels)
        path = _cache() / f"{name}.npy"
        if not path.exists():
            cells = self.space.grid()
            losses = joblib.Parallel(n_jobs=-1)(joblib.delayed(_loss)(*of, cell) for cell in cells)
            path.parent.mkdir(parents=True, exist_ok=True)
            partial = path.with_suffix(f".{os.getpid()}.npy")
            np.save(partial, np.array(losses).reshape([len(p.choices) for p in self.levels.values()]))
            partial.replace(path)  # renamed, so that a second process finds a complete file or none
        self._losses: FloatArray = np.load(path, allow_pickle=False)

    def __call__(self, cfg: dict[str, Any]) -> float:
        return float(self._losses[tuple(p.choices.index(cfg[name]) for name, p in self.levels.items())])

    def reference(self) -> Reference:
        """Compute the exact reference: every cell is equally likely."""
        cells = self._losses.ravel()
        return Reference(expected_best(cells, LONGEST), float(np.median(cells)), float(cells.min()))


class RebuiltTasks:
    """See `tasks.Tasks`."""

    def __init__(self) -> None:
        self.label = "rebuilt"

    def names(self, *, core: bool) -> list[str]:
        """Return all names, or those that a slow peer can run in one afternoon."""
        return list(CORE) if core else [*COCO, *TABLES]

    @cache  # noqa: B019 the one instance lives as long as the process
    def problem(self, name: str) -> Problem:
        """Return a problem, which loads or computes its data on first use."""
        return Table(name) if name in TABLES else Coco(name)

    @cache  # noqa: B019
    def reference(self, name: str) -> Reference:
        """Return the reference of the problem."""
        problem = self.problem(name)
        assert isinstance(problem, Table | Coco)
        return problem.reference()
