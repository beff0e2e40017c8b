"""Limits and costs by the Gaussian process."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import hpcore as hp
from hpcore.records.streams import Rng

SPACE = {"x": hp.Float(0, 1), "y": hp.Float(0, 1)}


def run(opt: hp.Optimizer, n: int, loss, metrics, cost=None) -> hp.Optimizer:
    for _ in range(n):
        t = opt.ask()
        opt.tell(t, loss(t), metrics=metrics(t), cost=None if cost is None else cost(t))
    return opt


@pytest.mark.parametrize("seed", range(3))
def test_the_optimum_on_a_limit_is_found(seed: int) -> None:
    """The least of -x - y within a quarter disc lies on its edge: -sqrt(2) * 0.6."""
    opt = hp.Optimizer(SPACE, "gp", seed=seed, limits={"radius": hp.at_most(0.6)})
    run(opt, 30, lambda t: -t["x"] - t["y"], lambda t: {"radius": float(np.hypot(t["x"], t["y"]))})
    assert opt.best_value < -0.84
    assert opt.best_trial.metrics["radius"] <= 0.6


def test_improvement_is_over_the_best_that_keeps_the_limits() -> None:
    """On the best of all, at x = 0.9, hardly anything that is allowed could improve."""
    sampler = hp.samplers.GPSampler(explore=False, n_startup_trials=1)
    opt = hp.Optimizer({"x": hp.Float(0, 1)}, sampler, seed=0, limits={"x": hp.at_most(0.5)})
    opt.add_many(
        {"params": {"x": x}, "value": -x, "metrics": {"x": x}} for x in (0.1, 0.2, 0.3, 0.4, 0.6, 0.7, 0.8, 0.9)
    )
    assert 0.42 < opt.ask()["x"] < 0.58


def test_allowed_points_are_looked_for_near_those_that_keep_the_limits() -> None:
    seen = []
    columns = replace(hp.Space(SPACE).columns, around=lambda best, generator: seen.append(best))
    opt = hp.Optimizer(SPACE, "random", seed=0, limits={"x": hp.at_most(0.3)})
    run(opt, 30, lambda t: -t["x"], lambda t: {"x": t["x"]})
    suggester = hp.samplers.GPSampler().bind(columns)
    suggester.suggest(opt.history, np.empty((0, 2)), 1, Rng(0, 30))
    assert len(seen[0]) == 5
    kept = np.sort(opt.history.X[opt.history.feasible, 0])[::-1]
    np.testing.assert_array_equal(seen[0][:, 0], kept[:5])


@pytest.mark.parametrize("acquisition", ["log_ei", "noisy_log_ei", "ucb", "pi", "thompson"])
def test_every_acquisition_keeps_to_limits(acquisition: str) -> None:
    opt = hp.Optimizer(SPACE, hp.samplers.GPSampler(acquisition), seed=0, limits={"x": hp.at_most(0.5)})
    run(opt, 30, lambda t: -t["x"] + (t["y"] - 0.5) ** 2, lambda t: {"x": t["x"]})
    assert -0.5 <= opt.best_value < -0.42
    # Without the limit all of these would be at x = 1; some explore.
    assert sum(t["x"] > 0.55 for t in opt.trials[15:]) <= 8


@pytest.mark.parametrize("seed", range(3))
def test_a_small_feasible_region_is_found(seed: int) -> None:
    """0.3 % of the square; 50 random points find it in one run of seven."""
    opt = hp.Optimizer(SPACE, "gp", seed=seed, limits={"off": hp.at_most(0.001)})
    run(opt, 50, lambda t: t["x"], lambda t: {"off": (t["x"] - 0.83) ** 2 + (t["y"] - 0.21) ** 2})
    assert opt.best_trial.feasible


def test_while_nothing_is_feasible_a_batch_is_spread() -> None:
    opt = hp.Optimizer(SPACE, "gp", seed=0, limits={"off": hp.at_most(-1.0)})
    run(opt, 14, lambda t: t["x"], lambda t: {"off": abs(t["x"] - 0.5)})
    rows = np.array([[t["x"], t["y"]] for t in opt.ask(5)])
    distances = np.linalg.norm(rows[:, None] - rows[None], axis=2)[np.triu_indices(5, 1)]
    assert distances.min() > 0.02


@pytest.mark.parametrize(
    "metrics",
    [
        lambda t: {"m": 0.0},
        lambda t: {"m": 5.0},
        lambda t: {"m": 1e300 * (t["x"] - 0.5)},
        lambda t: {"m": float("nan")},
        lambda t: {} if t["x"] < 0.5 else {"m": -1.0},
        lambda t: {"m": 1e-320 if t["x"] < 0.5 else -1e-320},
    ],
)
def test_hostile_metrics(metrics) -> None:
    opt = hp.Optimizer(SPACE, "gp", seed=0, limits={"m": hp.at_most(0.0)})
    run(opt, 16, lambda t: t["x"], metrics)
    assert 0 <= opt.ask()["x"] <= 1


def test_an_unknown_metric_is_not_feasible_and_not_lost() -> None:
    opt = hp.Optimizer(SPACE, "gp", seed=0, limits={"m": hp.at_most(0.5)})
    run(opt, 30, lambda t: -t["x"], lambda t: {} if t["y"] < 0.5 else {"m": t["x"]})
    assert opt.best_trial["y"] >= 0.5
    assert -0.5 <= opt.best_value < -0.45


def test_limits_and_constraints_of_the_space_together() -> None:
    space = hp.Space(SPACE, constraints=[lambda p: p["x"] + p["y"] <= 1.2])
    opt = hp.Optimizer(space, "gp", seed=0, limits={"y": hp.at_least(0.4)})
    run(opt, 30, lambda t: -t["x"], lambda t: {"y": t["y"]})
    assert all(t["x"] + t["y"] <= 1.2 for t in opt.trials)
    assert opt.best_value < -0.75


def test_many_parameters_with_a_limit() -> None:
    """Within a region of trust, which grows with feasible successes only."""
    space = {f"x{i}": hp.Float(0, 1) for i in range(24)}
    opt = hp.Optimizer(space, "gp", seed=0, limits={"sum": hp.at_most(12.0)})
    run(opt, 50, lambda t: -sum(t.values()), lambda t: {"sum": sum(t.values())})
    assert -12.0 <= opt.best_value < -11.5


def test_cheap_points_come_first_and_the_best_is_found() -> None:
    """The cost rises a thousandfold with y, which the loss hardly needs."""

    def loss(t) -> float:
        return (t["x"] - 0.4) ** 2 + 0.01 * (t["y"] - 0.3) ** 2

    spent = {}
    for per_cost in (True, False):
        opt = hp.Optimizer(SPACE, "gp", seed=1, per_cost=per_cost)
        run(opt, 25, loss, lambda t: None, lambda t: 1000.0 ** t["y"])
        spent[per_cost] = sum(t.cost for t in opt.trials)
        assert opt.best_value < 0.005
    assert spent[True] < 0.5 * spent[False]


def test_costs_that_are_told_are_used_unless_they_shall_not_be() -> None:
    def params(**options) -> list[dict]:
        opt = hp.Optimizer(SPACE, "gp", seed=1, **options)
        return [dict(t.params) for t in run(opt, 14, lambda t: t["x"], lambda t: None, lambda t: 1 + t["y"]).trials]

    told = params()
    assert told == params(per_cost=True)
    assert told != params(per_cost=False)
    assert params(per_cost=False) == [
        dict(t.params) for t in run(hp.Optimizer(SPACE, "gp", seed=1), 14, lambda t: t["x"], lambda t: None).trials
    ]


def test_a_batch_of_the_cheap_start_is_spread() -> None:
    columns = hp.Space(SPACE).columns
    suggester = hp.samplers.GPSampler().bind(columns)
    rows = np.random.default_rng(0).random((64, 2))
    suggester.know_costs(rows, 1000.0 ** rows[:, 1])
    suggester.use_cost(True)
    batch = suggester.suggest(hp.Optimizer(SPACE, seed=0).history, np.empty((0, 2)), 5, Rng(0, 0))
    assert np.linalg.norm(batch[:, None] - batch[None], axis=2)[np.triu_indices(5, 1)].min() > 0.15
    assert batch[:, 1].max() < 0.55


def test_a_known_cost_is_used_from_the_first_trial() -> None:
    opt = hp.Optimizer(SPACE, "gp", seed=0, per_cost=True, cost=lambda p: 1000.0 ** p["y"])
    first = [opt.ask()["y"] for _ in range(4)]
    assert max(first) < 0.55
