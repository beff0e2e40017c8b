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


def test_a_model_of_stopped_candidates_has_an_estimate() -> None:
    folds = np.array(
        [
            [0.80, 0.90, 0.85, 0.81],
            [0.78, 0.89, 0.80, NAN],  # knn
            [0.77, NAN, NAN, NAN],  # knn
            [0.70, 0.80, NAN, NAN],  # mlp
            [0.74, 0.84, 0.80, 0.74],  # ridge
            [NAN, NAN, NAN, NAN],  # svc: failed
            [0.79, NAN, NAN, NAN],  # lda
        ]
    )
    models = ["forest", "knn", "knn", "mlp", "ridge", "svc", "lda"]
    winner = folds[0].mean()
    estimates = np.array([winner + np.nanmean(row - folds[0]) if np.isfinite(row).any() else NAN for row in folds])
    rows = leaderboard(models, range(7), folds, np.ones(7), test_share=0.25, estimates=estimates)
    assert [row.model for row in rows] == ["forest", "lda", "knn", "ridge", "mlp", "svc"]
    assert [row.estimated for row in rows] == [False, True, True, False, True, False]
    assert [row.n_folds for row in rows] == [4, 1, 3, 4, 2, 0]
    assert [row.number for row in rows] == [0, 6, 1, 4, 3, None]
    knn = next(row for row in rows if row.model == "knn")
    assert knn.score == pytest.approx(winner - (0.02 + 0.01 + 0.05) / 3)
    assert knn.difference == pytest.approx(-(0.02 + 0.01 + 0.05) / 3)
    difference = np.array([0.02, 0.01, 0.05])
    t = difference.mean() / math.sqrt(np.var(difference, ddof=1) * (1 / 3 + 1 / 3))
    assert knn.p_value == pytest.approx(2 * stats.t.sf(t, 2))
    half = stats.t.ppf(0.975, 2) * math.sqrt(np.var(folds[1, :3], ddof=1) * (1 / 3 + 1 / 3))
    assert (knn.low, knn.high) == pytest.approx((knn.score - half, knn.score + half))
    assert rows[1].score == pytest.approx(winner - 0.01)
    for row in (rows[1], rows[4]):  # the spread of one or two folds says too little
        assert math.isnan(row.low) and math.isnan(row.high) and row.p_value is not None and math.isnan(row.p_value)
    without = leaderboard(models, range(7), folds, np.ones(7), test_share=0.25)
    assert [row.model for row in without if row.number is not None] == ["forest", "ridge"]
    lines = as_text(rows).splitlines()
    assert lines[2].split()[:2] == ["lda", f"~{winner - 0.01:.4f}"]
    assert lines[4].split()[1] == "0.7800"
    assert lines[-1].startswith("~ ")


def test_the_winner_ran_on_all_folds_also_below_an_estimate() -> None:
    folds = np.array([[0.5, 0.6], [0.9, NAN]])
    rows = leaderboard(["a", "b"], [0, 1], folds, np.ones(2), test_share=0.5, estimates=np.array([0.55, 0.95]))
    assert [(row.model, row.score) for row in rows] == [("a", 0.55), ("b", 0.95)]
    assert rows[1].difference == pytest.approx(0.4)


def test_only_the_largest_resource_is_ranked_and_all_of_it_counts() -> None:
    folds = np.array([[0.99, 0.99], [0.60, 0.70], [0.50, 0.60], [0.55, 0.62], [0.80, 0.81]])
    rows = leaderboard(
        ["knn", "ridge", "tree", "ridge", "tree"],
        [0, 1, 2, 1, 3],
        folds,
        np.array([1.0, 2.0, 3.0, 4.0, 5.0]),
        test_share=0.5,
        estimates=folds.mean(axis=1),
        resources=np.array([100, 100, 300, 300, 100]),
        defaults={"knn": 0, "ridge": 1},
    )
    assert [row.model for row in rows] == ["ridge", "tree", "knn"]
    assert [row.score for row in rows[:2]] == [pytest.approx(0.585), pytest.approx(0.55)]
    assert math.isnan(rows[2].score) and rows[2].number is None and rows[2].n_folds == 0
    assert [row.n_trials for row in rows] == [1, 2, 1]
    assert [row.seconds for row in rows] == [6.0, 8.0, 1.0]
    assert [row.resource for row in rows] == [300, 300, 100]
    assert rows[0].default_score == pytest.approx(0.585) and math.isnan(rows[2].default_score)
    assert to_frame(rows)["resource"].tolist() == [300, 300, 100]
    lines = as_text(rows).splitlines()
    assert lines[0].split()[-2:] == ["resource", "seconds"]
    assert lines[3].split() == ["knn", "-", "-", "-", "-", "1", "100", "1.0"]
    assert "resource" not in as_text(rows[:2])


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


@pytest.mark.parametrize("name", ["estimates", "resources"])
def test_wrong_lengths_of_options(name: str) -> None:
    with pytest.raises(InvalidArgument, match="an entry for each candidate"):
        board(**{name: np.ones(5)})


def test_frame_and_text() -> None:
    rows = board(failed={"mlp": 1}, defaults={"svc": 0})
    frame = to_frame(rows)
    assert list(frame.columns) == list(Row.__dataclass_fields__)
    assert frame["model"].tolist() == ["svc", "ridge", "knn", "mlp"]
    assert frame["number"].tolist()[:2] == [2, 5] and frame["number"].isna().tolist() == [False, False, True, True]
    assert math.isnan(frame["p_value"][0]) and frame["p_value"].dtype == float
    assert to_frame([]).shape == (0, len(Row.__dataclass_fields__))
    assert to_frame(rows[2:])["number"].isna().all()
    lines = as_text(rows, digits=3).splitlines()
    assert lines[0].split() == ["model", "score", "interval", "default", "p", "trials", "seconds"]
    assert lines[1].split()[:2] == ["svc", "0.860"] and " to " in lines[1] and "0.810" in lines[1]
    assert lines[3].split() == ["knn", "-", "-", "-", "-", "1", "4.0"]
    assert lines[4].split() == ["mlp", "-", "-", "-", "-", "1", "(1", "failed)", "0.5"]
    assert len({len(line) for line in lines}) == 1
