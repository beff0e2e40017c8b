"""Truncation against a table worked out by hand from the documentation of Azure ML's TruncationSelectionPolicy."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpcore.records.history import COMPLETE, FAILED, PAUSED, PRUNED, RUNNING
from hpcore.schedulers import Truncation
from tests.schedulers.policies import decisions

# Values to maximize; the trials of lowest best value stop.
CURVES = [
    [0.1, 0.9, 0.9],
    [0.2, 0.2, 0.2],
    [0.3, 0.3, 0.3],
    [0.4, 0.4, 0.1],
    [0.5, 0.5, 0.5],
]


@pytest.mark.parametrize(
    ("scheduler", "expected"),
    [
        # 20 % of five are one: after the first report trial 0, then trial 1.
        (Truncation(20), ["S..", ".SS", "...", "...", "..."]),
        (Truncation(19), ["..."] * 5),
        (Truncation(40), ["S..", "SSS", ".SS", "...", "..."]),
        (Truncation(99), ["S..", "SSS", "SSS", "SSS", ".SS"]),
        (Truncation(20, evaluation_interval=2), ["...", ".S.", "...", "...", "..."]),
        (Truncation(20, delay_evaluation=3), ["...", "..S", "...", "...", "..."]),
        (Truncation(20, evaluation_interval=2, delay_evaluation=3), ["..."] * 5),
    ],
)
def test_the_table(scheduler: Truncation, expected: list[str]) -> None:
    assert decisions(scheduler, CURVES, "maximize") == expected


def test_a_trial_is_ranked_among_those_that_reported_as_often() -> None:
    # After one report there are four trials, after two reports two; half of them stop.
    assert decisions(Truncation(50), [[9.0], [9.0], [1.0, 1.0], [2.0, 2.0]]) == ["S", "S", "..", ".S"]


def test_equal_trials_do_not_stop_for_each_other() -> None:
    assert decisions(Truncation(99), [[1.0]] * 4) == ["."] * 4
    assert decisions(Truncation(50), [[1.0], [2.0], [2.0], [2.0]]) == ["."] * 4
    assert decisions(Truncation(75), [[1.0], [2.0], [2.0], [2.0]]) == [".", "S", "S", "S"]


def test_finished_trials_can_be_left_out() -> None:
    curves = [[5.0], [4.0], [1.0], [2.0], [3.0]]
    state = np.array([COMPLETE, PRUNED, RUNNING, RUNNING, PAUSED], dtype=np.uint8)
    # Of all five, 40 % are the two that have ended; of the three others 40 % is one.
    assert decisions(Truncation(40), curves, state=state)[2:] == [".", ".", "."]
    assert decisions(Truncation(40, exclude_finished=True), curves, state=state)[2:] == [".", ".", "S"]


def test_nan_and_failures_are_infinitely_bad() -> None:
    assert decisions(Truncation(50), [[math.nan], [1.0]]) == ["S", "."]
    state = np.array([FAILED, RUNNING, RUNNING], dtype=np.uint8)
    assert decisions(Truncation(40), [[0.0], [1.0], [2.0]]) == [".", ".", "S"]
    assert decisions(Truncation(40), [[0.0], [1.0], [2.0]], state=state)[1:] == [".", "."]


@given(st.lists(st.integers(0, 6), min_size=1, max_size=12), st.integers(1, 99))
def test_against_the_definition(values: list[int], percentage: int) -> None:
    out = decisions(Truncation(percentage), [[float(v)] for v in values])
    n_stop = len(values) * percentage // 100
    assert out.count("S") <= n_stop
    for number, value in enumerate(values):
        # It is among the worst in whatever order equal ones are put.
        worst_place = sum(other >= value for other in values)
        assert out[number] == ("S" if worst_place <= n_stop else ".")
