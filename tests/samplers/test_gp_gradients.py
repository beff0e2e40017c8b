"""The Gaussian process with gradients that are told: fewer evaluations, purity, and gradients that are wrong."""

from __future__ import annotations

import math
import pickle
from typing import Any

import numpy as np
import pytest

import hpcore as hp
from hpcore.errors import InvalidType
from hpcore.kernels import examples
from hpcore.samplers import GPSampler


def bowl(d: int):
    centre = np.random.default_rng(0).uniform(0.2, 0.8, d)
    weight = np.linspace(1.0, 10.0, d)

    def value(u: np.ndarray) -> tuple[float, np.ndarray]:
        return float((weight * (u - centre) ** 2).sum()), 2.0 * weight * (u - centre)

    return value


def run(n: int, d: int, sampler: Any = "gp", seed: int = 0, turn=lambda slope: slope) -> hp.Optimizer:
    opt, function = hp.Optimizer({f"x{j}": hp.Float(0.0, 1.0) for j in range(d)}, sampler, seed=seed), bowl(d)
    for _ in range(n):
        trial = opt.ask()
        value, slope = function(np.array(list(trial.values())))
        opt.tell(trial, value, gradient={f"x{j}": float(v) for j, v in enumerate(turn(slope))})
    return opt


def test_gradients_save_most_evaluations() -> None:
    values = [trial.value for trial in run(50, 10, GPSampler(gradients=False)).trials]
    with_gradients = [trial.value for trial in run(14, 10).trials]
    assert min(with_gradients) < 1e-2 * min(values)


def test_without_the_option_gradients_are_not_looked_at() -> None:
    points = [dict(trial.params) for trial in run(20, 3, GPSampler(gradients=False)).trials]
    lies = [dict(trial.params) for trial in run(20, 3, GPSampler(gradients=False), turn=np.negative).trials]
    assert points == lies
    with pytest.raises(InvalidType, match="gradients must be True or False"):
        GPSampler(gradients="yes")  # type: ignore[arg-type]


@pytest.mark.parametrize("given", [{"warp": True}, {"covariance": examples.periodic}])
def test_with_a_warp_or_a_covariance_of_ones_own_the_values_count_only(given: dict) -> None:
    points = [dict(trial.params) for trial in run(14, 2, GPSampler(**given)).trials]
    assert points == [dict(trial.params) for trial in run(14, 2, GPSampler(**given), turn=np.negative).trials]


@pytest.mark.parametrize("wrong", ["flipped", "random", "huge"])
def test_wrong_gradients_do_not_break_a_search(wrong: str) -> None:
    rng = np.random.default_rng(0)
    lies = {
        "flipped": np.negative,
        "random": lambda slope: 10.0 * rng.standard_normal(len(slope)),
        "huge": lambda slope: 1e300 * slope,
    }
    best = run(30, 3, turn=lies[wrong]).best_value
    assert best < 0.02 * bowl(3)(np.full(3, 0.5))[0] + 1e-3
    assert len({tuple(trial.params.values()) for trial in run(15, 3, turn=lies[wrong]).trials}) == 15


@pytest.mark.parametrize("n", [3, 20])
def test_a_new_or_unpickled_search_goes_on_alike(n: int) -> None:
    opt = run(n, 3)
    pickled = pickle.loads(pickle.dumps(opt))  # noqa: S301 - our own data
    restored = hp.Optimizer(opt.space, "gp", seed=0)
    restored.restore(opt.rows())
    for _ in range(3):
        expected = opt.ask().params
        assert pickled.ask().params == expected and restored.ask().params == expected


def test_a_gradient_that_changes_changes_the_suggestion() -> None:
    opt, other = run(6, 3), run(6, 3)
    assert opt.ask().params == other.ask().params
    assert other.history.gradients is not None
    other.history.gradients[0] *= 1.5
    assert opt.ask().params != other.ask().params


@pytest.mark.parametrize(
    "sampler",
    [
        GPSampler("noisy_log_ei"),
        GPSampler("thompson"),
        GPSampler("ucb"),
        GPSampler("pi", transform="auto"),
        GPSampler(inference="mcmc", n_draws=3),
        GPSampler(trust_region=True),
    ],
    ids=repr,
)
def test_every_acquisition_learns_from_them(sampler: GPSampler) -> None:
    opt = run(18, 5, sampler)
    assert opt.best_value < 0.03 * bowl(5)(np.full(5, 0.5))[0]
    assert len({tuple(trial.params.values()) for trial in opt.ask(3)}) == 3


def test_batches_and_deadlines() -> None:
    opt, function = hp.Optimizer({f"x{j}": hp.Float(0.0, 1.0) for j in range(4)}, "gp", seed=0), bowl(4)
    for k in range(6):
        trials = opt.ask(4) if k % 2 else opt.ask(4, deadline_ms=50.0)
        assert len({tuple(trial.params.values()) for trial in trials}) == 4
        for trial in trials:
            value, slope = function(np.array(list(trial.values())))
            opt.tell(trial, value, gradient={f"x{j}": float(v) for j, v in enumerate(slope)})
    assert opt.best_value < 1e-2 * function(np.full(4, 0.5))[0]


def test_mixed_and_conditional_spaces() -> None:
    space = hp.Space(
        {
            "kernel": hp.Categorical(["a", "b"]),
            "C": hp.Float(1e-3, 1e3, log=True),
            "gamma": hp.Float(1e-3, 1e3, log=True, when={"kernel": "a"}),
            "k": hp.Int(1, 4),
        }
    )
    opt = hp.Optimizer(space, "gp", seed=0)
    for number in range(30):
        trial = opt.ask()
        x = math.log10(trial["C"]) - 1.0
        value, gradient = x * x + 0.3 * (trial["k"] - 2) ** 2, {"C": 2.0 * x / trial["C"] / math.log(10.0)}
        if "gamma" in trial:
            y = math.log10(trial["gamma"]) + 1.0
            value += y * y - 1.0
            gradient["gamma"] = 2.0 * y / trial["gamma"] / math.log(10.0)
        opt.tell(trial, None if number % 7 == 3 else value, gradient=gradient if number % 3 else None)
    assert (opt.best_trial["kernel"], opt.best_trial["k"]) == ("a", 2)
    assert opt.best_value < -0.98


def test_limits_and_costs_are_models_of_values() -> None:
    opt = hp.Optimizer({"x": hp.Float(0.0, 1.0), "y": hp.Float(0.0, 1.0)}, "gp", limits={"x": hp.at_least(0.3)}, seed=0)
    for _ in range(25):
        trial = opt.ask()
        x, y = trial["x"], trial["y"]
        outcome = hp.Outcome(x**2 + (y - 0.2) ** 2, metrics={"x": x}, gradient={"x": 2.0 * x, "y": 2.0 * (y - 0.2)})
        opt.tell(trial, outcome)
    assert opt.best_value == pytest.approx(0.09, abs=5e-3)


def test_hostile_values_with_gradients_are_survived() -> None:
    for scale, power in ((1e300, 1), (1e-300, 1), (1.0, 0), (1.0, 60)):
        opt = hp.Optimizer({"x": hp.Float(0.0, 1.0), "y": hp.Normal(0.0, 1.0)}, "gp", seed=0)
        for number in range(12):
            trial = opt.ask()
            slope = (-1.0) ** number * 10.0 ** (power * number / 3 - 40 * (power > 1))
            opt.tell(trial, scale * trial["x"], gradient={"x": scale, "y": slope})
        assert len({tuple(trial.params.values()) for trial in opt.trials}) == 12


def test_many_trials_of_many_parameters_stay_quick() -> None:
    # 80 trials of 30 parameters have 2,400 derivatives; a matrix of them all would take a minute.
    opt = run(80, 30, GPSampler(n_startup_trials=80))
    assert len(opt.ask().params) == 30
