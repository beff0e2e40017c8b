"""Check that keeping any transformer of scikit-learn between candidates gives the scores of GridSearchCV.

    python benchmarks/evaluation/transformers.py [--data array|frame|sparse]

Each is tried with its defaults, with ``random_state=0`` and with ``copy=False`` where it has them, in front of a
support vector machine. The random generators start in the same state. The script prints the transformers with a score
that differs in any bit, and fails if there are any.
"""

from __future__ import annotations

import argparse
import random
import sys
import warnings
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse
import sklearn
from sklearn.datasets import load_iris
from sklearn.experimental import enable_iterative_imputer  # noqa: F401 - one more transformer
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import Pipeline
from sklearn.svm import SVC
from sklearn.utils import all_estimators

from hpcore.evaluation.purity import is_pure
from hpcore.sklearn import SearchCV


def variants() -> list[Any]:
    """Yield the transformers that need no further arguments."""
    found = []
    for _, kind in all_estimators(type_filter="transformer"):
        for options in ({}, {"random_state": 0}, {"copy": False}):
            try:
                found.append(kind(**options))
            except TypeError:
                continue
    return found


def scores(search: Any, transformer: Any, X: Any, y: Any) -> list[Any] | None:
    """Return the scores on training and test rows; None if the search fails."""
    np.random.seed(0)  # noqa: NPY002 - what estimators without a seed draw from
    random.seed(0)
    pipeline = Pipeline([("transformer", transformer), ("model", SVC())])
    options = {"cv": KFold(2), "refit": False, "return_train_score": True}
    try:
        results = search(pipeline, {"model__C": [0.1, 1, 10]}, **options).fit(X.copy(), y).cv_results_
    except Exception:
        return None
    return [results[key] for key in sorted(results) if key.endswith("_score")]


def main() -> int:
    """Compare all of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", choices=["array", "frame", "sparse"], default="array")
    data = parser.parse_args().data
    X, y = load_iris(return_X_y=True)
    rows = np.random.default_rng(0).permutation(len(y))
    X, y = X[rows], y[rows]
    if data == "frame":
        sklearn.set_config(transform_output="pandas")
        X = pd.DataFrame(X, columns=list("abcd"))
    elif data == "sparse":
        X = scipy.sparse.csr_matrix(X)
    warnings.simplefilter("ignore")
    n_kept = n_failed = n_differ = 0
    transformers = variants()
    for transformer in transformers:
        theirs, ours = (
            scores(search, transformer, X, y) for search in (GridSearchCV, partial(SearchCV, strategy="grid"))
        )
        n_kept += is_pure(transformer)
        n_failed += theirs is None
        if theirs is None or ours is None:
            same = theirs is ours
        else:
            same = all(np.array_equal(a, b, equal_nan=True) for a, b in zip(theirs, ours, strict=True))
        if not same:
            n_differ += 1
            print(f"differs: {transformer}")
    print(f"{len(transformers)} transformers, {n_kept} may be kept, {n_failed} fail in both, {n_differ} differ")
    return 1 if n_differ else 0


if __name__ == "__main__":
    sys.exit(main())
