"""Steps from categories and prose to numbers; a model that runs without this package gets a copy of this file."""

from __future__ import annotations

import inspect
import warnings
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.preprocessing import OneHotEncoder, StandardScaler, TargetEncoder

from hpcore.errors import InvalidArgument

__all__ = ["LevelEncoder", "ProseComponents"]

# Folds within the training rows, so that no row is encoded by its own target.
CROSS_FITS = 5
# Words and pairs of words that are kept, the most frequent first.
MOST_TERMS = 20_000
# Weights of a text have length 1: components that vary by less vary by rounding only.
SMALLEST_SPREAD = 1e-9


class LevelEncoder(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Transformer of columns with many categories to numbers.

    Parameters
    ----------
    encoding : {"target", "one_hot"}, default="target"
        ``"target"``: the mean of the target over the rows of the category, shrunk to the overall mean where there are
        few; one number per class if there are more than two classes. In `fit_transform` each training row is encoded
        by the other rows (cross-fitting). A target of floats is continuous, any other is classes.
        ``"one_hot"``: an indicator for each of the most frequent categories, the others share one.
    max_categories : int, default=30
        Number of indicators of a column.
    scale : bool, default=False
        True to standardise the means.
    random_state : int, default=0
        Seed of the folds for cross-fitting.
    """

    is_pure: ClassVar[bool] = True

    def __init__(
        self,
        encoding: Literal["target", "one_hot"] = "target",
        *,
        max_categories: int = 30,
        scale: bool = False,
        random_state: int = 0,
    ) -> None:
        self.encoding = encoding
        self.max_categories = max_categories
        self.scale = scale
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> LevelEncoder:
        """Learn the categories, and the means of the target.

        Raises
        ------
        InvalidArgument
            The encoding is not known, or needs a target.
        """
        self.fit_transform(X, y)
        return self

    def fit_transform(self, X: Any, y: Any = None, **fit_params: Any) -> NDArray[np.float64]:
        """Learn as `fit` does, and encode the same rows, each by the others."""
        if self.encoding not in ("target", "one_hot"):
            raise InvalidArgument(f"encoding must be 'target' or 'one_hot', got {self.encoding!r}")
        self.n_features_in_ = X.shape[1]
        self.scaler_ = None
        if self.encoding == "one_hot":
            self.encoder_ = OneHotEncoder(
                handle_unknown="infrequent_if_exist", max_categories=self.max_categories, sparse_output=False
            )
            return np.asarray(self.encoder_.fit_transform(X), dtype=float)
        if y is None:
            raise InvalidArgument("encoding 'target' needs y, the target of the training rows, got None")
        target = np.asarray(y)
        kind, folds = _cross_fitting(target, self.random_state)
        self.encoder_ = _target_encoder(kind, folds)
        if folds is None:
            values = self.encoder_.fit(X, target).transform(X)
        else:
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", "The least populated class", UserWarning)
                values = self.encoder_.fit_transform(X, target)
        if self.scale:
            self.scaler_ = StandardScaler()
            values = self.scaler_.fit_transform(values)
        return np.asarray(values, dtype=float)

    def transform(self, X: Any) -> NDArray[np.float64]:
        """Encode rows; a category that was not seen has the overall mean, or the indicator of the rare ones."""
        values = self.encoder_.transform(X)
        return np.asarray(values if self.scaler_ is None else self.scaler_.transform(values), dtype=float)

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Return the column's name, followed by the class or the category where there are several numbers."""
        return np.asarray(self.encoder_.get_feature_names_out(input_features), dtype=object)


def _cross_fitting(target: NDArray[Any], seed: int) -> tuple[str, KFold | StratifiedKFold | None]:
    """Return the kind of the target, and folds; None if there are too few rows."""
    classes, members = np.unique(target, return_counts=True)
    kind = "continuous" if target.dtype.kind == "f" else "binary" if len(classes) <= 2 else "multiclass"
    if kind == "continuous":
        n = min(CROSS_FITS, len(target))
        return kind, KFold(n, shuffle=True, random_state=seed) if n > 1 else None
    if members.max() < 2:
        return kind, None
    n = max(2, min(CROSS_FITS, int(members.min())))
    return kind, StratifiedKFold(n, shuffle=True, random_state=seed)


def _target_encoder(kind: str, folds: KFold | StratifiedKFold | None) -> TargetEncoder:
    if folds is None:
        return TargetEncoder(target_type=kind)
    # scikit-learn 1.9 deprecates the seed, and takes the folds instead.
    if inspect.signature(TargetEncoder).parameters["random_state"].default == "deprecated":
        return TargetEncoder(target_type=kind, cv=folds)
    return TargetEncoder(target_type=kind, cv=folds.n_splits, random_state=folds.random_state)


class ProseComponents(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Transformer of texts to numbers: TF-IDF of words and pairs of words, reduced by a truncated SVD.

    Each column has its own vocabulary, of terms that occur in at least two rows, and ``n_components`` numbers. These
    are zeros for a text without a known term, and the last of them are if the vocabulary or the rows are fewer.

    Parameters
    ----------
    n_components : int, default=32
        Numbers per column.
    scale : bool, default=False
        True to divide all numbers of a column by the largest of their standard deviations. They keep their relative
        sizes, since the last ones are mostly noise.
    random_state : int, default=0
        Seed of the decomposition.
    """

    is_pure: ClassVar[bool] = True

    def __init__(self, n_components: int = 32, *, scale: bool = False, random_state: int = 0) -> None:
        self.n_components = n_components
        self.scale = scale
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> ProseComponents:
        """Learn the vocabulary and the components of each column.

        Raises
        ------
        InvalidArgument
            `n_components` is not positive.
        """
        self.fit_transform(X, y)
        return self

    def fit_transform(self, X: Any, y: Any = None, **fit_params: Any) -> NDArray[np.float64]:
        """Learn as `fit` does, and convert the same rows."""
        if self.n_components < 1:
            raise InvalidArgument(f"n_components must be at least 1, got {self.n_components!r}")
        names = getattr(X, "columns", None)
        self.n_features_in_ = X.shape[1]
        self.feature_names_in_ = np.asarray(
            [f"x{j}" for j in range(X.shape[1])] if names is None else list(names), dtype=object
        )
        self.vectorizers_: list[TfidfVectorizer | None] = []
        self.reducers_: list[TruncatedSVD | None] = []
        self.factors_: list[float] = []
        parts = []
        for texts in _columns_of_texts(X):
            vectorizer, terms = _vocabulary(texts)
            reducer = None if terms is None else self._reducer(terms)
            values = self._components(terms, reducer, len(texts))
            spread = float(values.std(axis=0).max())
            factor = 1.0 / spread if self.scale and spread > SMALLEST_SPREAD else 1.0
            self.vectorizers_.append(vectorizer)
            self.reducers_.append(reducer)
            self.factors_.append(factor)
            parts.append(values * factor)
        return np.hstack(parts)

    def transform(self, X: Any) -> NDArray[np.float64]:
        """Return the components of each text."""
        steps = zip(_columns_of_texts(X), self.vectorizers_, self.reducers_, self.factors_, strict=True)
        return np.hstack(
            [
                self._components(vectorizer and vectorizer.transform(texts), reducer, len(texts)) * factor
                for texts, vectorizer, reducer, factor in steps
            ]
        )

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Return ``column_text0``, ``column_text1`` and so on."""
        names = [f"{name}_text{i}" for name in self.feature_names_in_ for i in range(self.n_components)]
        return np.asarray(names, dtype=object)

    def _reducer(self, terms: Any) -> TruncatedSVD | None:
        """Return the decomposition; None if there are no more terms than components."""
        if terms.shape[1] <= self.n_components:
            return None
        n = min(self.n_components, *terms.shape)
        with np.errstate(invalid="ignore", divide="ignore"):  # shares of a variance of zero, where all rows are equal
            return TruncatedSVD(n, random_state=self.random_state).fit(terms)

    def _components(self, terms: Any, reducer: TruncatedSVD | None, n_rows: int) -> NDArray[np.float64]:
        out = np.zeros((n_rows, self.n_components))
        if terms is not None:
            values = terms.toarray() if reducer is None else reducer.transform(terms)
            out[:, : values.shape[1]] = values
        return out


def _columns_of_texts(X: Any) -> list[list[str]]:
    cells = np.asarray(X, dtype=object)
    return [[cell if isinstance(cell, str) else "" for cell in cells[:, j]] for j in range(cells.shape[1])]


def _vocabulary(texts: list[str]) -> tuple[TfidfVectorizer | None, Any]:
    """Return the vocabulary of a column and the weights of its terms; None and None if no term occurs in two rows."""
    vectorizer = TfidfVectorizer(ngram_range=(1, 2), min_df=2, max_features=MOST_TERMS, sublinear_tf=True)
    try:
        return vectorizer, vectorizer.fit_transform(texts)
    except ValueError:  # no word at all, none that occurs twice, or a single row: the vocabulary is empty
        return None, None
