"""The score of a constant answer, with which the score of a model is compared."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.model_selection import cross_val_score

if TYPE_CHECKING:
    from hpcore.tables.target import Problem

__all__ = ["constant_scores", "is_better"]


def constant_scores(problem: Problem, folds: Any, scoring: Any) -> NDArray[np.float64]:
    """Compute the score of each fold for a model that gives the same answer for every row.

    Parameters
    ----------
    problem : Problem
        Task with the target. The answer is its most frequent class, with the class frequencies as probabilities, or
        its mean.
    folds : cross-validator or list of (train, test)
        Folds of the search.
    scoring : str or callable
        Score that the search maximises.

    Returns
    -------
    ndarray of shape (n_folds,)
        Scores; NaN where the score is not defined for a constant answer.
    """
    constant = DummyRegressor() if problem.task == "regression" else DummyClassifier()
    # A function may read the features; they are not sliced for nothing.
    X = np.zeros((len(problem.y), 1)) if isinstance(scoring, str) else problem.X
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scores = cross_val_score(constant, X, problem.y, cv=folds, scoring=scoring, error_score=np.nan)
    return np.asarray(scores, dtype=float)


def is_better(scores: NDArray[np.float64], constant: NDArray[np.float64], n_draws: int = 1) -> bool:
    """Tell whether a model beats a constant answer by more than the standard error of the difference over folds.

    Folds that were drawn several times (`n_draws`) are of the same rows, and count as those of one draw.
    """
    gain = scores - constant
    return bool(gain.mean() > gain.std(ddof=1) / np.sqrt(max(1.0, len(gain) / n_draws)))
