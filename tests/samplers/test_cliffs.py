"""Penalties in place of values: what is taken for one, and what the Gaussian process makes of it."""

import math
from statistics import median

import numpy as np
import pytest

import hpcore as hp
from hpcore._core.samplers import beyond_cliff
from hpcore.records.history import COMPLETE, FAILED, History
from hpcore.samplers.failures import split

RNG = np.random.default_rng(0)
RESULTS = 3.0 + RNG.random(20)


def mixed(results, penalties, seed: int = 0):
    """Both in random order, and where the penalties are."""
    values = np.concatenate([results, penalties])
    order = np.random.default_rng(seed).permutation(len(values))
    return values[order], order >= len(results)


PENALTIES = {
    "one number": [1e5] * 7,
    "ten times": [40.0] * 5,
    "just enough": [8.0] * 3,
    "two of one": [1e5] * 2,
    "largest": [1.7e308] * 3,
    "and a distance": (1e5 + RNG.random(6)).tolist(),
    "by the distance": (1e5 * (1 + RNG.random(6))).tolist(),
    "levels": [1e3] * 3 + [1e4] * 2 + [1e9] * 3,
    "levels and a distance": (np.repeat([1e4, 1e7, 1e10], 4) + RNG.random(12)).tolist(),
}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", PENALTIES)
def test_penalties_are_found(name: str, seed: int) -> None:
    values, expected = mixed(RESULTS, PENALTIES[name], seed)
    found = beyond_cliff(values)
    assert found is not None
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("name", ["one number", "levels", "and a distance"])
@pytest.mark.parametrize("shift", [0.0, -1e4, 1e6])
@pytest.mark.parametrize("factor", [1e-300, 1e-5, 1.0, 1e200])
def test_units_and_origin_do_not_matter(factor: float, shift: float, name: str) -> None:
    values, expected = mixed(RESULTS, PENALTIES[name])
    with np.errstate(all="raise"):
        found = beyond_cliff(factor * (values + shift))
    assert found is not None
    np.testing.assert_array_equal(found, expected)


u = np.linspace(0.013, 0.99, 60)
NONE = {
    "few": [3.0, 3.5, 4.0, 1e5, 1e5],
    "constant": [1.0] * 30,
    "two values": [0.0] * 20 + [1.0] * 10,
    "counts": [float(k % 7) for k in range(40)],
    "uniform": RNG.random(100),
    "normal": RNG.standard_normal(100),
    "one outlier": [*RESULTS, 1e300],
    "two outliers": [*RESULTS, 1e5, 2e5],
    "a worst value near by": [*RESULTS, 6.0, 6.0, 6.0],
    "five decades": 10 ** (5 * u),
    "exponential": np.exp(700 * u),
    "pole": 1 / u**2,
    "logarithm": np.log(u),
    "parabola": (u - 0.3) ** 2,
    "rosenbrock": [
        100 * (y - x * x) ** 2 + (1 - x) ** 2 for x in np.linspace(-5, 10, 9) for y in np.linspace(-5, 10, 9)
    ],
    # All of the first ten far away, everything close to the optimum late.
    "closing in": [*np.linspace(0.9, 1.1, 20), *(0.1 ** np.arange(3, 20)), 1.0, 1.0],
}


@pytest.mark.parametrize("name", NONE)
def test_values_that_are_merely_poor_are_none(name: str) -> None:
    values = np.asarray(NONE[name], dtype=float)
    for seed in range(3):
        assert beyond_cliff(values) is None
        if name == "closing in":
            break
        values = np.random.default_rng(seed).permutation(values)


def history(outcomes, m: int = 1) -> History:
    out = History(1, m)
    for i, value in enumerate(outcomes):
        out.append(np.array([i / 100]))
        if value is None:
            out.finish(i, FAILED, None)
        else:
            out.finish(i, COMPLETE, tuple(np.broadcast_to(value, m).tolist()))
    return out


@pytest.mark.parametrize("m", [1, 2])
def test_a_penalty_counts_as_a_failure(m: int) -> None:
    results = RESULTS[:, None] * [1.0, -1.0][:m]
    later = [None if k % 3 == 0 else row for k, row in enumerate(results[8:])]
    failed = split(history([*results[:8], *later], m))
    penalised = split(history([*results[:8], *(np.full(m, 1e5) if v is None else v for v in later)], m))
    assert failed.failed.sum() == 4 and not failed.penalised.any()
    np.testing.assert_array_equal(penalised.failed, failed.failed)
    np.testing.assert_array_equal(penalised.penalised, failed.failed)
    np.testing.assert_array_equal(penalised.complete, failed.complete)


def test_of_several_objectives_each_must_be_a_penalty() -> None:
    rows = [np.array([v, -v]) for v in RESULTS] + [np.array([1e5, -3.5 - k]) for k in range(4)]
    trials = split(history(rows, 2))
    assert trials.complete.all() and not trials.failed.any()


def loss(t, penalty):
    if t["x"] + t["y"] < 0.8:
        return penalty(0.8 - t["x"] - t["y"])
    return 3.0 + (t["x"] - 0.7) ** 2 + (t["y"] - 0.2) ** 2


@pytest.mark.parametrize(
    "penalty",
    [lambda v: 10.0, lambda v: 1e5, lambda v: 1e300, lambda v: 1e5 + v, lambda v: 1e5 if v < 0.3 else 1e7],
    ids=["10", "1e5", "1e300", "and a distance", "levels"],
)
def test_the_best_beside_a_cliff_is_found(penalty) -> None:
    """Without an eye for penalties the median was 1e-3 at 1e5 and 1e-2 at 1e300; random search finds 7e-3."""
    space = {"x": hp.Float(0, 1), "y": hp.Float(0, 1)}
    regrets = [
        hp.minimize(lambda t: loss(t, penalty), space, sampler="gp", n_trials=40, seed=seed).best_value - 3.0
        for seed in range(5)
    ]
    assert median(regrets) < 2e-5


def test_the_sign_of_a_penalty_turns_with_the_direction() -> None:
    found = []
    for sign, direction in ((1, "minimize"), (-1, "maximize")):
        opt = hp.Optimizer({"x": hp.Float(0, 1), "y": hp.Float(0, 1)}, "gp", direction, seed=2)
        for _ in range(20):
            trial = opt.ask()
            opt.tell(trial, sign * loss(trial, lambda v: 1e5))
        found.append([trial.params for trial in opt.trials])
    assert found[0] == found[1]


@pytest.mark.parametrize("f", [lambda t: math.exp(30 * t["x"]), lambda t: (t["x"] - 0.6) ** 2, lambda t: -t["x"]])
def test_smooth_functions_are_left_as_they_are(f) -> None:
    space = {"x": hp.Float(0, 1), "c": hp.Float(0, 1)}

    values = np.array([t.value for t in hp.minimize(f, space, sampler="gp", n_trials=30, seed=1).trials])
    assert not any(split(history(values[:n])).penalised.any() for n in range(31))
