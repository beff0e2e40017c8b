"""Coordinates of CMA-ES."""

from __future__ import annotations

import numpy as np
import pytest

import hpcore as hp
from hpcore.samplers.cmaes_columns import INACTIVE, Coordinates, Points


def coordinates(space: dict) -> tuple[hp.Space, Coordinates]:
    made = hp.Space(space)
    return made, Coordinates(made.columns)


MIXED = {
    "x": hp.Float(0, 1),
    "one": hp.Int(5, 5),
    "k": hp.Int(1, 300, log=True),
    "c": hp.Categorical(["a", "b", "c"]),
    "g": hp.Int(1, 7, when={"c": "b"}),
    "m": hp.Int(0, 10**6),
}


def test_kinds_of_coordinates():
    _, found = coordinates(MIXED)
    assert (found.n_real, found.n_numeric, found.n_choices) == (2, 4, 1)  # a million levels are as good as continuous
    assert [len(levels) for levels in found.grids] == [300, 7]
    assert [len(levels) for levels in found.choices] == [3]
    assert not found.is_plain


def test_levels_are_the_points_of_their_values():
    space, found = coordinates(MIXED)
    expected = [space.encode({"x": 0.5, "one": 5, "k": k, "c": "a", "m": 0})[2] for k in range(1, 301)]
    np.testing.assert_array_equal(found.grids[0], expected)


def test_rows_and_back():
    space, found = coordinates(MIXED)
    X = np.array([space.encode(params) for params in space.sample(200, seed=0)])
    points = found.points(X)
    inactive = np.isnan(X[:, 4])
    assert inactive.any() and not inactive.all()
    np.testing.assert_array_equal(np.isnan(points.numeric).any(axis=1), inactive)
    filled = points._replace(numeric=np.nan_to_num(points.numeric, nan=0.2))
    np.testing.assert_array_equal(found.snapped(found.rows(filled)), X)


def test_numbers_between_two_levels_are_rounded_to_the_nearest():
    _, found = coordinates({"k": hp.Int(1, 50, log=True), "x": hp.Float(0, 1)})
    (levels,) = found.grids
    u = np.random.default_rng(0).uniform(levels[0], levels[-1], 500)
    points = Points(np.stack([np.full(500, 0.5), u], axis=1), np.empty((500, 0), dtype=np.int64))
    nearest = np.abs(u[:, None] - levels).argmin(axis=1)
    np.testing.assert_array_equal(found.rows(points)[:, 0], levels[nearest])


def test_unknown_choices_are_marked():
    _, found = coordinates({"c": hp.Categorical(["a", "b"]), "d": hp.Categorical(["a", "b"], when={"c": "a"})})
    rows = found.snapped(np.array([[0.1, 0.9], [0.9, 0.9]]))
    np.testing.assert_array_equal(found.points(rows).choices, [[0, 1], [1, INACTIVE]])


@pytest.mark.parametrize(
    ("space", "is_plain"),
    [
        ({"x": hp.Float(0, 1), "y": hp.Float(1, 9, log=True)}, True),
        ({"x": hp.Float(0, 1), "y": hp.Int(3, 3)}, True),
        ({"x": hp.Float(0, 1), "y": hp.Int(0, 3)}, True),
        ({"x": hp.Int(0, 9), "y": hp.Int(0, 3)}, False),
        ({"x": hp.Float(0, 1), "y": hp.Categorical(["a", "b"])}, False),
        ({"x": hp.Float(0, 1), "y": hp.Float(0, 1, when={"x": hp.at_least(0.5)})}, False),
    ],
)
def test_plain_spaces(space, is_plain):
    assert coordinates(space)[1].is_plain is is_plain
