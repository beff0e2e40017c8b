"""Points of rare allowed sets: found, uniform, and the same by seed."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from scipy import stats

import hpcore as hp

Constraint = Callable[[dict[str, Any]], bool]


def floats(d: int, low: float = 0.0, high: float = 1.0, **options: Any) -> dict[str, hp.Float]:
    return {f"x{i}": hp.Float(low, high, **options) for i in range(d)}


def ascending(p: dict[str, Any]) -> bool:
    return all(a < b for a, b in pairwise(p.values()))


RARE: dict[str, tuple[dict[str, Any], list[Constraint]]] = {
    "fractions": (floats(7), [lambda p: sum(p.values()) <= 1.0]),
    "many fractions": (floats(20), [lambda p: sum(p.values()) <= 1.0]),  # 4e-19 of the cube
    "linear": (floats(12), [hp.linear(dict.fromkeys(floats(12), 1.0), at_most=1.0)]),
    "fractions that sum to nearly one": (floats(10), [lambda p: abs(sum(p.values()) - 1.0) < 1e-4]),
    "ascending": (floats(9), [ascending]),
    "ascending, NumPy": (floats(7), [lambda p: bool(np.all(np.diff(list(p.values())) > 0))]),
    "ascending whole numbers": ({f"n{i}": hp.Int(0, 100) for i in range(10)}, [ascending]),
    "steps": ({f"n{i}": hp.Float(0.0, 1.0, step=0.05) for i in range(8)}, [lambda p: sum(p.values()) <= 1.0]),
    "logarithms": (floats(6, 1e-6, 1.0, log=True), [lambda p: sum(p.values()) >= 5.9]),
    "budget": ({f"n{i}": hp.Int(1, 1024, log=True) for i in range(6)}, [lambda p: math.prod(p.values()) <= 8]),
    "ball": (floats(8, -1.0, 1.0), [lambda p: sum((v - 0.7) ** 2 for v in p.values()) < 0.01]),
    "one after the other": (
        floats(6, 0.0, 10.0),
        [lambda p: p["x0"] + p["x1"] < 0.1, lambda p: p["x2"] >= 50 * p["x0"] + 5, lambda p: p["x3"] - p["x4"] < -9.9],
    ),
    "a bound by kind": (
        {**floats(6), "kind": hp.Categorical(["a", "b"])},
        [lambda p: sum(p[f"x{i}"] for i in range(6)) <= (0.3 if p["kind"] == "a" else 0.5)],
    ),
    "conditional": (
        {
            "deep": hp.Categorical([True, False]),
            **{f"w{i}": hp.Float(0, 1, when={"deep": True}) for i in range(6)},
            **{f"v{i}": hp.Float(0, 1) for i in range(4)},
        },
        [lambda p: sum(v for k, v in p.items() if k != "deep") <= 0.4],
    ),
}


@cache
def rare_space(name: str) -> hp.Space:
    """One object for all samplers: its walks begin with some thousand moves."""
    parameters, constraints = RARE[name]
    return hp.Space(parameters, constraints=constraints)


@pytest.mark.parametrize("name", RARE)
@pytest.mark.parametrize("sampler", ["random", "sobol", "gp", "tpe", "auto", "cmaes"])
def test_a_rare_space_is_searched_to_the_end(name: str, sampler: str) -> None:
    space = rare_space(name)
    assert space.rare
    opt = hp.Optimizer(space, sampler, seed=0)
    for trial in [*opt.ask(3), *(opt.ask() for _ in range(12))]:
        assert all(constraint(trial.params) for constraint in space.constraints)
        opt.tell(trial, sum(v for v in trial.params.values() if not isinstance(v, str)))
    assert len({tuple(t.params.items()) for t in opt.trials}) == 15


@pytest.mark.parametrize("sampler", ["random", "gp", "tpe"])
def test_the_same_seed_gives_the_same_points(sampler: str) -> None:
    def search(seed: int) -> list[dict[str, Any]]:
        opt = hp.Optimizer(hp.Space(*RARE["fractions"]), sampler, seed=seed)
        for _ in range(15):
            trial = opt.ask()
            opt.tell(trial, sum(trial.values()))
        return [t.params for t in opt.trials]

    assert search(1) == search(1) != search(2)


def test_points_are_uniform_over_the_set() -> None:
    """The largest and the sum of x uniform over ``sum x <= 1``: Dirichlet's law, drawn by SciPy."""
    space = hp.Space(*RARE["fractions"])
    rows = np.array([list(params.values()) for params in (_draw(space, i) for i in range(400))])
    wanted = stats.dirichlet.rvs(np.ones(8), size=4000, random_state=0)[:, :7]
    for statistic in (np.sum, np.max, np.min):
        assert stats.ks_2samp(statistic(rows, axis=1), statistic(wanted, axis=1)).pvalue > 1e-3, statistic
    for j in range(7):
        assert stats.ks_2samp(rows[:, j], wanted[:, j]).pvalue > 1e-4


def _draw(space: hp.Space, i: int) -> dict[str, Any]:
    u = space.allowed_set.draw(np.random.default_rng(i))
    assert u is not None
    return space.coder.settle(u)


def test_ascending_values_are_order_statistics() -> None:
    space = hp.Space(*RARE["ascending"])
    rows = np.array([list(_draw(space, i).values()) for i in range(400)])
    for j in range(9):
        assert abs(rows[:, j].mean() - (j + 1) / 10) < 0.05  # Beta(j + 1, 9 - j)
        assert 0.6 < rows[:, j].std() / stats.beta(j + 1, 9 - j).std() < 1.4


def test_samples_of_a_rare_space() -> None:
    space = hp.Space(*RARE["many fractions"])
    drawn = space.sample(20, seed=3)
    assert len(drawn) == 20 and all(sum(p.values()) <= 1.0 for p in drawn) and drawn == space.sample(20, seed=3)


@pytest.mark.parametrize("volume", [0.5, 0.02])
def test_where_points_at_random_are_allowed_often_enough_nothing_changes(volume: float) -> None:
    space = hp.Space(floats(2), constraints=[lambda p: p["x0"] < volume])
    assert not space.rare and space.columns.around is not None
    assert space.columns.around(np.empty((0, 2)), np.random.default_rng(0)) is None


def test_a_constraint_that_cannot_answer_at_the_ends_of_ranges() -> None:
    def constraint(p: dict[str, Any]) -> bool:
        return all(1.0 / v > 0 and 1.0 / (1.0 - v) > 0 for v in p.values()) and sum(p.values()) <= 0.5

    opt = hp.Optimizer(hp.Space(floats(6), constraints=[constraint]), "random", seed=0)
    assert all(constraint(trial.params) for trial in opt.ask(15))


def test_a_single_allowed_combination_is_found_and_then_the_space_is_exhausted() -> None:
    space = hp.Space({f"n{i}": hp.Int(0, 9) for i in range(10)}, constraints=[ascending])
    opt = hp.Optimizer(space, "random", seed=0)
    assert list(opt.ask().values()) == list(range(10))
    with pytest.raises(hp.errors.SearchSpaceExhausted, match="1 points"):
        opt.ask()


def test_enqueued_parts_are_completed_within_the_rare_set() -> None:
    space = hp.Space(*RARE["fractions"])
    opt = hp.Optimizer(space, "random", seed=0)
    opt.enqueue({"x3": 0.9})
    trial = opt.ask()
    assert trial["x3"] == 0.9 and sum(trial.values()) <= 1.0
    opt.enqueue({"x3": 0.6, "x0": 0.5})
    with pytest.raises(hp.errors.InfeasibleSpace, match="left the queue"):
        opt.ask()
    assert sum(opt.ask().values()) <= 1.0


@pytest.mark.parametrize(
    "constraint",
    [lambda p: sum(p.values()) < 0, lambda p: sum(p.values()) == 1.0, lambda p: p["x0"] > 2, lambda p: False],
)
def test_what_cannot_be_met_is_an_error_at_once(constraint: Constraint) -> None:
    with pytest.raises(hp.errors.InfeasibleSpace, match="leave a parameter out"):
        hp.Space(floats(4), constraints=[constraint])


def test_a_model_gains_on_walks_alone() -> None:
    """Beside random points of the set, the model finds the best fractions of an uneven bowl."""
    goal = np.arange(1, 8) / 30.0
    space = hp.Space(*RARE["fractions"])

    def best(sampler: str) -> float:
        study = hp.minimize(lambda t: float(((np.array(list(t.values())) - goal) ** 2).sum()), space, sampler=sampler,
                            n_trials=40, seed=0)  # fmt: skip
        return study.best_value

    assert best("gp") < 0.1 * best("random")
