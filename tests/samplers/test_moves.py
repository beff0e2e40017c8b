"""Moves of points: bounds, other categories, and the first variation that constraints allow."""

from __future__ import annotations

import numpy as np

import hpcore as hp
from hpcore.records.streams import Rng
from hpcore.samplers.moves import N_TRIES, Moves, reflected


def moves_of(least: float | None = None) -> Moves:
    constraints = [] if least is None else [lambda p: p["x"] > least]
    return Moves(hp.Space({"x": hp.Float(0, 1), "y": hp.Float(0, 1)}, constraints).columns)


def test_points_are_reflected_at_both_ends_as_often_as_it_takes() -> None:
    beyond = np.array([-0.25, 1.25, 0.5, 2.25, -1.25, 3.5])
    np.testing.assert_allclose(reflected(beyond), [0.25, 0.75, 0.5, 0.25, 0.75, 0.5])


def test_another_category_is_never_the_same_one_and_any_other() -> None:
    space = hp.Space({"c": hp.Categorical(["a", "b", "c", "d"])})
    moves = Moves(space.columns)
    x = space.encode({"c": "b"})
    rows = np.array([moves.other_category(np.asarray(x), np.array([u])) for u in np.linspace(0.0, 0.999, 60)])
    assert {params["c"] for params in space.decode(rows)} == {"a", "c", "d"}


def test_without_constraints_the_first_variation_counts() -> None:
    asked = []

    def propose(k: int) -> np.ndarray:
        asked.append(k)
        return np.array([0.1, 0.2])

    row = moves_of().allowed(propose, np.array([0.5, 0.5]), Rng(0, 0), 0)
    assert row.tolist() == [0.1, 0.2]
    assert asked == [0]


def test_the_first_variation_that_is_allowed_counts() -> None:
    tries = [np.array([0.0 if k < 3 else 0.9 + 0.01 * k, 0.2]) for k in range(N_TRIES)]
    row = moves_of(0.9).allowed(tries.__getitem__, np.array([0.95, 0.5]), Rng(0, 0), 0)
    assert row.tolist() == tries[3].tolist()


def test_where_allowed_points_are_rare_the_neighbourhood_of_the_base_is_searched() -> None:
    row = moves_of(1.0 - 1e-5).allowed(lambda k: np.array([0.1, 0.2]), np.array([1.0, 0.5]), Rng(0, 0), 0)
    assert row[0] > 1.0 - 1e-5
