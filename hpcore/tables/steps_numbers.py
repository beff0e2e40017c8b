"""Step of the preprocessing that fills gaps in columns of numbers.

A pickled model refers to the class by module, and the module is saved beside it: it imports nothing of hpcore.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin

__all__ = ["MedianImputer"]


class MedianImputer(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Replacement of missing numbers by the median of their column, and by 0 in a column without any number.

    It gives what `SimpleImputer(strategy="median", keep_empty_features=True)` gives. That one sorts masked copies of
    all columns at once, which takes four times the memory of the table and ten times as long.
    """

    is_pure = True

    def fit(self, X: Any, y: Any = None) -> MedianImputer:
        """Compute the medians."""
        if hasattr(X, "columns"):
            self.feature_names_in_ = np.asarray(X.columns, dtype=object)
        values = np.asarray(X, dtype=float)
        self.n_features_in_ = values.shape[1]
        self.medians_ = np.zeros(values.shape[1])
        for j in range(values.shape[1]):
            present = values[:, j][~np.isnan(values[:, j])]
            if len(present):
                self.medians_[j] = np.median(present)
        return self

    def transform(self, X: Any) -> NDArray[np.float64]:
        """Return a copy without missing numbers."""
        values = np.array(X, dtype=float)
        for j, median in enumerate(self.medians_):
            column = values[:, j]
            column[np.isnan(column)] = median
        return values

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Return the names of the columns, which are not changed."""
        names = getattr(self, "feature_names_in_", None) if input_features is None else input_features
        if names is None:
            names = [f"x{j}" for j in range(self.n_features_in_)]
        return np.asarray(names, dtype=object)
