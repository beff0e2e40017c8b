"""Estimate of the time of the refit."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from hpcore.evaluation.workload import FoldScore
from hpcore.sklearn.refit_time import RefitTime


def folds(*seconds: float) -> list[FoldScore]:
    return [FoldScore(i, 0.0, None, time, 9.0, None, ()) for i, time in enumerate(seconds)]


def test_mean_of_the_best_for_all_rows() -> None:
    time = RefitTime(5, None)
    assert time.seconds is None
    time.note(0.5, folds(1.0, 3.0))
    assert time.seconds == pytest.approx(2.0 * 5 / 4)
    time.note(0.4, folds(100.0, 100.0))  # worse
    assert time.seconds == pytest.approx(2.5)
    time.note(0.6, folds(4.0))
    assert time.seconds == pytest.approx(5.0)


def test_a_single_split() -> None:
    time = RefitTime(1, None)
    time.note(0.5, folds(2.0))
    assert time.seconds == pytest.approx(2.0)


def test_levels_of_a_resource() -> None:
    fidelity: Any = SimpleNamespace(full=100)
    time = RefitTime(2, fidelity)
    time.note(0.9, folds(1.0), 10)
    assert time.seconds == pytest.approx(1.0 * 2 * 10)
    time.note(0.5, folds(4.0), 50)  # a higher level, whatever its score is
    assert time.seconds == pytest.approx(4.0 * 2 * 2)
    time.note(0.99, folds(7.0), 10)
    assert time.seconds == pytest.approx(16.0)
