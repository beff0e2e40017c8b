"""Validation scores with a derivative by the predictions: squared errors, R², log loss and the squared hinge."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import expit, softmax
from sklearn import metrics
from sklearn.base import RegressorMixin
from sklearn.metrics._scorer import _BaseScorer, _PassthroughScorer

from hpcore.errors import InvalidArgument
from hpcore.evaluation.hypergradients.registry import Family

__all__ = ["SquaredHinge", "Validation", "neg_squared_hinge", "score_slope"]

FloatArray = npt.NDArray[np.float64]


class SquaredHinge:
    """Scorer: minus the mean squared hinge of the decision function, for classifiers without probabilities.

    The squared hinge of a row is max(0, 1 - f)², with f the decision function, negative for the first of two classes.
    Of several classes it is the mean over them, with f negative for those that the row is not of. It has a derivative
    everywhere, unlike the accuracy or the hinge.

    Call it as ``scorer(estimator, X, y, sample_weight=None)``; it is not above 0, and higher is better.
    """

    def __call__(self, estimator: Any, X: Any, y: Any, sample_weight: Any = None) -> float:
        f = _columns(estimator.decision_function(X))
        signs = _signs(y, estimator.classes_, f.shape[1])
        losses = np.mean(np.maximum(0.0, 1.0 - signs * f) ** 2, axis=1)
        return -float(np.average(losses, weights=sample_weight))

    def __repr__(self) -> str:
        return "neg_squared_hinge"

    def __reduce__(self) -> str:
        return "neg_squared_hinge"


neg_squared_hinge = SquaredHinge()


class Validation(NamedTuple):
    """Predictions of a fold.

    Attributes
    ----------
    response : ndarray of shape (n,) or (n, k)
        Values of the method that the family differentiates.
    y : ndarray
        Targets.
    weights : ndarray of shape (n,)
        Weights of the rows, with sum 1.
    family : Family
        Family of the estimator.
    classes : ndarray or None
        Classes of a classifier.
    """

    response: FloatArray
    y: Any
    weights: FloatArray
    family: Family
    classes: Any


def score_slope(scorer: Any, estimator: Any, family: Family) -> Callable[[Validation], FloatArray]:
    """Find the derivative of a score by the response of a family.

    Parameters
    ----------
    scorer : callable
        Scorer of one metric, as scikit-learn made it.
    estimator : estimator
        Estimator without the pipeline around it; its `score` method matters if the scorer calls it.
    family : Family
        Family of the estimator.

    Returns
    -------
    callable
        Function of a `Validation` that returns the derivative of the score, in the shape of the response.

    Raises
    ------
    InvalidArgument
        If the score has no derivative, or needs another response.
    """
    found = _find(scorer, estimator)
    if found is None:
        given = "None, which is its score method" if isinstance(scorer, _PassthroughScorer) else repr(scorer)
        raise InvalidArgument(
            f"scoring must be a score of {type(estimator).__name__} with a derivative, {_allowed(family)}; got {given}"
        )
    if family.response not in found.responses or (found.by_link and not _has_link(family)):
        raise InvalidArgument(
            f"scoring must be a score of the {family.response} of {family.estimator.__name__} with a derivative, "
            f"{_allowed(family)}; got {found.name}"
        )
    return found.slope


class Score(NamedTuple):
    """Score with a derivative.

    Attributes
    ----------
    name : str
        Name as a user gives it.
    function : callable or None
        Function of scikit-learn's scorer.
    sign : int
        Sign of that scorer.
    responses : tuple of str
        Responses of which it can be differentiated.
    slope : callable
        Derivative of the score by the response.
    by_link : bool
        True for a score of probabilities.
    """

    name: str
    function: Any
    sign: int
    responses: tuple[str, ...]
    slope: Callable[[Validation], FloatArray]
    by_link: bool = False


def _find(scorer: Any, estimator: Any) -> Score | None:
    if isinstance(scorer, SquaredHinge):
        return _HINGE
    if isinstance(scorer, _PassthroughScorer):
        return _R2 if getattr(type(estimator), "score", None) is RegressorMixin.score else None
    if not isinstance(scorer, _BaseScorer) or scorer._kwargs:
        return None
    return next((s for s in _SCORES if scorer._score_func is s.function and scorer._sign == s.sign), None)


def _has_link(family: Family) -> bool:
    return family.response == "predict_proba" or family.link is not None


def _allowed(family: Family) -> str:
    names = [s.name for s in _SCORES if family.response in s.responses and (not s.by_link or _has_link(family))]
    return " or ".join(names)


def _columns(values: Any) -> FloatArray:
    f: FloatArray = np.asarray(values, dtype=float)
    return f[:, None] if f.ndim == 1 else f


def _signs(y: Any, classes: Any, k: int) -> FloatArray:
    """Return 1 for the class of a row and -1 for the others; one column for two classes."""
    codes = np.searchsorted(classes, np.asarray(y))
    if k == 1:
        return np.where(codes == 1, 1.0, -1.0)[:, None]
    return np.where(codes[:, None] == np.arange(k), 1.0, -1.0)


def _squared_hinge(fold: Validation) -> FloatArray:
    f = _columns(fold.response)
    signs = _signs(fold.y, fold.classes, f.shape[1])
    slope = 2.0 * signs * np.maximum(0.0, 1.0 - signs * f) * fold.weights[:, None] / f.shape[1]
    return np.reshape(slope, fold.response.shape)


def _mean_squared_error(fold: Validation) -> FloatArray:
    error = _targets(fold) - fold.response
    return np.asarray(2.0 * error * _by_row(fold.weights, error) / error[0].size)


def _root_mean_squared_error(fold: Validation) -> FloatArray:
    error = _targets(fold) - fold.response
    weights = _by_row(fold.weights, error)
    roots = np.sqrt(np.sum(weights * error**2, axis=0))  # the mean over outputs is that of the roots
    return np.asarray(_divided(weights * error, roots) / error[0].size)


def _r2(fold: Validation) -> FloatArray:
    y = _targets(fold)
    weights = _by_row(fold.weights, y)
    spread = np.sum(weights * (y - np.sum(weights * y, axis=0)) ** 2, axis=0)
    return np.asarray(_divided(2.0 * weights * (y - fold.response), spread) / y[0].size)


def _log_loss(fold: Validation) -> FloatArray:
    f = fold.response
    if fold.family.response == "predict_proba":
        p = f
    elif f.ndim == 1:
        p = np.stack([expit(-f), expit(f)], axis=1)
    else:
        p = softmax(f, axis=1)
    codes = np.searchsorted(fold.classes, np.asarray(fold.y))
    hit = codes[:, None] == np.arange(p.shape[1])
    own = p[np.arange(len(p)), codes]
    # scikit-learn clips probabilities; beyond, the loss is constant.
    eps = np.finfo(float).eps
    weights = np.where((own > eps) & (own < 1.0 - eps), fold.weights, 0.0)[:, None]
    if fold.family.response == "predict_proba":
        return np.where(hit, weights / np.maximum(own, eps)[:, None], 0.0)
    slope = weights * (hit - p)
    return np.asarray(slope[:, 1] if f.ndim == 1 else slope)


def _targets(fold: Validation) -> FloatArray:
    return np.reshape(np.asarray(fold.y, dtype=float), fold.response.shape)


def _by_row(weights: FloatArray, values: FloatArray) -> FloatArray:
    return weights.reshape(-1, *[1] * (values.ndim - 1))


def _divided(values: FloatArray, by: Any) -> FloatArray:
    """Divide, with 0 where the divisor is 0: a fit without an error, or a constant target."""
    return np.asarray(values / np.where(by > 0.0, by, np.inf))


_R2 = Score("'r2'", metrics.r2_score, 1, ("predict",), _r2)
_HINGE = Score("hpcore.sklearn.neg_squared_hinge", None, -1, ("decision_function",), _squared_hinge)
_SCORES = (
    Score("'neg_mean_squared_error'", metrics.mean_squared_error, -1, ("predict",), _mean_squared_error),
    Score("'neg_root_mean_squared_error'", metrics.root_mean_squared_error, -1, ("predict",), _root_mean_squared_error),
    _R2,
    Score("'neg_log_loss'", metrics.log_loss, -1, ("predict_proba", "decision_function"), _log_loss, by_link=True),
    _HINGE,
)
