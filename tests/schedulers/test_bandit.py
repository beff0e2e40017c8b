"""The bandit rule against a table worked out by hand from the documentation of Azure ML's BanditPolicy."""

from __future__ import annotations

import math

import pytest

from hpcore.schedulers import Bandit
from tests.schedulers.policies import decisions

# Values to maximize; best so far in brackets where it differs.        after 1   2     3     4 reports
CURVES = [
    [0.50, 0.60, 0.70, 0.80],
    [0.50, 0.55, 0.60, 0.66],
    [0.50, 0.55, 0.60, 0.67],
    [0.40, 0.45, 0.90, 0.50],  # (0.90)
]
# Best of all so far:     0.50  0.60  0.90  0.90
# / 1.2 (factor 0.2):     0.417 0.50  0.75  0.75
# - 0.25 (amount 0.25):   0.25  0.35  0.65  0.65
FACTOR = ["..S.", "..SS", "..SS", "SS.."]
AMOUNT = ["....", "..S.", "..S.", "...."]


@pytest.mark.parametrize(
    ("scheduler", "expected"),
    [
        (Bandit(slack_factor=0.2), FACTOR),
        (Bandit(slack_amount=0.25), AMOUNT),
        # Every other report.
        (Bandit(slack_factor=0.2, evaluation_interval=2), ["....", "...S", "...S", ".S.."]),
        # Each multiple of the interval that is not below the delay.
        (Bandit(slack_factor=0.2, delay_evaluation=3), ["..S.", "..SS", "..SS", "...."]),
        (Bandit(slack_factor=0.2, evaluation_interval=2, delay_evaluation=3), ["....", "...S", "...S", "...."]),
        (Bandit(slack_factor=0.2, evaluation_interval=3, delay_evaluation=4), ["...."] * 4),
        # 1.1: bounds of 0.455, 0.545, 0.818, 0.818.
        (Bandit(), ["..SS", "..SS", "..SS", "SS.."]),
        (Bandit(slack_factor=0.0), ["..SS", ".SSS", ".SSS", "SS.."]),
    ],
)
def test_the_table(scheduler: Bandit, expected: list[str]) -> None:
    assert decisions(scheduler, CURVES, "maximize") == expected


def test_the_examples_of_the_documentation() -> None:
    # The documented case: 0.8 is the best at interval 10, so that a slack of 0.2 stops what has not reached 0.8 / 1.2.
    curves = [[0.1] * 9 + [0.8], [0.1] * 9 + [0.66], [0.66] + [0.1] * 9, [0.67] + [0.1] * 9]
    assert [d[-1] for d in decisions(Bandit(slack_factor=0.2, evaluation_interval=10), curves, "maximize")] == list(
        ".SS."
    )
    # "With slack_amount 0.2, any run with an AUC less than 0.6 (0.8 - 0.2) is terminated."
    curves = [[0.8], [0.59], [0.61]]
    assert decisions(Bandit(slack_amount=0.2), curves, "maximize") == [".", "S", "."]


@pytest.mark.parametrize(
    ("direction", "best", "allowed", "stopped"),
    [
        ("maximize", 0.8, 0.67, 0.66),
        ("minimize", 0.8, 0.95, 0.97),
        ("maximize", -0.8, -0.95, -0.97),
        ("minimize", -0.8, -0.67, -0.66),
        ("maximize", 0.0, 0.0, -1e-9),
        ("minimize", 0.0, 0.0, 1e-9),
    ],
)
def test_the_slack_is_on_the_worse_side_whatever_the_signs(
    direction: str, best: float, allowed: float, stopped: float
) -> None:
    curves = [[best], [allowed], [stopped]]
    assert decisions(Bandit(slack_factor=0.2), curves, direction) == [".", ".", "S"]


def test_a_trial_is_compared_with_those_that_reported_as_often() -> None:
    # The first one has one report only: after two, it is nobody's measure.
    assert decisions(Bandit(slack_amount=0.1), [[0.0], [0.5, 0.4], [0.5, 0.6]]) == [".", "S.", "S."]


def test_nan_is_infinitely_bad() -> None:
    nan = math.nan
    assert decisions(Bandit(), [[nan, nan], [nan, 1.0]]) == [".S", ".."]
    assert decisions(Bandit(), [[1.0, nan], [1.0, 1.0]]) == ["..", ".."], "the best so far counts"
