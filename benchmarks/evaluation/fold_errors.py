"""Worth of the variance over folds: told to the model as a standard error, and in the choice of the best candidate.

    python benchmarks/evaluation/fold_errors.py --seeds 8

Each search has 5 folds of its own seed and 30 candidates. The true score of a choice is that of a cross-validation with
20 other splits. Printed are mean differences to ``fold_errors=False, refit=True``, in thousandths of the score, paired
by seed,.
"""

import argparse
import json
import warnings

import numpy as np
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_wine
from sklearn.model_selection import (
    RepeatedKFold,
    RepeatedStratifiedKFold,
    ShuffleSplit,
    StratifiedKFold,
    cross_val_score,
)
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR
from sklearn.tree import DecisionTreeClassifier

import hpcore as hp
from hpcore.sklearn import OneStandardError, SearchCV

warnings.filterwarnings("ignore")


def cases() -> dict:
    """Return estimator, space and data by name."""
    digits = load_digits(return_X_y=True)
    svm = {"svc__C": hp.Float(1e-2, 1e3, log=True), "svc__gamma": hp.Float(1e-4, 1e1, log=True)}
    return {
        "svm wine": (make_pipeline(StandardScaler(), SVC()), svm, load_wine(return_X_y=True)),
        "svm breast": (make_pipeline(StandardScaler(), SVC()), svm, load_breast_cancer(return_X_y=True)),
        "svm digits": (make_pipeline(StandardScaler(), SVC()), svm, (digits[0][:400], digits[1][:400])),
        "svr diabetes": (
            make_pipeline(StandardScaler(), SVR()),
            {
                "svr__C": hp.Float(1e-1, 1e4, log=True),
                "svr__gamma": hp.Float(1e-4, 1e1, log=True),
                "svr__epsilon": hp.Float(1e-2, 1e2, log=True),
            },
            load_diabetes(return_X_y=True),
        ),
        "tree breast": (
            DecisionTreeClassifier(random_state=0),
            {
                "max_depth": hp.Int(1, 20),
                "min_samples_leaf": hp.Int(1, 60, log=True),
                "min_samples_split": hp.Int(2, 60, log=True),
                "ccp_alpha": hp.Float(1e-5, 1e-1, log=True),
                "criterion": hp.Categorical(["gini", "entropy"]),
            },
            load_breast_cancer(return_X_y=True),
        ),
        "knn diabetes": (
            make_pipeline(StandardScaler(), KNeighborsRegressor()),
            {
                "kneighborsregressor__n_neighbors": hp.Int(1, 100, log=True),
                "kneighborsregressor__p": hp.Float(1, 4),
                "kneighborsregressor__weights": hp.Categorical(["uniform", "distance"]),
            },
            load_diabetes(return_X_y=True),
        ),
    }


def true_score(estimator, params, X, y, memory: dict, name: str) -> float:
    """Mean score over 20 splits that no search has."""
    key = name, json.dumps(params, sort_keys=True)
    if key not in memory:
        kind = RepeatedKFold if "diabetes" in name else RepeatedStratifiedKFold
        model = estimator.set_params(**params)
        memory[key] = float(cross_val_score(model, X, y, cv=kind(n_splits=5, n_repeats=4, random_state=999)).mean())
    return memory[key]


def main() -> None:
    """Run all cases and print a line for each."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--candidates", type=int, default=30)
    options = parser.parse_args()
    memory: dict = {}
    everything: dict[str, list[float]] = {}
    for name, (estimator, space, (X, y)) in cases().items():
        found: dict[str, list[float]] = {}
        for seed in range(options.seeds):
            cv = StratifiedKFold(5, shuffle=True, random_state=seed)
            if "diabetes" in name:
                cv = ShuffleSplit(5, test_size=0.2, random_state=seed)
            for told in (False, True):
                search = SearchCV(
                    estimator, space, n_trials=options.candidates, cv=cv, fold_errors=told, random_state=seed
                ).fit(X, y)
                table = search.cv_results_
                by_number = {int(n): i for i, n in enumerate(search.trial_numbers_)}
                choices = {
                    "best": search.best_index_,
                    "recommend": by_number[search.optimizer_.recommend().number],
                    "1se": OneStandardError()(table),
                }
                for choice, i in choices.items():
                    value = true_score(estimator, table["params"][i], X, y, memory, name)
                    found.setdefault(f"{choice}{', fold errors' if told else ''}", []).append(value)
        line = f"{name:14s} best {np.mean(found['best']):.4f}"
        for choice, values in found.items():
            gain = 1e3 * (np.array(values) - np.array(found["best"]))
            everything.setdefault(choice, []).extend((gain / (1e3 * np.std(found["best"]) + 1e-9)).tolist())
            if choice != "best":
                line += f" | {choice} {gain.mean():+.1f} +-{gain.std(ddof=1) / np.sqrt(len(gain)):.1f}"
        print(line, flush=True)
    for choice, shares in everything.items():
        error = np.std(shares, ddof=1) / np.sqrt(len(shares))
        print(
            f"{choice:24s} {np.mean(shares):+.2f} +-{error:.2f} standard deviations of the best's true score over seeds"
        )


if __name__ == "__main__":
    main()
