"""Ensembles of tuned pipelines: selection by predictions for held-out rows, and combination into one estimator."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.ensemble import VotingClassifier, VotingRegressor
from sklearn.metrics import get_scorer
from sklearn.preprocessing import LabelEncoder
from sklearn.utils import Bunch

from hpcore.arguments import check_choice, check_integer
from hpcore.errors import InvalidArgument
from hpcore.tables.preset import TASKS

if TYPE_CHECKING:
    import pandas as pd

    from hpcore.tables.preset import Task

__all__ = ["combine", "scorer_of", "select"]

Predictions = NDArray[np.float64]

# Members that an ensemble may begin with; more would rarely be the best beginning, and the last ones are worse.
MOST_AT_START = 5
# Predictors that the search adds from, the best alone first: each round computes as many scores.
MOST_CANDIDATES = 50
# Rounds without improvement after which the search ends. Not the first one: a second predictor may only help with a
# small weight, which it can have once the first has been added again.
PATIENCE = 3
# Relative difference of two scores that counts as an improvement, above the rounding of sums.
TOLERANCE = 1e-9


def select(
    predictions: Sequence[NDArray[Any]],
    score: Callable[[Predictions], float],
    size: int = 25,
    *,
    n_members: int = 10,
) -> NDArray[np.float64]:
    """Choose the weights of an ensemble by greedy forward selection with replacement.

    The ensemble begins with the k best predictors, for the k of at most 5 with the best score. In each round the
    predictor is added that gives the mean the best score; a predictor may be added several times, which is its weight.
    The ensemble with the best score of all rounds is returned, the smallest if several are equal.

    Parameters
    ----------
    predictions : sequence of ndarray of shape (n_rows,) or (n_rows, n_classes)
        Predictions of each predictor for the same rows, which it was not trained on; probabilities for classes.
    score : callable
        Score of the mean prediction of an ensemble, higher is better; NaN counts as the worst. See `scorer_of`.
    size : int, default=25
        Largest sum of the counts.
    n_members : int, default=10
        Largest number of different predictors.

    Returns
    -------
    ndarray of shape (n_predictors,)
        Weights that sum to 1; most are 0. Their score is never below the best score of a single predictor.

    Raises
    ------
    InvalidArgument, InvalidType
        `predictions` is empty or has different shapes, no score is a finite number, or a limit is not positive.

    Notes
    -----
    Caruana, Niculescu-Mizil, Crew & Ksikes (2004), Ensemble selection from libraries of models; sections 2.1 to 2.3.
    Ties are decided by order: the earlier predictor wins. A selection overfits the rows that it is made on, hence the
    limits, and hence the end of the search after three rounds without improvement.
    """
    size = check_integer("size", size, 1)
    n_members = check_integer("n_members", n_members, 1)
    arrays = [np.asarray(prediction, dtype=np.float64) for prediction in predictions]
    shapes = {array.shape for array in arrays}
    if len(shapes) != 1:
        raise InvalidArgument(f"predictions must be arrays of one shape, got shapes {sorted(shapes)}")

    def rated(total: Predictions, count: int) -> float:
        value = float(score(total / count))
        return -np.inf if np.isnan(value) else value

    singles = np.array([rated(array, 1) for array in arrays])
    order = np.argsort(-singles, kind="stable")[:MOST_CANDIDATES]
    if not np.isfinite(singles[order[0]]):
        raise InvalidArgument("predictions must have a finite score for at least one predictor, but none has")

    counts, best = _start(arrays, order[: min(MOST_AT_START, size, n_members)], singles, rated)
    kept = counts.copy()
    total = sum((n * arrays[i] for i, n in enumerate(counts) if n), np.zeros_like(arrays[0]))
    idle = 0
    while counts.sum() < size and idle < PATIENCE:
        full = np.count_nonzero(counts) >= n_members
        n = int(counts.sum()) + 1
        able = [i for i in order if counts[i] or not full]
        scores = [rated(total + arrays[i], n) for i in able]
        chosen = int(np.argmax(scores))  # the first of equals
        counts[able[chosen]] += 1
        total = total + arrays[able[chosen]]
        if _better(scores[chosen], best):
            best, kept, idle = scores[chosen], counts.copy(), 0
        else:
            idle += 1
    return np.asarray(kept / kept.sum())


def _better(value: float, best: float) -> bool:
    return value > best + TOLERANCE * abs(best)


def _start(
    arrays: Sequence[Predictions],
    leading: NDArray[np.intp],
    singles: NDArray[np.float64],
    rated: Callable[[Predictions, int], float],
) -> tuple[NDArray[np.int64], float]:
    """Return the counts and the score of the best few predictors, for the number of them with the best score."""
    total = arrays[leading[0]].copy()
    best, n_best = float(singles[leading[0]]), 1
    for k, i in enumerate(leading[1:], 2):
        total += arrays[i]
        value = rated(total, k)
        if _better(value, best):
            best, n_best = value, k
    counts = np.zeros(len(arrays), dtype=np.int64)
    counts[leading[:n_best]] = 1
    return counts, best


class _Given(BaseEstimator):  # type: ignore[misc]
    """Estimator whose predictions are given; the labels of its `X`, or its only column, are the numbers of the rows."""

    def fit(self, X: Any, y: Any = None) -> _Given:
        """Do nothing."""
        return self

    def __sklearn_is_fitted__(self) -> bool:
        return True


class _GivenNumbers(RegressorMixin, _Given):  # type: ignore[misc]
    def __init__(self, given: Any = None) -> None:
        self.given = given

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the numbers of these rows."""
        return np.asarray(self.given[_numbers(X)])


class _GivenProbabilities(ClassifierMixin, _Given):  # type: ignore[misc]
    def __init__(self, given: Any = None, classes: Any = None) -> None:
        self.given = given
        self.classes = classes

    @property
    def classes_(self) -> Any:
        """Classes in the order of the columns."""
        return self.classes

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the most probable class of these rows."""
        return np.asarray(self.classes[np.argmax(self.given[_numbers(X)], axis=1)])

    def predict_proba(self, X: Any) -> NDArray[Any]:
        """Return the probabilities of these rows."""
        return np.asarray(self.given[_numbers(X)])


def _numbers(X: Any) -> Any:
    return X.index if hasattr(X, "index") else X[:, 0]


def scorer_of(
    scoring: str | Callable[..., float],
    y: Any,
    classes: NDArray[Any] | None,
    splits: Iterable[tuple[NDArray[np.intp], NDArray[np.intp]]],
    X: pd.DataFrame | None = None,
) -> Callable[[NDArray[Any]], float]:
    """Return a function that scores predictions for all rows, as a search scores the estimator that made them.

    Parameters
    ----------
    scoring : str or callable
        Scorer of scikit-learn: its name, or ``scorer(estimator, X, y)``.
    y : array-like of shape (n_rows,)
        True classes or numbers.
    classes : ndarray of shape (n_classes,) or None
        Sorted classes, in the order of the columns of the probabilities; None for a regression.
    splits : iterable of (train, test)
        Numbers of the rows of each fold, as from ``cv.split(X, y)``; `train` is not used.
    X : DataFrame of shape (n_rows, n_columns), optional
        Features, with rows numbered from 0, for a scorer that reads them.

    Returns
    -------
    callable
        Function of predictions of shape (n_rows,), or of probabilities of shape (n_rows, n_classes). It returns the
        mean over the folds of the scores of their test rows. The predicted class is the most probable one.
    """
    scorer = get_scorer(scoring)
    y = np.asarray(y)
    labels = None if classes is None else np.asarray(classes)
    tests = [np.asarray(test) for _, test in splits]
    features = [test.reshape(-1, 1) if X is None else X.iloc[test] for test in tests]

    def score(predictions: NDArray[Any]) -> float:
        given: Any = _GivenNumbers(predictions) if labels is None else _GivenProbabilities(predictions, labels)
        return float(np.mean([scorer(given, part, y[test]) for part, test in zip(features, tests, strict=True)]))

    return score


def combine(
    pipelines: Sequence[Any], weights: Sequence[float] | NDArray[Any], task: Task, classes: NDArray[Any] | None = None
) -> Any:
    """Make one estimator of fitted pipelines, which predicts the weighted mean of their predictions.

    Parameters
    ----------
    pipelines : sequence of estimators
        Fitted pipelines. For a classification each needs `predict_proba`: the mean of probabilities is what `select`
        scores, and a vote of predicted classes would be another ensemble. Leave models without it, such as svc and
        ridge, out of the selection.
    weights : sequence of float
        Weight of each pipeline, as from `select`; pipelines of weight 0 are left out.
    task : {"classification", "regression"}
        Kind of prediction.
    classes : ndarray of shape (n_classes,), optional
        Sorted classes; needed for a classification.

    Returns
    -------
    VotingClassifier, VotingRegressor or the pipeline
        Fitted estimator of scikit-learn with the given pipelines, not copies; the pipeline itself if there is only one.

    Raises
    ------
    InvalidArgument
        The numbers of pipelines and weights differ, no weight is positive, or a pipeline gives no probabilities or has
        other classes.
    """
    check_choice("task", task, TASKS)
    weights = np.asarray(weights, dtype=np.float64)
    if weights.shape != (len(pipelines),):
        raise InvalidArgument(f"weights must be one number for each of {len(pipelines)} pipelines, got {weights!r}")
    if not (np.isfinite(weights).all() and (weights >= 0).all() and weights.any()):
        raise InvalidArgument(f"weights must be finite, >= 0 and not all 0, got {weights!r}")
    used = [i for i, weight in enumerate(weights) if weight]
    members = [(f"model_{place}", pipelines[i]) for place, i in enumerate(used)]
    if task == "classification":
        _check_classes(members, classes)
    if len(used) == 1:
        return members[0][1]
    shares = (weights[used] / weights[used].sum()).tolist()
    voting: Any
    if task == "classification":
        voting = VotingClassifier(members, voting="soft", weights=shares)
        voting.le_ = LabelEncoder().fit(np.asarray(classes))
        voting.classes_ = voting.le_.classes_
    else:
        voting = VotingRegressor(members, weights=shares)
    # State that `fit` would set, after it had trained copies of the members.
    voting.estimators_ = [pipeline for _, pipeline in members]
    voting.named_estimators_ = Bunch(**dict(members))
    columns = getattr(members[0][1], "feature_names_in_", None)
    if columns is not None:
        voting.feature_names_in_ = columns
    return voting


def _check_classes(members: Sequence[tuple[str, Any]], classes: NDArray[Any] | None) -> None:
    if classes is None:
        raise InvalidArgument("classes must be given for a classification, got None")
    for _, pipeline in members:
        if not hasattr(pipeline, "predict_proba"):
            raise InvalidArgument(f"pipelines must give class probabilities (predict_proba), got {pipeline!r}")
        if not np.array_equal(pipeline.classes_, np.asarray(classes)):
            raise InvalidArgument(
                f"classes must be those of every pipeline, got {list(classes)}, but one has {list(pipeline.classes_)}"
            )
