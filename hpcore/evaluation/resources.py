"""Resources that a fit may have more or less of: training rows, an integer parameter, epochs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.pipeline import Pipeline
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import _check_method_params

from hpcore.evaluation.subsample import nested_order

__all__ = ["Epochs", "Parameter", "Resource", "Rows", "fit"]

Indices = npt.NDArray[Any]


def fit(estimator: Any, X: Any, y: Any, fit_params: Mapping[str, Any]) -> None:
    """Fit an estimator, without a target if there is none."""
    if y is None:
        estimator.fit(X, **fit_params)
    else:
        estimator.fit(X, y, **fit_params)


class Resource(ABC):
    """Resource of the fits of a search.

    Parameters
    ----------
    most : int
        Full resource.

    Attributes
    ----------
    continues : bool
        True if the fit at a level goes on from the fitted estimator of the level before.
    """

    continues = False

    def __init__(self, most: int) -> None:
        self.most = most

    @property
    @abstractmethod
    def name(self) -> str:
        """Name of the resource, as the user gave it."""

    def rows(self, fold: int, train: Indices, level: int) -> Indices:
        """Return the training rows of a fold at a level."""
        return train

    def rows_key(self, level: int) -> int | None:
        """Return a number that differs between levels of different rows; None if all levels have the same."""
        return None

    def params(self, level: int) -> dict[str, Any]:
        """Return parameters to set on the estimator before a fit at a level."""
        return {}

    def fit(self, estimator: Any, X: Any, y: Any, fit_params: Mapping[str, Any], before: int, level: int) -> None:
        """Fit an estimator that has the `params` of a level; if it `continues`, from the level `before`, 0 at first."""
        fit(estimator, X, y, fit_params)


class Rows(Resource):
    """Number of rows, ``resource="n_samples"``.

    Parameters
    ----------
    most : int
        Number of rows of the whole data. A level of m rows is m / most of the training rows of each fold.
    strata : ndarray of shape (most,), optional
        Class of each row; see `nested_order`.
    seed : int
        Seed of the subsamples.

    Notes
    -----
    The rows of a level keep their order, so that the full level is the fit without a resource.
    """

    name = "n_samples"

    def __init__(self, most: int, strata: npt.NDArray[np.int64] | None, seed: int) -> None:
        super().__init__(most)
        self._n_rows, self._strata, self._seed = most, strata, seed
        self._orders: dict[int, npt.NDArray[np.int64]] = {}

    def rows(self, fold: int, train: Indices, level: int) -> Indices:
        """See `Resource`."""
        if train.dtype == bool:
            train = np.flatnonzero(train)
        n = self.count(len(train), level)
        if n >= len(train):
            return train
        order = self._orders.get(fold)
        if order is None:
            strata = None
            if self._strata is not None:
                strata = np.unique(self._strata[train], return_inverse=True)[1]
            order = self._orders[fold] = nested_order(len(train), strata, (self._seed, fold))
        return train[np.sort(order[:n])]

    def count(self, n_train: int, level: int) -> int:
        """Count the training rows of a fold at a level, rounded down as scikit-learn does."""
        return max(1, n_train * level // self._n_rows)

    def rows_key(self, level: int) -> int | None:
        """See `Resource`."""
        return level

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_orders": {}}


class Parameter(Resource):
    """Integer parameter of the estimator.

    Parameters
    ----------
    most : int
        Largest value.
    name : str
        Name of the parameter.
    warm_start : str, optional
        Name of the parameter ``warm_start`` beside it, if a fit is to add to the one before; without it every level is
        fitted from scratch.
    """

    def __init__(self, most: int, name: str, warm_start: str | None) -> None:
        super().__init__(most)
        self._name, self._warm_start = name, warm_start
        self.continues = warm_start is not None

    @property
    def name(self) -> str:
        """See `Resource`."""
        return self._name

    def params(self, level: int) -> dict[str, Any]:
        """See `Resource`."""
        return {self._name: level} if self._warm_start is None else {self._name: level, self._warm_start: True}


class Epochs(Resource):
    """Passes over the training rows, by `partial_fit` of the estimator or of the last step of a pipeline.

    Parameters
    ----------
    most : int
        Largest number of epochs.
    classes : object, optional
        All classes, for estimators whose `partial_fit` must know them.
    seed : int
        Seed of the order of the rows, another one in each epoch.

    Notes
    -----
    An epoch is one call with all training rows. The transformers of a pipeline are fitted again at each level, on the
    same rows: a level continues exactly what an uninterrupted fit would have done, if they draw no random numbers.
    """

    name = "epochs"
    continues = True

    def __init__(self, most: int, classes: Any, seed: int) -> None:
        super().__init__(most)
        self._classes, self._seed = classes, seed

    def fit(self, estimator: Any, X: Any, y: Any, fit_params: Mapping[str, Any], before: int, level: int) -> None:
        """See `Resource`."""
        fit_params = dict(fit_params)
        if isinstance(estimator, Pipeline):
            *steps, (name, last) = estimator.steps
            own = f"{name}__"
            if steps:
                ours = {key: value for key, value in fit_params.items() if not key.startswith(own)}
                # As a whole pipeline, so that all of its transformers go through the same memory.
                head = Pipeline([*steps, (name, "passthrough")], memory=estimator.memory)
                X = head.fit_transform(X, y, **ours)
                estimator.steps[:-1] = head.steps[:-1]
            fit_params = {k.removeprefix(own): value for k, value in fit_params.items() if k.startswith(own)}
            estimator = last
        first = {} if self._classes is None or before else {"classes": self._classes}
        n = X.shape[0] if hasattr(X, "shape") else len(X)
        for epoch in range(before, level):
            order = np.random.default_rng((self._seed, epoch)).permutation(n)
            drawn = _check_method_params(X, params=fit_params, indices=order) if fit_params else {}
            given = _safe_indexing(X, order)
            if y is None:
                estimator.partial_fit(given, **first, **drawn)
            else:
                estimator.partial_fit(given, _safe_indexing(y, order), **first, **drawn)
            first = {}
