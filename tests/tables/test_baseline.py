"""Scores of a constant answer."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import log_loss
from sklearn.model_selection import KFold, StratifiedKFold

from hpcore.tables.baseline import constant_scores, is_better
from hpcore.tables.target import Problem

N = 240
RNG = np.random.default_rng(0)
NOISE = RNG.normal(size=N)
RARE = np.where(RNG.permutation(N) < 20, "sick", "well")


@pytest.mark.parametrize(
    "scoring", ["accuracy", "balanced_accuracy", "neg_log_loss", "roc_auc", "r2", "neg_mean_absolute_error"]
)
def test_the_constant_is_the_one_of_the_folds(scoring: str) -> None:
    regression = scoring in ("r2", "neg_mean_absolute_error")
    y = NOISE if regression else (RARE == "sick").astype(int)
    X = pd.DataFrame({"a": NOISE[::-1]})
    problem = Problem("t", X, pd.Series(y), "y", "regression" if regression else "classification", [])
    folds = (KFold if regression else StratifiedKFold)(4, shuffle=True, random_state=1)
    expected = []
    for train, test in folds.split(problem.X, problem.y):
        seen, asked = problem.y.to_numpy()[train], problem.y.to_numpy()[test]
        mean = seen.mean()
        expected.append(
            {
                "accuracy": lambda a=asked: np.mean(a == 0),
                "balanced_accuracy": lambda: 0.5,
                "neg_log_loss": lambda a=asked, m=mean: -log_loss(a, np.full(len(a), m)),
                "roc_auc": lambda: 0.5,
                "r2": lambda a=asked, m=mean: 1 - np.sum((a - m) ** 2) / np.sum((a - a.mean()) ** 2),
                "neg_mean_absolute_error": lambda a=asked, m=mean: -np.mean(np.abs(a - m)),
            }[scoring]()
        )
    np.testing.assert_allclose(constant_scores(problem, folds, scoring), expected, rtol=1e-12)


def test_better_means_beyond_the_spread_of_the_folds() -> None:
    constant = np.array([0.9, 0.92, 0.91])
    assert is_better(constant + 0.05, constant)
    assert not is_better(constant, constant)
    assert not is_better(constant - 0.05, constant)
    assert not is_better(constant + np.array([0.03, -0.03, 0.01]), constant)


def test_folds_that_were_drawn_twice_are_no_more_evidence() -> None:
    gain = np.array([0.03, -0.02, 0.02, -0.01, 0.02])
    assert not is_better(gain, np.zeros(5))
    twice = np.concatenate([gain, gain])
    assert is_better(twice, np.zeros(10))  # as if they were ten
    assert not is_better(twice, np.zeros(10), n_draws=2)
