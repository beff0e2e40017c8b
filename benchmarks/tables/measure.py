"""One run in a process of its own: a peer on the training rows of a set, scored on its test rows.

`run.py` starts it with the run as JSON in the first argument; the last line of its output is the result as JSON.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import threading
import time
import traceback
from typing import Any

TEST_SHARE = 0.25
# Imported before the clock starts, for all peers alike.
MODULES = ("sklearn.ensemble", "sklearn.linear_model", "sklearn.svm", "lightgbm", "xgboost", "catboost")


def score(model: Any, X: Any, y: Any, metric: str) -> float:
    """Score predictions, the higher the better, with the classes in the order of the model."""
    from sklearn import metrics

    if metric == "r2":
        return float(metrics.r2_score(y, model.predict(X)))
    if metric == "accuracy":
        return float(metrics.accuracy_score(y, model.predict(X)))
    classes = list(model.classes_)
    # A result of `autotune` refuses probabilities where its estimator has none.
    estimator = getattr(model, "estimator_", model)
    if not hasattr(estimator, "predict_proba"):
        return float(metrics.roc_auc_score(y == classes[1], estimator.decision_function(X)))
    probabilities = model.predict_proba(X)
    if metric == "roc_auc":
        return float(metrics.roc_auc_score(y == classes[1], probabilities[:, 1]))
    return -float(metrics.log_loss(y, probabilities, labels=classes))


def best_possible(name: str, rows: Any) -> float | None:
    """Score the truth of a table that was drawn from a known law; None for other tables."""
    import synthetic
    from sklearn import metrics

    if name not in synthetic.MAKERS:
        return None
    _, y, truth = synthetic.MAKERS[name]()
    y, truth = y.iloc[rows], truth[rows]
    if y.dtype.kind == "f":
        return float(metrics.r2_score(y, truth))
    return float(metrics.roc_auc_score(y == "yes", truth))


def measure(run: dict[str, Any]) -> dict[str, Any]:
    """Fit the peer and score it; an error is a result."""
    import numpy as np
    import psutil
    from data import SETS
    from peers import PEERS, Job
    from sklearn.model_selection import train_test_split

    chosen = SETS[run["set"]]
    X, y = chosen.load()
    train, test = train_test_split(
        np.arange(len(X)), test_size=TEST_SHARE, random_state=run["seed"],
        stratify=y if chosen.task == "classification" else None,
    )  # fmt: skip
    needs, fit = PEERS[run["peer"]]
    for module in (*MODULES, *needs):
        try:
            importlib.import_module(module)
        except ImportError:
            if module in needs:
                raise
    rows, target = X.iloc[train].reset_index(drop=True), y.iloc[train].reset_index(drop=True)
    job = Job(rows, target, chosen.task, chosen.metric, run["time"], run["n_cores"], run["seed"])
    result: dict[str, Any] = {"metric": chosen.metric, "limit": best_possible(run["set"], test)}
    result["base_mb"] = psutil.Process().memory_info().rss / 2**20
    begin = time.perf_counter()
    try:
        model, details = fit(job)
        result |= {"seconds": time.perf_counter() - begin, "details": details}
        begin = time.perf_counter()
        result["score"] = score(model, X.iloc[test].reset_index(drop=True), y.iloc[test].to_numpy(), chosen.metric)
        result["predict_seconds"] = time.perf_counter() - begin
    except Exception as error:
        result.setdefault("seconds", time.perf_counter() - begin)
        result["error"] = f"{type(error).__name__}: {error}"[:500]
        traceback.print_exc()
    return result


def end_with(parent: int) -> None:
    """End this process when the one that started it is gone."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


if __name__ == "__main__":
    threading.Thread(target=end_with, args=(os.getppid(),), daemon=True).start()
    asked = json.loads(sys.argv[1])
    os.sched_setaffinity(0, asked["cores"])
    print("\n" + json.dumps(measure(asked)), flush=True)
