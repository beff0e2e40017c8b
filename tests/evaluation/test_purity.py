"""Transformers that do more than they say: their scores are scikit-learn's, whatever they do."""

from __future__ import annotations

import functools
import random
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_iris
from sklearn.decomposition import PCA, IncrementalPCA, KernelPCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.experimental import enable_iterative_imputer  # noqa: F401
from sklearn.feature_selection import SelectFromModel, SelectKBest, f_classif
from sklearn.impute import IterativeImputer
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler, TargetEncoder
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from hpcore.evaluation.purity import is_pure
from hpcore.sklearn import SearchCV
from hpcore.tables.columns import classify
from hpcore.tables.preprocessing import preprocessor
from hpcore.tables.steps_text import LevelEncoder

_rows = np.random.RandomState(0).permutation(150)
X, y = (part[_rows] for part in load_iris(return_X_y=True))


class Step(TransformerMixin, BaseEstimator):
    def fit(self, X: Any, y: Any = None) -> Any:
        return self


class Buffered(Step):
    def transform(self, X: Any) -> Any:
        if getattr(self, "out_", None) is None or self.out_.shape != X.shape:
            self.out_ = np.empty(X.shape)
        return np.multiply(X, 2, out=self.out_)


class LearnsInTransform(Step):
    def transform(self, X: Any) -> Any:
        self.n_seen_ = getattr(self, "n_seen_", 0) + len(X)
        self.mean_ = getattr(self, "mean_", 0.0) + X.sum(axis=0)
        return X - self.mean_ / self.n_seen_


class CountsCalls(Step):
    n_calls: ClassVar[int] = 0

    def transform(self, X: Any) -> Any:
        type(self).n_calls += 1
        return X * (1.0 if type(self).n_calls % 3 else -1.0)


class WritesIntoItsInput(Step):
    def transform(self, X: Any) -> Any:
        X -= X.mean(axis=0)
        return X


class GivesAView(Step):
    def transform(self, X: Any) -> Any:
        return X[:, ::2]


class DrawsInTransform(Step):
    def transform(self, X: Any) -> Any:
        return X + np.random.normal(size=X.shape)  # noqa: NPY002 - the global generator is the case


class DrawsFromItsOwn(Step):
    def fit(self, X: Any, y: Any = None) -> Any:
        self.rng_ = random.Random(3)
        return self

    def transform(self, X: Any) -> Any:
        return X + self.rng_.random() * np.arange(X.shape[1])


class Scaled(StandardScaler):
    """Of a class of one's own below one of scikit-learn."""

    n_fits: ClassVar[int] = 0

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Any:
        type(self).n_fits += 1
        super().fit(X + type(self).n_fits, y)
        return self


class Spoils(ClassifierMixin, BaseEstimator):
    """Writes into the rows that it is given, in `fit` and in `predict`."""

    def __init__(self, k: int = 1) -> None:
        self.k = k

    def fit(self, X: Any, y: Any) -> Any:
        self.model_ = KNeighborsClassifier(self.k).fit(X.copy(), y)
        self.classes_ = self.model_.classes_
        X[:] = 0.0
        return self

    def predict(self, X: Any) -> Any:
        found = self.model_.predict(X)
        X[:] = 0.0
        return found


def spoiling_score(estimator: Any, X: Any, y: Any) -> float:
    score = float(estimator.score(X, y))
    estimator[0].mean_[:] = 0.0
    X[:] = 0.0
    return score


def counted(X: Any) -> Any:
    CountsCalls.n_calls += 1
    return X * (1.0 + CountsCalls.n_calls % 2)


def replaced() -> Any:
    step = StandardScaler()
    step.transform = lambda X: X * 0.0 + next(_counter)
    return step


_counter = iter(range(10**6))

_with_gaps = X.copy()
_with_gaps[::3, 0] = np.nan

SVC_GRID = {"svc__C": [0.1, 1, 10]}
PIPELINES: dict[str, tuple[Any, dict[str, Any]]] = {
    "buffered": (make_pipeline(Buffered(), SVC()), SVC_GRID),
    "buffered behind": (make_pipeline(StandardScaler(), Buffered(), PCA(2), SVC()), SVC_GRID),
    "learns in transform": (make_pipeline(LearnsInTransform(), SVC()), SVC_GRID),
    "counts": (make_pipeline(CountsCalls(), SVC()), SVC_GRID),
    "writes into its input": (make_pipeline(WritesIntoItsInput(), PCA(2), SVC()), SVC_GRID),
    "writes into the one before": (make_pipeline(StandardScaler(), WritesIntoItsInput(), SVC()), SVC_GRID),
    "view": (make_pipeline(StandardScaler(), GivesAView(), SVC()), SVC_GRID),
    "draws": (make_pipeline(StandardScaler(), DrawsInTransform(), SVC()), SVC_GRID),
    "draws from its own": (make_pipeline(DrawsFromItsOwn(), SVC()), SVC_GRID),
    "subclass": (make_pipeline(Scaled(), SVC()), SVC_GRID),
    "in a union": (make_pipeline(FeatureUnion([("a", StandardScaler()), ("b", Buffered())]), SVC()), SVC_GRID),
    "in columns": (make_pipeline(ColumnTransformer([("a", Buffered(), [0, 1])]), SVC()), SVC_GRID),
    "in a step": (make_pipeline(make_pipeline(LearnsInTransform()), SVC()), SVC_GRID),
    "function": (make_pipeline(FunctionTransformer(counted), SVC()), SVC_GRID),
    "partial": (make_pipeline(FunctionTransformer(functools.partial(counted)), SVC()), SVC_GRID),
    "out": (make_pipeline(FunctionTransformer(np.square, kw_args={"out": np.empty((75, 4))}), SVC()), SVC_GRID),
    "function in place": (
        make_pipeline(FunctionTransformer(np.nan_to_num, kw_args={"copy": False}), SVC()),
        SVC_GRID,
    ),
    "copy=False": (make_pipeline(StandardScaler(copy=False), PCA(2, copy=False), SVC()), SVC_GRID),
    "copy_X=False": (make_pipeline(KernelPCA(2, copy_X=False), SVC()), SVC_GRID),
    "identity": (make_pipeline(FunctionTransformer(), Spoils()), {"spoils__k": [1, 3, 5]}),
    "spoils": (make_pipeline(StandardScaler(), PCA(3), Spoils()), {"spoils__k": [1, 3, 5]}),
    "draws by numpy": (make_pipeline(PCA(2, svd_solver="randomized"), SVC()), SVC_GRID),
    "draws in a model": (make_pipeline(SelectFromModel(RandomForestClassifier(3)), SVC()), SVC_GRID),
    "draws, then does not": (make_pipeline(PCA(3, svd_solver="randomized"), StandardScaler(), SVC()), SVC_GRID),
    "keeps a generator": (
        make_pipeline(IterativeImputer(sample_posterior=True, random_state=0, max_iter=2), SVC()),
        SVC_GRID,
    ),
    "encoder with folds": (make_pipeline(TargetEncoder(), SVC()), SVC_GRID),
    "choices": (
        make_pipeline(StandardScaler(), SVC()),
        {"standardscaler": [StandardScaler(), Buffered(), PCA(2), LearnsInTransform(), "passthrough"], **SVC_GRID},
    ),
    "tree": (make_pipeline(IncrementalPCA(2), DecisionTreeClassifier()), {"decisiontreeclassifier__max_depth": [1, 2]}),
}


@pytest.mark.parametrize("name", PIPELINES)
def test_scores_are_those_of_scikit_learn(name: str) -> None:
    estimator, grid = PIPELINES[name]
    data = _with_gaps if name == "keeps a generator" else X
    found = []
    for search in (GridSearchCV, functools.partial(SearchCV, strategy="grid")):
        np.random.seed(0)  # noqa: NPY002
        random.seed(0)
        CountsCalls.n_calls = Scaled.n_fits = 0
        fitted = search(estimator, grid, cv=KFold(2), return_train_score=True, refit=False).fit(data.copy(), y)
        found.append(fitted.cv_results_)
    for key in found[0]:
        if "_score" in key and "time" not in key:
            np.testing.assert_array_equal(found[0][key], found[1][key], err_msg=key)


def test_a_method_that_was_replaced_makes_a_step_impure() -> None:
    assert is_pure(StandardScaler())
    assert not is_pure(replaced())


def test_a_scorer_that_spoils_what_it_is_given() -> None:
    estimator = make_pipeline(StandardScaler(), SVC())
    a, b = (
        search(estimator, SVC_GRID, cv=KFold(2), return_train_score=True, scoring=spoiling_score).fit(X, y).cv_results_
        for search in (GridSearchCV, functools.partial(SearchCV, strategy="grid"))
    )
    for key in ("mean_test_score", "mean_train_score"):
        np.testing.assert_array_equal(a[key], b[key])


def test_frames_that_share_memory() -> None:
    frame = pd.DataFrame(X, columns=list("abcd"))
    estimator = make_pipeline(FunctionTransformer().set_output(transform="pandas"), StandardScaler(), SVC())
    a, b = (
        search(estimator, SVC_GRID, cv=KFold(2)).fit(frame, y).cv_results_["mean_test_score"]
        for search in (GridSearchCV, functools.partial(SearchCV, strategy="grid"))
    )
    np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    "step, expected",
    [
        (StandardScaler(), True),
        (StandardScaler(copy=False), False),
        (FunctionTransformer(np.log1p), True),
        (FunctionTransformer(np.sort), True),
        (FunctionTransformer(np.random.permutation), False),
        (FunctionTransformer(np.random.default_rng(0).permutation), False),
        (FunctionTransformer(str.upper), False),
        (SelectKBest(f_classif), True),
        (SelectKBest(lambda X, y: X[0]), False),
        (OneHotEncoder(categories=[list(map(str, range(50_000)))]), True),
        (OneHotEncoder(dtype=np.float32), True),
        (PCA(random_state=np.random.RandomState(0)), True),
        (FunctionTransformer(np.log1p, kw_args={str(i): np.zeros(1) for i in range(30_000)}), False),
        (FeatureUnion([("a", PCA()), ("b", SelectKBest(k=1))]), True),
        (StandardScaler, False),
        (Buffered(), False),
    ],
)
def test_what_is_known_to_be_pure(step: Any, expected: bool) -> None:
    assert is_pure(step) is expected


def _fastest(results: Any) -> int:
    return int(np.argmin(results["mean_fit_time"]))


@pytest.mark.parametrize("on", [True, False])
def test_each_candidate_bears_the_time_of_its_transformers(monkeypatch: pytest.MonkeyPatch, on: bool) -> None:
    now = [0.0]
    clock: Callable[[], float] = lambda: now[0]  # noqa: E731
    for module in ("workload", "prefixes"):
        monkeypatch.setattr(f"hpcore.evaluation.{module}.time.perf_counter", clock)

    def slow(self: Any, *args: Any, _fit: Any = PCA.fit_transform, **kwargs: Any) -> Any:
        now[0] += 5.0
        return _fit(self, *args, **kwargs)

    def fit(self: Any, *args: Any, _fit: Any = SVC.fit, **kwargs: Any) -> Any:
        now[0] += self.C
        return _fit(self, *args, **kwargs)

    monkeypatch.setattr(PCA, "fit_transform", slow)
    monkeypatch.setattr(SVC, "fit", fit)
    grid = {"svc__C": [8.0, 2.0, 4.0]}
    search = SearchCV(
        make_pipeline(PCA(2), SVC()), grid, strategy="grid", cv=KFold(3), refit=_fastest, cache_transformers=on
    ).fit(X, y)
    np.testing.assert_allclose(search.cv_results_["mean_fit_time"], [13.0, 7.0, 9.0])
    np.testing.assert_allclose(search.cv_results_["std_fit_time"], 0.0, atol=1e-12)
    assert search.best_params_ == {"svc__C": 2.0}
    # What was spent, not what it would have cost: the transformer was fitted for 3 folds, or for 9 fits.
    assert search.time_fitting_ == pytest.approx(3 * (8 + 2 + 4) + (3 if on else 9) * 5)


class Declared(Step):
    """Says of itself that it is pure, but is not of this package."""

    is_pure: ClassVar[bool] = True


def test_steps_of_tables_are_pure() -> None:
    rng = np.random.default_rng(0)
    words = ["good", "bad", "very", "plot", "cast", "story", "the", "of"]
    frame = pd.DataFrame(
        {"price": [f"${i * 777:,}.50" for i in range(90)], "smokes": ["yes", "no", ""] * 30,
         "day": [f"{i % 28 + 1}/{i % 12 + 1}/2024" for i in range(90)], "city": [f"c{i % 40}" for i in range(90)],
         "text": [" ".join(rng.choice(words, 7)) for _ in range(90)], "colour": ["red", "blue", "green"] * 30}
    )  # fmt: skip
    columns = classify(frame)
    assert [*columns.numbers, *columns.dates, *columns.text, *columns.prose] == [
        "price", "smokes", "day", "city", "colour", "text"
    ]  # fmt: skip
    for missing in (True, False):
        assert is_pure(preprocessor(columns, scale=True, missing=missing))


def test_only_classes_of_this_package_are_believed() -> None:
    assert not is_pure(Declared())
    assert not is_pure(type("Derived", (LevelEncoder,), {"__module__": "hpcore.elsewhere"})())
    assert not is_pure(LevelEncoder(random_state=lambda: 0))  # type: ignore[arg-type]
    assert not is_pure(SearchCV(StandardScaler(), {}, strategy="grid"))


def test_a_search_fits_the_steps_of_a_table_once_a_fold(monkeypatch: pytest.MonkeyPatch) -> None:
    fits = []

    def counted_fit(self: Any, X: Any, y: Any = None, _fit: Any = LevelEncoder.fit_transform, **params: Any) -> Any:
        fits.append(self.encoding)
        return _fit(self, X, y, **params)

    monkeypatch.setattr(LevelEncoder, "fit_transform", counted_fit)
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"city": [f"c{i}" for i in rng.integers(40, size=150)]})
    prepare = preprocessor(classify(frame), scale=True, missing=False)
    grid = {"model__C": [0.1, 1, 10], "prepare__encode__high_cardinality__encoding": ["target", "one_hot"]}
    estimator = Pipeline([("prepare", prepare), ("model", SVC())])
    a, b = (
        search(estimator, grid, cv=KFold(2), refit=False).fit(frame, y).cv_results_["mean_test_score"]
        for search in (GridSearchCV, functools.partial(SearchCV, strategy="grid"))
    )
    np.testing.assert_array_equal(a, b)
    assert sorted(fits[12:]) == ["one_hot"] * 2 + ["target"] * 2
