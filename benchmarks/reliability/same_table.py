"""Deterministic mode: the table of a search for 1, 2 and 4 workers, to the last bit, on many seeds.

Run with ``python benchmarks/reliability/same_table.py --seeds 20``. For each seed and strategy, with and without
racing, the digest of everything in ``cv_results_`` but the times is compared; times of fits are jittered, so that
results arrive in a different order each time.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import joblib
import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

import hpcore as hp
from hpcore.sklearn import SearchCV

SPACE = {
    "jitter__C": hp.Float(1e-3, 1e3, log=True),
    "jitter__gamma": hp.Float(1e-5, 1e1, log=True),
    "jitter__kernel": hp.Categorical(["rbf", "sigmoid"]),
}


class Jitter(SVC):
    """An SVC with a random time of a fit."""

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Jitter:
        time.sleep(np.random.default_rng().exponential(0.004))
        super().fit(X, y, sample_weight)
        return self


def digest(strategy: str, racing: bool, seed: int, n_jobs: int, n_trials: int) -> str:
    """Compute the digest of the table of one search."""
    X, y = load_breast_cancer(return_X_y=True)
    model = make_pipeline(StandardScaler(), Jitter())
    model.steps[1] = ("jitter", model.steps[1][1])
    search = SearchCV(
        model, SPACE, strategy=strategy, n_trials=n_trials, cv=4, scoring="roc_auc", racing=racing, n_jobs=n_jobs,
        deterministic=True, random_state=seed, refit=False,
    ).fit(X, y)  # fmt: skip
    table = {
        key: value
        if key == "params"
        else np.ma.filled(value, np.nan)
        if key.startswith("split")
        else np.asarray(value).tolist()
        for key, value in search.cv_results_.items()
        if "time" not in key
    }
    return str(joblib.hash(table))


def main() -> None:
    """Count tables that differ."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--trials", type=int, default=24)
    args = parser.parse_args()
    n = differ = 0
    for seed in range(args.first_seed, args.first_seed + args.seeds):
        for strategy in ("gp", "tpe"):
            for racing in (False, True):
                found = [digest(strategy, racing, seed, n_jobs, args.trials) for n_jobs in (1, 2, 4)]
                n += 1
                differ += len(set(found)) > 1
                if len(set(found)) > 1:
                    print(f"seed {seed} {strategy} racing={racing}: {found}", flush=True)
        print(f"seed {seed}: {n} searches with 1, 2 and 4 workers, {differ} differ", flush=True)


if __name__ == "__main__":
    main()
