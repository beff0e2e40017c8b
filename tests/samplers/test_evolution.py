"""Rules of evolution alone: who is a member, what a child is made of, and what several objectives select."""

import pickle
import subprocess
import sys

import numpy as np
import pytest

import hpcore as hp
from hpcore.errors import InvalidArgument, InvalidType
from hpcore.samplers.evolution import EvolutionSampler
from tests.reference.fronts import nsga_2_order

CUBE = {f"x{i}": hp.Float(0, 1) for i in range(4)}
MIXED = {
    "kind": hp.Categorical(["a", "b", "c"]),
    "n": hp.Int(1, 9),
    "x": hp.Float(1e-3, 1.0, log=True),
    "depth": hp.Int(1, 5, when={"kind": "b"}),
    "rate": hp.Float(0, 1, when={"kind": ["b", "c"]}),
}


def play(opt: hp.Optimizer, n: int, value) -> np.ndarray:
    for _ in range(n):
        trial = opt.ask()
        opt.tell(trial, value(trial))
    return opt.history.X.copy()


def bowl(trial: hp.Trial) -> float:
    return sum((v - 0.3) ** 2 for v in trial.params.values() if isinstance(v, float))


def mixed(trial: hp.Trial) -> float:
    return bowl(trial) + (trial["kind"] != "b") + abs(trial["n"] - 4) + abs(trial.params.get("depth", 9) - 2)


def members(opt: hp.Optimizer, size: int) -> list[int]:
    """Best trial of each place, the newest of equals, by the definition."""
    best: dict[int, tuple[float, int]] = {}
    for trial in opt.trials:
        if trial.state == "running":
            continue
        loss = np.inf if trial.value is None else trial.value
        if trial.number % size not in best or loss <= best[trial.number % size][0]:
            best[trial.number % size] = loss, trial.number
    return [best[k][1] for k in sorted(best)]


def test_a_bowl_is_found_to_far_better_than_at_random() -> None:
    found = []
    for sampler in ("evolution", "random"):
        best = []
        for seed in range(5):
            opt = hp.Optimizer(CUBE, sampler, seed=seed)
            play(opt, 300, bowl)
            best.append(opt.best_value)
        found.append(np.median(best))
    assert found[0] < 0.01 * found[1]


def test_a_mixed_conditional_space_is_solved() -> None:
    for seed in range(3):
        opt = hp.Optimizer(MIXED, "evolution", seed=seed)
        play(opt, 400, mixed)
        assert opt.best_params is not None
        assert opt.best_params["kind"] == "b"
        assert (opt.best_params["n"], opt.best_params["depth"]) == (4, 2)


def test_without_crossover_a_child_differs_from_its_parent_in_one_column() -> None:
    opt = hp.Optimizer(CUBE, EvolutionSampler(population_size=5, crossover=0.0), seed=0)
    for _ in range(60):
        number = opt.n_trials
        parents = members(opt, 5)
        trial = opt.ask()
        if number >= 5:
            moved = opt.history.X[number] != opt.history.X[parents[number % 5]]
            assert moved.sum() == 1
        opt.tell(trial, bowl(trial))


def test_children_lie_in_the_span_of_the_members() -> None:
    """Where all members agree in a column, so does every child: the mutation only adds differences."""
    opt = hp.Optimizer(CUBE, EvolutionSampler(population_size=6), seed=0)
    rng = np.random.default_rng(0)
    for _ in range(6):
        opt.add({"x0": 0.25, **{f"x{i}": rng.random() for i in (1, 2, 3)}}, rng.random())
    batch = opt.ask(100)
    assert all(abs(t["x0"] - 0.25) < 1e-12 for t in batch)
    assert len({t["x1"] for t in batch}) > 50


def test_a_worse_child_does_not_replace_its_parent_and_a_failure_none() -> None:
    size = 4
    opt = hp.Optimizer(CUBE, EvolutionSampler(size), seed=0)
    rng = np.random.default_rng(0)
    for x0, value in [(0.5, 1.0), (0.9, 5.0)]:
        for i in range(size):
            opt.add({"x0": x0, **{f"x{k}": rng.random() for k in (1, 2, 3)}}, value + i)
    for _ in range(size):
        opt.tell(opt.ask(), None)
    assert all(abs(t["x0"] - 0.5) < 1e-12 for t in opt.ask(40))


def test_a_child_that_is_as_good_replaces_its_parent() -> None:
    opt = hp.Optimizer(CUBE, EvolutionSampler(4), seed=0)
    rng = np.random.default_rng(0)
    for x0 in (0.5, 0.5, 0.5, 0.5, 0.9, 0.9, 0.9, 0.9):
        opt.add({"x0": x0, **{f"x{k}": rng.random() for k in (1, 2, 3)}}, 1.0)
    opt.add({"x0": 0.9, "x1": 0.1, "x2": 0.1, "x3": 0.1}, 1.0)  # the one that was replaced last has 0.9 too
    assert all(abs(t["x0"] - 0.9) < 1e-12 for t in opt.ask(40))


def test_the_member_that_was_replaced_last_still_makes_a_difference() -> None:
    opt = hp.Optimizer(CUBE, EvolutionSampler(4), seed=0)
    rng = np.random.default_rng(0)
    for x0, value in [(0.9, 2.0), (0.5, 1.0)]:
        for _ in range(4):
            opt.add({"x0": x0, **{f"x{k}": rng.random() for k in (1, 2, 3)}}, value)
    differs = [abs(t["x0"] - 0.5) > 1e-12 for t in opt.ask(60)]
    assert any(differs) and not all(differs)


def test_categories_are_those_of_the_best_more_often_than_of_others() -> None:
    space = {"x": hp.Float(0, 1), "c": hp.Categorical(["a", "b", "c"])}
    opt = hp.Optimizer(space, EvolutionSampler(20, crossover=1.0), seed=0)
    rng = np.random.default_rng(0)
    for i in range(20):
        opt.add({"x": rng.random(), "c": "a" if i < 4 else "b"}, float(i))
    share = np.mean([t["c"] == "a" for t in opt.ask(400)])
    # Two fifths of the best, which all have it, two fifths of others, one fifth from the prior.
    assert share == pytest.approx(0.4 + 0.4 * 4 / 20 + 0.2 / 3, abs=0.08)


def test_failures_are_the_worst_members() -> None:
    opt = hp.Optimizer(CUBE, EvolutionSampler(6), seed=0)
    for _ in range(6):  # a whole population fails
        opt.tell(opt.ask(), None)
    X = np.array([opt.space.encode(t.params) for t in opt.ask(50)])
    assert X.min(axis=0).max() < 0.1
    assert X.max(axis=0).min() > 0.9  # no members: points at random
    for trial in opt.trials[6:]:
        opt.tell(trial, None if trial["x0"] > 0.5 else bowl(trial))
    play(opt, 200, lambda t: None if t["x0"] > 0.5 else bowl(t))
    assert opt.best_value < 1e-3


def test_it_restarts_after_a_time_without_any_replacement() -> None:
    size = 5
    opt = hp.Optimizer({"x": hp.Float(0, 1), "y": hp.Float(0, 1)}, EvolutionSampler(size), seed=0)
    for i in range(size):
        opt.add({"x": 0.5 + 1e-6 * i, "y": 0.5}, 1.0 + 1e-3 * i)
    for _ in range(12 * size - 1):  # as the docstring says
        trial = opt.ask()
        assert abs(trial["x"] - 0.5) < 1e-3
        opt.tell(trial, 2.0)
    opt.tell(opt.ask(), 2.0)
    X = np.array([t["x"] for t in opt.ask(30)])
    assert np.ptp(X) > 0.7
    assert opt.best_value == 1.0


def test_results_that_come_late_change_nothing_in_the_end() -> None:
    first, second = (hp.Optimizer(MIXED, "evolution", seed=3) for _ in range(2))
    batch, again = first.ask(12), second.ask(12)
    for trial in batch:
        first.tell(trial, mixed(trial))
    for trial in reversed(again):
        second.tell(trial, mixed(trial))
        second.ask(as_of=-1)  # a proposal in between sees no result
    for _ in range(12):
        first.ask(as_of=-1)
    np.testing.assert_array_equal(first.history.X, second.history.X)
    np.testing.assert_array_equal(play(first, 40, mixed), play(second, 40, mixed))


@pytest.mark.parametrize("n_objectives", [1, 2, 3])
def test_a_suggester_that_was_bound_anew_proposes_the_same(n_objectives: int) -> None:
    opt = hp.Optimizer(MIXED, "evolution", directions=["minimize"] * n_objectives, seed=1)
    for _ in range(15):
        batch = opt.ask(5)
        for trial in batch[::-1][:4]:  # one in five never returns
            values = [mixed(trial), -trial["x"], float(trial["n"])][:n_objectives]
            opt.tell(trial, None if trial.number % 7 == 3 else values)
        copy = pickle.loads(pickle.dumps(opt))  # noqa: S301
        expected = [t.params for t in copy.ask(3)]
        assert [t.params for t in opt.ask(3)] == expected


def test_members_with_several_objectives_are_the_first_by_this_order() -> None:
    size = 6
    opt = hp.Optimizer(CUBE, EvolutionSampler(size), directions=["minimize"] * 2, seed=0)
    rng = np.random.default_rng(0)
    values = rng.random((40, 2))
    selected = nsga_2_order(values)[:size]
    for i, row in enumerate(values):
        # Members agree in x0: all children have it, since the mutation only adds differences.
        opt.add({"x0": 0.25 if i in selected else rng.random(), **{f"x{k}": rng.random() for k in (1, 2, 3)}}, row)
    assert all(abs(t["x0"] - 0.25) < 1e-12 for t in opt.ask(60))


def test_two_objectives_cover_the_front() -> None:
    space = {f"x{i}": hp.Float(0, 1) for i in range(6)}
    volumes = []
    for sampler in ("evolution", "random"):
        opt = hp.Optimizer(space, sampler, directions=["minimize"] * 2, seed=0)
        for _ in range(300):
            trial = opt.ask()
            f = trial["x0"]
            g = 1 + 9 / 5 * sum(trial[f"x{i}"] for i in range(1, 6))
            opt.tell(trial, (f, g * (1 - np.sqrt(f / g))))  # ZDT1
        volumes.append(hp.kernels.hypervolume([t.values for t in opt.pareto_front], [1.1, 1.1]))
    assert volumes[0] > 0.6  # of 0.87
    assert volumes[1] < 0.1


def test_limits_come_before_values() -> None:
    for m in (1, 2):
        opt = hp.Optimizer(CUBE, "evolution", directions=["minimize"] * m, seed=0, limits={"load": hp.at_most(0.5)})
        for _ in range(300):
            trial = opt.ask()
            opt.tell(trial, [bowl(trial), (trial["x1"] - 0.7) ** 2][:m], metrics={"load": 1.0 - trial["x0"]})
        front = opt.pareto_front if m == 2 else [opt.best_trial]
        assert all(trial["x0"] >= 0.5 for trial in front)
        assert min(trial.values[0] for trial in front) == pytest.approx(0.04, abs=0.01)


def test_one_objective_loads_no_numba() -> None:
    code = (
        "import sys, hpcore as hp\n"
        "opt = hp.Optimizer({'x': hp.Float(0, 1)}, 'evolution', seed=0)\n"
        "for _ in range(30): t = opt.ask(); opt.tell(t, t['x'])\n"
        "assert 'numba' not in sys.modules and 'scipy' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_numpy_integer_is_stored_as_an_int() -> None:
    assert type(EvolutionSampler(np.int64(8)).population_size) is int


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        (
            {"population_size": 1},
            InvalidArgument,
            "population_size must be >= 4, because a child is made",
        ),
        ({"population_size": 3}, InvalidArgument, "three other members, got 3"),
        ({"population_size": -2}, InvalidArgument, "population_size must be >= 4, because a child is made"),
        ({"population_size": 10_001}, InvalidArgument, r"population_size must be within 4 \.\. 10000, got 10001"),
        ({"population_size": 8.0}, InvalidType, "population_size must be"),
        ({"population_size": True}, InvalidType, "population_size must be"),
        ({"factor": 0.0}, InvalidArgument, "factor must be finite and > 0 and <= 2, got 0.0"),
        ({"factor": "big"}, InvalidType, "factor must be a number, got 'big'"),
        ({"factor": float("inf")}, InvalidArgument, "factor must be finite"),
        ({"crossover": 1.1}, InvalidArgument, "crossover must be finite and >= 0 and <= 1, got 1.1"),
        ({"crossover": None}, InvalidType, "crossover must be"),
    ],
)
def test_options_outside_their_ranges(options: dict, error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        EvolutionSampler(**options)
