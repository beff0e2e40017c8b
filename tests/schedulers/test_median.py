"""The median rule against a table worked out by hand from the documentation of Azure ML's MedianStoppingPolicy."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpcore.records.history import FAILED, RUNNING
from hpcore.schedulers import MedianStopping
from tests.schedulers.policies import decisions

# Values to minimize, and their running averages.
CURVES = [
    [0.90, 0.50, 0.40, 0.30],  # 0.90 0.70 0.60   0.525
    [0.80, 0.70, 0.60, 0.50],  # 0.80 0.75 0.70   0.650
    [0.70, 0.65, 0.66, 0.67],  # 0.70 0.675 0.670 0.670
    [0.60, 0.90, 0.90, 0.90],  # 0.60 0.75 0.80   0.825
    [0.95, 0.95, 0.74, 0.66],  # 0.95 0.95 0.88   0.825
]
# Medians of the averages:       0.80 0.75 0.70   0.670
# A trial stops after n reports if its best value so far is worse than the median of the averages of n reports.
# Bests: 0.90 0.50 0.40 0.30 | 0.80 0.70 0.60 0.50 | 0.70 0.65 0.65 0.65 | 0.60 0.60 0.60 0.60 | 0.95 0.95 0.74 0.66
TABLE = ["S...", "....", "....", "....", "SSS."]


@pytest.mark.parametrize(
    ("scheduler", "expected"),
    [
        (MedianStopping(), TABLE),
        (MedianStopping(evaluation_interval=2), ["....", "....", "....", "....", ".S.."]),
        (MedianStopping(delay_evaluation=2), ["....", "....", "....", "....", ".SS."]),
        (MedianStopping(evaluation_interval=3, delay_evaluation=2), ["....", "....", "....", "....", "..S."]),
        (MedianStopping(evaluation_interval=1, delay_evaluation=5), ["...."] * 5),
    ],
)
def test_the_table(scheduler: MedianStopping, expected: list[str]) -> None:
    assert decisions(scheduler, CURVES) == expected
    assert decisions(scheduler, [[-v for v in curve] for curve in CURVES], "maximize") == expected


def test_nan_and_failures_are_infinitely_bad() -> None:
    nan = math.nan
    # Averages after the second report: inf, 1.5, 1.5: the first one's best, 1.0, is better.
    assert decisions(MedianStopping(), [[1.0, nan], [1.0, 2.0], [1.0, 2.0]]) == ["..", "..", ".."]
    assert decisions(MedianStopping(), [[nan], [1.0], [2.0]]) == ["S", ".", "."]
    state = np.array([FAILED, FAILED, RUNNING, RUNNING, RUNNING], dtype=np.uint8)
    # Medians over 0, 0, 3, 4, 5 and over inf, inf, 3, 4, 5.
    assert decisions(MedianStopping(), [[0.0], [0.0], [3.0], [4.0], [5.0]])[2:] == [".", "S", "S"]
    assert decisions(MedianStopping(), [[0.0], [0.0], [3.0], [4.0], [6.0]], state=state)[2:] == [".", ".", "."]


@given(st.lists(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=6), min_size=1, max_size=9))
def test_against_the_definition(curves: list[list[float]]) -> None:
    out = decisions(MedianStopping(), curves)
    for number, curve in enumerate(curves):
        for n in range(1, len(curve) + 1):
            averages = [math.fsum(c[:n]) / n for c in curves if len(c) >= n]
            median, best = float(np.median(averages)), min(curve[:n])
            if not math.isclose(median, best, rel_tol=1e-9, abs_tol=1e-9):
                assert out[number][n - 1] == ("S" if best > median else ".")
