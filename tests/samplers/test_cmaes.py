"""CMA-ES: against the package driven by hand, and as a function of the history."""

from __future__ import annotations

import math
import pickle

import cmaes
import numpy as np
import pytest

import hpcore as hp
from hpcore.errors import InvalidArgument, InvalidType
from hpcore.records.streams import Rng
from hpcore.samplers import CMAESSampler, cmaes_replay
from hpcore.samplers.cmaes import LEAST_SIGMA0
from hpcore.samplers.cmaes_distribution import default_population

MIXED = {
    "x": hp.Float(0, 1),
    "k": hp.Int(1, 20),
    "l": hp.Int(1, 512, log=True),
    "c": hp.Categorical(["a", "b", "c"]),
    "g": hp.Float(1e-3, 1.0, log=True, when={"c": ["a", "b"]}),
}


def floats(d: int) -> dict[str, hp.Float]:
    return {f"x{j}": hp.Float(0, 1) for j in range(d)}


def bowl(params, at: float = 0.3) -> float:
    return sum((1 + 9 * j) * (x - at) ** 2 for j, x in enumerate(params.values()))


def mixed_loss(p) -> float:
    return (
        (p["x"] - 0.3) ** 2
        + abs(p["k"] - 7) / 20
        + abs(math.log(p["l"] / 30)) / 5
        + (p["c"] != "b")
        + (math.log(p["g"]) + 3) ** 2 / 10
        if "g" in p
        else 2.0
    )


def play(opt: hp.Optimizer, n: int, loss=bowl) -> None:
    for _ in range(n):
        trial = opt.ask()
        opt.tell(trial, loss(trial.params))


def history(opt: hp.Optimizer):
    return opt._record.history


def generation(opt: hp.Optimizer) -> cmaes_replay.Generation:
    """The generation of the next trial, by a suggester that has not seen the search before."""
    fresh = opt._suggestions._sampler.bind(opt.space.columns)
    return fresh._replay.current(history(opt), Rng(opt.seed, history(opt).n))


@pytest.fixture
def without_model(monkeypatch):
    monkeypatch.setattr(cmaes_replay, "lowest_point", lambda *a: None)


# --- the package as the oracle ---------------------------------------------------------------------------------------


def test_the_distribution_is_that_of_the_package_told_the_same(without_model):
    d, L = 4, 9
    opt = hp.Optimizer(floats(d), CMAESSampler(population_size=L, sigma0=0.2, restart=None), seed=3)
    peer = cmaes.CMA(np.full(d, 0.5), 0.2, population_size=L)
    for _ in range(12):
        play(opt, L)
        last = opt.trials[-L:]
        peer.tell([(np.array(list(t.params.values())), t.value) for t in last])
        now = generation(opt).distribution
        np.testing.assert_allclose(now.mean, peer.mean, rtol=1e-9)
        covariance = (now.axes * now.lengths**2) @ now.axes.T
        np.testing.assert_allclose(covariance, peer._sigma**2 * peer._C, rtol=1e-7, atol=1e-15)


def test_the_mixed_distribution_is_that_of_the_package_told_the_same():
    space = {"x": hp.Float(0, 1), "k": hp.Int(0, 9), "c": hp.Categorical(["a", "b", "c"])}
    L = 8
    opt = hp.Optimizer(space, CMAESSampler(population_size=L, restart=None), seed=1)
    levels = [(k + 0.5) / 10 for k in range(10)]
    peer = cmaes.CatCMAwM(
        [[0.0, 1.0]], [levels], [3], population_size=L, mean=np.full(2, 0.5), sigma=0.3, cov=np.eye(2)
    )
    suggester = opt._suggestions.suggester
    for _ in range(6):
        current = suggester._replay.current(history(opt), Rng(1, history(opt).n))
        play(opt, L, lambda p: (p["x"] - 0.2) ** 2 + abs(p["k"] - 3) / 10 + (p["c"] != "b"))
        told = []
        for i, trial in enumerate(opt.trials[-L:]):
            one_hot = np.eye(3)[current.points.choices[i]]
            told.append((cmaes.CatCMAwM.Solution(c=one_hot, _v_raw=current.points.numeric[i]), trial.value))
        order = sorted(
            told, key=lambda s: s[1]
        )  # the sampler tells ranks: bounds are kept, so that nothing else counts
        peer.tell([(solution, float(rank)) for rank, (solution, _) in enumerate(order)])
        now = suggester._replay.current(history(opt), Rng(1, history(opt).n)).distribution
        np.testing.assert_allclose(now.mean, peer._mean, rtol=1e-9)
        np.testing.assert_allclose(now._es._q, peer._q, rtol=1e-9)
        np.testing.assert_allclose(now._scale, peer._A, rtol=1e-9)


def test_a_proposal_is_drawn_from_the_distribution(without_model):
    opt = hp.Optimizer(floats(3), CMAESSampler(population_size=2000, sigma0=0.05, restart=None), seed=0)
    X = np.array([list(t.params.values()) for t in opt.ask(2000)])
    np.testing.assert_allclose(X.mean(axis=0), 0.5, atol=5e-3)
    np.testing.assert_allclose(np.cov(X.T), 0.05**2 * np.eye(3), atol=3e-4)


def test_it_finds_the_minimum_of_an_ill_conditioned_bowl():
    opt = hp.Optimizer(floats(6), "cmaes", seed=0)
    play(opt, 200, lambda p: sum(10 ** (4 * j / 5) * (x - 0.3) ** 2 for j, x in enumerate(p.values())))
    assert opt.best_value < 1e-8


def test_it_finds_the_minimum_without_the_model(without_model):
    opt = hp.Optimizer(floats(5), "cmaes", seed=0)
    play(opt, 400, lambda p: sum(abs(x - 0.3) for x in p.values()))
    assert opt.best_value < 0.1
    assert opt.best_value < 0.2 * min(t.value for t in opt.trials[:50])


def test_it_finds_integers_categories_and_conditional_parameters():
    opt = hp.Optimizer(MIXED, "cmaes", seed=0)
    play(opt, 300, mixed_loss)
    best = opt.best_params
    assert (best["c"], best["k"]) == ("b", 7)
    assert opt.best_value < 0.05


# --- a function of the history ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("space", [floats(3), MIXED], ids=["floats", "mixed"])
@pytest.mark.parametrize("options", [{}, {"restart": "bipop", "population_size": 4}, {"population_size": 2}])
def test_a_new_suggester_proposes_the_same_at_every_trial(space, options):
    loss = mixed_loss if "c" in space else bowl
    opt = hp.Optimizer(space, CMAESSampler(**options), seed=2)
    for number in range(120):
        fresh = CMAESSampler(**options).bind(opt.space.columns)
        row = fresh.suggest(history(opt), history(opt).running(), 1, Rng(2, number))
        trial = opt.ask()
        opt.space.columns.codec.snap(row)
        np.testing.assert_array_equal(row[0], history(opt).X[number])
        opt.tell(trial, loss(trial.params))


def test_late_results_change_the_later_generations_as_if_they_had_been_known():
    L = 8
    opt, other = (hp.Optimizer(floats(3), CMAESSampler(population_size=L), seed=5) for _ in range(2))
    kept = []
    for number in range(6 * L):
        trial = opt.ask()
        if number % 5 == 2:
            kept.append(trial)
        else:
            opt.tell(trial, bowl(trial.params))
        if number % 11 == 10:
            late = kept.pop(0)
            opt.tell(late, bowl(late.params))
    for trial in kept:
        opt.tell(trial, bowl(trial.params))
    for trial in opt.trials:
        other.add(trial.params, trial.value)
    a, b = (o.ask(10) for o in (opt, other))
    assert [t.params for t in a] == [t.params for t in b]
    again = pickle.loads(pickle.dumps(opt))  # noqa: S301
    for o in (opt, again):
        for trial in a:
            o.tell(trial.number, bowl(trial.params))
    assert [t.params for t in opt.ask(10)] == [t.params for t in again.ask(10)]


def test_a_changed_history_is_noticed():
    opt = hp.Optimizer(floats(3), CMAESSampler(population_size=6), seed=0)
    play(opt, 40)
    suggester, rng = opt._suggestions.suggester, Rng(0, 40)
    before = suggester.suggest(history(opt), history(opt).running(), 1, rng)
    view = history(opt).as_of(15)
    hidden = suggester.suggest(view, view.running(), 1, rng)
    fresh = CMAESSampler(population_size=6).bind(opt.space.columns)
    np.testing.assert_array_equal(hidden, fresh.suggest(view, view.running(), 1, rng))
    assert not np.array_equal(hidden, before)
    np.testing.assert_array_equal(suggester.suggest(history(opt), history(opt).running(), 1, rng), before)


def test_a_batch_is_what_single_proposals_are_that_have_no_results():
    one, many = (hp.Optimizer(floats(4), "cmaes", seed=8) for _ in range(2))
    batch = many.ask(30)
    assert [one.ask().params for _ in range(30)] == [t.params for t in batch]


# --- failures --------------------------------------------------------------------------------------------------------


def test_a_generation_of_failures_leaves_the_distribution_and_two_restart_elsewhere():
    L = 6
    opt = hp.Optimizer(floats(3), CMAESSampler(population_size=L), seed=0)
    play(opt, 3 * L)
    before = generation(opt)
    play(opt, L, lambda p: None)
    after = generation(opt)
    np.testing.assert_array_equal(after.distribution.mean, before.distribution.mean)
    np.testing.assert_array_equal(after.distribution.lengths, before.distribution.lengths)
    play(opt, L, lambda p: None)
    elsewhere = generation(opt)
    assert elsewhere.run.first == 5 * L
    assert elsewhere.distribution.population == 2 * L
    assert np.abs(elsewhere.distribution.mean - before.distribution.mean).max() > 0.05


def test_failed_trials_are_left():
    def loss(params) -> float | None:
        return None if params["x0"] > 0.4 else bowl(params, at=0.35)

    opt = hp.Optimizer(floats(2), CMAESSampler(restart=None), seed=1)
    play(opt, 150, loss)
    assert sum(t.state == "failed" for t in opt.trials[-50:]) < 20
    assert opt.best_value < 1e-3


def test_limits_come_before_values():
    opt = hp.Optimizer(floats(2), "cmaes", limits={"m": hp.at_most(0.0)}, seed=0)
    for _ in range(200):
        trial = opt.ask()
        x, y = trial.params.values()
        opt.tell(trial, (x - 0.2) ** 2 + (y - 0.2) ** 2, metrics={"m": 1.0 - x - y})
    assert opt.best_value == pytest.approx(2 * 0.3**2, abs=0.02)


def test_constraints_are_kept():
    space = hp.Space(floats(3), [lambda p: p["x0"] + p["x1"] > 1.0])
    opt = hp.Optimizer(space, "cmaes", seed=0)
    play(opt, 150)
    assert all(t["x0"] + t["x1"] > 1.0 for t in opt.trials)
    best = min((1 * (x - 0.3) ** 2 + 10 * (0.7 - x) ** 2) for x in np.linspace(0, 1, 1001))
    assert opt.best_value < best + 0.05


# --- starts and restarts ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 7, 100])
def test_known_trials_are_a_warm_start(n):
    space = hp.Space(floats(4))
    opt = hp.Optimizer(space, "cmaes", seed=0)
    known = space.sample(n, seed=1)
    opt.add_many([(params, bowl(params)) for params in known])
    start = generation(opt)
    assert start.first == start.run.first == n
    best = np.array(list(min(known, key=bowl).values()))
    if n < 20:
        np.testing.assert_allclose(start.distribution.mean, best)
    else:
        assert bowl(dict(zip("abcd", start.distribution.mean, strict=True))) < np.median([bowl(p) for p in known])
    assert start.distribution.spread < 0.31
    play(opt, 60)
    assert generation(opt).run.first == n  # proposals are recognised as its own
    assert opt.best_value < min(map(bowl, known))


def test_a_warm_start_is_made_of_trials_that_keep_their_limits():
    opt = hp.Optimizer(floats(2), "cmaes", limits={"m": hp.at_most(0.0)}, seed=0)
    opt.add({"x0": 0.9, "x1": 0.9}, 0.0, metrics={"m": 2.0})
    opt.add({"x0": 0.1, "x1": 0.9}, 0.0)  # not known, and so not kept
    opt.add({"x0": 0.2, "x1": 0.3}, 5.0, metrics={"m": -1.0})
    opt.add({"x0": 0.9, "x1": 0.1}, 0.0, metrics={"m": 1.0})
    opt.add({"x0": 0.8, "x1": 0.8}, 9.0, metrics={"m": -5.0})  # keeping one by more is worth nothing
    np.testing.assert_allclose(generation(opt).distribution.mean, [0.2, 0.3])


def test_a_warm_start_from_another_sampler():
    first = hp.Optimizer(floats(4), "random", seed=0)
    play(first, 64)
    second = hp.Optimizer(floats(4), "cmaes", seed=0)
    second.add_many([(t.params, t.value) for t in first.trials])
    play(second, 30)
    cold = hp.Optimizer(floats(4), "cmaes", seed=0)
    play(cold, 30)
    assert min(t.value for t in second.trials[64:]) <= cold.best_value


def test_enqueued_trials_are_used_as_they_are():
    opt = hp.Optimizer(floats(3), CMAESSampler(population_size=6), seed=0)
    play(opt, 6)
    opt.enqueue({"x0": 0.3, "x1": 0.3, "x2": 0.3})
    play(opt, 6)
    assert opt.trials[6].params == {"x0": 0.3, "x1": 0.3, "x2": 0.3}
    assert generation(opt).run.first == 0
    mean = generation(opt).distribution.mean
    other = hp.Optimizer(floats(3), CMAESSampler(population_size=6), seed=0)
    play(other, 12)
    assert np.linalg.norm(mean - 0.3) < np.linalg.norm(generation(other).distribution.mean - 0.3)


@pytest.mark.parametrize("restart", ["ipop", "bipop"])
def test_restarts_have_populations_by_their_rule(restart):
    opt = hp.Optimizer(floats(2), CMAESSampler(restart=restart, population_size=4), seed=0)
    populations = {}
    for _ in range(400):
        play(opt, 1)
        now = opt._suggestions.suggester._replay.current(history(opt), Rng(0, history(opt).n))
        populations[now.run.first] = now.distribution.population
        assert (now.first - now.run.first) % now.distribution.population == 0
    sizes = list(populations.values())
    assert len(sizes) >= 4
    large = [4 * 2**k for k in range(len(sizes))]
    if restart == "ipop":
        assert sizes == large
    else:
        assert sizes != large
        assert next(size for size in sizes if size > 4) == 8


def test_no_restart():
    opt = hp.Optimizer(floats(2), CMAESSampler(restart=None), seed=0)
    play(opt, 400)
    assert generation(opt).run.first == 0


# --- options ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"population_size": 1}, InvalidArgument, "population_size must be within 2 .. 10000, got 1"),
        ({"population_size": 0}, InvalidArgument, "population_size must be within 2"),
        ({"population_size": 10_001}, InvalidArgument, "population_size must be within 2"),
        ({"population_size": 4.0}, InvalidType, "population_size must be an integer"),
        ({"sigma0": 0.0}, InvalidArgument, "sigma0 must be finite and >= 1e-12 and <= 1"),
        ({"sigma0": 1e-13}, InvalidArgument, "sigma0 must be"),
        ({"sigma0": 1.5}, InvalidArgument, "sigma0 must be"),
        ({"sigma0": math.nan}, InvalidArgument, "sigma0 must be"),
        ({"sigma0": "0.3"}, InvalidType, "sigma0 must be a number"),
        ({"restart": "always"}, InvalidArgument, "restart must be one of 'ipop', 'bipop', got 'always'"),
        ({"restart": True}, InvalidType, "restart must be one of"),
    ],
)
def test_options_are_checked(options, error, message):
    with pytest.raises(error, match=message):
        CMAESSampler(**options)


def test_population_by_dimension():
    assert [default_population(d) for d in (1, 2, 10, 20)] == [4, 6, 10, 12]  # Hansen 2016, table 1
    assert len(generation(hp.Optimizer(floats(20), "cmaes", seed=0)).rows) == 12


@pytest.mark.parametrize("population", [2, 3])
def test_the_smallest_populations(population):
    opt = hp.Optimizer(floats(3), CMAESSampler(population_size=population), seed=0)
    with np.errstate(all="raise"):
        play(opt, 60)
    assert opt.best_value < 0.01


def test_several_objectives_are_refused_with_the_samplers_that_can():
    with pytest.raises(InvalidArgument, match=r"must be 'gp', .* or 'annealing' for several objectives, got 'cmaes'"):
        hp.Optimizer(floats(2), "cmaes", directions=["minimize"] * 2)


@pytest.mark.parametrize(
    "space",
    [
        {"a": hp.Categorical(list("abcd")), "b": hp.Categorical(list("xyz")), "c": hp.Categorical(list("uvw"))},
        {"a": hp.Int(0, 5), "b": hp.Int(0, 5)},
    ],
    ids=["categories", "integers"],
)
def test_spaces_without_real_parameters(space):
    def loss(params) -> float:
        return float(sum((value not in ("b", "y", "u", 3)) for value in params.values()))

    opt = hp.Optimizer(space, "cmaes", seed=0)
    play(opt, 30, loss)
    assert opt.best_value == 0.0


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("restart", ["ipop", "bipop", None])
@pytest.mark.parametrize("space", [floats(2), {**floats(2), "n": hp.Int(0, 9), "kind": hp.Categorical(["a", "b"])}])
def test_the_smallest_sigma_starts_from_known_trials_without_a_warning(space, restart) -> None:
    """The covariance of the known trials is divided by the square of sigma."""
    opt = hp.Optimizer(space, CMAESSampler(sigma0=LEAST_SIGMA0, restart=restart), seed=0)
    known = hp.Optimizer(space, "random", seed=1)
    for value in range(30):
        opt.add(known.ask().params, float(value))
    for value in range(60):
        opt.tell(opt.ask(), float(value % 7))
    assert ((opt.history.X >= 0.0) & (opt.history.X <= 1.0)).all()
