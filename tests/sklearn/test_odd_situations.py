"""What else people hand to a search: the scores are those of GridSearchCV, whatever it is."""

from __future__ import annotations

import copy
import warnings
from functools import partial
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_iris
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier, StackingClassifier
from sklearn.feature_extraction import DictVectorizer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.feature_selection import RFE, SelectKBest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, KFold, StratifiedKFold
from sklearn.neighbors import KNeighborsClassifier, KNeighborsTransformer
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier

from hpcore.sklearn import SearchCV

_rows = np.random.RandomState(0).permutation(150)
X, y = (part[_rows] for part in load_iris(return_X_y=True))


class Own(ClassifierMixin, BaseEstimator):
    def __init__(self, a: float = 1) -> None:
        self.a = a

    def fit(self, X: Any, y: Any) -> Any:
        self.kind_ = type(X).__name__ + str(np.ndim(X))
        return self

    def score(self, X: Any, y: Any) -> float:
        return self.a * len(self.kind_) + len(X)


class Cloned(Own):
    def __sklearn_clone__(self) -> Cloned:
        other = Cloned(self.a)
        other.generation = getattr(self, "generation", 0) + 1
        return other

    def score(self, X: Any, y: Any) -> float:
        return self.a + self.generation


class Counting(Own):
    n_fits: ClassVar[int] = 0

    def score(self, X: Any, y: Any) -> float:
        type(self).n_fits += 1
        return self.a * type(self).n_fits


class Grows(Own):
    """Changes its parameter in `fit`."""

    def fit(self, X: Any, y: Any) -> Any:
        self.a.append(len(self.a))
        return self

    def score(self, X: Any, y: Any) -> float:
        return float(sum(self.a))


class Spoils(Own):
    def fit(self, X: Any, y: Any) -> Any:
        self.sum_ = X.sum() + y.sum()
        X[:], y[:] = 0, 0
        return self

    def score(self, X: Any, y: Any) -> float:
        score = float(self.a * self.sum_ + X.sum() + 10 * y.sum())
        X += 1
        return score


class Half(Own):
    def fit(self, X: Any, y: Any) -> Any:
        if round(10 * X.sum()) % 4 < self.a:
            raise KeyError("a fold that fails")
        return self

    def score(self, X: Any, y: Any) -> float:
        return self.a if X[0, 0] > 5.5 else np.nan


class Hidden(Own):
    """Keeps a parameter of which `get_params` does not tell."""

    def set_params(self, **params: Any) -> Any:
        self.size = params.pop("size", getattr(self, "size", 0))
        return super().set_params(**params)

    def score(self, X: Any, y: Any) -> float:
        return self.a + self.size


class Parts(ClassifierMixin, BaseEstimator):
    def __init__(self, first: Any = None, second: Any = None, a: float = 1) -> None:
        self.first, self.second, self.a = first, second, a

    def fit(self, X: Any, y: Any) -> Any:
        self.first.fit(X, y)
        return self

    def score(self, X: Any, y: Any) -> float:
        return self.a + hasattr(self.second, "tree_")


class Weighted(Own):
    def fit(self, X: Any, y: Any, weight: Any = None, names: Any = None, flag: Any = 1) -> Any:
        self.sum_ = float(np.sum(np.asarray(weight)) + len(names))
        return self

    def score(self, X: Any, y: Any) -> float:
        return self.a + self.sum_


def fails_for_some(estimator: Any, X: Any, y: Any) -> float:
    if estimator.C > 1:
        raise ValueError("no score")
    return float(estimator.score(X, y))


_shared = DecisionTreeClassifier(random_state=0)
_texts = [" ".join(np.random.RandomState(i).choice(["ab", "cd", "ef"], 5)) for i in range(150)]
_frame = pd.DataFrame(X, columns=pd.MultiIndex.from_product([["a", "b"], ["c", "d"]]), index=[0] * 150)
_mixed = pd.DataFrame(X, columns=list("abcd")).assign(text=np.array(["u", "v", "w"])[y], lists=[["l"]] * 150)
_generators = [np.random.RandomState(0), np.random.RandomState(1), 3]
_C = {"C": [0.1, 3]}
_SVC = {"svc__C": [0.1, 1]}
_A = {"a": [1, 2]}

# Estimator, grid, and what differs from iris and five folds.
CASES: dict[str, tuple[Any, Any, dict[str, Any]]] = {
    "clone of its own": (Cloned(), _A, {}),
    "counts": (Counting(), _A, {}),
    "changes a parameter": (Grows([1]), {"a": [[1], [2]]}, {}),
    "spoils rows and target": (Spoils(), _A, {"return_train_score": True, "cv": KFold(3)}),
    "some folds fail": (Half(), {"a": [0.5, 1, 2]}, {"cv": 10}),
    "some folds fail with a score": (Half(), {"a": [0.5, 1, 2]}, {"cv": 10, "error_score": -1}),
    "hidden parameter": (Hidden(), {"a": [1, 2], "size": [5, 7]}, {}),
    "hidden in a pipeline": (Pipeline([("s", StandardScaler()), ("m", Hidden())]), {"m__size": [5, 7]}, {}),
    "one object twice": (Parts(_shared, _shared), _A, {}),
    "metadata of all kinds": (
        Weighted(),
        _A,
        {"fit": {"weight": pd.Series(range(150)), "names": ["x"] * 150, "flag": None}},
    ),
    "masked": (Own(), _A, {"X": np.ma.MaskedArray(X, X > 5)}),
    "structured": (Own(), _A, {"X": np.zeros(150, [("a", "f8"), ("b", "U3")])}),
    "three dimensions": (Own(), _A, {"X": np.zeros((150, 3, 2))}),
    "tuples": (Own(), _A, {"X": tuple(map(tuple, X)), "y": tuple(y)}),
    "coo": (LogisticRegression(), _C, {"X": scipy.sparse.coo_matrix(X)}),
    "texts": (
        make_pipeline(TfidfVectorizer(), SVC()),
        {"tfidfvectorizer__ngram_range": [(1, 1), (1, 2)], **_SVC},
        {"X": pd.Series(_texts)},
    ),
    "dictionaries": (
        make_pipeline(DictVectorizer(sparse=False), SVC()),
        _SVC,
        {"X": [{"a": row[0], "b": str(k % 3)} for k, row in enumerate(X)]},
    ),
    "labels in levels": (
        make_pipeline(StandardScaler(), SVC()),
        _SVC,
        {"X": _frame, "y": pd.Series(y, index=[0] * 150)},
    ),
    "columns of objects": (
        make_pipeline(make_column_transformer((StandardScaler(), list("abcd")), (OneHotEncoder(), ["text"])), SVC()),
        _SVC,
        {"X": _mixed},
    ),
    "categories for a target": (SVC(), _C, {"y": pd.Series(pd.Categorical.from_codes(y, list("abc")))}),
    "several labels": (
        KNeighborsClassifier(),
        {"n_neighbors": [1, 3]},
        {"y": scipy.sparse.csr_matrix(np.eye(3, dtype=int)[y])},
    ),
    "no seed": (RandomForestClassifier(3), {"max_depth": [1, 2]}, {}),
    "a generator": (RandomForestClassifier(3, random_state=_generators[0]), {"max_depth": [1, 2]}, {}),
    "generators to choose from": (RandomForestClassifier(3), {"random_state": _generators}, {}),
    "folds without a seed": (SVC(), _C, {"cv": StratifiedKFold(3, shuffle=True)}),
    "rows twice": (SVC(), _C, {"cv": [(list(range(100)) * 2, [1, 1, 149])]}),
    "rows from the end": (SVC(), _C, {"cv": [(np.arange(100), np.arange(-50, 0))]}),
    "a scorer that fails for some": (SVC(), _C, {"scoring": fails_for_some}),
    "several metrics": (LinearSVC(), _C, {"scoring": ["accuracy", "f1_macro"], "refit": "f1_macro"}),
    "folds of one class": (
        LogisticRegression(),
        _C,
        {"y": (np.arange(150) // 30 == 3) * (np.arange(150) % 2), "scoring": "roc_auc", "cv": KFold(5)},
    ),
    "model as a step": (
        make_pipeline(StackingClassifier([("a", SVC())], cv=2), LogisticRegression()),
        {"logisticregression__C": [0.1, 1]},
        {"cv": 3},
    ),
    "graph as a step": (
        make_pipeline(KNeighborsTransformer(n_neighbors=7), KNeighborsClassifier(metric="precomputed")),
        {"kneighborsclassifier__n_neighbors": [1, 3]},
        {},
    ),
    "union": (
        make_pipeline(FeatureUnion([("a", PCA(2)), ("b", SelectKBest(k=1))]), SVC()),
        {"featureunion__b__k": [1, 2], "featureunion__transformer_weights": [None, {"a": 2.0}], **_SVC},
        {},
    ),
    "columns passed through": (
        make_pipeline(make_column_transformer((StandardScaler(), [0, 1]), remainder="passthrough"), SVC()),
        _SVC,
        {"return_train_score": True},
    ),
    "elimination": (
        make_pipeline(RFE(_shared, n_features_to_select=2), SVC()),
        {"rfe__estimator": [_shared, LogisticRegression()], **_SVC},
        {"cv": 2},
    ),
    "rows with gaps": (make_pipeline(PCA(2), SVC()), _SVC, {"X": np.repeat(X, 2, axis=1)[:, ::2]}),
    "frames between steps": (
        make_pipeline(StandardScaler(), PCA(3), SVC()).set_output(transform="pandas"),
        _SVC,
        {"X": pd.DataFrame(X, columns=list("abcd"))},
    ),
    "no steps": (
        Pipeline([("s", "passthrough"), ("p", None), ("m", SVC())]),
        {"s": ["passthrough", StandardScaler(), None], "p": [PCA(2)]},
        {},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_scores_of_odd_situations(name: str) -> None:
    estimator, grid, other = CASES[name]
    options = {key: value for key, value in other.items() if key not in ("X", "y", "fit")}
    found = []
    for search in (GridSearchCV, partial(SearchCV, strategy="grid")):
        np.random.seed(0)  # noqa: NPY002 - what estimators without a seed draw from
        Counting.n_fits = 0
        data, target = copy.deepcopy(other.get("X", X)), copy.deepcopy(other.get("y", y))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fitted = search(estimator, grid, **options).fit(data, target, **other.get("fit", {}))
        found.append((fitted.cv_results_, fitted.best_params_))
    (theirs, best), (ours, chosen) = found
    scores = [key for key in theirs if "test_" in key or "train_" in key]
    assert scores == [key for key in ours if "test_" in key or "train_" in key]
    for key in scores:
        np.testing.assert_array_equal(ours[key], theirs[key], err_msg=key)
    assert repr(chosen) == repr(best)
