"""The score to maximise: does the name exist, and can it be computed for this target and this model?

Both are tried with a guesser instead of the model, before anything is trained.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.metrics import get_scorer, get_scorer_names

from hpcore.errors import InvalidArgument
from hpcore.tables import presets
from hpcore.tables.names import closest

if TYPE_CHECKING:
    from hpcore.tables.target import Problem

__all__ = ["DEFAULT", "check"]

DEFAULT = {"classification": "accuracy", "regression": "r2"}
# Scorers of clusterings accept classes too, so a trial alone would recommend them.
CLUSTERING = (
    "rand_score",
    "mutual_info_score",
    "completeness_score",
    "homogeneity_score",
    "v_measure_score",
    "fowlkes",
)
ROWS_TRIED = 1000


class _DecidingGuesser(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A guesser without class probabilities, as svc and ridge are without them."""

    def fit(self, X: Any, y: Any) -> _DecidingGuesser:
        self.guesser_ = DummyClassifier().fit(X, y)
        self.classes_ = self.guesser_.classes_
        return self

    def predict(self, X: Any) -> Any:
        return self.guesser_.predict(X)

    def decision_function(self, X: Any) -> Any:
        scores = self.guesser_.predict_proba(X)
        return scores[:, 1] if scores.shape[1] == 2 else scores


def check(name: str | None, problem: Problem, estimator: Any, model: str) -> str:
    """The scoring to use, once it is known to work.

    Parameters
    ----------
    name : str, optional
        One of scikit-learn's scorers; by default accuracy or r2.
    problem : Problem
        Whose target is scored.
    estimator : scikit-learn estimator
        Whose methods a scorer may call.
    model : str
        Its name, for messages.

    Raises
    ------
    InvalidArgument
        If there is no such scorer, or it does not fit the target or the model; the message lists those that do.
    """
    if name is None:
        return DEFAULT[problem.task]
    guesser: Any = DummyRegressor() if problem.task == "regression" else DummyClassifier()
    if name not in get_scorer_names():
        fit = _fitting(guesser, problem)
        raise InvalidArgument(
            f"--scoring must be a score for {problem.task}, got {name!r}{closest(name, get_scorer_names(), 3)} "
            f"({', '.join(fit)})"
        )
    reason = _try(name, guesser, problem)
    if reason is not None:
        fit = _fitting(guesser, problem)
        raise InvalidArgument(
            f"--scoring {name!r} does not fit the {problem.task} of {problem.target!r} ({reason}); "
            f"choose one of {', '.join(fit)}"
        )
    undecided = problem.task == "classification" and not hasattr(estimator, "predict_proba")
    if undecided and _try(name, _DecidingGuesser(), problem) is not None:
        able = [other for other in presets.names("classification") if _gives_probabilities(other)]
        raise InvalidArgument(
            f"--scoring {name!r} needs class probabilities, which model {model!r} does not give; "
            f"models that do: {', '.join(able)}"
        )
    return name


def _gives_probabilities(model: str) -> bool:
    return hasattr(presets.build(model, "classification", n_rows=100)[0], "predict_proba")


def _fitting(guesser: Any, problem: Problem) -> list[str]:
    names = [name for name in get_scorer_names() if not any(part in name for part in CLUSTERING)]
    return [name for name in names if _try(name, guesser, problem) is None]


def _try(name: str, guesser: Any, problem: Problem) -> str | None:
    """Why a scorer does not suit the target, or None."""
    compares = any(part in name for part in CLUSTERING)
    if problem.task == "regression" and compares:
        return "it compares clusterings"
    # Classes that happen to be numbered could be subtracted, and would give a score that means nothing.
    quantities = np.linspace(0.1, 0.9, 20)
    if problem.task == "classification" and not compares and _score(name, DummyRegressor(), quantities) is None:
        return "it measures a regression"
    rows = np.arange(min(len(problem.y), ROWS_TRIED))
    if problem.task == "classification":
        # Every class has to be there, or a score over all of them could not be computed.
        rows = np.union1d(rows, np.unique(problem.y.to_numpy(), return_index=True)[1])
    return _score(name, guesser, problem.y.to_numpy()[rows])


def _score(name: str, guesser: Any, y: Any) -> str | None:
    """Why a scorer fails on some values, or None."""
    X = np.zeros((len(y), 1))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            score = get_scorer(name)(guesser.fit(X, y), X, y)
        except (ValueError, TypeError, AttributeError, IndexError) as error:
            return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
    return None if np.isfinite(score) else f"it is {score}"
