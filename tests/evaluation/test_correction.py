"""The bias-corrected score of a winner, against brute force and against the truth."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from hpcore.evaluation.correction import corrected_best


@pytest.mark.parametrize("n_folds", [2, 3, 5])
def test_every_resample_by_hand(n_folds: int) -> None:
    scores = np.random.default_rng(n_folds).normal(size=(4, n_folds))
    outside = []
    for resample in itertools.product(range(n_folds), repeat=n_folds):
        left = [i for i in range(n_folds) if i not in resample]
        if left:
            best = scores[:, resample].mean(axis=1).argmax()
            outside.append(scores[best, left].mean())
    assert corrected_best(scores) == pytest.approx(np.mean(outside), rel=1e-12)


def test_drawn_resamples_are_close_and_repeatable(monkeypatch: pytest.MonkeyPatch) -> None:
    scores = np.random.default_rng(0).normal(size=(10, 7))
    exact = corrected_best(scores)
    monkeypatch.setattr("hpcore.evaluation.correction._MOST_ENUMERATED", 2)
    drawn = corrected_best(scores, seed=1)
    assert drawn == pytest.approx(exact, abs=0.05)
    assert drawn == corrected_best(scores, seed=1) != corrected_best(scores, seed=2)


@pytest.mark.parametrize("n_folds", [5, 10])
def test_candidates_that_differ_by_luck_only_get_their_true_score(n_folds: int) -> None:
    rng = np.random.default_rng(1)
    found, naive = [], []
    for _ in range(60):
        scores = 0.8 + 0.05 * rng.normal(size=(40, n_folds))
        naive.append(scores.mean(axis=1).max())
        found.append(corrected_best(scores))
    assert np.mean(naive) > 0.8 + 0.03
    assert np.mean(found) == pytest.approx(0.8, abs=0.006)


def test_a_clear_winner_keeps_its_score() -> None:
    scores = np.random.default_rng(2).normal(size=(5, 5)) * 0.01
    scores[3] += 1.0
    assert corrected_best(scores) == pytest.approx(scores[3].mean(), abs=0.005)
    assert corrected_best(np.array([[0.25, 0.75]])) == pytest.approx(0.5)
