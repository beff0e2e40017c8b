"""Scores of a two-class problem that depend on which class is the positive one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.metrics import (
    average_precision_score,
    class_likelihood_ratios,
    f1_score,
    jaccard_score,
    make_scorer,
    precision_score,
    recall_score,
)

from hpcore.errors import InvalidArgument, closest
from hpcore.tables.wording import PYTHON, Wording

if TYPE_CHECKING:
    from hpcore.tables.target import Problem

__all__ = ["depends_on_positive", "find_positive", "scoring_for"]

DECIDED = {"f1": f1_score, "precision": precision_score, "recall": recall_score, "jaccard": jaccard_score}
# These take the class that sorts last by default, the others the class 1.
RATIOS = {"positive_likelihood_ratio": (0, 1.0), "neg_negative_likelihood_ratio": (1, -1.0)}


def depends_on_positive(name: str) -> bool:
    """Tell whether a score differs between the two choices of the positive class; roc_auc does not."""
    return name in DECIDED or name in RATIOS or name == "average_precision"


def scoring_for(
    name: str, problem: Problem, positive: Any = None, wording: Wording = PYTHON
) -> str | Callable[[Any, Any, Any], float]:
    """Return the scorer of a score for a positive class.

    Parameters
    ----------
    name : str
        Name of a scorer of scikit-learn.
    problem : Problem
        Task with the target.
    positive : object, optional
        Class of a two-class problem that counts as positive for precision, recall, f1, jaccard, average_precision and
        likelihood ratios; a string may stand for a number. Other scores do not depend on it. By default class 1.
    wording : Wording
        Names of the arguments in messages.

    Returns
    -------
    str or callable
        `name` itself where scikit-learn's scorer does the same, otherwise a scorer ``(estimator, X, y) -> float``.

    Raises
    ------
    InvalidArgument
        `positive` is no class or there are not two classes, or it is needed: the score depends on it and no class is 1.
    """
    chosen = None if positive is None else find_positive(problem, positive, wording)
    if not depends_on_positive(name) or problem.task != "classification":
        return name
    classes = _classes(problem)
    if len(classes) != 2:
        return name
    if chosen is None:
        if name in RATIOS or any(label == 1 for label in classes):
            return name
        first, second = classes
        raise InvalidArgument(
            f"{wording.given('scoring', name)} does not fit the classes {first!r} and {second!r} of "
            f"{problem.target!r}, because it needs the positive one: use {wording.given('positive', first)} or "
            f"{wording.given('positive', second)}, or a score of all classes such as f1_macro or balanced_accuracy"
        )
    if name in DECIDED:
        scorer: Callable[[Any, Any, Any], float] = make_scorer(DECIDED[name], pos_label=chosen)
    elif name in RATIOS:
        other = next(label for label in classes if label != chosen)
        scorer = make_scorer(_ratio, name=name, labels=[other, chosen])
    else:
        answers = ("decision_function", "predict_proba")
        scorer = make_scorer(average_precision_score, response_method=answers, pos_label=chosen)
    return scorer


def find_positive(problem: Problem, positive: Any, wording: Wording = PYTHON) -> Any:
    """Return the class that a value names.

    Parameters
    ----------
    problem : Problem
        Task with the target.
    positive : object
        Class, or the string of one.
    wording : Wording
        Names of the arguments in messages.

    Raises
    ------
    InvalidArgument
        There is no such class, or the problem has not two classes.
    """
    if problem.task != "classification":
        raise InvalidArgument(f"{wording.option('positive')} is for two classes, but {problem.target!r} is a quantity")
    classes = _classes(problem)
    if len(classes) != 2:
        raise InvalidArgument(
            f"{wording.option('positive')} is for two classes, but {problem.target!r} has {len(classes)}"
        )
    for label in classes:
        if isinstance(label, str) == isinstance(positive, str) and label == positive:
            return label
    for label in classes:
        if str(label) == str(positive).strip():
            return label
    shown = " or ".join(repr(label) for label in classes)
    raise InvalidArgument(
        f"{wording.option('positive')} must be a class of {problem.target!r}, {shown}, got {positive!r}"
        f"{closest(str(positive), map(str, classes))}"
    )


def _classes(problem: Problem) -> list[Any]:
    return [label.item() if hasattr(label, "item") else label for label in np.unique(problem.y.to_numpy())]


def _ratio(y: Any, predicted: Any, *, name: str, labels: list[Any]) -> float:
    i, sign = RATIOS[name]
    return sign * float(class_likelihood_ratios(y, predicted, labels=labels)[i])
