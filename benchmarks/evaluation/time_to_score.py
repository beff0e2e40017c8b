"""Wall time until a search reaches the final score of other searches.

Run with ``python benchmarks/evaluation/time_to_score.py --seeds 10 --out times.jsonl``; needs optuna and
optuna-integration. Three seeds of all tasks take about 20 minutes on two idle cores. Results are appended to the file
one by one, and runs in the file are not repeated, so that the benchmark may be stopped and continued; the summary is
printed from the whole file.

Tasks: pipelines of an SVC and of gradient boosting on breast_cancer, digits and a table that is made once from a fixed
seed (``--rows``, 20,000 by default). Each method has the same 5 folds and the same workers, of one thread each; on the
table an SVC has 5 splits of a tenth of the rows for training and a tenth for the test, because it takes 5 seconds to
fit to 16,000. GridSearchCV walks its full grid; RandomizedSearchCV, OptunaSearchCV and SearchCV have as many trials,
over the intervals that the grid spans; HalvingGridSearchCV halves the grid, and HalvingRandomSearchCV as many
candidates. The winner of these two is scored again on all folds, because its own scores are those of parts of the data.
Times are of the search without the final refit. For SearchCV the time is that at which a candidate with all its folds
and rows reached the other's score; where none did, it is infinite. It has the variants "race" (folds only), and with
the rows as a resource "hyperband", "asha" and "freeze", with racing too; ``--ours`` names those that are
run.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import time
import warnings
from pathlib import Path
from typing import Any

# Read when OpenMP is loaded. Optuna's workers are threads of this process: with a core's worth of OpenMP threads each
# they would wait for one another, and what OpenMP makes of a busy machine is no search's fault.
os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np
import scipy.stats
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_digits, make_classification
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    HalvingRandomSearchCV,
    ParameterGrid,
    RandomizedSearchCV,
    StratifiedKFold,
    StratifiedShuffleSplit,
    cross_val_score,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

import hpcore as hp
from hpcore.sklearn import SearchCV

CV = StratifiedKFold(5)
CVS = {"svc table": StratifiedShuffleSplit(5, train_size=0.1, test_size=0.1, random_state=0)}
HGB = "histgradientboostingclassifier__"
# The grid; the other searches have its intervals, on the same scale.
MODELS: dict[str, tuple[Any, dict[str, list[Any]]]] = {
    "svc": (
        make_pipeline(StandardScaler(), SVC()),
        {"svc__C": np.logspace(-2, 4, 7).tolist(), "svc__gamma": np.logspace(-5, 1, 7).tolist()},
    ),
    "hgb": (
        make_pipeline(StandardScaler(), HistGradientBoostingClassifier(max_iter=30, random_state=0)),
        {
            f"{HGB}learning_rate": [0.03, 0.1, 0.3, 0.6],
            f"{HGB}max_leaf_nodes": [4, 8, 16, 32],
            f"{HGB}min_samples_leaf": [5, 40],
        },
    ),
}


def data(name: str, rows: int) -> tuple[Any, Any]:
    if name == "breast_cancer":
        return load_breast_cancer(return_X_y=True)  # type: ignore[no-any-return]
    if name == "digits":
        return load_digits(return_X_y=True)  # type: ignore[no-any-return]
    return make_classification(  # type: ignore[no-any-return]
        rows, 20, n_informative=10, n_redundant=4, flip_y=0.03, class_sep=0.7, random_state=0
    )


def spans(grid: dict[str, list[Any]]) -> dict[str, tuple[Any, Any]]:
    return {name: (min(values), max(values)) for name, values in grid.items()}


def their_space(grid: dict[str, list[Any]], kind: str) -> dict[str, Any]:
    space: dict[str, Any] = {}
    for name, (low, high) in spans(grid).items():
        whole = isinstance(low, int)
        if kind == "scipy":
            space[name] = scipy.stats.randint(low, high + 1) if whole else scipy.stats.loguniform(low, high)
        elif kind == "optuna":
            import optuna

            distributions = optuna.distributions
            space[name] = (
                distributions.IntDistribution(low, high, log=True)
                if whole
                else distributions.FloatDistribution(low, high, log=True)
            )
        else:
            space[name] = hp.Int(low, high, log=True) if whole else hp.Float(low, high, log=True)
    return space


def others(method: str, model: Any, grid: dict[str, list[Any]], cv: Any, X: Any, y: Any, seed: int, n_jobs: int) -> Any:
    """Return seconds and score of another search."""
    n = len(ParameterGrid(grid))
    if method == "grid":
        search = GridSearchCV(model, grid, cv=cv, n_jobs=n_jobs, refit=False)
    elif method == "random":
        search = RandomizedSearchCV(
            model, their_space(grid, "scipy"), n_iter=n, cv=cv, n_jobs=n_jobs, refit=False, random_state=seed
        )
    elif method == "halving":
        search = HalvingGridSearchCV(model, grid, cv=cv, n_jobs=n_jobs, refit=False, random_state=seed)
    elif method == "halving random":
        search = HalvingRandomSearchCV(
            model, their_space(grid, "scipy"), n_candidates=n, min_resources="exhaust", cv=cv, n_jobs=n_jobs,
            refit=False, random_state=seed,
        )  # fmt: skip
    else:
        import optuna
        from optuna_integration import OptunaSearchCV

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        # Its n_jobs are threads; with the interpreter's lock they gain little, and more than one slowed it down here.
        search = OptunaSearchCV(
            model, their_space(grid, "optuna"), n_trials=n, cv=cv, n_jobs=n_jobs, refit=False, random_state=seed
        )
    start = time.perf_counter()
    search.fit(X, y)
    seconds = time.perf_counter() - start
    if method.startswith("halving"):
        score = float(cross_val_score(clone(model).set_params(**search.best_params_), X, y, cv=cv).mean())
    else:
        score = float(search.best_score_)
    return {"seconds": seconds, "score": score}


# Variants of our search; "race" has no scheduler.
OURS: dict[str, dict[str, Any]] = {
    "race": {"strategy": "gp"},
    "halving": {"strategy": "sobol", "scheduler": "halving", "resource": "n_samples"},
    "hyperband": {"strategy": "gp", "scheduler": "hyperband", "resource": "n_samples"},
    "asha": {"strategy": "gp", "scheduler": "asha", "resource": "n_samples"},
    "freeze": {"strategy": "gp", "scheduler": "freeze_thaw", "resource": "n_samples"},
}


def ours(variant: str, model: Any, grid: dict[str, list[Any]], cv: Any, X: Any, y: Any, seed: int, n_jobs: int) -> Any:
    """Return the times at which our search reached its scores."""
    course: list[tuple[float, float]] = []
    start = 0.0

    def told(search: Any, trial: Any) -> None:
        if trial.state == "complete" and (not course or trial.value > course[-1][1]):
            course.append((time.perf_counter() - start, trial.value))

    search = SearchCV(
        model, their_space(grid, "hpcore"), n_trials=len(ParameterGrid(grid)), cv=cv, n_jobs=n_jobs,
        racing=True, refit=False, random_state=seed, callbacks=[told], **OURS[variant],
    )  # fmt: skip
    start = time.perf_counter()
    search.fit(X, y)
    seconds = time.perf_counter() - start
    fits = int(search.cv_results_["n_folds_evaluated"].sum())
    return {"seconds": seconds, "score": float(search.best_score_), "course": course, "fits": fits}


def wake(ours_too: bool, model: Any, grid: dict[str, list[Any]], X: Any, y: Any, n_jobs: int) -> None:
    """Start the workers and let them import their modules."""
    two = {name: values[: 2 if i == 0 else 1] for i, (name, values) in enumerate(grid.items())}
    X, y = X[:200], y[:200]
    if ours_too:
        SearchCV(model, two, strategy="grid", cv=2, n_jobs=n_jobs, refit=False).fit(X, y)
    else:
        GridSearchCV(model, two, cv=2, n_jobs=n_jobs, refit=False).fit(X, y)


METHODS = ("grid", "random", "halving", "halving random", "optuna")


def main() -> None:
    """Measure missing runs and print the summary."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--n-jobs", type=int, default=2)
    parser.add_argument(
        "--tasks", default="svc breast_cancer,hgb breast_cancer,svc digits,hgb digits,hgb table,svc table"
    )
    parser.add_argument("--ours", default="race", help=f"variants of our search, of {', '.join(OURS)}")
    parser.add_argument("--others", default=",".join(METHODS))
    parser.add_argument("--out", default="time_to_score.jsonl")
    args = parser.parse_args()
    out = Path(args.out)
    done: dict[tuple[str, str, int], Any] = {}
    if out.exists():
        for line in out.read_text().splitlines():
            record = json.loads(line)
            kind, name = record["task"].split()
            # Runs on other data or another grid are measured again.
            if record["candidates"] == len(ParameterGrid(MODELS[kind][1])) and (
                name != "table" or record["rows"] == args.rows
            ):
                done[record["task"], record["method"], record["seed"]] = record
    tasks = [task.strip() for task in args.tasks.split(",")]
    variants = [variant.strip() for variant in args.ours.split(",")]
    methods = [method.strip() for method in args.others.split(",") if method.strip()]
    warnings.simplefilter("ignore")
    for task in tasks:
        kind, name = task.split()
        model, grid = MODELS[kind]
        cv = CVS.get(task, CV)
        X, y = data(name, args.rows)
        for seed in range(args.seeds):
            for method in (*(f"ours {variant}" for variant in variants), *methods):
                # The grid has no seed: its time is that of one run.
                if method == "grid" and seed > 0:
                    continue
                if (task, method, seed) in done:
                    continue
                kind_of, _, variant = method.partition(" ")
                wake(kind_of == "ours", model, grid, X, y, args.n_jobs)
                if kind_of == "ours":
                    found = ours(variant, model, grid, cv, X, y, seed, args.n_jobs)
                else:
                    found = others(method, model, grid, cv, X, y, seed, args.n_jobs)
                record = {
                    "task": task, "method": method, "seed": seed, "rows": len(X),
                    "candidates": len(ParameterGrid(grid)), "n_jobs": args.n_jobs, **found,
                }  # fmt: skip
                done[task, method, seed] = record
                with out.open("a") as file:
                    file.write(json.dumps(record) + "\n")
                print(
                    f"{task:18} {method:14} seed {seed}: {found['score']:.4f} in {found['seconds']:.1f} s", flush=True
                )
    for variant in variants:
        summarise(done, tasks, variant)


def summarise(done: dict[tuple[str, str, int], Any], tasks: list[str], variant: str) -> None:
    """Print our time to each method's score as a share of that method's time; medians over seeds."""
    print(f"\nSearchCV, {variant}")
    print("\n| task | rows | method | its score | its time, s | ours to its score, s | share | seeds |")
    print("|---|---|---|---|---|---|---|---|")
    for task in tasks:
        for method in METHODS:
            shares, times, theirs = [], [], []
            seeds = sorted(seed for t, m, seed in done if t == task and m == f"ours {variant}")
            for seed in seeds:
                other = done.get((task, method, 0 if method == "grid" else seed))
                if other is None:
                    continue
                course = done[task, f"ours {variant}", seed]["course"]
                reached = next((t for t, score in course if score >= other["score"] - 1e-12), math.inf)
                times.append(reached)
                shares.append(reached / other["seconds"])
                theirs.append(other)
            if not shares:
                continue
            print(
                f"| {task} | {theirs[0]['rows']} | {method} | {statistics.median(o['score'] for o in theirs):.4f} "
                f"| {statistics.median(o['seconds'] for o in theirs):.1f} | {statistics.median(times):.1f} "
                f"| {statistics.median(shares):.2f} | {len(shares)} |"
            )


if __name__ == "__main__":
    main()
