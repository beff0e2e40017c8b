"""Scores that fit a target and a model; `tests/cli/test_app.py` has the messages for those that do not."""

from __future__ import annotations

import pytest

from hpcore.errors import InvalidArgument
from hpcore.tables import presets
from hpcore.tables.data import load
from hpcore.tables.scoring import check
from hpcore.tables.target import split_target


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
