"""Predictions for test rows, and the ones that a search keeps of its best candidates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["Kept", "respond"]

FloatArray = npt.NDArray[np.float64]

# Bounds on what is kept: candidates, and bytes of their predictions.
_MOST_CANDIDATES, _MOST_BYTES = 100, 2**28


def respond(estimator: Any, X: Any, classes: npt.NDArray[Any] | None) -> FloatArray | None:
    """Predict rows as numbers.

    Parameters
    ----------
    estimator : estimator
        Fitted estimator.
    X : array-like
        Rows.
    classes : ndarray of shape (k,), or None
        All classes, sorted; None for a regression.

    Returns
    -------
    ndarray or None
        Shape (n,) for a regression. Shape (n, k) with the probabilities of `classes` for a classifier that has them; 0
        for a class that its training rows lacked. None for a classifier without probabilities, and for predictions of
        another shape.
    """
    if classes is None:
        values = np.asarray(estimator.predict(X))
        return values.astype(float) if values.ndim == 1 and values.dtype.kind in "fiu" else None
    if not hasattr(estimator, "predict_proba"):
        return None
    seen, given = estimator.classes_, estimator.predict_proba(X)
    if not isinstance(given, np.ndarray) or given.ndim != 2:
        return None
    out = np.zeros((len(given), len(classes)))
    out[:, np.searchsorted(classes, seen)] = given
    return out


class _Candidate(NamedTuple):
    score: float
    folds: Sequence[FloatArray]


class Kept:
    """Predictions of the best candidates of a search, fold by fold; those of worse ones are dropped.

    Parameters
    ----------
    tests : sequence of ndarray
        Rows of each test fold, as indices or as a mask.
    n_rows : int
        Number of rows of the data.
    """

    def __init__(self, tests: Sequence[npt.NDArray[Any]], n_rows: int) -> None:
        self._tests, self._n_rows = tests, n_rows
        self._kept: dict[int, _Candidate] = {}

    def put(self, number: int, score: float, folds: Sequence[FloatArray | None]) -> None:
        """Keep the predictions of a candidate that has all its folds, in place of earlier ones of the same candidate.

        Parameters
        ----------
        number : int
            Number of its trial.
        score : float
            Its score, higher is better.
        folds : sequence of ndarray or None
            Predictions by fold; a candidate without some of them is not kept.
        """
        whole = [fold for fold in folds if fold is not None]
        if len(whole) < len(self._tests):
            return
        self._kept[number] = _Candidate(score, whole)
        size = sum(fold.nbytes for fold in whole)
        most = max(1, min(_MOST_CANDIDATES, _MOST_BYTES // max(1, size)))
        if len(self._kept) > most:
            del self._kept[min(self._kept, key=lambda number: self._kept[number].score)]

    def table(self) -> Mapping[int, FloatArray]:
        """Return the predictions by candidate: one row for each row of the data, the best candidate first.

        A row that is in several test folds has the mean of their predictions, a row in none NaN.
        """
        order = sorted(self._kept, key=lambda number: (-self._kept[number].score, number))
        return {number: self._joined(self._kept[number].folds) for number in order}

    def _joined(self, folds: Sequence[FloatArray]) -> FloatArray:
        shape = (self._n_rows, *folds[0].shape[1:])
        total, counts = np.zeros(shape), np.zeros(self._n_rows)
        for rows, values in zip(self._tests, folds, strict=True):
            total[rows] += values
            counts[rows] += 1
        with np.errstate(invalid="ignore"):
            return np.asarray(total / counts.reshape(-1, *[1] * (total.ndim - 1)))
