"""Scores that fit a target and a model; `tests/cli/test_app.py` has the messages for those that do not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from hpcore.errors import InvalidArgument
from hpcore.tables import presets
from hpcore.tables.data import load
from hpcore.tables.scoring import check, default_scoring, is_imbalanced, misleading
from hpcore.tables.target import Problem, split_target
from hpcore.tables.wording import PYTHON


def checked(data: str, model: str, scoring: str | None) -> str:
    problem = split_target(load(data), None, None)
    estimator, _ = presets.build(model, problem.task, n_rows=len(problem.y))
    return check(scoring, problem, estimator, model)


@pytest.mark.parametrize(
    ("data", "model", "scoring"),
    [
        ("breast_cancer", "svc", "roc_auc"),
        ("breast_cancer", "ridge", "f1"),
        ("breast_cancer", "logistic", "neg_log_loss"),
        ("iris", "knn", "roc_auc_ovr"),
        ("diabetes", "svr", "neg_mean_absolute_error"),
    ],
)
def test_a_score_that_fits(data: str, model: str, scoring: str) -> None:
    assert checked(data, model, scoring) == scoring


def test_default() -> None:
    assert checked("iris", "svc", None) == "accuracy"
    assert checked("diabetes", "ridge", None) == "r2"


@pytest.mark.parametrize(("data", "model", "scoring"), [("iris", "svc", "neg_log_loss"), ("diabetes", "svr", "f1")])
def test_a_score_that_does_not_fit(data: str, model: str, scoring: str) -> None:
    with pytest.raises(InvalidArgument, match=f"'{scoring}'"):
        checked(data, model, scoring)


def shares(*counts: int) -> Problem:
    y = pd.Series([f"c{i}" for i, n in enumerate(counts) for _ in range(n)])
    return Problem("t", pd.DataFrame({"a": np.arange(len(y))}), y, "y", "classification", [])


@pytest.mark.parametrize(
    ("counts", "score"),
    [
        ((50, 50), "accuracy"),
        ((80, 20), "accuracy"),
        ((81, 19), "roc_auc"),
        ((3, 97), "roc_auc"),
        ((73, 14, 13), "accuracy"),
        ((74, 13, 13), "balanced_accuracy"),
        ((640, *[40] * 9), "accuracy"),
        ((650, *[39] * 9), "balanced_accuracy"),
        ((48, 48, 4), "accuracy"),
    ],
)
def test_the_default_for_imbalanced_classes(counts: tuple[int, ...], score: str) -> None:
    problem = shares(*counts)
    name, remark = default_scoring(problem)
    assert name == score and is_imbalanced(problem) == (score != "accuracy")
    share = 100 * max(counts) / sum(counts)
    if score == "accuracy":
        assert remark is None and misleading(problem, "accuracy") is None
    else:
        said = misleading(problem, "accuracy")
        assert remark is not None and said is not None
        assert f"{share:.3g} % of the rows are of class" in remark.text and score in remark.text
        assert f"{share:.3g} % of the rows are of class" in said.text and "misleads" in said.text
        assert misleading(problem, "f1_macro") is None and misleading(problem, check) is None


def test_a_ranking_needs_both_classes_in_each_fold() -> None:
    problem = shares(90, 10)
    both, one = (np.arange(50), np.arange(50, 100)), (np.arange(20, 100), np.arange(20))
    assert default_scoring(problem, [both])[0] == "roc_auc"
    assert default_scoring(problem, [both, one])[0] == "balanced_accuracy"


def test_no_imbalance_in_a_regression() -> None:
    problem = split_target(load("diabetes"), None, None)
    assert default_scoring(problem) == ("r2", None) and misleading(problem, "accuracy") is None


def test_a_positive_class() -> None:
    problem = shares(60, 40)
    estimator, _ = presets.build("svc", "classification", n_rows=100)
    for name in ("f1", "average_precision"):
        assert check(name, problem, estimator, "svc", "c1") == name
        with pytest.raises(InvalidArgument, match="--positive 'c0' or --positive 'c1'"):
            check(name, problem, estimator, "svc")
        with pytest.raises(InvalidArgument, match="positive='c0' or positive='c1'"):
            check(name, problem, estimator, "svc", wording=PYTHON)
