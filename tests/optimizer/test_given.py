"""Proposals that complete given values, and results for which other values were used than those that were proposed."""

import copy
import pickle

import numpy as np
import pytest

import hpcore as hp
from hpcore.errors import InfeasibleParams, InvalidArgument
from tests.optimizer.samples import facts

SPACE = hp.Space(
    {
        "x": hp.Float(-5, 5),
        "y": hp.Float(-5, 5),
        "n": hp.Int(0, 2**60),
        "c": hp.Categorical(["a", "b"]),
        "z": hp.Float(0, 1, when={"c": "a"}),
    }
)


def loss(p) -> float:
    return (p["x"] - 1 - 0.2 * p["y"]) ** 2 + (p["y"] + 2) ** 2 + p["n"] / 2**60 + p.get("z", 0.5)


def begun(sampler: str, n: int = 12, space=SPACE, **options) -> hp.Optimizer:
    opt = hp.Optimizer(space, sampler, seed=1, **options)
    for trial in opt.ask(n):
        opt.tell(trial, loss(trial))
    return opt


@pytest.mark.parametrize("sampler", hp.samplers.names())
def test_given_values_are_kept_and_the_others_are_legal(sampler: str) -> None:
    opt = begun(sampler)
    seen = {repr(t.params) for t in opt.trials}
    for given in ({"y": 3.0}, {"z": 0.25}, {"n": 2**59 + 1, "c": "b"}, {"c": "a", "x": -5}):
        trial = opt.ask(given=given)
        assert given.items() <= trial.params.items()
        assert SPACE.check(trial.params) == trial.params
        assert opt.trials[trial.number] is trial
        opt.tell(trial, loss(trial))
        assert opt.trials[trial.number].params == trial.params
        seen.add(repr(trial.params))
    more = opt.ask(3, given={"c": "b"})
    assert [trial["c"] for trial in more] == ["b"] * 3
    assert len(seen | {repr(t.params) for t in more}) == 19
    assert opt.history.n_given == 0


@pytest.mark.parametrize(("sampler", "most"), [("gp", 0.01), ("tpe", 0.5), ("auto", 0.01), ("evolution", 0.5)])
def test_the_others_are_chosen_by_results(sampler: str, most: float) -> None:
    space = {"x": hp.Float(-5, 5), "y": hp.Float(-5, 5)}

    def regret(sampler: str) -> float:
        found = []
        for seed in range(3):
            opt = hp.Optimizer(space, sampler, seed=seed)
            for number in range(36):
                trial = opt.ask(given={"y": 3.0} if number % 2 else {"y": -2.0})
                opt.tell(trial, (trial["x"] - 1 - 0.2 * trial["y"]) ** 2)
            found.append(min(t.value for t in opt.trials if t["y"] == 3.0))
        return float(np.mean(found))

    assert regret(sampler) < most
    assert regret(sampler) < regret("random")


def test_constraints_hold_beside_given_values() -> None:
    space = hp.Space(
        {"x": hp.Float(0, 1), "y": hp.Float(0, 1), "k": hp.Int(1, 4)}, [lambda p: p["x"] + p["y"] <= 0.1 * p["k"]]
    )
    for sampler in ("gp", "tpe", "random"):
        opt = hp.Optimizer(space, sampler, seed=0)
        for _ in range(12):
            trial = opt.ask(given={"k": 1})
            assert trial["k"] == 1
            assert space.allows(trial.params)
            opt.tell(trial, -trial["x"])
        with pytest.raises(InfeasibleParams, match="given"):
            opt.ask(given={"k": 1, "x": 0.5})
        assert opt.n_trials == 12


@pytest.mark.parametrize("sampler", ["gp", "tpe", "cmaes", "random"])
def test_a_proposal_for_a_number_with_given_values_follows_from_the_rows(sampler: str) -> None:
    opt = begun(sampler, 9)
    again = hp.Optimizer(SPACE, sampler, seed=1)
    for trial in reversed(list(opt.trials)):
        again.put(trial.number, trial.params, "complete", trial.value)
    trial = opt.ask(number=11, given={"y": 0.5})
    assert trial["y"] == 0.5
    assert again.ask(number=11, given={"y": 0.5}) == trial
    assert opt.ask(number=11, given={"y": 0.5}) is trial
    with pytest.raises(InvalidArgument, match="agree"):
        opt.ask(number=11, given={"y": 0.25})
    opt.tell(trial, 1.0)
    again.put(11, trial.params, "complete", 1.0)
    assert again.ask(number=12, given={"c": "b"}) == opt.ask(number=12, given={"c": "b"})


def test_a_known_point_comes_again_where_there_is_no_other() -> None:
    opt = hp.Optimizer({"a": hp.Int(0, 1), "b": hp.Int(0, 1)}, "gp", seed=0)
    asked = opt.ask(2, given={"a": 0})
    assert {t["b"] for t in asked} == {0, 1}
    assert opt.ask(given={"a": 0})["a"] == 0
    assert opt.ask(given={"a": 1, "b": 0}).params == {"a": 1, "b": 0}
    assert opt.ask().params == {"a": 1, "b": 1}


def test_the_queue_stays_where_it_is() -> None:
    opt = begun("tpe")
    opt.enqueue({"x": 0.0})
    assert opt.ask(given={"x": 1.0})["x"] == 1.0
    assert opt.ask()["x"] == 0.0


def test_bad_given_values() -> None:
    opt = begun("random", 2)
    for given, message in (({"x": 9.0}, "'x'"), ({"w": 1.0}, "'w'"), ({"c": "b", "z": 0.5}, "active only when")):
        with pytest.raises(InvalidArgument, match=message):
            opt.ask(given=given)
    with pytest.raises(InvalidArgument, match="deadline_ms"):
        opt.ask(given={"x": 1.0}, deadline_ms=5.0)
    with pytest.raises(InvalidArgument, match="scheduler"):
        hp.Optimizer(SPACE, scheduler="asha", seed=0).ask(given={"x": 1.0})
    assert opt.n_trials == 2


# --- other values than those that were proposed -----------------------------------------------------------------------


@pytest.mark.parametrize("sampler", ["gp", "tpe", "cmaes", "auto", "random"])
def test_the_trial_becomes_what_was_used(sampler: str) -> None:
    opt = begun(sampler, 5)
    trial = opt.ask()
    used = {"x": 1.5, "y": 2.0, "n": 2**59 + 1, "c": "b"}
    opt.tell(trial, loss(used), params=used)
    assert trial.params == used
    assert opt.trials[5] == trial
    assert opt.history.n_given == 0
    # As if it had been proposed so.
    again = hp.Optimizer(SPACE, sampler, seed=1)
    for known in opt.trials:
        again.put(known.number, known.params, "complete", known.value)
    assert again.ask(number=6) == opt.ask()
    assert facts(pickle.loads(pickle.dumps(opt))) == facts(opt)  # noqa: S301 - our own data


def test_a_copy_may_tell_it_too() -> None:
    opt = begun("random", 2)
    trial = copy.deepcopy(opt.ask())
    used = {**trial.params, "x": 1.5}
    opt.tell(trial, 1.0, params=used, gradient={"x": 0.5})
    assert opt.trials[2].params == used
    assert opt.trials[2].gradient == {"x": 0.5}


def test_the_point_that_was_not_used_may_be_proposed() -> None:
    opt = hp.Optimizer({"a": hp.Int(0, 2)}, "random", seed=0)
    trial = opt.ask()
    proposed = trial["a"]
    opt.tell(trial, 1.0, params={"a": (proposed + 1) % 3})
    assert {t["a"] for t in opt.ask(2)} == {proposed, (proposed + 2) % 3}


def test_bad_values_change_nothing() -> None:
    opt = begun("random", 2)
    trial = opt.ask()
    before = dict(trial.params)
    for params in ({"x": 9.0}, {**before, "x": 9.0}, {**before, "w": 1.0}):
        with pytest.raises(InvalidArgument):
            opt.tell(trial, 1.0, params=params)
    assert trial.state == "running"
    assert trial.params == before
