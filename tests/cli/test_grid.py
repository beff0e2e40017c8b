"""Grids that fit a number of trials."""

from __future__ import annotations

import pytest

import hpcore as hp
from hpcore.cli.grid import grid_of

SPACE = hp.Space({"x": hp.Float(0, 1), "k": hp.Int(1, 3), "c": hp.Categorical(["a", "b"])})


@pytest.mark.parametrize(
    ("n_trials", "levels", "n_points"),
    [(1, (2, 2), 1), (8, (2, 2), 8), (17, (2, 2), 8), (18, (3, 3), 18), (24, (4, 3), 24), (31, (5, 3), 30)],
)
def test_the_finest_grid_that_fits(n_trials: int, levels: tuple[int, int], n_points: int) -> None:
    sampler, n = grid_of(SPACE, n_trials)
    assert sampler.levels == dict(zip("xk", levels, strict=True))
    assert n == n_points


def test_finite_spaces_have_a_finest_grid() -> None:
    assert grid_of(hp.Space({"k": hp.Int(1, 3)}), 1000)[1] == 3
