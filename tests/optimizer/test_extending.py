"""A search that goes on in a larger space proposes what one does that began there with the same trials."""

import pickle

import numpy as np
import pytest

import hpcore as hp
from hpcore.errors import InvalidArgument, SearchSpaceExhausted, SpaceMismatch
from tests.reference import spaces as ref

SMALL = {"kind": hp.Categorical(["a", "b"]), "x": hp.Float(0, 1), "n": hp.Int(1, 4)}
LARGE = {
    "depth": hp.Int(1, 3),
    "kind": hp.Categorical(["c", "a", "b"]),
    "x": hp.Float(-1, 2),
    "n": hp.Int(1, 9),
    "rate": hp.Float(1e-3, 1, log=True, when=[{"kind": "a"}, {"depth": hp.at_least(2)}]),
}
SAMPLERS = [name for name in hp.samplers.names() if name != "grid"]  # which needs levels


def loss(params: dict) -> float:
    return (params["x"] - 0.3) ** 2 + params["n"]


def play(opt: hp.Optimizer, n: int) -> list[dict]:
    asked = []
    for _ in range(n):
        trial = opt.ask()
        asked.append(dict(trial.params))
        opt.tell(trial, loss(trial.params))
    return asked


def search(sampler: str = "random", n: int = 12, **options) -> hp.Optimizer:
    opt = hp.Optimizer(SMALL, sampler, seed=1, **options)
    play(opt, n)
    return opt


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_with_defaults_trials_have_them(sampler: str) -> None:
    opt = search(sampler)
    before = [dict(trial.params) for trial in opt.trials]
    opt.extend(LARGE, defaults={"depth": 1, "rate": 0.25})
    whole = [{"depth": 1, **params, **({"rate": 0.25} if params["kind"] == "a" else {})} for params in before]
    assert [trial.params for trial in opt.trials] == whole
    assert [list(trial.params) for trial in opt.trials] == [[n for n in LARGE if n in params] for params in whole]
    other = hp.Optimizer(LARGE, sampler, seed=1)
    other.add_many([(params, loss(params)) for params in whole])
    assert all(map(ref.same_params, play(opt, 8), play(other, 8)))


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_without_defaults_values_are_missing(sampler: str) -> None:
    opt = search(sampler)
    before = [dict(trial.params) for trial in opt.trials]
    opt.extend(LARGE)
    assert [trial.params for trial in opt.trials] == before and opt.best_params in before
    assert np.isnan(opt.history.X[:, 0]).all() and np.isnan(opt.history.X[:, 4]).all()
    other = hp.Optimizer(LARGE, sampler, seed=1)
    other.restore(opt.rows())
    again = pickle.loads(pickle.dumps(opt))  # noqa: S301
    asked = play(opt, 8)
    assert all(opt.space.check(params) == params for params in asked)
    assert all(map(ref.same_params, asked, play(other, 8)))
    assert all(map(ref.same_params, asked, play(again, 8)))
    assert [trial.params for trial in opt.trials[:12]] == before
    assert opt.recommend().params in [*before, *asked]


def test_running_and_enqueued_trials_stay() -> None:
    opt = search()
    running = opt.ask()
    opt.enqueue({"x": 0.5, "kind": "b"})
    opt.extend(LARGE, defaults={"depth": 2})
    opt.tell(running, 0.5)
    assert opt.trials[12].value == 0.5 and opt.trials[12].params == {**running.params, "depth": 2}
    queued = opt.ask()
    assert queued["x"] == 0.5 and queued["kind"] == "b" and "depth" in queued.params
    later = opt.ask()
    opt.extend({**LARGE, "more": hp.Float(0, 1)})
    assert opt.trials[later.number] is later
    opt.tell(later.number, 1.0)
    assert opt.n_trials == 15 and opt.trials[14].params == later.params


def test_values_are_kept_to_the_last_bit() -> None:
    """In wider bounds the same number may have no coordinate of its own."""
    opt = hp.Optimizer({"x": hp.Float(0, 1e-3), "n": hp.Int(0, 2**60)}, "random", seed=0)
    asked = [opt.ask().params for _ in range(30)]
    for number in range(30):
        opt.tell(number, 1.0)
    opt.extend({"x": hp.Float(-1e3, 1e5), "n": hp.Int(-(2**62), 2**62)})
    assert all(map(ref.same_params, asked, [trial.params for trial in opt.trials]))


def test_facts_of_trials_stay() -> None:
    opt = hp.Optimizer(SMALL, "tpe", "maximize", seed=0, limits={"size": hp.at_most(5.0)}, scheduler="asha")
    for i in range(6):
        trial = opt.ask()
        for step in (1, 3):
            opt.report(trial, float(i), step)
        if i % 2:
            opt.tell(trial, float(i), cost=2.0, metrics={"size": float(i)})
        else:
            opt.tell(trial, None, error="broken")
    before = [(t.value, t.state, t.cost, t.metrics, t.error, t.reports) for t in opt.trials]
    opt.extend(LARGE)
    assert before == [(t.value, t.state, t.cost, t.metrics, t.error, t.reports) for t in opt.trials]
    assert opt.best_trial.number == 5 and opt.ask().number == 6


def test_gradients_and_costs_stay() -> None:
    opt = hp.Optimizer(SMALL, "gradient", seed=0, cost=lambda params: 1.0 + params["n"])
    for _ in range(8):
        trial = opt.ask()
        opt.tell(trial, loss(trial.params), gradient={"x": 2 * (trial["x"] - 0.3)})
    before = [trial.gradient for trial in opt.trials]
    opt.extend(LARGE)
    assert before == [trial.gradient for trial in opt.trials]
    points, costs = opt.costs.known
    assert points.shape[1] == 5 and {t["n"] for t in opt.space.decode_recorded(points)} == set(
        (costs - 1.0).astype(int)
    )
    play_one = opt.ask()
    assert opt.space.check(play_one.params) == play_one.params


def test_a_finite_space_ends_when_the_larger_one_does() -> None:
    opt = hp.Optimizer({"n": hp.Int(1, 3)}, "grid", seed=0)
    first = [opt.ask()["n"] for _ in range(3)]
    for number in range(3):
        opt.tell(number, 0.0)
    with pytest.raises(SearchSpaceExhausted):
        opt.ask()
    opt.extend({"n": hp.Int(0, 5)})
    rest = []
    with pytest.raises(SearchSpaceExhausted):
        while True:
            rest.append(opt.ask()["n"])
    assert sorted(first + rest) == [0, 1, 2, 3, 4, 5]


def test_a_search_without_trials_may_be_extended() -> None:
    opt = hp.Optimizer(SMALL, "gp", seed=1)
    opt.extend(LARGE)
    assert all(map(ref.same_params, play(opt, 3), play(hp.Optimizer(LARGE, "gp", seed=1), 3)))


OPEN = hp.Normal(0, 1, low=-1)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (hp.Float(0, 1), hp.Float(0, 0.5)),
        (hp.Float(0, 1), hp.Float(0, 1, step=0.5)),
        (hp.Float(0, 1), hp.Int(0, 1)),
        (hp.Float(0, 1, step=0.25), hp.Float(0, 1, step=0.5)),
        (hp.Int(1, 9), hp.Int(1, 9, step=2)),
        (hp.Int(1, 9), hp.Int(2, 12)),
        (hp.Categorical(["a", "b"]), hp.Categorical(["a", "c"])),
        (hp.Categorical([1, 2]), hp.Categorical([True, 1.0, 2])),
        (OPEN, hp.Normal(0, 1, low=-1, high=4)),
    ],
)
def test_a_space_that_has_lost_values_is_refused(old, new) -> None:
    opt = hp.Optimizer({"x": hp.Float(0, 1), "old": old}, "random", seed=0)
    with pytest.raises(SpaceMismatch, match="'old'"):
        opt.extend({"x": hp.Float(0, 1), "old": new})


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (hp.Float(0, 1, step=0.5), hp.Float(0, 1)),
        (hp.Float(0, 1, step=0.5), hp.Float(-1, 2, step=0.25)),
        (hp.Int(1, 9, step=4), hp.Int(1, 9, step=2)),
        (hp.Int(3, 3), hp.Int(1, 9, step=2)),
        (hp.Categorical([1, "a"]), hp.Categorical(["a", None, 1])),
        (OPEN, hp.Normal(3, 1)),
        (OPEN, OPEN),
    ],
)
def test_a_space_that_has_all_values_is_taken(old, new) -> None:
    opt = hp.Optimizer({"old": old}, "random", seed=0)
    params = [opt.ask().params for _ in range(2 if old.levels else 5) if old.levels != 1]
    opt.extend({"old": new})
    assert [trial.params for trial in opt.trials] == params


def test_what_is_refused_changes_nothing() -> None:
    opt = search()
    opt.enqueue({"x": 0.25})
    before = opt.space, opt.history
    for larger, options, message in [
        ({"x": hp.Float(0, 1)}, {}, "'kind'"),
        (LARGE, {"defaults": {"x": 0.5}}, "defaults must be of new parameters"),
        (LARGE, {"defaults": {"depth": 9}}, "'depth' must be within"),
        (LARGE, {"defaults": {"none": 9}}, "'none'"),
        ({**SMALL, "y": hp.Int(1, 2), "x": hp.Float(0, 1, when={"y": 1})}, {"defaults": {"y": 2}}, "leave out 'x'"),
        (hp.Space({**SMALL, "n": hp.Int(1, 4, when={"kind": "a"})}), {}, "leave out 'n'"),
    ]:
        with pytest.raises((SpaceMismatch, InvalidArgument), match=message):
            opt.extend(larger, **options)
    assert (opt.space, opt.history) == before and opt.ask()["x"] == 0.25


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_numbers_without_a_trial_stay_so(sampler: str) -> None:
    def told(space: dict, more: dict) -> hp.Optimizer:
        opt = hp.Optimizer(space, sampler, seed=1)
        for k in (0, 1, 2, 5, 6, 7, 9, 11):
            opt.put(k, {"kind": "b", "x": k / 11, "n": 2, **more}, "complete", (k - 3.0) ** 2)
        opt.put(13, None, "withdrawn")
        return opt

    opt = told(SMALL, {})
    opt.extend(LARGE, defaults={"depth": 1, "rate": 0.25})
    other = told(LARGE, {"depth": 1})
    assert [trial.state for trial in opt.trials] == [trial.state for trial in other.trials]
    assert [trial.params for trial in opt.trials] == [trial.params for trial in other.trials]
    assert ref.same_params(opt.ask(number=14).params, other.ask(number=14).params)
