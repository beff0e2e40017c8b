"""Transformers fitted once: the same scores as without, fewer fits, bounded memory."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from sklearn.datasets import load_iris
from sklearn.decomposition import PCA
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsTransformer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, MaxAbsScaler, StandardScaler
from sklearn.svm import SVC

from hpcore.evaluation.prefixes import PrefixCache, _content, _copied, _shares, _weight
from hpcore.sklearn import SearchCV

X, y = load_iris(return_X_y=True)


@pytest.fixture
def fits(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Count the fits of two transformers of scikit-learn."""
    counts = {"MaxAbsScaler": 0, "PCA": 0}
    for kind in (MaxAbsScaler, PCA):

        def counted(self: Any, *args: Any, _fit: Any = kind.fit_transform, **kwargs: Any) -> Any:
            counts[type(self).__name__] += 1
            return _fit(self, *args, **kwargs)

        monkeypatch.setattr(kind, "fit_transform", counted)
    return counts


class Spoiling(Ridge):
    """Writes into the rows that it is given."""

    def fit(self, X: Any, y: Any) -> Spoiling:
        super().fit(X, y)
        X[:] = -1.0
        return self


def results(estimator: Any, space: Any, X: Any = X, y: Any = y, **options: Any) -> dict[str, Any]:
    search = SearchCV(estimator, space, strategy="grid", cv=3, refit=False, **options).fit(X, y)
    return {key: value for key, value in search.cv_results_.items() if key.startswith(("split", "params"))}


PIPELINES: dict[str, tuple[Any, dict[str, list[Any]]]] = {
    "last step": (make_pipeline(StandardScaler(), PCA(2), SVC()), {"svc__C": [0.1, 1, 10]}),
    "middle": (make_pipeline(StandardScaler(), PCA(), SVC()), {"pca__n_components": [1, 2], "svc__C": [0.1, 1]}),
    "step": (
        Pipeline([("scale", StandardScaler()), ("clf", SVC())]),
        {"scale": [StandardScaler(), PCA(2), "passthrough"], "clf": [SVC(), LogisticRegression(max_iter=1000)]},
    ),
    "identity": (make_pipeline(FunctionTransformer(), StandardScaler(), SVC()), {"svc__C": [0.1, 1]}),
    "in place": (make_pipeline(StandardScaler(), Spoiling()), {"spoiling__alpha": [0.1, 1.0, 10.0]}),
    "in place twice": (
        make_pipeline(PCA(3), StandardScaler(copy=False), Ridge()),
        {"ridge__alpha": [0.1, 1.0], "standardscaler__with_mean": [True, False]},
    ),
}


@pytest.mark.parametrize("name", PIPELINES)
def test_scores_are_the_same_to_the_last_bit(name: str) -> None:
    estimator, space = PIPELINES[name]
    a = results(estimator, space, cache_transformers=True)
    b = results(estimator, space, cache_transformers=False)
    for key in a:
        if key != "params":
            np.testing.assert_array_equal(a[key], b[key], err_msg=key)


@pytest.mark.parametrize("kind", ["frame", "sparse"])
def test_frames_and_sparse_matrices(kind: str) -> None:
    data = pd.DataFrame(X) if kind == "frame" else scipy.sparse.csr_matrix(X)
    model = make_pipeline(SimpleImputer(), StandardScaler(with_mean=False), SVC())
    a, b = (results(model, {"svc__C": [0.1, 1]}, data, cache_transformers=on) for on in (True, False))
    np.testing.assert_array_equal(a["split0_test_score"], b["split0_test_score"])


def test_a_series_of_texts(fits: dict[str, int]) -> None:
    texts = pd.Series(["short", "a long one", "a very long one indeed"])[y]
    model = make_pipeline(TfidfVectorizer(), MaxAbsScaler(), SVC())
    a, b = (results(model, {"svc__C": [0.1, 1]}, texts, cache_transformers=on) for on in (True, False))
    np.testing.assert_array_equal(a["split0_test_score"], b["split0_test_score"])
    assert fits["MaxAbsScaler"] == 3 + 6


@pytest.mark.parametrize("on, n_fits", [(True, 3 * 2), (False, 3 * 2 * 4)])
def test_each_transformer_is_fitted_once_a_fold(fits: dict[str, int], on: bool, n_fits: int) -> None:
    space = {"pca": [PCA(1), PCA(2)], "svc__C": [0.1, 1, 10, 100]}
    results(make_pipeline(PCA(), SVC()), space, cache_transformers=on)
    assert fits["PCA"] == n_fits


def test_other_parameters_upstream_are_other_prefixes(fits: dict[str, int]) -> None:
    model = make_pipeline(StandardScaler(), MaxAbsScaler(), SVC())
    results(model, {"standardscaler__with_std": [True, False], "svc__C": [1, 2]})
    assert fits["MaxAbsScaler"] == 3 * 2


def test_what_is_set_on_no_step_concerns_all(fits: dict[str, int]) -> None:
    steps = [[("pca", PCA(k)), ("svc", SVC())] for k in (1, 2)]
    results(Pipeline(steps[0]), {"steps": steps, "svc__C": [1, 2]})
    assert fits["PCA"] == 3 * 2


def test_metadata_for_a_step_is_no_content(fits: dict[str, int]) -> None:
    model = make_pipeline(StandardScaler(), MaxAbsScaler(), SVC())
    weights = np.linspace(1, 2, len(X))
    search = SearchCV(model, {"svc__C": [1, 2]}, strategy="grid", cv=3, refit=False)
    search.fit(X, y, standardscaler__sample_weight=weights)
    assert fits["MaxAbsScaler"] == 6


def test_memory_of_ones_own_is_left_alone(tmp_path: Any) -> None:
    model = Pipeline([("scale", StandardScaler()), ("svc", SVC())], memory=str(tmp_path))
    results(model, {"svc__C": [1, 2]})
    assert list(tmp_path.iterdir())


def test_the_estimator_shows_no_trace() -> None:
    def scoring(estimator: Any, X: Any, y: Any) -> float:
        assert estimator.memory is None
        return 1.0

    results(make_pipeline(StandardScaler(), SVC()), {"svc__C": [1, 2]}, scoring=scoring)


def test_what_is_kept_is_bounded() -> None:
    size = 8000 + _weight(None)
    cache = PrefixCache(most_bytes=12 * size + 100)
    for i in range(50):
        cache.put((i,), np.zeros(1000), None, 0.1)
    assert sum(cache.get((i,)) is not None for i in range(50)) == 12
    assert cache.get((49,)) is not None
    assert cache.get((37,)) is None
    cache.put(("large",), np.zeros(15_000), None, 0.1)
    assert cache.get(("large",)) is None
    cache.put(("keeps its input",), np.zeros(1), FunctionTransformer(kw_args={"a": np.zeros(15_000)}), 0.1)
    assert cache.get(("keeps its input",)) is None
    cache.get((38,))
    cache.put((50,), np.zeros(1000), None, 0.1)
    assert cache.get((38,)) is not None, "used last"


def test_copies_are_the_same_to_the_type_of_an_index() -> None:
    matrix = KNeighborsTransformer(n_neighbors=3).fit_transform(X)
    matrix.indices, matrix.indptr = matrix.indices.astype(np.int64), matrix.indptr.astype(np.int64)
    copied = _copied(matrix)
    assert copied.indices.dtype == copied.indptr.dtype == np.int64
    assert not _shares(copied, matrix)
    fortran = np.asfortranarray(X)
    assert _copied(fortran).flags.f_contiguous and not _shares(_copied(fortran), fortran)
    assert _shares(X[:, ::2], X.T) and not _shares(X[:, [0, 1]], X)
    frame = pd.DataFrame(X)
    assert _shares(frame, frame) and not _shares(_copied(frame).to_numpy(), X)


def test_content() -> None:
    assert _content(PCA(2)) == _content(PCA(2)) != _content(PCA(3))
    assert _content(PCA(1)) != _content(PCA(1.0)) != _content(PCA(True))
    assert _content(SimpleImputer(missing_values=np.nan)) == _content(SimpleImputer(missing_values=float("nan")))
    assert _content(FunctionTransformer(np.log)) != _content(FunctionTransformer(np.exp))
    assert _content(FunctionTransformer(kw_args={"a": np.arange(3)})) == _content(
        FunctionTransformer(kw_args={"a": np.arange(3)})
    )
    assert _content(FunctionTransformer(kw_args={"a": object()})) is None
    assert _content(make_pipeline(PCA(2))) == _content(make_pipeline(PCA(2)))
