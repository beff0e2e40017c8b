"""Rungs of the curve model, and the place of steps between them."""

from __future__ import annotations

import math

import numpy as np
import pytest

from hpcore.schedulers.fidelities import REPEATED, RESUMED, Fidelities, fidelities
from hpcore.schedulers.resources import Resources


def test_rungs_are_a_factor_apart() -> None:
    levels = fidelities(Resources(1, 52, RESUMED), 52.0, None)
    assert levels.rungs == (1.0, 2.0, 3.0, 5.0, 8.0, 13.0, 20.0, 33.0, 52.0) and levels.full == 52.0
    assert fidelities(Resources(1, 27, REPEATED), 27.0, None).rungs == (1.0, 3.0, 9.0, 27.0)


def test_few_allowed_levels_are_all_rungs_and_of_many_those_above_are_taken() -> None:
    assert fidelities(Resources(1, 52, RESUMED), 52.0, (2.0, 6.0, 18.0, 52.0)).rungs == (2.0, 6.0, 18.0, 52.0)
    assert fidelities(Resources(1, 52, RESUMED), 52.0, (10.0, 11.0, 12.0, 13.0)).rungs == (10.0, 11.0, 12.0, 13.0, 52.0)
    # Levels below the smallest resource or beyond the full one are not used; the full one is a rung in any case.
    assert fidelities(Resources(4, 50, RESUMED), 50.0, (2.0, 6.0, 18.0, 52.0)).rungs == (6.0, 18.0, 50.0)
    many = fidelities(Resources(1, 52, RESUMED), 52.0, tuple(float(x) for x in range(4, 53, 4)))
    assert many.rungs == (4.0, 8.0, 16.0, 20.0, 36.0, 52.0)


def test_fidelity_is_the_logarithm_between_the_lowest_rung_and_the_full_resource() -> None:
    levels = Fidelities((2.0, 8.0, 32.0))
    np.testing.assert_allclose(levels.of(np.array([0.0, 1.0, 2.0, 8.0, 32.0, 99.0])), [0.0, 0.0, 0.0, 0.5, 1.0, 1.0])
    assert levels.of(np.array([np.nextafter(32.0, 0.0)]))[0] < 1.0
    assert levels.of(np.array([-1.0])).tolist() == [0.0]
    assert Fidelities((3.0,)).of(np.array([1.0, 3.0])).tolist() == [1.0, 1.0]


def test_neighbours() -> None:
    levels = Fidelities((2.0, 8.0, 32.0))
    assert [levels.nearest(share) for share in (0.01, 0.1, 0.2, 0.6, 1.0)] == [0, 0, 1, 2, 2]
    assert [levels.above(step) for step in (0.0, 2.0, 7.9, 31.0, 32.0, math.inf)] == [2.0, 8.0, 8.0, 32.0, 32.0, 32.0]


@pytest.mark.parametrize("full", [0.5, 1.0])
def test_a_full_resource_below_the_smallest_is_the_only_rung(full: float) -> None:
    assert fidelities(Resources(1, None, RESUMED), full, None).rungs[-1] in (full, 1.0)
