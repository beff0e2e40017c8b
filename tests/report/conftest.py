"""Searches of the kinds that a report shows."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression

import hpcore as hp
from hpcore.sklearn import SearchCV

CONDITIONAL = {
    "model": ["svm", "tree", "net"],
    "C": hp.Float(1e-3, 1e3, log=True, when={"model": "svm"}),
    "depth": hp.Int(1, 20, when={"model": "tree"}),
    "layers": hp.Int(1, 3, when={"model": "net"}),
    "lr": hp.Float(1e-5, 1.0, log=True, when={"model": "net"}),
    "scale": hp.Float(0.0, 1.0),
}


def conditional(n_trials: int = 200, sampler: str = "random") -> hp.Study:
    """Run a study of three models, some of whose trials fail."""

    def objective(trial: hp.Trial) -> float:
        if trial["model"] == "svm":
            value = 0.05 * (math.log10(trial["C"]) - 1.0) ** 2 + 0.2
        elif trial["model"] == "tree":
            value = 0.03 * abs(trial["depth"] - 7) + 0.25
        else:
            if trial["lr"] > 0.1:
                raise ValueError(f"the loss is nan at lr={trial['lr']:.3f}")
            value = 0.08 * (math.log10(trial["lr"]) + 3.0) ** 2 + 0.1 + 0.02 * trial["layers"]
        return value + 0.3 * (trial["scale"] - 0.4) ** 2

    return hp.minimize(objective, CONDITIONAL, sampler=sampler, n_trials=n_trials, seed=0)


def two_objectives(n_trials: int = 60) -> hp.Study:
    """Run a study of two objectives, one of which is to be large."""

    def objective(trial: hp.Trial) -> tuple[float, float]:
        return trial["x"] ** 2 + trial["y"], -((trial["x"] - 2.0) ** 2) - 0.1 * trial["z"]

    space = {"x": hp.Float(-3, 3), "y": hp.Float(0, 1), "z": hp.Int(0, 8)}
    return hp.minimize(
        objective, space, sampler="random", n_trials=n_trials, directions=["minimize", "maximize"], seed=0
    )


def raced() -> SearchCV:
    """Fit a search by cross-validation with racing."""
    X, y = load_breast_cancer(return_X_y=True)
    X = X[:200] / X.max(axis=0)
    space = {"C": hp.Float(1e-4, 1e2, log=True), "fit_intercept": [True, False]}
    search = SearchCV(
        LogisticRegression(solver="liblinear"),
        space,
        strategy="random",
        n_trials=20,
        racing=True,
        scoring="roc_auc",
        random_state=0,
        n_jobs=1,
    )
    return search.fit(X, y[:200])


def hyperband() -> hp.Study:
    """Run a study with Hyperband, with reports of a training."""

    def objective(trial: hp.Trial) -> float:
        value = math.inf
        for epoch in range(1, 28):
            value = 0.1 * (math.log10(trial["lr"]) + 2.0) ** 2 + math.exp(-epoch * trial["speed"] / 5.0)
            trial.report(value, epoch)
            if trial.should_stop():
                break
        return value

    space = {"lr": hp.Float(1e-4, 1.0, log=True), "speed": hp.Float(0.2, 2.0), "act": ["relu", "tanh"]}
    return hp.minimize(objective, space, sampler="random", scheduler="hyperband", n_trials=80, seed=0)


KINDS: dict[str, Callable[[], object]] = {
    "conditional": conditional,
    "two objectives": two_objectives,
    "raced": raced,
    "hyperband": hyperband,
}


def _evil() -> hp.Study:
    study = hp.Study({"x": hp.Float(0, 1), "constant": [1]}, seed=0)
    huge = [1e308, -1e308, 1e-300, 0.0, 1.0, math.nan, math.inf, None]
    return study.run(lambda trial: huge[trial.number % 8], 40)


def _broken(trial: hp.Trial) -> float:
    raise RuntimeError(f"trial {trial.number} is broken")


ODD: dict[str, Callable[[], object]] = {
    "no trials": lambda: hp.Study({"x": hp.Float(0, 1)}),
    "failures only": lambda: hp.minimize(_broken, {"x": hp.Float(0, 1)}, n_trials=6, seed=0),
    "one trial": lambda: hp.minimize(lambda t: t["x"], {"x": hp.Float(0, 1)}, n_trials=1, seed=0),
    "one parameter": lambda: hp.minimize(
        lambda t: t["x"], {"x": hp.Float(0, 1)}, n_trials=12, sampler="random", seed=0
    ),
    "a hundred parameters": lambda: hp.minimize(
        lambda t: float(np.sum(list(t.values()))),
        {f"a parameter with a long name, {i}": hp.Float(0, 1) for i in range(100)},
        n_trials=30,
        sampler="random",
        seed=0,
    ),
    "one value": lambda: hp.minimize(lambda t: 1.0, {"x": hp.Float(0, 1)}, n_trials=12, sampler="random", seed=0),
    "constants": lambda: hp.minimize(
        lambda t: float(t.number), {"x": hp.Float(1, 1), "c": ["a"]}, n_trials=8, sampler="random", repeats=None
    ),
    "huge and non-finite": _evil,
    "choices of all kinds": lambda: hp.minimize(
        lambda t: t["x"],
        {"x": hp.Normal(0, 1), "c": [None, True, 1, 1.0, "1", (1, 2), math.nan, b"\xff", object()]},
        n_trials=40,
        sampler="random",
        seed=0,
    ),
    "no trial within the limits": lambda: hp.minimize(
        lambda t: hp.Outcome(t["x"], metrics={"ms": 10 * t["x"]}),
        {"x": hp.Float(0, 1)},
        n_trials=12,
        sampler="random",
        limits={"ms": hp.at_most(-1.0)},
        seed=0,
    ),
    "three objectives": lambda: hp.minimize(
        lambda t: (t["x"], 1 - t["x"] + t["y"], t["y"]),
        {"x": hp.Float(0, 1), "y": hp.Float(0, 1)},
        n_trials=20,
        sampler="random",
        directions=["minimize", "maximize", "minimize"],
        seed=0,
    ),
    "reports without numbers": lambda: hp.minimize(_reporting, {"x": hp.Float(0, 1)}, n_trials=12, seed=0),
}


def _reporting(trial: hp.Trial) -> float:
    for step in range(-1, 2):
        trial.report([math.nan, 1e308, 1.0][step] if trial.number % 2 else float(step), step)
    if trial.number % 3 == 0:
        raise hp.Pruned
    return float(trial.number)


@pytest.fixture(scope="session")
def searches() -> Callable[[str], object]:
    """Return a search of `KINDS` by its name, each of which is run once."""
    made: dict[str, object] = {}

    def search(name: str) -> object:
        if name not in made:
            made[name] = KINDS[name]()
        return made[name]

    return search
