"""Patience: a number of reports in a row without an improvement."""

from __future__ import annotations

import math

import pytest

from hpcore.schedulers import Patience
from tests.schedulers.policies import decisions

nan = math.nan


@pytest.mark.parametrize(
    ("scheduler", "curve", "expected"),
    [
        (Patience(2), [3, 2, 1, 1, 1, 1], "....SS"),
        (Patience(2), [3, 2, 4, 1, 5, 5], ".....S"),
        (Patience(1), [1, 2, 0, 0], ".S.S"),
        (Patience(2, min_delta=0.5), [3.0, 2.6, 2.45, 2.3, 1.9], "....."),
        (Patience(2, min_delta=0.5), [3.0, 2.6, 2.5, 2.45], "..S."),
        (Patience(2, min_delta=1.0), [3, 2, 1], "..."),  # better by more than it: 1 is, against 3
        (Patience(2), [nan, nan, 1.0, nan, nan], ".S..S"),
        (Patience(3), [1.0, nan, nan, 0.5], "...."),
        (Patience(1), [math.inf, math.inf], "SS"),
        (Patience(1), [-math.inf, -math.inf], ".S"),
    ],
)
def test_the_table(scheduler: Patience, curve: list[float], expected: str) -> None:
    assert decisions(scheduler, [curve]) == [expected]
    assert decisions(scheduler, [[-v for v in curve]], "maximize") == [expected]


def test_a_constant_curve_stops_unlike_in_optuna() -> None:
    assert decisions(Patience(3), [[1.0] * 5]) == ["...SS"]


def test_other_trials_do_not_matter() -> None:
    alone = decisions(Patience(2), [[3, 2, 2, 2, 1]])
    assert decisions(Patience(2), [[0, 0, 0, 0, 0], [3, 2, 2, 2, 1]])[1:] == alone
