"""Evaluations and time of hypergradients: models with a penalty of their own for each group of columns.

    python benchmarks/hypergradients.py [--seeds 5] [--out FILE]

For each task the table has
- the best mean score of ``strategy="gp"`` in 100 evaluations without gradients, and the number of evaluations that
  ``strategy="gradient"`` needs for that score: median and largest over seeds, each against its own gp search;
- the cost of one gradient, by all penalties, as a share of the fit: median over folds and candidates.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import numpy as np
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.metrics import check_scoring
from sklearn.model_selection import KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

from hpcore.evaluation.hypergradients.fold import Differentiator, LastFit, recorded
from hpcore.sklearn import GroupLogisticRegression, GroupRidge, SearchCV

LOW, HIGH = 1e-3, 1e3  # of the penalties, and of C
N_TRIALS, MOST = 100, 15


class Task(NamedTuple):
    """Data and model of a search."""

    name: str
    model: Any
    X: Any
    y: Any
    scoring: str


def synthetic(n: int, k: int, width: int, classes: bool, seed: int) -> tuple[Any, Any]:
    """Make rows with k groups of columns, whose coefficients fall from group to group; half of them are noise."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, k * width))
    X += 0.5 * np.repeat(rng.normal(size=(n, k)), width, axis=1)  # columns of a group are correlated
    scale = np.where(np.arange(k) < k / 2, 2.0 ** -np.arange(k).clip(0, 6), 0.0)
    f = X @ (rng.normal(size=k * width) * np.repeat(scale, width))
    f /= f.std()
    y = f + rng.normal(size=n)
    return X, (y > 0.0).astype(int) if classes else y


def tasks() -> Iterator[Task]:
    """Yield the tasks: synthetic ones with 10, 30 and 100 groups, and data that scikit-learn brings."""
    for k, width in ((10, 10), (30, 5), (100, 2)):
        X, y = synthetic(300, k, width, False, k)
        yield Task(f"ridge, synthetic, {k} groups", GroupRidge(k), X, y, "neg_mean_squared_error")
        X, y = synthetic(400, k, width, True, k)
        yield Task(f"logistic, synthetic, {k} groups", GroupLogisticRegression(k), X, y, "neg_log_loss")
    scaler = StandardScaler()
    X, y = load_diabetes(return_X_y=True)
    X = scaler.fit_transform(X)
    yield Task("ridge, diabetes, 10 groups of 1", GroupRidge(10), X, y, "neg_mean_squared_error")
    # A column of the table, and its products with the others: by the first of its factors.
    both = make_pipeline(PolynomialFeatures(2, include_bias=False), StandardScaler()).fit(X)
    groups = [min(int(np.flatnonzero(power)[0]), 9) for power in both[0].powers_]
    model = GroupRidge([g if i < 10 else 10 + g for i, g in enumerate(groups)])
    yield Task("ridge, diabetes with products, 20 groups", model, both.transform(X), y, "neg_mean_squared_error")
    X, y = load_breast_cancer(return_X_y=True)
    X = scaler.fit_transform(X)
    # Mean, error and worst of ten measurements.
    yield Task("logistic, breast cancer, 10 groups", GroupLogisticRegression(np.arange(30) % 10), X, y, "neg_log_loss")
    yield Task("logistic, breast cancer, 30 groups", GroupLogisticRegression(30), X, y, "neg_log_loss")
    X, y = load_digits(return_X_y=True)
    X, y = X[:400] / 16.0, y[:400]
    yield Task("logistic, digits, 16 groups, 10 classes", GroupLogisticRegression(16), X, y, "neg_log_loss")


def scores(task: Task, strategy: str, n_trials: int, seed: int) -> Any:
    """Search, and return the mean scores in the order of the candidates."""
    search = SearchCV(
        task.model,
        task.model.space(LOW, HIGH),
        strategy=strategy,
        n_trials=n_trials,
        scoring=task.scoring,
        cv=3,
        random_state=seed,
        refit=False,
    )
    return search.fit(task.X, task.y).cv_results_["mean_test_score"]


def cost_ratio(task: Task, n: int = 7) -> float:
    """Time a gradient by all penalties against the fit, at some points of the space, each the least of three."""
    rng = np.random.default_rng(0)
    names = tuple(task.model.space())
    differentiator = Differentiator(names, None, {})
    scorer = check_scoring(task.model, task.scoring)
    train, test = next(KFold(3, shuffle=True, random_state=0).split(task.X))
    ratios = []
    for _ in range(n):
        params = {name: float(10.0 ** rng.uniform(-2.0, 2.0)) for name in names}
        task.model.set_params(**params)
        fits, gradients = [], []
        for _ in range(3):
            fitted, start = LastFit(), time.perf_counter()
            with recorded(task.model, fitted):
                task.model.fit(task.X[train], task.y[train])
            fits.append(time.perf_counter() - start)
            start = time.perf_counter()
            differentiator(task.model, fitted, params, task.X[test], task.y[test], scorer, {})
            gradients.append(time.perf_counter() - start)
        ratios.append(min(gradients) / min(fits))
    return median(ratios)


def main() -> None:
    """Print the table, and write it as JSON lines."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--only", default="", help="part of the names of the tasks to run")
    given = parser.parse_args()
    print(f"{'task':42} {'gp at 100':>12} {'gradient at 15':>14} {'evaluations':>16} {'gradient / fit':>14}")
    for task in tasks():
        if given.only not in task.name:
            continue
        rows = []
        for seed in range(given.seeds):
            target = float(scores(task, "gp", N_TRIALS, seed).max())
            found = np.maximum.accumulate(scores(task, "gradient", 2 * MOST, seed))
            reached = np.flatnonzero(found >= target)
            rows.append((target, float(found[MOST - 1]), int(reached[0]) + 1 if reached.size else None))
        ratio = cost_ratio(task)
        needed = sorted(2 * MOST + 1 if n is None else n for _, _, n in rows)
        shown = [f"> {2 * MOST}" if n > 2 * MOST else str(n) for n in (median(needed), needed[-1])]
        print(
            f"{task.name:42} {median(r[0] for r in rows):12.5g} {median(r[1] for r in rows):14.5g} "
            f"{shown[0]:>7}, most {shown[1]:>4} {ratio:14.2f}",
            flush=True,
        )
        if given.out is not None:
            with given.out.open("a") as file:
                file.write(json.dumps({"task": task.name, "runs": rows, "ratio": ratio}) + "\n")


if __name__ == "__main__":
    main()
