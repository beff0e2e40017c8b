"""Points near another one: size of the steps, kinds of columns, conditions and constraints."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import hpcore as hp
from hpcore.schedulers.explore import perturbed


def canonical(space: hp.Space, params: dict[str, Any]) -> Any:
    return np.asarray(space.encode(params))


def draws(space: hp.Space, params: dict[str, Any], n: int = 400, step: float = 0.1, anew: float = 0.0) -> Any:
    u = canonical(space, params)
    generator = np.random.default_rng(0)
    return np.array([perturbed(u, space.columns, generator, step, anew) for _ in range(n)])


def test_a_step_up_or_down_of_the_range_on_its_scale() -> None:
    space = hp.Space({"lr": hp.Float(1e-5, 1.0, log=True)})
    rows = draws(space, {"lr": 1e-2})
    np.testing.assert_allclose(np.unique(np.round(rows, 12)), [0.5, 0.7])
    assert 0.4 < np.mean(rows > 0.6) < 0.6
    np.testing.assert_allclose(sorted({p["lr"] for p in space.decode(rows)}), [10**-2.5, 10**-1.5], rtol=1e-9)


def test_a_step_ends_at_the_bounds() -> None:
    rows = draws(hp.Space({"x": hp.Float(0.0, 1.0)}), {"x": 0.96})
    np.testing.assert_allclose(np.unique(rows), [0.86, 1.0])


@pytest.mark.parametrize(
    ("parameter", "value", "neighbours"),
    [
        (hp.Int(1, 5), 3, {2, 4}),
        (hp.Int(1, 5), 5, {4, 5}),
        (hp.Int(1, 2), 1, {1, 2}),
        (hp.Int(7, 7), 7, {7}),
        (hp.Int(0, 100), 50, {40, 60}),
        (hp.Int(1, 1024, log=True), 1, {1, 2}),
        (hp.Categorical(["s", "m", "l"], ordered=True), "m", {"s", "l"}),
        (hp.Float(0.0, 1.0, step=0.25), 0.5, {0.25, 0.75}),
    ],
)
def test_grids_change_by_a_level_at_least(parameter: Any, value: Any, neighbours: set[Any]) -> None:
    space = hp.Space({"n": parameter})
    assert {p["n"] for p in space.decode(draws(space, {"n": value}))} == neighbours


def test_choices_without_an_order_change_only_when_they_are_drawn_anew() -> None:
    space = hp.Space({"c": hp.Categorical(["a", "b", "c", "d"])})
    assert {p["c"] for p in space.decode(draws(space, {"c": "b"}))} == {"b"}
    found = [p["c"] for p in space.decode(draws(space, {"c": "b"}, anew=0.5, n=2000))]
    shares = [found.count(c) / 2000 for c in "abcd"]
    np.testing.assert_allclose(shares, [0.125, 0.625, 0.125, 0.125], atol=0.04)


def test_each_column_is_drawn_anew_with_its_probability() -> None:
    space = hp.Space({"x": hp.Float(0.0, 1.0), "y": hp.Float(0.0, 1.0)})
    rows = draws(space, {"x": 0.5, "y": 0.5}, anew=0.25, n=4000)
    moved = np.isclose(np.abs(rows - 0.5), 0.1)
    np.testing.assert_allclose(moved.mean(axis=0), 0.75, atol=0.03)
    np.testing.assert_allclose((moved[:, 0] & moved[:, 1]).mean(), 0.75**2, atol=0.03)
    fresh = rows[~moved[:, 0], 0]
    np.testing.assert_allclose(np.histogram(fresh, 4, (0, 1))[0] / len(fresh), 0.25, atol=0.06)


def test_columns_that_become_active_are_drawn() -> None:
    space = hp.Space(
        {
            "model": hp.Categorical(["linear", "tree"]),
            "depth": hp.Int(1, 9, when={"model": "tree"}),
            "x": hp.Float(0, 1),
        }
    )
    rows = draws(space, {"model": "linear", "x": 0.5}, anew=1.0)
    assert not np.isnan(rows).any()
    depths = {p["depth"] for p in space.decode(rows) if p["model"] == "tree"}
    assert depths == set(range(1, 10))


def test_constraints_hold() -> None:
    space = hp.Space({"x": hp.Float(0, 1), "y": hp.Float(0, 1)}, constraints=[lambda p: p["x"] + p["y"] <= 1.0])
    rows = draws(space, {"x": 0.5, "y": 0.5}, anew=0.25)
    assert all(p["x"] + p["y"] <= 1.0 for p in space.decode(rows))
    stuck = hp.Space({"x": hp.Float(0, 1)}, constraints=[lambda p: abs(p["x"] - 0.5) < 1e-6])
    np.testing.assert_array_equal(draws(stuck, {"x": 0.5}, n=5), 0.5)


def test_the_point_is_not_changed_and_the_numbers_decide() -> None:
    space = hp.Space({"x": hp.Float(0, 1), "n": hp.Int(0, 9)})
    u = canonical(space, {"x": 0.3, "n": 4})
    before = u.copy()
    one, other = (perturbed(u, space.columns, np.random.default_rng(5), 0.1, 0.25) for _ in range(2))
    np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(u, before)


def test_inactive_columns_are_drawn_whatever_the_probability() -> None:
    space = hp.Space({"model": hp.Categorical(["linear", "tree"]), "y": hp.Float(0, 1, when={"model": "tree"})})
    rows = draws(space, {"model": "linear"})
    np.testing.assert_allclose(np.histogram(rows[:, 1], 4, (0, 1))[0] / len(rows), 0.25, atol=0.1)


def test_a_point_that_cannot_move_has_its_inactive_columns_drawn() -> None:
    space = hp.Space(
        {
            "x": hp.Float(0, 1),
            "model": hp.Categorical(["linear", "tree"]),
            "y": hp.Float(0, 1, when={"model": "tree"}),
        },
        constraints=[lambda p: abs(p["x"] - 0.5) < 1e-6],
    )
    rows = draws(space, {"x": 0.5, "model": "linear"}, n=5)
    np.testing.assert_array_equal(rows[:, 0], 0.5)
    assert ((rows[:, 2] >= 0) & (rows[:, 2] < 1)).all()
