"""Several objectives by the Gaussian process: hypervolume, batches, limits, and what it may be asked."""

from __future__ import annotations

import numpy as np
import pytest

import hpcore as hp
from hpcore.samplers.ladder import GP_LADDER

SPACE = {"x": hp.Float(0, 1), "y": hp.Float(0, 1), "k": hp.Categorical(["a", "b"])}


def two(p) -> list[float]:
    """A front along x, at y = 0.3 and the choice a."""
    off = (p["y"] - 0.3) ** 2 + 0.3 * (p["k"] == "b")
    return [p["x"] ** 2 + off, (1 - p["x"]) ** 2 + off]


def three(p) -> list[float]:
    return [*two(p), p["x"] * p["y"]]


def volume(opt: hp.Optimizer, corner: float = 1.2) -> float:
    """Hypervolume of two objectives below a corner, by strips."""
    total, last = 0.0, corner
    for a, b in sorted(t.values for t in opt.pareto_front):
        if a < corner and b < last:
            total += (corner - a) * (last - b)
            last = b
    return total


def run(opt: hp.Optimizer, n: int, of=two, batch: int = 1) -> hp.Optimizer:
    for _ in range(n // batch):
        for trial in opt.ask(batch):
            opt.tell(trial, of(trial))
    return opt


@pytest.mark.parametrize("seed", range(2))
def test_it_finds_more_of_the_front_than_chance(seed: int) -> None:
    found = volume(run(hp.Optimizer(SPACE, "gp", directions=["minimize"] * 2, seed=seed), 30))
    by_chance = volume(run(hp.Optimizer(SPACE, "random", directions=["minimize"] * 2, seed=seed), 30))
    best = 1.2**2 - 1 / 6  # less the integral of (1 - sqrt(a)) ** 2, the second objective on the front
    assert best - found < 0.3 * (best - by_chance)
    assert found > 0.97 * best


@pytest.mark.parametrize("options", [{}, {"inference": "mcmc", "n_draws": 3}, {"explore": False}, {"warp": True}])
@pytest.mark.parametrize("m", [2, 3, 4])
def test_options_work_for_several_objectives_and_batches(m: int, options: dict) -> None:
    opt = hp.Optimizer(SPACE, hp.samplers.GPSampler(**options), directions=["minimize"] * m, seed=1)
    run(opt, 16, lambda p: [*three(p), p["y"]][:m], batch=4)
    rows = np.array([[t["x"], t["y"], float(t["k"] == "a")] for t in opt.trials])
    assert len(np.unique(rows, axis=0)) == 16
    assert min(t["y"] for t in opt.trials) >= 0


def test_the_transform_and_the_prior_count_for_several_objectives_too() -> None:
    def last(**options) -> float:
        opt = hp.Optimizer(SPACE, hp.samplers.GPSampler(**options), directions=["minimize"] * 2, seed=1)
        run(opt, 12)  # trial 12 is one for the hypervolume
        return float(opt.ask()["x"])

    assert len({last(transform=name) for name in ("standard", "log", "half_log")}) == 3

    @hp.kernels.density
    def near_one(u) -> float:
        return -50.0 * (u[0] - 1.0) ** 2

    assert last(prior=near_one, beta=1e4) > 0.95


def test_a_batch_is_spread_over_the_front() -> None:
    opt = run(hp.Optimizer(SPACE, "gp", directions=["minimize"] * 2, seed=0), 24)
    batch = opt.ask(6)
    rows = np.array([[t["x"], t["y"]] for t in batch])
    distances = np.linalg.norm(rows[:, None] - rows[None], axis=2)[np.triu_indices(6, 1)]
    assert distances.min() > 0.005
    assert np.ptp(rows[:, 0]) > 0.3
    # Running trials count: those asked for later are others.
    for trial in opt.ask(3):
        assert np.linalg.norm(rows - [trial["x"], trial["y"]], axis=1).min() > 0.005


def test_a_batch_is_what_single_asks_give() -> None:
    """Each suggestion has a turn and a direction of its own, whoever else is asked for in the same call."""
    batch = run(hp.Optimizer(SPACE, "gp", directions=["minimize"] * 2, seed=3), 13).ask(4)
    one = run(hp.Optimizer(SPACE, "gp", directions=["minimize"] * 2, seed=3), 13)
    assert [t.params for t in batch] == [one.ask().params for _ in range(4)]


def test_the_same_history_gives_the_same_suggestions() -> None:
    opt = run(hp.Optimizer(SPACE, "gp", directions=["minimize"] * 2, seed=3), 14)
    again = hp.Optimizer(SPACE, "gp", directions=["minimize"] * 2, seed=3)
    again.add_many([(t.params, t.values) for t in opt.trials])
    for _ in range(4):
        a, b = opt.ask(), again.ask()
        assert a.params == b.params
        opt.tell(a, two(a))
        again.tell(b, two(b))


def test_maximising_is_the_mirror_of_minimising() -> None:
    low = run(hp.Optimizer(SPACE, "gp", directions=["minimize"] * 2, seed=5), 15)
    opt = hp.Optimizer(SPACE, "gp", directions=["minimize", "maximize"], seed=5)
    high = run(opt, 15, lambda p: [two(p)[0], -two(p)[1]])
    assert [t.params for t in low.trials] == [t.params for t in high.trials]


def test_units_of_several_objectives_do_not_matter() -> None:
    def trials(scale: float) -> list[dict]:
        opt = hp.Optimizer({"x": hp.Float(0, 1), "y": hp.Float(0, 1)}, "gp", directions=["minimize"] * 2, seed=0)
        for _ in range(15):
            t = opt.ask()
            opt.tell(t, [scale * t["x"], scale * (1 + t["y"] - t["x"])], std_error=1e-3 * scale)
        return [t.params for t in opt.trials]

    assert trials(1.0) == trials(2.0**20)


def test_several_objectives_with_a_limit() -> None:
    """The front is where x <= 0.5 only; all but few trials come to keep to that."""
    opt = hp.Optimizer(SPACE, "gp", directions=["minimize"] * 2, seed=0, limits={"x": hp.at_most(0.5)})
    for _ in range(30):
        t = opt.ask()
        opt.tell(t, two(t), metrics={"x": t["x"]})
    assert all(t["x"] <= 0.5 for t in opt.pareto_front)
    assert sum(t["x"] > 0.52 for t in opt.trials[-12:]) <= 4
    assert max(t["x"] for t in opt.pareto_front) > 0.45


@pytest.mark.parametrize("m", [2, 3])
def test_hostile_histories(m: int) -> None:
    huge = [[1e308, -1e308, 0.0][:m], [-1e308, 1e308, 0.0][:m]]
    for values in ([[1.0] * m] * 12, huge * 6, [None] * 8 + [[0.0] * m] * 8):
        opt = hp.Optimizer(SPACE, hp.samplers.GPSampler(n_startup_trials=2), directions=["minimize"] * m, seed=0)
        for value in values:
            opt.tell(opt.ask(), value)
        assert 0 <= opt.ask()["x"] <= 1


def test_under_a_deadline_there_is_always_an_answer() -> None:
    opt = run(hp.Optimizer(SPACE, "gp", directions=["minimize"] * 2, seed=0), 30)
    for deadline in (1e-3, 0.1, 1.0, 10.0, 1000.0) * 2:
        trial = opt.ask(deadline_ms=deadline)
        assert trial.info["step"] in (*GP_LADDER, "random")
        opt.tell(trial, two(trial))
    assert opt.ask(deadline_ms=60_000).info["step"] == "full"


def test_a_finite_space_is_searched_to_its_end() -> None:
    space = {"a": hp.Int(1, 4), "k": hp.Categorical(["p", "q", "r"])}
    opt = hp.Optimizer(space, "gp", directions=["minimize"] * 2, seed=0)
    for _ in range(12):
        t = opt.ask()
        opt.tell(t, [float(t["a"]), float(-t["a"])])
    assert len({tuple(t.params.values()) for t in opt.trials}) == 12
    with pytest.raises(hp.errors.SearchSpaceExhausted):
        opt.ask()
