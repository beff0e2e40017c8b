"""Scores with a positive class, compared with direct computations."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import get_scorer
from sklearn.model_selection import cross_val_score
from sklearn.svm import SVC

from hpcore.errors import InvalidArgument
from hpcore.tables.positive import depends_on_positive, find_positive, scoring_for
from hpcore.tables.target import Problem
from hpcore.tables.wording import COMMAND

RNG = np.random.default_rng(0)
X = RNG.normal(size=(200, 3))
SICK = X[:, 0] + RNG.normal(size=200) > 0.8
TRAIN, TEST = slice(0, 120), slice(120, None)


def problem_of(y: Any, task: Any = "classification") -> Problem:
    return Problem("t", pd.DataFrame(X[: len(y)]), pd.Series(y), "state", task, [])


WORDS = problem_of(np.where(SICK, "sick", "well").astype(object))
LABELS = [
    (WORDS, "sick", "well"),
    (problem_of(SICK.astype(int)), 1, 0),
    (problem_of(SICK), True, False),
    (problem_of(np.where(SICK, 7, 3)), 7, 3),
]
DIRECT: dict[str, Any] = {
    "f1": lambda true, yes, score: metrics.f1_score(true, yes),
    "precision": lambda true, yes, score: metrics.precision_score(true, yes),
    "recall": lambda true, yes, score: metrics.recall_score(true, yes),
    "jaccard": lambda true, yes, score: metrics.jaccard_score(true, yes),
    "roc_auc": lambda true, yes, score: metrics.roc_auc_score(true, score),
    "average_precision": lambda true, yes, score: metrics.average_precision_score(true, score),
    "positive_likelihood_ratio": lambda true, yes, score: yes[true].mean() / yes[~true].mean(),
    "neg_negative_likelihood_ratio": lambda true, yes, score: -(~yes)[true].mean() / (~yes)[~true].mean(),
}


@pytest.mark.parametrize("name", DIRECT)
@pytest.mark.parametrize(("problem", "sick", "well"), LABELS, ids=["words", "0 1", "bool", "3 7"])
@pytest.mark.parametrize("model", [LogisticRegression(), SVC()], ids=["probabilities", "decisions"])
def test_scores_are_those_of_the_chosen_class(name: str, problem: Problem, sick: Any, well: Any, model: Any) -> None:
    fitted = model.fit(X[TRAIN], problem.y[TRAIN])
    for positive in (sick, well, str(sick), str(well)):
        label = sick if str(positive) == str(sick) else well
        scorer = pickle.loads(pickle.dumps(get_scorer(scoring_for(name, problem, positive))))  # noqa: S301 - our own
        true = problem.y[TEST].to_numpy() == label
        yes = fitted.predict(X[TEST]) == label
        score = fitted.decision_function(X[TEST])  # of the class that sorts last
        score = score if fitted.classes_[1] == label else -score
        assert scorer(fitted, X[TEST], problem.y[TEST]) == pytest.approx(DIRECT[name](true, yes, score), rel=1e-12)


def test_scores_that_do_not_depend_on_it_stay_names() -> None:
    for name in ("accuracy", "roc_auc", "f1_macro", "neg_log_loss", "balanced_accuracy", "matthews_corrcoef"):
        assert not depends_on_positive(name) and scoring_for(name, WORDS, "sick") == name
        assert scoring_for(name, WORDS) == name
    assert scoring_for("f1", problem_of(SICK.astype(int))) == "f1"
    assert scoring_for("f1", problem_of(SICK)) == "f1"
    assert scoring_for("r2", problem_of(X[:, 0], "regression")) == "r2"


def test_in_a_cross_validation() -> None:
    scores = cross_val_score(SVC(), X, WORDS.y, scoring=scoring_for("f1", WORDS, "sick"), cv=3)
    np.testing.assert_allclose(scores, cross_val_score(SVC(), X, SICK.astype(int), scoring="f1", cv=3))


@pytest.mark.parametrize("name", ["f1", "precision", "recall", "jaccard", "average_precision"])
def test_classes_in_words_need_it(name: str) -> None:
    with pytest.raises(InvalidArgument, match=f"scoring='{name}' does not fit .* positive='sick' or positive='well'"):
        scoring_for(name, WORDS)
    with pytest.raises(InvalidArgument, match=f"--scoring '{name}' .* --positive 'sick' or --positive 'well'"):
        scoring_for(name, WORDS, wording=COMMAND)


@pytest.mark.parametrize(
    ("problem", "positive", "parts"),
    [
        (WORDS, "sik", ["positive", "'sick' or 'well'", "'sik'", "did you mean 'sick'"]),
        (WORDS, 1, ["positive", "'sick' or 'well'", "got 1"]),
        (problem_of(SICK.astype(int)), 2, ["positive", "0 or 1", "got 2"]),
        (problem_of(np.arange(200) % 3), 1, ["positive", "two classes", "'state' has 3"]),
        (problem_of(X[:, 0], "regression"), 1, ["positive", "'state' is a quantity"]),
    ],
)
def test_wrong_classes(problem: Problem, positive: Any, parts: list[str]) -> None:
    with pytest.raises(InvalidArgument) as error:
        scoring_for("accuracy", problem, positive)
    for part in parts:
        assert part in str(error.value)


def test_text_of_the_command_line_names_any_class() -> None:
    assert find_positive(problem_of(SICK), "True") is True
    assert find_positive(problem_of(np.where(SICK, 7, 3)), " 7") == 7
    assert find_positive(WORDS, "well") == "well"
