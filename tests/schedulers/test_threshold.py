"""Threshold: a range in the sign in which values are reported."""

from __future__ import annotations

import math

import pytest

from hpcore.schedulers import Threshold
from tests.schedulers.policies import decisions

CURVE = [0.0, 1.0, 1.5, 2.0, 2.5, math.nan, -math.inf, math.inf, 1.2]


@pytest.mark.parametrize("direction", ["minimize", "maximize"])
@pytest.mark.parametrize(
    ("scheduler", "expected"),
    [
        (Threshold(lower=1.0, upper=2.0), "S...SSSS."),
        (Threshold(lower=1.0), "S....SS.."),
        (Threshold(upper=2.0), "....SS.S."),
        (Threshold(), ".....S..."),
    ],
)
def test_the_table(scheduler: Threshold, direction: str, expected: str) -> None:
    assert decisions(scheduler, [CURVE], direction) == [expected]
