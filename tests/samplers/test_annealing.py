"""Rules of annealing alone: where a step starts, how far it goes, and when the search restarts."""

import pickle
import sys

import numpy as np
import pytest

import hpcore as hp
from hpcore.errors import InvalidArgument, InvalidType
from hpcore.records.streams import Rng
from hpcore.samplers.annealing import KEPT, AnnealingSampler

LINE = {"x": hp.Float(0, 1)}
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


def test_a_bowl_is_found_to_far_better_than_at_random() -> None:
    found = []
    for sampler in ("annealing", "random"):
        best = []
        for seed in range(5):
            opt = hp.Optimizer(CUBE, sampler, seed=seed)
            play(opt, 100, bowl)
            best.append(opt.best_value)
        found.append(np.median(best))
    assert found[0] < 0.02 * found[1]


def widths(opt: hp.Optimizer, known: int, n: int = 200) -> float:
    """Median size of the steps of a batch from the one best point."""
    base = opt.history.X[known]
    steps = np.abs(np.array([opt.space.encode(t.params) for t in opt.ask(n)]) - base)
    return float(np.median(steps[steps > 0]))


def test_the_neighbourhood_shrinks_without_success_and_widens_with_it() -> None:
    def opt_after(values: list[float]) -> hp.Optimizer:
        opt = hp.Optimizer(LINE, AnnealingSampler(n_startup_trials=1, temperature=0.0), seed=0)
        opt.add({"x": 0.5}, 0.0)
        for i, value in enumerate(values):
            opt.add({"x": 0.5 + 1e-9 * (i + 1)}, value)
        return opt

    wide = widths(opt_after([]), 0)
    narrow = widths(opt_after([1.0] * 10), 0)
    assert narrow == pytest.approx(wide * np.exp(-0.8 / 4 * 10), rel=0.3)
    widened = widths(opt_after([1.0] * 10 + [-1.0, -2.0]), 12)
    assert widened == pytest.approx(narrow * np.exp(2 * 0.8), rel=0.3)


def test_it_restarts_where_the_neighbourhood_has_vanished() -> None:
    sampler = AnnealingSampler(n_startup_trials=1, temperature=0.0, neighbourhood=0.2, min_neighbourhood=0.02)
    opt = hp.Optimizer(LINE, sampler, seed=0)
    opt.add({"x": 0.5}, 0.0)
    steps = []
    for _ in range(60):
        steps.append(widths(pickle.loads(pickle.dumps(opt)), 0))  # noqa: S301
        opt.add({"x": 0.9 - 1e-9 * len(steps)}, 1.0)
    jumps = np.flatnonzero(np.diff(np.log(steps)) > 1.0)
    # 0.2 to 0.02 takes log(10) / (0.8 / 4) results.
    assert len(jumps) >= 4
    assert set(np.diff(jumps)) == {12}
    assert min(steps) > 0.01


@pytest.mark.parametrize("restart_from", ["best", "new"])
def test_a_restart_begins_where_it_should(restart_from: str) -> None:
    sampler = AnnealingSampler(1, 0.0, 0.02, 0.01, restart_from)
    opt = hp.Optimizer(CUBE, sampler, seed=0)
    for i in range(60):
        trial = opt.ask()
        opt.tell(trial, -1.0 if i == 0 else float(i))
    far = np.abs(opt.history.X[1:] - opt.history.X[0]).max(axis=1)
    # log(2) / (0.8 / 2 / 4) results to a restart; Cauchy steps go far now and then.
    assert (np.median(far) < 0.05) == (restart_from == "best")


def test_a_temperature_starts_from_other_good_points() -> None:
    def starts(temperature: float) -> np.ndarray:
        opt = hp.Optimizer(
            LINE,
            AnnealingSampler(n_startup_trials=20, temperature=temperature, neighbourhood=1e-6, min_neighbourhood=1e-7),
        )
        for i in range(20):
            opt.add({"x": (i + 0.5) / 20}, float(i))
        X = np.array([t["x"] for t in opt.ask(2000)])
        return np.bincount((X * 20).astype(int), minlength=20) / 2000

    cold = starts(0.0)
    assert cold[0] > 0.98
    share = starts(1.0)
    k = np.arange(4)
    np.testing.assert_allclose(share[:4], np.exp(-k) * (1 - np.exp(-1)), atol=0.04)
    assert share[KEPT:].sum() < 0.02  # steps that go far


def test_results_that_come_late_change_nothing_in_the_end() -> None:
    first, second = (hp.Optimizer(MIXED, "annealing", seed=3) for _ in range(2))
    batch, again = first.ask(12), second.ask(12)
    for trial in batch:
        first.tell(trial, bowl(trial))
    for trial in reversed(again):
        second.tell(trial, bowl(trial))
        second.ask(as_of=-1)  # a proposal in between sees no result
    assert [t.params for t in batch] == [t.params for t in again]
    for _ in range(12):
        first.ask(as_of=-1)
    np.testing.assert_array_equal(first.history.X, second.history.X)
    np.testing.assert_array_equal(play(first, 20, bowl), play(second, 20, bowl))


def test_a_suggester_that_was_bound_anew_proposes_the_same() -> None:
    opt = hp.Optimizer(MIXED, "annealing", seed=1)
    for _ in range(15):
        batch = opt.ask(5)
        for trial in batch[::-1][:4]:  # one in five never returns
            opt.tell(trial, None if trial.number % 7 == 3 else bowl(trial))
        copy = pickle.loads(pickle.dumps(opt))  # noqa: S301
        assert [t.params for t in copy.ask(3)] == [t.params for t in pickle.loads(pickle.dumps(opt)).ask(3)]  # noqa: S301
        expected = copy.history.X[-3:]
        np.testing.assert_array_equal(np.array([opt.space.encode(t.params) for t in opt.ask(3)]), expected)


def test_a_step_takes_another_level_of_a_grid_and_another_category() -> None:
    space = hp.Space({"k": hp.Int(0, 99), "c": hp.Categorical(list("abcde"))})
    sampler = AnnealingSampler(n_startup_trials=1, temperature=0.0, neighbourhood=1e-6, min_neighbourhood=1e-7)
    opt = hp.Optimizer(space, sampler, seed=0)
    opt.add({"k": 50, "c": "c"}, 0.0)
    found = [opt.ask().params for _ in range(6)]
    assert all(p["k"] != 50 and p["c"] != "c" for p in found)
    assert sum(abs(p["k"] - 50) == 1 for p in found) >= 3


def test_limits_come_before_values() -> None:
    opt = hp.Optimizer(CUBE, "annealing", seed=0, limits={"load": hp.at_most(0.5)})
    for _ in range(120):
        trial = opt.ask()
        opt.tell(trial, bowl(trial), metrics={"load": 1.0 - trial["x0"]})
    assert opt.best_params is not None
    assert opt.best_params["x0"] == pytest.approx(0.5, abs=0.02)
    assert opt.best_value == pytest.approx(0.04, abs=0.02)


def test_nothing_but_failures_gives_random_points_that_cover_the_space() -> None:
    opt = hp.Optimizer(LINE, "annealing", seed=0)
    X = play(opt, 60, lambda t: None)[:, 0]
    assert np.histogram(X, 5, (0, 1))[0].min() >= 4


def test_constraints_are_met_by_steps_and_not_by_chance() -> None:
    space = hp.Space(CUBE, [lambda p: 0.29 < p["x0"] < 0.31, lambda p: p["x1"] < 0.5])
    opt = hp.Optimizer(space, "annealing", seed=0)
    play(opt, 80, bowl)
    assert opt.best_value < 0.02


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"n_startup_trials": 0}, InvalidArgument, "n_startup_trials must be"),
        ({"n_startup_trials": 2.5}, InvalidType, "n_startup_trials must be"),
        ({"temperature": -0.1}, InvalidArgument, "temperature must be finite and >= 0, got -0.1"),
        ({"temperature": float("nan")}, InvalidArgument, "temperature must be"),
        ({"temperature": "hot"}, InvalidType, "temperature must be a number, got 'hot'"),
        ({"neighbourhood": 0.0}, InvalidArgument, "neighbourhood must be finite and > 0 and <= 1, got 0.0"),
        ({"neighbourhood": 1.5}, InvalidArgument, "neighbourhood must be"),
        ({"min_neighbourhood": 0.5}, InvalidArgument, "min_neighbourhood must be finite and > 0 and <= 0.3, got 0.5"),
        ({"min_neighbourhood": 0}, InvalidArgument, "min_neighbourhood must be"),
        ({"restart_from": "worst"}, InvalidArgument, "restart_from must be one of 'best', 'new', got 'worst'"),
        ({"restart_from": 1}, InvalidType, "restart_from must be one of"),
    ],
)
def test_options_outside_their_ranges(options: dict, error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        AnnealingSampler(**options)


def steps_of(opt: hp.Optimizer, attempt: int = 0) -> np.ndarray:
    """Steps (400, d) from the best trial."""
    rows = opt._suggestions.suggester.suggest(
        opt.history, np.empty((0, len(opt.space))), 400, Rng(0, opt.n_trials, attempt)
    )
    return rows - opt.history.X[0]


def test_a_step_moves_two_columns_on_average() -> None:
    opt = hp.Optimizer({f"x{j}": hp.Float(0, 1) for j in range(12)}, AnnealingSampler(1), seed=0)
    opt.add(dict.fromkeys(opt.space, 0.5), 0.0)
    # As many as are drawn, and one where none is.
    expected = 2.0 + (1.0 - 2.0 / 12) ** 12
    assert (steps_of(opt) != 0.0).sum(axis=1).mean() == pytest.approx(expected, abs=0.25)


def test_a_step_after_a_refused_one_goes_twice_as_far() -> None:
    opt = hp.Optimizer(CUBE, AnnealingSampler(1, neighbourhood=0.01), seed=0)
    opt.add(dict.fromkeys(CUBE, 0.5), 0.0)
    first, third = (np.abs(steps_of(opt, attempt)) for attempt in (0, 2))
    assert np.median(third[third > 0.0]) == pytest.approx(4.0 * np.median(first[first > 0.0]), rel=0.2)


def test_the_highest_temperature_draws_from_the_kept_points() -> None:
    """Its product with a logarithm is infinite for some of the draws."""
    opt = hp.Optimizer(CUBE, AnnealingSampler(n_startup_trials=1, temperature=sys.float_info.max), seed=0)
    X = play(opt, 60, bowl)
    assert ((X >= 0.0) & (X <= 1.0)).all()
