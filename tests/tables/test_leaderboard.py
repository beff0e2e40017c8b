"""Ranking of models by their best candidates."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy import stats

from hpcore.errors import InvalidArgument
from hpcore.tables.leaderboard import Row, as_text, leaderboard, to_frame

NAN = math.nan
MODELS = ["svc", "ridge", "svc", "knn", "ridge", "mlp"]
NUMBERS = [0, 1, 2, 3, 5, 8]
FOLDS = np.array(
    [
        [0.80, 0.82, 0.81],
        [0.70, 0.75, 0.71],
        [0.85, 0.86, 0.87],
        [0.99, NAN, NAN],  # stopped after a lucky fold
        [0.72, 0.74, 0.76],
        [NAN, NAN, NAN],
    ]
)
SECONDS = np.array([1.0, 2.0, 3.0, 4.0, NAN, 0.5])


def board(**options: Any) -> list[Row]:
    return leaderboard(MODELS, NUMBERS, FOLDS, SECONDS, test_share=1 / 3, **options)


def test_best_complete_candidates_in_order() -> None:
    rows = board(failed={"mlp": 1, "forest": 2}, defaults={"svc": 0, "ridge": 1, "knn": 3, "mlp": 77})
    assert [row.model for row in rows] == ["svc", "ridge", "knn", "mlp", "forest"]
    assert [row.number for row in rows] == [2, 5, None, None, None]
    assert [row.n_trials for row in rows] == [2, 2, 1, 1, 2]
    assert [row.n_failed for row in rows] == [0, 0, 0, 1, 2]
    assert [row.seconds for row in rows] == [4.0, 2.0, 4.0, 0.5, 0.0]
    np.testing.assert_allclose([row.score for row in rows], [0.86, 0.74, NAN, NAN, NAN])
    np.testing.assert_allclose([row.default_score for row in rows], [0.81, 0.72, NAN, NAN, NAN])
    np.testing.assert_allclose([row.difference for row in rows], [0.0, -0.12, NAN, NAN, NAN], atol=1e-12)
    assert rows[0].p_value is None
    assert all(row.p_value is not None and math.isnan(row.p_value) for row in rows[2:])


def test_intervals_and_tests() -> None:
    first, second = board()[:2]
    error = math.sqrt(np.var(FOLDS[2], ddof=1) * (1 / 3 + 1 / 2))  # a third of the rows is tested
    half = stats.t.ppf(0.975, 2) * error
    assert (first.low, first.high) == pytest.approx((0.86 - half, 0.86 + half))
    difference = FOLDS[2] - FOLDS[4]
    t = difference.mean() / math.sqrt(np.var(difference, ddof=1) * (1 / 3 + 1 / 2))
    assert second.p_value == pytest.approx(2 * stats.t.sf(abs(t), 2))
    plain = leaderboard(MODELS, NUMBERS, FOLDS, SECONDS, test_share=0.0)
    assert plain[1].p_value == pytest.approx(stats.ttest_rel(FOLDS[2], FOLDS[4]).pvalue)
    assert board(confidence=0.5)[0].high < first.high


def test_the_first_of_equals_wins() -> None:
    same = np.full((3, 4), 0.5)
    rows = leaderboard(["b", "a", "b"], [7, 3, 1], same, np.ones(3), test_share=0.25)
    assert [(row.model, row.number, row.p_value) for row in rows] == [("b", 1, None), ("a", 3, 1.0)]
    assert (rows[0].low, rows[0].high) == (0.5, 0.5)


def test_one_fold_and_nothing() -> None:
    rows = leaderboard(["a", "b"], [0, 1], np.array([[0.5], [0.6]]), np.ones(2), test_share=0.2)
    assert [row.model for row in rows] == ["b", "a"]
    assert math.isnan(rows[0].low) and rows[1].p_value is not None and math.isnan(rows[1].p_value)
    assert leaderboard([], [], np.empty((0, 5)), np.empty(0), test_share=0.2) == []
    assert leaderboard(["a"], [0], np.empty((1, 0)), np.ones(1), test_share=0.2)[0].number is None


@pytest.mark.parametrize(
    "arguments",
    [
        (MODELS[1:], NUMBERS, FOLDS, SECONDS),
        (MODELS, NUMBERS[1:], FOLDS, SECONDS),
        (MODELS, NUMBERS, FOLDS[1:], SECONDS),
        (MODELS, NUMBERS, FOLDS[0], SECONDS),
        (MODELS, NUMBERS, FOLDS, SECONDS[1:]),
    ],
)
def test_wrong_lengths(arguments: Any) -> None:
    with pytest.raises(InvalidArgument, match="an entry for each candidate"):
        leaderboard(*arguments, test_share=0.2)


def test_frame_and_text() -> None:
    rows = board(failed={"mlp": 1}, defaults={"svc": 0})
    frame = to_frame(rows)
    assert list(frame.columns) == list(Row.__dataclass_fields__)
    assert frame["model"].tolist() == ["svc", "ridge", "knn", "mlp"]
    assert frame["number"].tolist()[:2] == [2, 5] and frame["number"].isna().tolist() == [False, False, True, True]
    assert math.isnan(frame["p_value"][0]) and frame["p_value"].dtype == float
    assert to_frame([]).shape == (0, len(Row.__dataclass_fields__))
    lines = as_text(rows, digits=3).splitlines()
    assert lines[0].split() == ["model", "score", "interval", "default", "p", "trials", "seconds"]
    assert lines[1].split()[:2] == ["svc", "0.860"] and " to " in lines[1] and "0.810" in lines[1]
    assert lines[3].split() == ["knn", "-", "-", "-", "-", "1", "4.0"]
    assert lines[4].split() == ["mlp", "-", "-", "-", "-", "1", "(1", "failed)", "0.5"]
    assert len({len(line) for line in lines}) == 1
