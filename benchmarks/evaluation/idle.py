"""Idle time of workers: the share of their time outside fits, and the time that shared transformers save.

Run with ``python benchmarks/evaluation/idle.py``. Fits sleep for a fixed time, so that other load on the machine
counts less: idle = 1 - (time in fits) / (wall time * workers), with warm workers, until the last fold is finished. The
last bundle of a search cannot end on all workers at once, so the share falls with the number of folds.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import make_classification
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

import hpcore as hp
from hpcore.sklearn import SearchCV


class Sleeping(ClassifierMixin, BaseEstimator):
    """Estimator with a fixed time of a fit."""

    def __init__(self, x: float = 0.0, seconds: float = 0.05) -> None:
        self.x = x
        self.seconds = seconds

    def fit(self, X: Any, y: Any) -> Sleeping:
        time.sleep(self.seconds)
        self.classes_ = np.unique(y)
        return self

    def predict(self, X: Any) -> Any:
        return np.zeros(len(X))

    def score(self, X: Any, y: Any = None) -> float:
        return -((self.x - 0.3) ** 2)


def idle(strategy: str, seconds: float, n_jobs: int, n_trials: int, **options: Any) -> float:
    """Return the share of the workers' time outside fits."""
    X, y = np.zeros((40, 2)), np.arange(40) % 2
    space = {"x": hp.Float(0, 1), "seconds": [seconds]}
    for n in (2 * n_jobs, n_trials):  # the first one wakes the workers
        search = SearchCV(
            Sleeping(),
            space,
            strategy=strategy,
            n_trials=n,
            cv=5,
            n_jobs=n_jobs,
            refit=False,
            random_state=0,
            **options,
        )
        start = time.perf_counter()
        search.fit(X, y)
        wall = time.perf_counter() - start
    return 1.0 - search.time_fitting_ / (wall * n_jobs)


def saving(n: int) -> tuple[float, float]:
    """Return the seconds of a search with transformers fitted once per fold, and for every candidate."""
    X, y = make_classification(3000, 20, n_informative=8, random_state=0)
    model = make_pipeline(
        StandardScaler(), PolynomialFeatures(2), PCA(20, random_state=0), LogisticRegression(max_iter=500)
    )
    space = {"logisticregression__C": np.logspace(-4, 2, n).tolist()}
    times = []
    for on in (True, False):
        start = time.perf_counter()
        SearchCV(model, space, strategy="grid", cv=5, refit=False, cache_transformers=on).fit(X, y)
        times.append(time.perf_counter() - start)
    return times[0], times[1]


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n-jobs", type=int, default=2)
    parser.add_argument("--trials", type=int, default=60)
    parser.add_argument("--strategies", default="random,gp,tpe")
    parser.add_argument("--candidates", default="5,20", help="of the searches with shared transformers")
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args()
    print("| strategy | mode | fit, ms | idle, least of repeats | median |\n|---|---|---|---|---|")
    for strategy in args.strategies.split(","):
        for mode, options in {"fast": {}, "racing": {"racing": True}, "deterministic": {"deterministic": True}}.items():
            for seconds in (0.05, 0.2):
                found = [idle(strategy, seconds, args.n_jobs, args.trials, **options) for _ in range(args.repeats)]
                print(
                    f"| {strategy} | {mode} | {1e3 * seconds:.0f} | {min(found):.3f} | {np.median(found):.3f} |",
                    flush=True,
                )
    print("\n| candidates | transformers fitted once, s | every time, s | share |\n|---|---|---|---|")
    for n in map(int, filter(None, args.candidates.split(","))):
        pairs = [saving(n) for _ in range(args.repeats)]
        once, always = (min(pair[i] for pair in pairs) for i in (0, 1))
        print(f"| {n} | {once:.2f} | {always:.2f} | {once / always:.2f} |", flush=True)


if __name__ == "__main__":
    main()
