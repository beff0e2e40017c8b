"""Rungs without rounding errors, and the full resource that the first complete trial shows."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpcore.records.curves import Curves
from hpcore.records.history import COMPLETE, PAUSED, RUNNING
from hpcore.schedulers.resources import check_resources, exact, full_resource


@pytest.mark.parametrize(
    ("low", "full", "eta", "expected"),
    [
        (1, 81, 3, [1, 3, 9, 27, 81]),
        (1, 243, 3, [1, 3, 9, 27, 81, 243]),  # log(243) / log(3) is 4.999... in floating point
        (1, 125, 5, [1, 5, 25, 125]),
        (1, 1000, 10, [1, 10, 100, 1000]),
        (1, 52, 3, [2, 6, 17, 52]),
        (1, 100, 3, [1, 4, 11, 33, 100]),
        (5, 300.0, 3, [11, 33, 100, 300]),
        (1, 4, 1.5, [1, 2, 3, 4]),  # 1.19, 1.78, 2.67, 4
        (1, 3, 1.1, [1, 2, 3]),
        (0.1, 0.9, 3, [0.1, 0.3, 0.9]),  # 0.9 / 9 is below 0.1 in floating point
        (0.001, 1, 10, [0.001, 0.01, 0.1, 1.0]),
        (1, 27, 2.5, [2, 4, 11, 27]),
        (7, 7, 3, [7]),
        (10, 5, 3, [5]),  # the full resource turned out to be smaller
        (1, 0.0, 3, [0.0]),
    ],
)
def test_levels(low: float, full: float, eta: float, expected: list[float]) -> None:
    assert check_resources(low, None, eta).levels(full) == tuple(expected)


@pytest.mark.parametrize("eta", [2, 3, 4, 5, 6, 7, 10])
def test_no_power_is_lost(eta: int) -> None:
    for k in range(1, 16):
        assert check_resources(1, None, eta).levels(eta**k) == tuple(float(eta**i) for i in range(k + 1))


@given(st.floats(1e-6, 1e6), st.floats(1.0, 1e6), st.floats(1.1, 20.0))
def test_levels_are_those_of_the_definition(low: float, ratio: float, eta: float) -> None:
    full = low * ratio
    levels = check_resources(low, None, eta).levels(full)
    assert levels[-1] == full and list(levels) == sorted(set(levels))
    if not (low.is_integer() and full.is_integer()):
        assert levels[0] >= low * (1 - 1e-12)
        assert exact(levels[0]) / exact(eta) < exact(low) * (1 + Fraction(1, 10**12))


def test_ends_of_the_range_of_doubles() -> None:
    levels = check_resources(5e-324, 1e308, 10).levels(1e308)
    assert len(levels) > 600 and levels[-1] == 1e308 and np.all(np.diff(levels) > 0)


def test_the_full_resource_is_that_of_the_first_complete_trial_that_reported() -> None:
    curves = Curves(1)
    state = np.array([COMPLETE, RUNNING, COMPLETE, COMPLETE, PAUSED], dtype=np.uint8)
    assert full_resource(curves, state) == math.inf
    for number, step in [(1, 90.0), (3, 20.0), (4, 80.0), (3, 50.0)]:
        curves.append(number, step, [0.0])
    assert full_resource(curves, state) == 50.0
    curves.append(2, 49.0, [0.0])
    assert full_resource(curves, state) == 49.0, "the lowest number decides, whatever came first"
    assert full_resource(curves, state[:2]) == math.inf
