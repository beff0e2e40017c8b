"""Pareto fronts against the definition of dominance."""

from __future__ import annotations

import numpy as np
import pytest

from hpcore.records.pareto import Front, non_dominated


@pytest.mark.parametrize("m", [1, 2, 3])
def test_dominance_against_the_definition(m: int) -> None:
    values = np.random.default_rng(m).integers(0, 6, size=(60, m)).astype(float)
    below = (values[:, None] <= values[None]).all(axis=2) & (values[:, None] < values[None]).any(axis=2)
    np.testing.assert_array_equal(non_dominated(values), ~below.any(axis=0))
    assert non_dominated(np.empty((0, m))).shape == (0,)


@pytest.mark.parametrize("m", [1, 2, 3])
def test_a_front_that_grows_is_that_of_all_values(m: int) -> None:
    values = np.random.default_rng(m).integers(0, 6, size=(60, m)).astype(float)
    front = Front(m)
    for n, row in enumerate(values, start=1):
        on_it = front.add(row)
        known = non_dominated(values[:n])
        assert len(front) == known.sum() and on_it == known[-1]
