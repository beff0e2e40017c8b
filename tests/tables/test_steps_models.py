"""A classifier around one that needs classes 0 .. k-1, against codes made by hand; and that its file stands alone."""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone, is_classifier
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

from hpcore.tables import steps_models
from hpcore.tables.steps_models import LabelledClassifier, combined_weight, normalised

X, CODES = load_iris(return_X_y=True)


@pytest.mark.parametrize(
    "y",
    [
        np.array(["setosa", "versicolor", "virginica"])[CODES],
        np.array(["a", "b", "c"], dtype=object)[CODES],
        pd.Series(np.array(["a", "b", "c"])[CODES], index=np.arange(150)[::-1]),
        CODES * 10 - 5,
        CODES > 0,
    ],
    ids=["words", "objects", "series", "numbers", "booleans"],
)
def test_any_classes(y: Any) -> None:
    model = LabelledClassifier(LogisticRegression(max_iter=1000)).fit(X, y)
    oracle = LogisticRegression(max_iter=1000).fit(X, np.asarray(y))
    np.testing.assert_array_equal(model.predict(X), oracle.predict(X))
    np.testing.assert_allclose(model.predict_proba(X), oracle.predict_proba(X))
    np.testing.assert_array_equal(model.classes_, oracle.classes_)
    assert model.predict(X).dtype == oracle.predict(X).dtype
    assert model.n_features_in_ == 4
    assert is_classifier(clone(model))


def test_weights_of_classes_and_rows() -> None:
    y = np.array(["a", "b", "c"])[CODES][:120]
    weight = np.random.default_rng(0).uniform(0.5, 2.0, 120)
    model = LabelledClassifier(LogisticRegression(max_iter=1000), class_weight="balanced").fit(X[:120], y, weight)
    by_hand = weight * (120 / (3 * np.array([50, 50, 20])))[CODES[:120]]
    oracle = LogisticRegression(max_iter=1000).fit(X[:120], y, by_hand)
    np.testing.assert_allclose(model.predict_proba(X), oracle.predict_proba(X), rtol=1e-6)
    # 120 rows / (3 classes * 20 rows) is 2 for the last class.
    np.testing.assert_allclose(combined_weight("balanced", y, None)[-1], 2.0)
    np.testing.assert_allclose(
        combined_weight({"a": 3.0, "b": 1.0, "c": 1.0}, y, weight), weight * np.where(y == "a", 3, 1)
    )
    assert combined_weight(None, y, None) is None


def test_a_classifier_without_weights() -> None:
    assert LabelledClassifier(KNeighborsClassifier(1)).fit(X, CODES).score(X, CODES) == 1.0


def test_rows_sum_to_one_in_double_precision() -> None:
    single = np.random.default_rng(0).dirichlet(np.ones(7), 100).astype(np.float32)
    out = normalised(single)
    assert out.dtype == np.float64
    np.testing.assert_allclose(out.sum(axis=1), 1.0, rtol=1e-15)
    np.testing.assert_allclose(out, single, rtol=1e-6)


def test_the_file_imports_what_a_deployed_model_has() -> None:
    tree = ast.parse(Path(steps_models.__file__).read_text(encoding="utf-8"))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.partition(".")[0] for name in names} <= {"numpy", "sklearn"} | sys.stdlib_module_names
