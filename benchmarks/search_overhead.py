"""Overhead of a search above the fits: SearchCV against GridSearchCV on the same candidates and folds.

Run with ``python benchmarks/search_overhead.py``; prints a markdown table. Nothing is asserted about time, but the
scores of both searches are compared.

The bare time is that of ``estimator.fit(X_train, y_train); scorer(estimator, X_test, y_test)`` on rows that are already
selected, with the same estimators and folds, in as many concurrent processes as the search has workers, because two
busy cores slow each other down. The overhead of a fit is the time of the search above that, times the number of
workers, divided by the number of fits. Pools are warm: each timed search follows a short one of its own kind. The three
alternate; the fastest repeat of each is shown, as the one with the least disturbance.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import joblib
import numpy as np
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import Ridge
from sklearn.metrics import check_scoring
from sklearn.model_selection import GridSearchCV, ParameterGrid, check_cv
from sklearn.tree import DecisionTreeClassifier
from threadpoolctl import threadpool_limits

from hpcore.sklearn import SearchCV

CASES: dict[str, tuple[Any, dict[str, list[Any]]]] = {
    "Ridge": (Ridge(), {"alpha": np.logspace(-3, 3, 200).tolist()}),
    "DecisionTreeClassifier": (
        DecisionTreeClassifier(random_state=0),
        {"max_depth": list(range(1, 21)), "min_samples_leaf": list(range(1, 11))},
    ),
}
N_FOLDS = 5


def bare_seconds(estimator: Any, grid: dict[str, list[Any]], X: Any, y: Any) -> float:
    """Return the seconds of all fits and scores, without their preparation."""
    scorer = check_scoring(estimator)
    splitter = check_cv(N_FOLDS, y, classifier=estimator.__sklearn_tags__().estimator_type == "classifier")
    folds = [(X[train], y[train], X[test], y[test]) for train, test in splitter.split(X, y)]
    models = [[clone(estimator).set_params(**params) for _ in folds] for params in ParameterGrid(grid)]
    start = time.perf_counter()
    for candidate in models:
        for model, (X_train, y_train, X_test, y_test) in zip(candidate, folds, strict=True):
            model.fit(X_train, y_train)
            scorer(model, X_test, y_test)
    return time.perf_counter() - start


def bare_at_once(estimator: Any, grid: dict[str, list[Any]], X: Any, y: Any, n_jobs: int) -> float:
    """Return the mean of the bare seconds of `n_jobs` concurrent processes."""
    if n_jobs == 1:
        return bare_seconds(estimator, grid, X, y)
    with joblib.Parallel(n_jobs=n_jobs, batch_size=1) as parallel:
        few = {name: values[:4] for name, values in grid.items()}
        parallel(joblib.delayed(bare_seconds)(estimator, few, X, y) for _ in range(2 * n_jobs))
        return statistics.mean(parallel(joblib.delayed(bare_seconds)(estimator, grid, X, y) for _ in range(n_jobs)))


def search_seconds(make: Callable[[dict[str, list[Any]]], Any], grid: dict[str, list[Any]], X: Any, y: Any) -> Any:
    """Return the seconds of a search with warm workers, and the search."""
    make({name: values[:4] for name, values in grid.items()}).fit(X, y)
    search = make(grid)
    start = time.perf_counter()
    search.fit(X, y)
    return time.perf_counter() - start, search


def compare(name: str, n_jobs: int, repeats: int) -> str:
    """Print one line of the table."""
    X, y = load_breast_cancer(return_X_y=True)
    estimator, grid = CASES[name]

    def ours(grid: dict[str, list[Any]]) -> Any:
        return SearchCV(estimator, grid, strategy="grid", cv=N_FOLDS, n_jobs=n_jobs, refit=False)

    def theirs(grid: dict[str, list[Any]]) -> Any:
        return GridSearchCV(estimator, grid, cv=N_FOLDS, n_jobs=n_jobs, refit=False)

    n_fits = len(ParameterGrid(grid)) * N_FOLDS
    bare, our_time, their_time = [], [], []
    for _ in range(repeats):
        bare.append(bare_at_once(estimator, grid, X, y, n_jobs))
        seconds, a = search_seconds(ours, grid, X, y)
        our_time.append(seconds)
        seconds, b = search_seconds(theirs, grid, X, y)
        their_time.append(seconds)
        np.testing.assert_array_equal(a.cv_results_["mean_test_score"], b.cv_results_["mean_test_score"])
    per_fit = 1e3 / n_fits
    floor = min(bare) * per_fit
    us = min(our_time) * per_fit * n_jobs - floor
    them = min(their_time) * per_fit * n_jobs - floor
    return f"| {name} | {n_jobs} | {floor:.3f} | {us:.3f} | {them:.3f} | {us / them:.2f} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    repeats = parser.parse_args().repeats
    print("| estimator | n_jobs | bare fit + score, ms | SearchCV overhead, ms | GridSearchCV overhead, ms | ratio |")
    print("|---|---|---|---|---|---|")
    with threadpool_limits(1):
        for n_jobs in (1, 2):
            for name in CASES:
                print(compare(name, n_jobs, repeats), flush=True)


if __name__ == "__main__":
    main()
