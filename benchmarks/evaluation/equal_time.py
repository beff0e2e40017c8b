"""Final scores at equal time: `SearchCV` against the halving searches of scikit-learn, on tables above 20,000 rows.

Run with ``python benchmarks/evaluation/equal_time.py --seeds 10 --out equal.jsonl``, 20 minutes on two idle cores.
Results are appended to the file one by one, and runs in the file are not repeated.

Three tables of 24,000 rows for the search and 24,000 for the test, made from a fixed seed; gradient boosting, 3
folds, the grid of `time_to_score.py` and the intervals that it spans. `HalvingGridSearchCV` halves the grid,
`HalvingRandomSearchCV` as many candidates. `SearchCV` ends in the seconds that the other search took. The best
parameters of each are fitted to all rows of the search, and scored on the rows of the test. Prints, by table and for
all, the mean difference in standard deviations of the score of random parameters, with its 95 % interval over the
seeds.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.datasets import make_classification, make_friedman1, make_hastie_10_2
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import HalvingGridSearchCV, HalvingRandomSearchCV, ParameterGrid, ParameterSampler
from time_to_score import their_space

from hpcore.sklearn import SearchCV

ROWS = 24_000
# A search waits for the fits that run when its time is over: with this share it ends in the time of the other.
SHARE = 0.92
GRID: dict[str, list[Any]] = {
    "learning_rate": [0.03, 0.1, 0.3, 0.6],
    "max_leaf_nodes": [4, 8, 16, 32],
    "min_samples_leaf": [5, 40],
}
OURS: dict[str, dict[str, Any]] = {
    "race": {"racing": True},
    "halving": {"strategy": "halving", "resource": "n_samples"},
    "hyperband": {"scheduler": "hyperband", "resource": "n_samples", "racing": True},
    "freeze": {"scheduler": "auto", "resource": "n_samples"},
}


def tables() -> dict[str, tuple[Any, Any, Any]]:
    """Make a model, points and targets by name of the table."""
    classifier = HistGradientBoostingClassifier(max_iter=100, early_stopping=False, random_state=0)
    regressor = HistGradientBoostingRegressor(max_iter=100, early_stopping=False, random_state=0)
    return {
        "classes": (
            classifier,
            *make_classification(
                2 * ROWS, 20, n_informative=10, n_redundant=4, flip_y=0.03, class_sep=0.7, random_state=0
            ),
        ),
        "hastie": (classifier, *make_hastie_10_2(2 * ROWS, random_state=0)),
        "friedman": (regressor, *make_friedman1(2 * ROWS, noise=1.0, random_state=0)),
    }


def test_score(model: Any, params: dict[str, Any], X: Any, y: Any) -> float:
    fitted = clone(model).set_params(**params).fit(X[:ROWS], y[:ROWS])
    return float(fitted.score(X[ROWS:], y[ROWS:]))


def their_search(method: str, model: Any, seed: int, n_jobs: int) -> Any:
    options = {"cv": 3, "n_jobs": n_jobs, "refit": False, "random_state": seed}
    if method == "halving grid":
        return HalvingGridSearchCV(model, GRID, **options)
    n = len(ParameterGrid(GRID))
    space = their_space(GRID, "scipy")
    return HalvingRandomSearchCV(model, space, n_candidates=n, min_resources="exhaust", **options)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--n-jobs", type=int, default=2)
    parser.add_argument("--ours", default="race")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    done = [json.loads(line) for line in options.out.read_text().splitlines()] if options.out.exists() else []
    known = {(run["table"], run["other"], run["ours"], run["seed"]): run for run in done}
    spread: dict[str, float] = {}
    for name, (model, X, y) in tables().items():
        drawn = ParameterSampler(their_space(GRID, "scipy"), 12, random_state=0)
        spread[name] = statistics.stdev(test_score(model, params, X, y) for params in drawn)
        for seed in range(options.seeds):
            for other in ("halving grid", "halving random"):
                missing = [ours for ours in options.ours.split(",") if (name, other, ours, seed) not in known]
                if not missing:
                    continue
                search = their_search(other, model, seed, options.n_jobs)
                begin = time.perf_counter()
                search.fit(X[:ROWS], y[:ROWS])
                seconds = time.perf_counter() - begin
                theirs = test_score(model, search.best_params_, X, y)
                for ours in missing:
                    mine = SearchCV(
                        clone(model), their_space(GRID, "hpcore"), cv=3, n_trials=None, timeout=SHARE * seconds,
                        refit=False,
                        n_jobs=options.n_jobs, random_state=seed, **OURS[ours],
                    )  # fmt: skip
                    begin = time.perf_counter()
                    mine.fit(X[:ROWS], y[:ROWS])
                    run = {
                        "table": name,
                        "other": other,
                        "ours": ours,
                        "seed": seed,
                        "seconds": seconds,
                        "our_seconds": time.perf_counter() - begin,
                        "theirs": theirs,
                        "score": test_score(model, mine.best_params_, X, y),
                    }
                    known[name, other, ours, seed] = run
                    with options.out.open("a") as file:
                        file.write(json.dumps(run) + "\n")
                    print(run, flush=True)
    report(list(known.values()), spread)


def report(runs: list[dict[str, Any]], spread: dict[str, float]) -> None:
    for ours, other in sorted({(run["ours"], run["other"]) for run in runs}):
        chosen = [run for run in runs if (run["ours"], run["other"]) == (ours, other)]
        gains = {
            table: [(run["score"] - run["theirs"]) / spread[table] for run in chosen if run["table"] == table]
            for table in spread
        }
        by_seed = [statistics.mean(values) for values in zip(*gains.values(), strict=False)]
        shown = "  ".join(f"{table} {line(values)}" for table, values in {**gains, "all": by_seed}.items())
        share = statistics.median(run["our_seconds"] / run["seconds"] for run in chosen)
        print(f"{ours} against {other}, at {share:.2f} of its time: {shown}")


def line(values: list[float]) -> str:
    if len(values) < 2:
        return "too few"
    half = 1.96 * statistics.stdev(values) / math.sqrt(len(values))
    return f"{np.mean(values):+.3f} +-{half:.3f}"


if __name__ == "__main__":
    main()
