"""Check of the score to maximise: the name exists, and the score can be computed for this target and this model.

A dummy estimator is scored instead of the model, before anything is trained.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.metrics import get_scorer, get_scorer_names

from hpcore.errors import InvalidArgument, closest
from hpcore.tables import presets

if TYPE_CHECKING:
    from hpcore.tables.target import Problem

__all__ = ["DEFAULT", "check"]

DEFAULT = {"classification": "accuracy", "regression": "r2"}
# Scorers of clusterings also accept classes, so a trial run alone would recommend them.
CLUSTERING = (
    "rand_score",
    "mutual_info_score",
    "completeness_score",
    "homogeneity_score",
    "v_measure_score",
    "fowlkes",
)
ROWS_TRIED = 1000


class _DummyDecider(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A dummy classifier without class probabilities, like svc and ridge."""

    def fit(self, X: Any, y: Any) -> _DummyDecider:
        self.dummy_ = DummyClassifier().fit(X, y)
        self.classes_ = self.dummy_.classes_
        return self

    def predict(self, X: Any) -> Any:
        return self.dummy_.predict(X)

    def decision_function(self, X: Any) -> Any:
        scores = self.dummy_.predict_proba(X)
        return scores[:, 1] if scores.shape[1] == 2 else scores


def check(name: str | None, problem: Problem, estimator: Any, model: str) -> str:
    """Return the scoring to use, after a check that it works.

    Parameters
    ----------
    name : str, optional
        Name of a scorer of scikit-learn; by default accuracy or r2.
    problem : Problem
        Task with the target.
    estimator : scikit-learn estimator
        Model that the scorer is applied to.
    model : str
        Name of the model, for messages.

    Raises
    ------
    InvalidArgument
        There is no such scorer, or it does not fit the target or the model; the message lists those that do.
    """
    if name is None:
        return DEFAULT[problem.task]
    dummy: Any = DummyRegressor() if problem.task == "regression" else DummyClassifier()
    if name not in get_scorer_names():
        fit = _fitting(dummy, problem)
        raise InvalidArgument(
            f"--scoring must be a score for {problem.task}, got {name!r}{closest(name, get_scorer_names(), 3)} "
            f"({', '.join(fit)})"
        )
    reason = _try(name, dummy, problem)
    if reason is not None:
        fit = _fitting(dummy, problem)
        raise InvalidArgument(
            f"--scoring {name!r} does not fit the {problem.task} of {problem.target!r} ({reason}); "
            f"choose one of {', '.join(fit)}"
        )
    undecided = problem.task == "classification" and not hasattr(estimator, "predict_proba")
    if undecided and _try(name, _DummyDecider(), problem) is not None:
        able = [other for other in presets.available("classification") if _gives_probabilities(other)]
        raise InvalidArgument(
            f"--scoring {name!r} needs class probabilities, which model {model!r} does not give; "
            f"models that do: {', '.join(able)}"
        )
    return name


def _gives_probabilities(model: str) -> bool:
    return hasattr(presets.build(model, "classification", n_rows=100)[0], "predict_proba")


def _fitting(dummy: Any, problem: Problem) -> list[str]:
    names = [name for name in get_scorer_names() if not any(part in name for part in CLUSTERING)]
    return [name for name in names if _try(name, dummy, problem) is None]


def _try(name: str, dummy: Any, problem: Problem) -> str | None:
    """Return the reason why a scorer does not suit the target, or None."""
    compares = any(part in name for part in CLUSTERING)
    if problem.task == "regression" and compares:
        return "it compares clusterings"
    # A regression score of numbered classes can be computed, but is meaningless.
    quantities = np.linspace(0.1, 0.9, 20)
    if problem.task == "classification" and not compares and _score(name, DummyRegressor(), quantities) is None:
        return "it measures a regression"
    rows = np.arange(min(len(problem.y), ROWS_TRIED))
    if problem.task == "classification":
        # A score over all classes can be computed only if every class is present.
        rows = np.union1d(rows, np.unique(problem.y.to_numpy(), return_index=True)[1])
    return _score(name, dummy, problem.y.to_numpy()[rows])


def _score(name: str, dummy: Any, y: Any) -> str | None:
    """Return the reason why a scorer fails on some values, or None."""
    X = np.zeros((len(y), 1))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            score = get_scorer(name)(dummy.fit(X, y), X, y)
        except (ValueError, TypeError, AttributeError, IndexError) as error:
            return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
    return None if np.isfinite(score) else f"it is {score}"
