"""The score to maximise: the default for a target, and a check that a score fits the target and the model.

For the check a dummy estimator is scored instead of the model, before anything is trained.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.metrics import check_scoring, get_scorer, get_scorer_names

from hpcore.errors import InvalidArgument, InvalidType, closest
from hpcore.tables import presets
from hpcore.tables.positive import scoring_for
from hpcore.tables.remark import Remark
from hpcore.tables.wording import COMMAND, PYTHON, Wording

if TYPE_CHECKING:
    from hpcore.tables.target import Problem

__all__ = [
    "DEFAULT",
    "IMBALANCE",
    "NeedsProbabilities",
    "check",
    "check_scorer",
    "default_scoring",
    "is_imbalanced",
    "misleading",
]

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
# Classes are imbalanced when the largest has more than this share of the way from equal classes to a single one: more
# than 80 % of the rows for two classes, 73 % for three, 64 % for ten. A constant answer has that accuracy.
IMBALANCE = 0.6


class NeedsProbabilities(InvalidArgument):
    """A score fits the target, but needs class probabilities, which the model does not give."""


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


def is_imbalanced(problem: Problem) -> bool:
    """Tell whether the largest class has so many rows that accuracy says little, see `IMBALANCE`."""
    if problem.task == "regression":
        return False
    shares = problem.y.value_counts(normalize=True)
    equal = 1.0 / len(shares)
    return bool(shares.iloc[0] > equal + IMBALANCE * (1.0 - equal))


def default_scoring(
    problem: Problem,
    splits: Sequence[tuple[Any, Any]] | None = None,
    wording: Wording = PYTHON,
) -> tuple[str, Remark | None]:
    """Choose the score to maximise.

    Parameters
    ----------
    problem : Problem
        Task with the target.
    splits : sequence of (train, test), optional
        Folds, if they are known; without them every fold is taken to have rows of both classes.
    wording : Wording
        Names of the arguments in messages.

    Returns
    -------
    name : str
        ``"r2"`` for a regression and ``"accuracy"`` for balanced classes. For imbalanced ones (`IMBALANCE`) it is
        ``"roc_auc"`` for two classes and ``"balanced_accuracy"`` for more.
    remark : Remark or None
        Reason, where the score is not the usual one.

    Notes
    -----
    For two imbalanced classes the area under the ROC curve compares models by how they rank the rows, without a
    threshold, which the user will choose by the costs of the two errors; it does not depend on which class is called
    positive, and all models of the presets give such a ranking. It is not defined on test rows of one class; there,
    and for more classes, where it needs class probabilities that not all models give, the mean recall of the classes
    replaces it.
    """
    if not is_imbalanced(problem):
        return DEFAULT[problem.task], None
    shares = problem.y.value_counts(normalize=True)
    y = problem.y.to_numpy()
    ranked = len(shares) == 2 and all(len(np.unique(y[test])) == 2 for _, test in splits or ())
    name = "roc_auc" if ranked else "balanced_accuracy"
    return name, Remark(
        "scoring", f"the score is {name}, because {_largest(problem)} ({wording.option('scoring')} overrides)"
    )


def misleading(problem: Problem, scoring: Any) -> Remark | None:
    """Return a remark if the accuracy of imbalanced classes was asked for."""
    if scoring != "accuracy" or not is_imbalanced(problem):
        return None
    score = default_scoring(problem)[0]
    return Remark("scoring", f"accuracy misleads, because {_largest(problem)}; {score} does not depend on the shares")


def _largest(problem: Problem) -> str:
    shares = problem.y.value_counts(normalize=True)
    share, label = shares.iloc[0], shares.index[0]
    label = label.item() if hasattr(label, "item") else label
    return f"{100 * share:.3g} % of the rows are of class {label!r}, which is the accuracy of a constant answer"


def check(
    name: str | None,
    problem: Problem,
    estimator: Any,
    model: str,
    positive: Any = None,
    wording: Wording = COMMAND,
) -> str:
    """Return the name of the score to use, after a check that it works.

    Parameters
    ----------
    name : str, optional
        Name of a scorer of scikit-learn; by default see `default_scoring`.
    problem : Problem
        Task with the target.
    estimator : scikit-learn estimator
        Model that the scorer is applied to.
    model : str
        Name of the model, for messages.
    positive : object, optional
        Positive class, see `scoring_for`.
    wording : Wording
        Names of the arguments in messages.

    Raises
    ------
    InvalidArgument
        There is no such scorer, or it does not fit the target or the model; the message lists those that do.
    """
    if name is None:
        return default_scoring(problem)[0]
    dummy: Any = DummyRegressor() if problem.task == "regression" else DummyClassifier()
    if name not in get_scorer_names():
        fit = _fitting(dummy, problem)
        raise InvalidArgument(
            f"{wording.option('scoring')} must be a score for {problem.task}, got {name!r}"
            f"{closest(name, get_scorer_names(), 3)} ({', '.join(fit)})"
        )
    scorer = scoring_for(name, problem, positive, wording)
    reason = _try(scorer, dummy, problem)
    if reason is not None:
        fit = _fitting(dummy, problem)
        raise InvalidArgument(
            f"{wording.given('scoring', name)} does not fit the {problem.task} of {problem.target!r} ({reason}); "
            f"choose one of {', '.join(fit)}"
        )
    undecided = problem.task == "classification" and not hasattr(estimator, "predict_proba")
    if undecided and _try(scorer, _DummyDecider(), problem) is not None:
        able = [other for other in presets.available("classification") if _gives_probabilities(other)]
        raise NeedsProbabilities(
            f"{wording.given('scoring', name)} needs class probabilities, which model {model!r} does not give; "
            f"models that do: {', '.join(able)}"
        )
    return name


def check_scorer(scoring: Any, wording: Wording = PYTHON) -> None:
    """Check the type of a score.

    Parameters
    ----------
    scoring : object
        Name of a score, function ``(estimator, X, y) -> float``, or None.
    wording : Wording
        Names of the arguments in messages.

    Raises
    ------
    InvalidType
        It is something else.
    InvalidArgument
        It is a metric of scikit-learn, ``(y_true, y_predicted) -> float``, and no scorer.
    """
    if scoring is None or isinstance(scoring, str):
        return
    if not callable(scoring):
        raise InvalidType(
            f"{wording.option('scoring')} must be the name of a score or a function (estimator, X, y) -> float, "
            f"got {scoring!r}"
        )
    try:
        check_scoring(DummyClassifier(), scoring=scoring)
    except ValueError as error:
        raise InvalidArgument(f"{wording.option('scoring')} must be a scorer: {error}") from error


def _gives_probabilities(model: str) -> bool:
    return hasattr(presets.build(model, "classification", n_rows=100)[0], "predict_proba")


def _fitting(dummy: Any, problem: Problem) -> list[str]:
    names = [name for name in get_scorer_names() if not any(part in name for part in CLUSTERING)]
    return [name for name in names if _try(name, dummy, problem) is None]


def _try(scorer: Any, dummy: Any, problem: Problem) -> str | None:
    """Return the reason why a scorer, or the one with a name, does not suit the target, or None."""
    compares = isinstance(scorer, str) and any(part in scorer for part in CLUSTERING)
    if problem.task == "regression" and compares:
        return "it compares clusterings"
    # A regression score of numbered classes can be computed, but is meaningless.
    quantities = np.linspace(0.1, 0.9, 20)
    if problem.task == "classification" and not compares and _score(scorer, DummyRegressor(), quantities) is None:
        return "it measures a regression"
    rows = np.arange(min(len(problem.y), ROWS_TRIED))
    if problem.task == "classification":
        # A score over all classes can be computed only if every class is present.
        rows = np.union1d(rows, np.unique(problem.y.to_numpy(), return_index=True)[1])
    return _score(scorer, dummy, problem.y.to_numpy()[rows])


def _score(scorer: Any, dummy: Any, y: Any) -> str | None:
    """Return the reason why a scorer fails on some values, or None."""
    X = np.zeros((len(y), 1))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            score = get_scorer(scorer)(dummy.fit(X, y), X, y)
        except (ValueError, TypeError, AttributeError, IndexError) as error:
            return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
    return None if np.isfinite(score) else f"it is {score}"
