"""Racing against running every fold: number of fits, best score, and its score on rows outside the search.

Run with ``python benchmarks/quality/racing.py --seeds 3``; prints one line a task and seed as it goes and a summary.
Twenty tasks, each a data set and a model with its space. All modes have the same strategy, number of trials, folds and
seed. "kept" is the share of fits that racing ran; the differences in score are paired by task and seed, with the 95 %
interval of their mean over the tasks. `--level` sets the error level of the test; `wrong` counts candidates that the
race stopped although their mean over all folds, computed afterwards, was above that of the search's own winner.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.stats
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_digits,
    load_iris,
    load_wine,
    make_classification,
    make_friedman1,
    make_moons,
)
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import ElasticNet, LogisticRegression
from sklearn.model_selection import cross_val_score, train_test_split
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from threadpoolctl import threadpool_limits

import hpcore as hp
from hpcore.sklearn import Racing, SearchCV

Data = Callable[[], tuple[Any, Any]]

SVC_SPACE = {"svc__C": hp.Float(1e-3, 1e3, log=True), "svc__gamma": hp.Float(1e-5, 1e1, log=True)}
SVR_SPACE = {
    "svr__C": hp.Float(1e-2, 1e3, log=True),
    "svr__gamma": hp.Float(1e-4, 1e1, log=True),
    "svr__epsilon": hp.Float(1e-3, 1.0, log=True),
}
TREE_SPACE = {
    "max_depth": hp.Int(1, 20),
    "min_samples_leaf": hp.Int(1, 60, log=True),
    "ccp_alpha": hp.Float(1e-5, 0.1, log=True),
}
KNN_SPACE = {
    "kneighborsclassifier__n_neighbors": hp.Int(1, 60, log=True),
    "kneighborsclassifier__weights": hp.Categorical(["uniform", "distance"]),
    "kneighborsclassifier__p": hp.Float(1.0, 3.0),
}
LOGISTIC_SPACE = {"logisticregression__C": hp.Float(1e-5, 1e3, log=True)}
NET_SPACE = {"elasticnet__alpha": hp.Float(1e-4, 10.0, log=True), "elasticnet__l1_ratio": hp.Float(0.0, 1.0)}
HGB_SPACE = {
    "learning_rate": hp.Float(0.01, 0.5, log=True),
    "max_leaf_nodes": hp.Int(3, 31, log=True),
    "min_samples_leaf": hp.Int(2, 60, log=True),
    "l2_regularization": hp.Float(1e-3, 10.0, log=True),
}


def noisy() -> tuple[Any, Any]:
    return make_classification(900, 20, n_informative=6, flip_y=0.1, class_sep=0.8, random_state=3)


def wide() -> tuple[Any, Any]:
    return make_classification(300, 120, n_informative=10, flip_y=0.05, random_state=4)


def moons() -> tuple[Any, Any]:
    return make_moons(600, noise=0.3, random_state=5)


def friedman() -> tuple[Any, Any]:
    return make_friedman1(500, noise=1.0, random_state=6)


def few_digits() -> tuple[Any, Any]:
    X, y = load_digits(return_X_y=True)
    return X[::2], y[::2]


def plain(load: Callable[..., Any]) -> Data:
    return lambda: load(return_X_y=True)


svc, svr = make_pipeline(StandardScaler(), SVC()), make_pipeline(StandardScaler(), SVR())
knn = make_pipeline(StandardScaler(), KNeighborsClassifier())
logistic = make_pipeline(StandardScaler(), LogisticRegression(max_iter=300))
net = make_pipeline(StandardScaler(), ElasticNet(max_iter=3000))
tree, tree_r = DecisionTreeClassifier(random_state=0), DecisionTreeRegressor(random_state=0)
hgb = HistGradientBoostingClassifier(max_iter=25, random_state=0)
hgb_r = HistGradientBoostingRegressor(max_iter=25, random_state=0)

TASKS: dict[str, tuple[Data, Any, dict[str, Any], str]] = {
    "svc breast_cancer": (plain(load_breast_cancer), svc, SVC_SPACE, "accuracy"),
    "svc digits": (few_digits, svc, SVC_SPACE, "accuracy"),
    "svc wine": (plain(load_wine), svc, SVC_SPACE, "accuracy"),
    "svc noisy": (noisy, svc, SVC_SPACE, "roc_auc"),
    "svc moons": (moons, svc, SVC_SPACE, "accuracy"),
    "svc wide": (wide, svc, SVC_SPACE, "accuracy"),
    "tree breast_cancer": (plain(load_breast_cancer), tree, TREE_SPACE, "roc_auc"),
    "tree digits": (few_digits, tree, TREE_SPACE, "accuracy"),
    "tree noisy": (noisy, tree, TREE_SPACE, "neg_log_loss"),
    "tree moons": (moons, tree, TREE_SPACE, "accuracy"),
    "tree diabetes": (plain(load_diabetes), tree_r, TREE_SPACE, "r2"),
    "tree friedman": (friedman, tree_r, TREE_SPACE, "neg_mean_squared_error"),
    "knn iris": (plain(load_iris), knn, KNN_SPACE, "accuracy"),
    "knn noisy": (noisy, knn, KNN_SPACE, "accuracy"),
    "logistic wide": (wide, logistic, LOGISTIC_SPACE, "neg_log_loss"),
    "logistic breast_cancer": (plain(load_breast_cancer), logistic, LOGISTIC_SPACE, "neg_log_loss"),
    "elasticnet diabetes": (plain(load_diabetes), net, NET_SPACE, "r2"),
    "svr friedman": (friedman, svr, SVR_SPACE, "r2"),
    "hgb noisy": (noisy, hgb, HGB_SPACE, "roc_auc"),
    "hgb diabetes": (plain(load_diabetes), hgb_r, HGB_SPACE, "neg_mean_absolute_error"),
}


def run(task: str, racing: Any, seed: int, args: argparse.Namespace) -> dict[str, Any]:
    load, model, space, scoring = TASKS[task]
    X, y = load()
    stratify = y if len(np.unique(y)) <= 20 else None
    X, X_test, y, y_test = train_test_split(X, y, test_size=0.3, random_state=seed, stratify=stratify)
    start = time.perf_counter()
    search = SearchCV(
        model, space, strategy=args.strategy, n_trials=args.trials, cv=args.folds, scoring=scoring, racing=racing,
        random_state=seed,
    )  # fmt: skip
    search.fit(X, y)
    seconds = time.perf_counter() - start
    counts = search.cv_results_.get("n_folds_evaluated")
    wrong = 0
    if racing is not False:
        for k in np.flatnonzero(search.cv_results_["pruned"]) if args.check else ():
            full = cross_val_score(
                model.set_params(**search.cv_results_["params"][k]), X, y, cv=args.folds, scoring=scoring
            )
            wrong += full.mean() > search.best_score_
    return {
        "fits": int(counts.sum()) if counts is not None else args.trials * args.folds,
        "score": float(search.best_score_),
        "test": float(search.score(X_test, y_test)),
        "seconds": seconds,
        "wrong": wrong,
        "pruned": 0 if counts is None else int(search.cv_results_["pruned"].sum()),
    }


def main() -> None:
    """Print the comparison."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--trials", type=int, default=40)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--strategy", default="gp")
    parser.add_argument("--level", type=float, default=Racing().level)
    parser.add_argument("--tasks", type=int, default=len(TASKS), help="only the first so many")
    parser.add_argument("--check", action="store_true", help="run stopped candidates in full and count wrong stops")
    args = parser.parse_args()
    modes: dict[str, Any] = {"exact": Racing(test=False), "test": Racing(level=args.level)}
    found: dict[str, dict[str, list[dict[str, Any]]]] = {}
    warnings.simplefilter("ignore")
    with threadpool_limits(1):
        for task in list(TASKS)[: args.tasks]:
            rows = found[task] = {"all": [], **{mode: [] for mode in modes}}
            for seed in range(args.first_seed, args.first_seed + args.seeds):
                rows["all"].append(run(task, False, seed, args))
                for mode, racing in modes.items():
                    rows[mode].append(run(task, racing, seed, args))
                last = {mode: row[-1] for mode, row in rows.items()}
                print(
                    f"{task:24} seed {seed}: score "
                    + ", ".join(f"{mode} {r['score']:.4f} in {r['fits']}" for mode, r in last.items())
                    + (f", wrong {last['test']['wrong']}/{last['test']['pruned']}" if args.check else ""),
                    flush=True,
                )
    for mode in modes:
        kept = [
            np.mean([a["fits"] / b["fits"] for a, b in zip(r[mode], r["all"], strict=True)]) for r in found.values()
        ]
        print(f"\n{mode}: fits kept, mean over tasks {np.mean(kept):.3f} (saved {1 - np.mean(kept):.1%})")
        for key in ("score", "test"):
            # In units of the spread of that score over the candidates' usual range: each task's own standard deviation.
            d = []
            for rows in found.values():
                scale = max(np.std([r[key] for mode_rows in rows.values() for r in mode_rows]), 1e-12)
                d.append(np.mean([a[key] - b[key] for a, b in zip(rows[mode], rows["all"], strict=True)]) / scale)
            half = scipy.stats.t(len(d) - 1).ppf(0.975) * np.std(d, ddof=1) / np.sqrt(len(d)) if len(d) > 1 else np.nan
            raw = [np.mean([a[key] - b[key] for a, b in zip(r[mode], r["all"], strict=True)]) for r in found.values()]
            wins = sum(x > 1e-12 for x in raw), sum(x < -1e-12 for x in raw)
            print(
                f"  {key}: standardised difference {np.mean(d):+.3f} +- {half:.3f} (95 %), "
                f"better on {wins[0]} tasks, worse on {wins[1]}; median raw difference {np.median(raw):+.5f}"
            )
        if args.check:
            wrong = sum(r["wrong"] for rows in found.values() for r in rows[mode])
            print(f"  wrong stops: {wrong} of {sum(r['pruned'] for rows in found.values() for r in rows[mode])}")


if __name__ == "__main__":
    main()
