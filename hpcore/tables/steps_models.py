"""Classifier around those that need classes 0 .. k-1; a saved model loads it without the rest of the package.

Nothing here may import other modules of hpcore: a copy of this file goes along with a deployed model.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.utils.class_weight import compute_sample_weight

__all__ = ["LabelledClassifier", "combined_weight", "normalised"]


def combined_weight(class_weight: Any, y: Any, sample_weight: Any) -> NDArray[np.float64] | None:
    """Multiply the weights of the rows by those of their classes; None if there are neither."""
    weight = None if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)
    if class_weight is None:
        return weight
    of_class = np.asarray(compute_sample_weight(class_weight, y), dtype=np.float64)
    return of_class if weight is None else of_class * weight


def normalised(probabilities: Any) -> NDArray[np.float64]:
    """Return probabilities in double precision with rows that sum to 1; single precision misses it by 1e-7."""
    out = np.array(probabilities, dtype=np.float64)
    out /= out.sum(axis=1, keepdims=True)
    return out


class LabelledClassifier(ClassifierMixin, MetaEstimatorMixin, BaseEstimator):  # type: ignore[misc]
    """Classifier that gives its estimator the classes as 0 .. k-1, and predicts the classes themselves.

    Parameters
    ----------
    estimator : scikit-learn classifier
        Classifier of integers, such as ``XGBClassifier`` and ``CatBoostClassifier``.
    class_weight : dict or "balanced", optional
        Weights of the classes, which reach the estimator as weights of the rows.

    Attributes
    ----------
    estimator_ : scikit-learn classifier
        Fitted copy of the estimator.
    classes_ : ndarray of shape (n_classes,)
        Classes in sorted order.
    """

    def __init__(self, estimator: Any, class_weight: Any = None) -> None:
        self.estimator = estimator
        self.class_weight = class_weight

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> LabelledClassifier:
        """Fit a copy of the estimator to the codes of the classes."""
        y = np.asarray(y)
        weight = combined_weight(self.class_weight, y, sample_weight)
        self.classes_, codes = np.unique(y, return_inverse=True)
        self.n_features_in_ = np.shape(X)[1]
        self.estimator_ = clone(self.estimator)
        # Not every classifier accepts weights, and None is one of the weights that some refuse.
        self.estimator_.fit(X, codes, **({} if weight is None else {"sample_weight": weight}))
        return self

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the class of each row."""
        # CatBoost returns a column for three classes or more.
        return np.asarray(self.classes_[np.asarray(self.estimator_.predict(X)).ravel().astype(np.intp)])

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Return the probability of each class, in the order of `classes_`."""
        return normalised(self.estimator_.predict_proba(X))

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import get_tags

        tags = super().__sklearn_tags__()
        tags.input_tags = get_tags(self.estimator).input_tags
        return tags
