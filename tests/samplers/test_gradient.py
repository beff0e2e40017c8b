"""Descent by gradients that are told: against SciPy's L-BFGS-B, and what it does with what is not smooth."""

from __future__ import annotations

import math
import pickle
from collections.abc import Callable

import numpy as np
import pytest
from scipy.optimize import minimize

import hpcore as hp
from hpcore.errors import InvalidArgument, InvalidSpace
from hpcore.records.history import RUNNING

Function = Callable[[np.ndarray], tuple[float, np.ndarray]]


def quadratic(d: int, seed: int = 0) -> Function:
    """A bowl of condition 30 whose axes are turned, with its minimum inside."""
    rng = np.random.default_rng(seed)
    centre, weight = rng.uniform(0.2, 0.8, d), 30.0 ** np.linspace(0.0, 1.0, d)
    turn, _ = np.linalg.qr(rng.standard_normal((d, d)))
    hessian = turn * weight @ turn.T

    def value(u: np.ndarray) -> tuple[float, np.ndarray]:
        away = u - centre
        return float(away @ hessian @ away), 2.0 * hessian @ away

    return value


def flat_at_the_ends(d: int) -> Function:
    """A valley of a validation loss on a logarithmic axis: linear, and not quadratic, far from its minimum."""
    centre = np.random.default_rng(1).uniform(0.2, 0.8, d)

    def value(u: np.ndarray) -> tuple[float, np.ndarray]:
        z = 10.0 * (u - centre)
        return float((np.sqrt(1.0 + z * z) - 1.0).sum()), 10.0 * z / np.sqrt(1.0 + z * z)

    return value


def at_a_bound(d: int) -> Function:
    """A bowl with its minimum outside of the cube."""
    centre = np.linspace(-0.5, 1.5, d)
    return lambda u: (float(((u - centre) ** 2).sum()), 2.0 * (u - centre))


def optimizer(d: int, seed: int = 0, **given) -> hp.Optimizer:
    return hp.Optimizer({f"x{j}": hp.Float(0.0, 1.0) for j in range(d)}, "gradient", seed=seed, **given)


def gradient_of(slope: np.ndarray) -> dict[str, float]:
    return {f"x{j}": float(v) for j, v in enumerate(slope)}


def tell(opt: hp.Optimizer, trial: hp.Trial, function: Function) -> float:
    value, slope = function(np.array([trial[f"x{j}"] for j in range(len(opt.space))]))
    opt.tell(trial, value, gradient=gradient_of(slope))
    return value


def evaluations(values: list[float], level: float) -> int:
    return next(i for i, value in enumerate(values) if value <= level) + 1


@pytest.mark.parametrize("d", [2, 10, 50])
@pytest.mark.parametrize("make", [quadratic, flat_at_the_ends, at_a_bound])
def test_it_needs_no_more_evaluations_than_lbfgsb(make: Callable[[int], Function], d: int) -> None:
    function = make(d)
    theirs: list[float] = []

    def counted(u: np.ndarray) -> tuple[float, np.ndarray]:
        value, slope = function(u)
        theirs.append(value)
        return value, slope

    exact = {"ftol": 0.0, "gtol": 0.0, "maxiter": 1000}
    least = minimize(counted, np.full(d, 0.5), jac=True, method="L-BFGS-B", bounds=[(0, 1)] * d, options=exact).fun
    levels = [least + share * (theirs[0] - least) for share in (1e-1, 1e-2, 1e-3)]
    opt, ours = optimizer(d), [math.inf]
    while min(ours) > levels[-1] and len(ours) <= 40:
        ours.append(tell(opt, opt.ask(), function))
    del ours[0]
    assert ours[0] == theirs[0]  # both begin in the middle
    for level in levels:
        assert evaluations(ours, level) <= 1.25 * evaluations(theirs, level) + 2


@pytest.mark.parametrize("batch", [2, 5])
def test_batches_told_in_any_order_get_there_too(batch: int) -> None:
    opt, function = optimizer(6), quadratic(6)
    first = best = function(np.full(6, 0.5))[0]
    for _ in range(16):
        trials = opt.ask(batch)
        assert len({tuple(trial.params.values()) for trial in trials}) == batch
        best = min(best, *(tell(opt, trial, function) for trial in reversed(trials)))
    assert best < 1e-4 * first


def test_asynchronous_trials_get_there_too() -> None:
    opt, function, rng = optimizer(6), quadratic(6), np.random.default_rng(0)
    first = best = function(np.full(6, 0.5))[0]
    running = opt.ask(3)
    for _ in range(60):
        running.append(opt.ask())
        assert len({tuple(trial.params.values()) for trial in running}) == len(running)
        best = min(best, tell(opt, running.pop(rng.integers(len(running))), function))
    assert best < 1e-4 * first


@pytest.mark.parametrize("wrong", ["flipped", "random", "zero", "huge", "tiny"])
def test_wrong_gradients_do_not_break_a_search(wrong: str) -> None:
    function, rng = flat_at_the_ends(3), np.random.default_rng(0)
    opt = optimizer(3)
    best, points = math.inf, set()
    for _ in range(40):
        trial = opt.ask()
        u = np.array(list(trial.values()))
        value, slope = function(u)
        lies = {
            "flipped": -slope,
            "random": rng.standard_normal(3),
            "zero": 0.0 * slope,
            "huge": 1e300 * slope,
            "tiny": 1e-300 * slope,
        }
        opt.tell(trial, value, gradient=gradient_of(lies[wrong]))
        best = min(best, value)
        points.add(tuple(u))
    assert len(points) == 40
    assert best < 0.15 * function(np.full(3, 0.5))[0]


def test_the_scale_of_the_values_does_not_matter() -> None:
    def run(scale: float, offset: float) -> list[tuple]:
        opt, function = optimizer(4), quadratic(4)
        for _ in range(12):
            trial = opt.ask()
            value, slope = function(np.array(list(trial.values())))
            opt.tell(trial, offset + scale * value, gradient=gradient_of(scale * slope))
        return [tuple(trial.values()) for trial in opt.trials]

    plain = run(1.0, 0.0)
    np.testing.assert_allclose(run(1e-6, 0.0), plain, atol=1e-6)
    np.testing.assert_allclose(run(1e200, 0.0), plain, atol=1e-6)


def test_values_are_maximised_too() -> None:
    opt = hp.Optimizer({"C": hp.Float(1e-3, 1e3, log=True), "z": hp.Normal(0.0, 1.0)}, "gradient", "maximize", seed=0)
    for _ in range(15):
        trial = opt.ask()
        x, z = math.log(trial["C"] / 30.0), trial["z"] + 1.0
        opt.tell(trial, -x * x - z * z, gradient={"C": -2.0 * x / trial["C"], "z": -2.0 * z})
    assert opt.best_trial["C"] == pytest.approx(30.0, rel=1e-2) and opt.best_trial["z"] == pytest.approx(-1.0, abs=1e-2)


def test_without_gradients_it_is_the_model_but_for_the_first_trial() -> None:
    space = {"a": hp.Float(0.0, 1.0), "k": hp.Int(1, 5), "b": hp.Normal(0.0, 1.0)}
    first, second = (hp.Optimizer(space, sampler, seed=3) for sampler in ("gradient", "gp"))
    trial = first.ask()
    assert (trial["a"], trial["b"]) == (0.5, 0.0)
    first.tell(trial, 1.0)
    second.ask()
    second = hp.Optimizer(space, "gp", seed=3)
    second.restore(first.rows())
    for _ in range(15):
        trial, other = first.ask(), second.ask()
        assert trial.params == other.params
        for opt, told in ((first, trial), (second, other)):
            opt.tell(told, told["a"] ** 2 + told["k"] + told["b"] ** 2)


def test_only_parameters_whose_derivative_was_told_move() -> None:
    opt = optimizer(3)
    for _ in range(6):
        trial = opt.ask()
        opt.tell(trial, (trial["x0"] - 0.9) ** 2, gradient={"x0": 2.0 * (trial["x0"] - 0.9)})
    assert [trial["x1"] for trial in opt.trials[:3]] == [0.5, 0.5, 0.5]
    assert opt.trials[2]["x0"] == pytest.approx(0.9, abs=1e-6)


# --- mixed spaces -----------------------------------------------------------------------------------------------------

MIXED = hp.Space(
    {
        "kernel": hp.Categorical(["a", "b", "c"]),
        "C": hp.Float(1e-3, 1e3, log=True),
        "gamma": hp.Float(1e-3, 1e3, log=True, when={"kernel": ["a", "b"]}),
        "k": hp.Int(1, 4),
    }
)


def mixed(trial: hp.Trial) -> tuple[float, dict[str, float]]:
    x = math.log10(trial["C"]) - 1.0
    value = {"a": 0.0, "b": 1.0, "c": 1.5}[trial["kernel"]] + x * x + 0.3 * (trial["k"] - 2) ** 2
    gradient = {"C": 2.0 * x / trial["C"] / math.log(10.0)}
    if "gamma" in trial:
        y = math.log10(trial["gamma"]) + 1.0
        value += y * y
        gradient["gamma"] = 2.0 * y / trial["gamma"] / math.log(10.0)
    return value, gradient


def test_the_model_chooses_categories_and_descents_move_the_rest() -> None:
    opt = hp.Optimizer(MIXED, "gradient", seed=0)
    for _ in range(60):
        trial = opt.ask()
        value, gradient = mixed(trial)
        opt.tell(trial, value, gradient=gradient)
    best = opt.best_trial
    assert (best["kernel"], best["k"]) == ("a", 2)
    assert best.value is not None and best.value < 1e-3
    assert len({(trial["kernel"], trial["k"]) for trial in opt.trials}) >= 4


# --- a function of the history ----------------------------------------------------------------------------------------


def history_of(n: int, seed: int = 0) -> hp.Optimizer:
    opt, function = optimizer(4, seed), quadratic(4)
    for number in range(n):
        trial = opt.ask()
        if number % 5 == 3:
            opt.tell(trial, None)
        else:
            tell(opt, trial, function)
    return opt


@pytest.mark.parametrize("n", [0, 1, 7, 30])
def test_a_new_or_unpickled_search_goes_on_alike(n: int) -> None:
    opt = history_of(n)
    pickled = pickle.loads(pickle.dumps(opt))  # noqa: S301 - our own data
    restored = optimizer(4)
    restored.restore(opt.rows())
    for _ in range(3):
        expected = opt.ask().params
        assert pickled.ask().params == expected and restored.ask().params == expected


def test_what_a_view_hides_does_not_count() -> None:
    opt, rows = history_of(12), history_of(12).rows()
    rows.state[9:], rows.values[9:] = RUNNING, math.nan
    rows.notes = {number: note for number, note in rows.notes.items() if number < 9}
    other = optimizer(4)
    other.restore(rows)
    later = opt.ask(as_of=8)
    assert later.params == other.ask().params
    assert later.params != history_of(12).ask().params


# --- failures, limits, constraints, deadlines -------------------------------------------------------------------------


@pytest.mark.parametrize("every", [2, 3])
def test_failures_are_steps_that_failed(every: int) -> None:
    opt, function = optimizer(4), quadratic(4)
    first, best = function(np.full(4, 0.5))[0], math.inf
    for number in range(60):
        trial = opt.ask()
        if number % every == 1:
            opt.tell(trial, None)
        else:
            best = min(best, tell(opt, trial, function))
    assert best < 1e-3 * first


def test_a_failed_trial_may_have_a_gradient() -> None:
    opt = optimizer(2)
    for _ in range(5):
        opt.tell(opt.ask(), None, gradient={"x0": 1.0, "x1": math.nan})
    assert opt.ask().params != opt.trials[0].params


def test_descents_stay_within_limits() -> None:
    opt = hp.Optimizer(
        {"x": hp.Float(0.0, 1.0), "y": hp.Float(0.0, 1.0)}, "gradient", limits={"x": hp.at_least(0.3)}, seed=0
    )
    for _ in range(40):
        trial = opt.ask()
        gradient = {"x": 2.0 * trial["x"], "y": 2.0 * (trial["y"] - 0.2)}
        opt.tell(trial, trial["x"] ** 2 + (trial["y"] - 0.2) ** 2, gradient=gradient, metrics={"x": trial["x"]})
    assert opt.best_value == pytest.approx(0.09, abs=0.01)


def test_descents_stay_within_constraints() -> None:
    space = hp.Space({"x": hp.Float(0.0, 1.0), "y": hp.Float(0.0, 1.0)}, [lambda p: p["x"] + p["y"] >= 0.5])
    opt = hp.Optimizer(space, "gradient", seed=0)
    for _ in range(40):
        trial = opt.ask()
        assert trial["x"] + trial["y"] >= 0.5
        opt.tell(trial, trial["x"] ** 2 + trial["y"] ** 2, gradient={"x": 2.0 * trial["x"], "y": 2.0 * trial["y"]})
    assert opt.best_value == pytest.approx(0.125, abs=0.02)


def test_a_step_is_made_within_any_deadline() -> None:
    opt, function = optimizer(4), quadratic(4)
    tell(opt, opt.ask(deadline_ms=1e-3), function)
    for _ in range(10):
        tell(opt, opt.ask(deadline_ms=20.0), function)
    assert opt.best_value < 0.1 * function(np.full(4, 0.5))[0]
    assert len(opt.ask(4, deadline_ms=20.0)) == 4


def test_a_space_without_continuous_parameters_is_refused_with_the_reason() -> None:
    space = {"n": hp.Int(1, 3), "c": hp.Categorical(["a", "b"]), "s": hp.Float(0.0, 1.0, step=0.5)}
    with pytest.raises(InvalidSpace, match=r"got only 'n' \(integer\), 'c' \(categorical\), 's' .*use 'gp'"):
        hp.Optimizer(space, "gradient")


def test_several_objectives_are_refused_with_the_reason() -> None:
    with pytest.raises(InvalidArgument, match="'evolution' or 'annealing' for several objectives, got 'gradient'"):
        optimizer(2, directions=["minimize", "minimize"])
