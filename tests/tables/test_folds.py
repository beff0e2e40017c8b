"""Folds for few rows, rare classes, groups, and those of the caller."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    LeaveOneGroupOut,
    PredefinedSplit,
    RepeatedStratifiedKFold,
    ShuffleSplit,
    StratifiedKFold,
    TimeSeriesSplit,
    cross_val_score,
)

from hpcore.errors import InvalidArgument, InvalidType
from hpcore.tables.folds import choose_folds, share_tested
from hpcore.tables.target import Problem


def problem_of(y: Any) -> Problem:
    series = pd.Series(y)
    task: Any = "regression" if series.dtype.kind == "f" else "classification"
    return Problem("t", pd.DataFrame({"a": np.arange(len(series))}), series, "y", task, [])


def counts(**classes: int) -> Problem:
    y = [name for name, n in classes.items() for _ in range(n)]
    return problem_of(pd.Series(np.random.default_rng(0).permutation(y), dtype=object))


CLASSES = counts(a=30, b=20)
NUMBERS = problem_of(np.linspace(0, 1, 50))


@pytest.mark.parametrize(("cv", "n"), [(None, 5), (3, 3), (np.int64(4), 4)])
def test_numbers_of_folds(cv: Any, n: int) -> None:
    for problem, kind in ((CLASSES, StratifiedKFold), (NUMBERS, KFold)):
        splits, remarks = choose_folds(problem, cv, seed=7)
        assert remarks == []
        expected = list(kind(n, shuffle=True, random_state=7).split(problem.X, problem.y))
        assert len(splits) == n
        for (train, test), (other_train, other_test) in zip(splits, expected, strict=True):
            np.testing.assert_array_equal(train, other_train)
            np.testing.assert_array_equal(test, other_test)
        assert share_tested(splits) == pytest.approx(1 / n)


@pytest.mark.parametrize("cv", [None, 5])
def test_a_rare_class_is_in_every_fold(cv: Any) -> None:
    problem = counts(a=40, b=30, rare=3)
    splits, (remark,) = choose_folds(problem, cv)
    assert len(splits) == 3 and remark.kind == "folds"
    assert remark.text.startswith("3 folds instead of 5, because class 'rare' of 'y' has 3 rows")
    for _, test in splits:
        assert (problem.y.iloc[test] == "rare").sum() == 1


def test_a_class_with_one_row_is_in_no_fold() -> None:
    problem = counts(a=40, b=30, one=1, other=1)
    splits, (remark,) = choose_folds(problem)
    assert len(splits) == 5 and remark.kind == "single"
    assert remark.text.startswith(
        "'one', 'other' of 'y' have one row each, too few to train and to score, and in no fold"
    )
    tested = np.sort(np.concatenate([test for _, test in splits]))
    np.testing.assert_array_equal(tested, np.flatnonzero(problem.y.isin(["a", "b"])))
    for train, test in splits:
        assert set(problem.y.iloc[train]) == {"a", "b"}
        assert not np.intersect1d(train, test).size and len(train) + len(test) == len(problem.y) - 2
    for scoring in ("neg_log_loss", "balanced_accuracy", "f1_macro"):
        scores = cross_val_score(DummyClassifier(), problem.X, problem.y, cv=splits, scoring=scoring)
        assert np.isfinite(scores).all()


@pytest.mark.parametrize(("rows", "cv", "n"), [(4, None, 2), (7, None, 3), (8, 8, 4), (10, 5, 5)])
def test_few_rows_of_a_regression(rows: int, cv: Any, n: int) -> None:
    splits, remarks = choose_folds(problem_of(np.arange(rows) / 2), cv)
    assert len(splits) == n and len(remarks) == (n != (cv or 5))
    assert min(len(test) for _, test in splits) >= 2


@pytest.mark.parametrize("problem", [counts(a=60, b=40), problem_of(np.linspace(0, 1, 100))])
def test_groups_stay_together(problem: Problem) -> None:
    groups = np.random.default_rng(1).integers(0, 12, len(problem.y))
    splits, remarks = choose_folds(problem, None, groups)
    assert len(splits) == 5 and remarks == []
    assert len(np.concatenate([test for _, test in splits])) == len(problem.y)
    for train, test in splits:
        assert not set(groups[train]) & set(groups[test])
    again, _ = choose_folds(problem, None, groups)
    assert all((a[1] == b[1]).all() for a, b in zip(splits, again, strict=True))


def test_a_class_of_one_group_is_in_no_fold() -> None:
    y = np.array(["a"] * 30 + ["b"] * 25 + ["one"] * 5, dtype=object)
    groups = np.r_[np.arange(55) % 11, [3] * 5]
    splits, (remark,) = choose_folds(problem_of(pd.Series(y)), None, groups)
    assert remark.kind == "single" and remark.text.startswith("'one' of 'y' is in one group, too few to train")
    np.testing.assert_array_equal(np.sort(np.concatenate([test for _, test in splits])), np.arange(55))
    for train, test in splits:
        assert set(y[train]) == {"a", "b"} and not set(groups[train]) & set(groups[test])


def test_few_groups() -> None:
    splits, (remark,) = choose_folds(CLASSES, None, np.arange(50) % 3)
    assert len(splits) == 3 and "3 folds instead of 5, because there are 3 groups" in remark.text
    # Class b is in two groups only: each of these must be trained on when the other is tested.
    y = np.array(["a"] * 30 + ["b"] * 20, dtype=object)
    splits, _ = choose_folds(problem_of(pd.Series(y)), None, np.r_[np.arange(30) // 6, [9] * 10, [10] * 10])
    for train, _test in splits:
        assert set(y[train]) == {"a", "b"}


SPLITTERS = [
    StratifiedKFold(4),
    RepeatedStratifiedKFold(n_splits=3, n_repeats=2, random_state=0),
    ShuffleSplit(2, test_size=0.3, random_state=0),
    TimeSeriesSplit(3),
    PredefinedSplit([-1] * 25 + [0] * 25),
]


@pytest.mark.parametrize("cv", SPLITTERS, ids=lambda cv: type(cv).__name__)
def test_splitters_and_iterables(cv: Any) -> None:
    expected = list(cv.split(CLASSES.X, CLASSES.y))
    masks = [(np.isin(np.arange(50), train), np.isin(np.arange(50), test)) for train, test in expected]
    for given in (cv, expected, iter(expected), [(train.tolist(), test.tolist()) for train, test in expected], masks):
        splits, remarks = choose_folds(CLASSES, given)
        assert remarks == [] and len(splits) == len(expected)
        for split, other in zip(splits, expected, strict=True):
            for part, same in zip(split, other, strict=True):
                np.testing.assert_array_equal(np.sort(part), np.sort(same))


def test_splitters_of_groups() -> None:
    groups = np.arange(50) % 5
    for cv in (GroupKFold(5), LeaveOneGroupOut()):
        splits, _ = choose_folds(CLASSES, cv, groups)
        assert len(splits) == 5 and all(len(set(groups[test])) == 1 for _, test in splits)


def test_rows_of_an_iterable_are_those_of_the_call() -> None:
    rows = np.ones(54, dtype=bool)
    rows[[0, 10, 11, 53]] = False
    splits, _ = choose_folds(CLASSES, [(np.arange(30), np.arange(30, 54))], rows=rows)
    np.testing.assert_array_equal(splits[0][0], np.arange(27))
    np.testing.assert_array_equal(splits[0][1], np.arange(27, 50))
    assert choose_folds(CLASSES, [([0, 1, 2], [-2, 53])], rows=rows)[0][0][1].tolist() == [49]


@pytest.mark.parametrize(
    ("problem", "cv", "groups", "parts"),
    [
        (CLASSES, 1, None, ["cv", "at least 2", "1"]),
        (CLASSES, -3, None, ["cv", "-3"]),
        (CLASSES, 51, None, ["cv", "number of rows, 50", "51"]),
        (NUMBERS, 51, None, ["cv", "number of rows, 50", "51"]),
        (problem_of([0.5, 1.5, 2.5]), None, None, ["4 rows", "got 3"]),
        (counts(a=20, b=1), None, None, ["two classes with two rows", "'b' with one row"]),
        (counts(a=1, b=1, c=1), None, None, ["'a', 'b', 'c' with one row"]),
        (CLASSES, None, np.zeros(50), ["groups", "same group"]),
        (CLASSES, None, np.zeros(49), ["groups", "50 rows", "49"]),
        (
            problem_of(["a"] * 25 + ["b"] * 25),
            None,
            np.repeat([0, 1], 25),
            ["groups", "two classes", "'a', 'b' in one group"],
        ),
        (CLASSES, "5", None, ["cv", "'5'"]),
        (CLASSES, True, None, ["cv", "True"]),
        (CLASSES, 2.5, None, ["cv", "2.5"]),
        (CLASSES, object(), None, ["cv", "object"]),
        (CLASSES, StratifiedKFold(31), None, ["cv=StratifiedKFold", "50 rows", "n_splits=31"]),
        (CLASSES, GroupKFold(3), None, ["cv=GroupKFold", "groups"]),
        (CLASSES, [], None, ["cv", "at least one fold"]),
        (CLASSES, [3], None, ["cv", "pairs", "entry 0 is 3"]),
        (CLASSES, [([0, 1], [50])], None, ["cv", "test rows of fold 0", "below 50", "50"]),
        (CLASSES, [([0, -51], [5])], None, ["cv", "training rows of fold 0", "-51"]),
        (CLASSES, [([0.5], [5])], None, ["cv", "positions", "0.5"]),
        (CLASSES, [([0, 1], [])], None, ["cv", "fold 0", "2 and 0"]),
        (CLASSES, [([0, 1, 2], [2, 3])], None, ["cv", "fold 0", "1 row"]),
        (CLASSES, [([True] * 49, [5])], None, ["cv", "mask", "50", "(49,)"]),
    ],
)
def test_wrong_folds(problem: Problem, cv: Any, groups: Any, parts: list[str]) -> None:
    with pytest.raises((InvalidArgument, InvalidType)) as error:
        choose_folds(problem, cv, groups)
    for part in parts:
        assert part in str(error.value)
