"""Remarks about data and results, with and without their reason."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import GroupKFold, KFold, StratifiedKFold

from hpcore.tables import leakage
from hpcore.tables.columns import classify
from hpcore.tables.data import load
from hpcore.tables.folds import choose_folds
from hpcore.tables.preprocessing import reader
from hpcore.tables.remarks import (
    FEW_OF_A_CLASS,
    FEW_TESTED,
    few_folds,
    few_tested,
    identifiers,
    leaks,
    mostly_missing,
    remarks_after,
    remarks_before,
)
from hpcore.tables.scoring import default_scoring
from hpcore.tables.table import Columns
from hpcore.tables.target import Problem, split_target

N = 200
RNG = np.random.default_rng(0)
NOISE = RNG.normal(size=N)
ANSWER = np.where(RNG.random(N) < 0.4, "left", "stayed")
SPLITS = list(StratifiedKFold(5, shuffle=True, random_state=0).split(NOISE, ANSWER))


def problem_of(y: Any = ANSWER, **columns: Any) -> tuple[Problem, Columns]:
    X = pd.DataFrame({"a": NOISE, **columns})
    found = classify(X)
    series = pd.Series(y)
    task: Any = "regression" if series.dtype.kind == "f" else "classification"
    return Problem("t", reader(found).transform(X), series, "y", task, []), found


@pytest.mark.parametrize("data", ["iris", "wine", "breast_cancer", "digits", "diabetes"])
def test_no_false_alarms(data: str) -> None:
    problem = split_target(load(data), None, None)
    columns = classify(problem.X)
    problem.X = reader(columns).transform(problem.X)
    splits, remarks = choose_folds(problem)
    scoring, remark = default_scoring(problem, splits)
    assert (remarks, remark) == ([], None)
    assert remarks_before(problem, columns, splits, scoring) == []


def test_all_that_is_wrong_is_said_with_the_gravest_first() -> None:
    days = pd.date_range("2024", periods=N)
    y = np.array(["well"] * 188 + ["sick"] * 12)
    problem, columns = problem_of(
        y,
        copy=(y == "sick") * 2.0 + 1,
        day=days,
        user_id=RNG.integers(10_000, 10_050, N),
        gaps=np.where(RNG.random(N) < 0.7, np.nan, NOISE),
    )
    splits = list(StratifiedKFold(2, shuffle=True, random_state=0).split(problem.X, problem.y))
    found = remarks_before(problem, columns, splits, "accuracy")
    kinds = ["leak", "scoring", "time", "folds", "rows", "identifiers", "missing"]
    assert [remark.kind for remark in found] == kinds
    assert found[0].text.startswith("'copy' alone")


def test_leaks(monkeypatch: pytest.MonkeyPatch) -> None:
    problem, columns = problem_of(copy=(ANSWER == "left") * 2.0, other=RNG.normal(size=N))
    (remark,) = leaks(problem, columns, SPLITS, "accuracy")
    assert remark.text.startswith("'copy' alone predicts 'y' nearly perfectly (score 1.0000): leave it out if")
    problem, columns = problem_of(other=RNG.normal(size=N))
    assert leaks(problem, columns, SPLITS, "accuracy") == []
    monkeypatch.setattr(leakage, "SECONDS", -1.0)
    (remark,) = leaks(problem, columns, SPLITS, "accuracy")
    assert remark.text == "0 of 2 columns were checked for whether they alone predict 'y'"


def test_few_folds() -> None:
    assert few_folds(SPLITS[:3]) is None
    for n, words in ((2, "2 folds"), (1, "1 fold,")):
        remark = few_folds(SPLITS[:n])
        assert remark is not None and words in remark.text


def test_few_test_rows_of_a_class() -> None:
    for members in (5 * FEW_OF_A_CLASS, 5 * FEW_OF_A_CLASS - 1, 5, 3):
        y = np.array(["many"] * (N - members) + ["rare"] * members)
        problem, _ = problem_of(y)
        splits, _ = choose_folds(problem)
        remark = few_tested(problem, splits)
        if members == 5 * FEW_OF_A_CLASS:
            assert remark is None
        else:
            assert remark is not None and "class 'rare' of 'y'" in remark.text
            assert f"{members // len(splits)} row" in remark.text
    groups = list(GroupKFold(2).split(NOISE, groups=np.arange(N) // 100))
    problem, _ = problem_of(np.repeat([0, 1], 100))
    remark = few_tested(problem, groups)
    assert remark is not None and "no row of class 0" in remark.text and "fewer than 8 of 1 other class" in remark.text
    problem, _ = problem_of(np.array(["one"] + ["u", "v"] * 99 + ["u"]))
    assert few_tested(problem, choose_folds(problem)[0]) is None


def test_few_test_rows_of_a_regression() -> None:
    problem, _ = problem_of(NOISE)
    assert few_tested(problem, list(KFold(N // FEW_TESTED).split(NOISE))) is None
    remark = few_tested(problem, list(KFold(N // FEW_TESTED + 1).split(NOISE)))
    assert remark is not None and f"{FEW_TESTED - 1} rows" in remark.text
    remark = few_tested(problem, list(KFold(N).split(NOISE)))
    assert remark is not None and "from 1 row," in remark.text


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"ticket": [f"{'AB'[i % 2]} {i * 7919 % 997 // 6}" for i in range(N)]}, "'ticket'"),
        ({"patient_id": np.arange(N) // 4 + 1000}, "'patient_id' (50 distinct values)"),
        ({"userId": [f"u{i // 4}" for i in range(N)]}, "'userId' (50 distinct values)"),
        ({"city": [f"city {i % 40}" for i in range(N)]}, None),
        ({"price": RNG.permutation(N) * 1000 + 17}, None),
        ({"humid": np.arange(N) // 4}, None),
        ({"has_id": [bool(i % 2) for i in range(N)]}, None),
        ({"acid": NOISE * 2}, None),
    ],
)
def test_identifiers(columns: dict[str, Any], said: str | None) -> None:
    problem, found = problem_of(**columns)
    assert len(found) == 2
    remark = identifiers(problem.X, found)
    if said is None:
        assert remark is None
    else:
        assert remark is not None and said in remark.text and "groups=" in remark.text
    assert identifiers(problem.X.iloc[:20], found) is None


def test_missing_cells() -> None:
    gaps = RNG.random(N)
    words = np.where(gaps < 0.6, None, np.where(NOISE > 0, "u", "v"))
    few = np.where(gaps < 0.4, np.nan, NOISE)
    days = pd.Series(pd.date_range("2024", periods=N)).where(gaps > 0.9)
    problem, columns = problem_of(words=words, few=few, many=np.where(gaps < 0.8, np.nan, NOISE), days=days)
    remark = mostly_missing(problem.X, columns)
    shares = [100 * (gaps <= 0.9).mean(), 100 * (gaps < 0.8).mean(), 100 * (gaps < 0.6).mean()]
    assert remark is not None
    assert "'days' ({:.0f} %), 'many' ({:.0f} %), 'words' ({:.0f} %)".format(*shares) in remark.text
    assert "'few'" not in remark.text and "'a'" not in remark.text
    problem, columns = problem_of(few=few)
    assert mostly_missing(problem.X, columns) is None


BEST = np.array([0.80, 0.82, 0.81, 0.79, 0.83])
NOT = np.full(5, np.nan)


@pytest.mark.parametrize(
    ("best", "default", "constant", "kinds"),
    [
        (BEST, BEST - 0.1, BEST - 0.3, []),
        (BEST, BEST, BEST - 0.3, ["default"]),
        (BEST, BEST + np.array([0.02, -0.02, 0.01, -0.01, 0.0]), BEST - 0.3, ["default"]),
        (BEST, BEST - 0.1, BEST + 0.01, ["constant"]),
        (BEST, BEST, BEST, ["constant", "default"]),
        (BEST, None, None, []),
        (BEST, NOT, NOT, []),
        (BEST, np.r_[BEST[:3] - 0.1, NOT[:2]], None, []),
        (BEST, np.r_[BEST[:3], NOT[:2]], None, ["default"]),
        (BEST[:1], BEST[:1] - 0.1, BEST[:1], ["constant"]),
    ],
)
def test_after_the_search(best: Any, default: Any, constant: Any, kinds: list[str]) -> None:
    found = remarks_after(best, default, constant)
    assert [remark.kind for remark in found] == kinds
    for remark in found:
        assert "is not clearly better than" in remark.text and f"({best.mean():.4g})" in remark.text
