"""Proposals: new and allowed points, and enqueued parameters that are completed."""

from __future__ import annotations

import itertools
import math
import re
import time
from typing import Any

import numpy as np
import pytest

import hpcore as hp
from hpcore.errors import (
    ConstraintError,
    InfeasibleSpace,
    InvalidArgument,
    InvalidType,
    SearchSpaceExhausted,
)
from hpcore.optimizer.proposer import Proposer, fill_in
from hpcore.optimizer.remaining import Remaining
from hpcore.optimizer.suggestions import Suggestions
from hpcore.records.history import History
from hpcore.samplers import RandomSampler
from tests.optimizer.samples import FOUR, optimizer


def proposer(space: hp.Space) -> tuple[Proposer, Suggestions, Remaining]:
    suggestions, remaining = Suggestions(RandomSampler(), space.columns, 1, 0, False), Remaining(space, 0)
    return Proposer(space, suggestions, remaining, 0), suggestions, remaining


# --- a proposer alone -------------------------------------------------------------------------------------------------


def test_suggestions_may_repeat_and_proposals_do_not() -> None:
    accepts, suggestions, remaining = proposer(FOUR)
    history, taken = History(1, 1), []
    for _ in range(4):
        repeated = np.array([0.1])
        u, params, _ = accepts.accept(history, repeated, None, None)
        assert u not in remaining
        history.append(u)
        taken.append(params["a"])
    assert taken[0] == 0
    assert sorted(taken) == [0, 1, 2, 3]
    with pytest.raises(SearchSpaceExhausted, match="4 points"):
        accepts.accept(history, np.array([0.1]), None, None)
    rows, step = suggestions.rows(history, 50)
    assert rows.shape == (50, 1)
    assert step is None


def test_what_was_given_is_filled_in() -> None:
    space = hp.Space({"a": hp.Int(0, 3), "x": hp.Float(0, 1)}, [lambda p: p["x"] < 0.5])
    for number in range(20):
        u, params = fill_in(space, {"a": 2}, seed=0, number=number)
        assert params["a"] == 2
        assert params["x"] < 0.5
        np.testing.assert_array_equal(u, space.encode(params))
    with pytest.raises(InfeasibleSpace, match="room for the enqueued"):
        fill_in(space, {"x": 0.75}, seed=0, number=0)


class Recorder(hp.samplers.Sampler):
    """Learning sampler that records its deadlines, and numbers its levels."""

    def __init__(self, sleep: float = 0.0) -> None:
        self.given: list[float | None] = []
        self.sleep = sleep

    def bind(self, columns) -> hp.samplers.Suggester:
        sampler = self

        class AtWork(hp.samplers.Suggester):
            def suggest(self, history, pending, n, rng):
                sampler.given.append(None)
                return np.array([rng.uniform(columns.d, 1)])

            def suggest_within(self, history, pending, n, rng, deadline_ms):
                rows = self.suggest(history, pending, n, rng)
                sampler.given[-1] = deadline_ms
                time.sleep(sampler.sleep)
                return rows, str(len(sampler.given))

        return AtWork()


def refusing(sampler: Recorder, times: int) -> hp.Optimizer:
    """Make an optimizer whose constraint refuses the next proposals, `times` of them."""
    left = [0]

    def constraint(params: dict) -> bool:
        left[0] -= 1
        return left[0] < 0

    opt = hp.Optimizer(hp.Space({"x": hp.Float(0, 1)}, [constraint]), sampler, seed=0)
    left[0] = times
    return opt


CHAIN = {
    "a": hp.Categorical(["n", "m", "y"]),
    "b": hp.Categorical([0, 1], when={"a": "y"}),
    "c": hp.Float(0, 1, when={"b": 1}),
}


# --- refused proposals ------------------------------------------------------------------------------------------------


def test_an_impossible_proposal_ends() -> None:
    seen = []

    def sometimes(params: dict) -> bool:
        seen.append(params)
        return len(seen) == 1

    opt = hp.Optimizer(hp.Space({"x": hp.Float(0, 1)}, [sometimes]), seed=0)
    with pytest.raises(InfeasibleSpace, match="refused"):
        opt.ask()
    assert opt.n_trials == 0


def test_a_constraint_that_raises_late_is_typed_and_changes_nothing() -> None:
    calls = []

    def breaks(params: dict) -> bool:
        calls.append(1)
        if len(calls) == 3:
            raise OSError("late")
        return True

    opt = hp.Optimizer(hp.Space({"x": hp.Float(0, 1)}, [breaks]), seed=0)
    opt.ask()
    with pytest.raises(hp.errors.ConstraintError, match="late"):
        opt.ask()
    assert opt.n_trials == 1
    assert opt.ask().number == 1


@pytest.mark.parametrize("refused", [0, 1, 3])
def test_proposals_after_a_refused_one_get_what_is_left(refused: int) -> None:
    sampler = Recorder(sleep=0.01)
    trial = refusing(sampler, refused).ask(deadline_ms=60_000)
    assert trial.info == {"step": str(refused + 1)}  # the level of the accepted proposal
    assert sampler.given[0] <= 60_000
    assert all(later <= former - 10 for former, later in itertools.pairwise(sampler.given))


def test_once_the_time_is_over_points_are_random() -> None:
    sampler = Recorder(sleep=0.01)
    opt = refusing(sampler, 3)
    assert opt.ask(deadline_ms=5).info == {"step": "random"}
    assert len(sampler.given) == 1
    assert opt.ask(deadline_ms=5).info == {"step": "2"}


def test_after_enough_refused_proposals_points_are_random_with_time_left() -> None:
    assert refusing(Recorder(), 5).ask(deadline_ms=60_000).info == {"step": "random"}


def test_many_trials_share_one_deadline() -> None:
    sampler = Recorder(sleep=0.01)  # returns one row per call, whatever `n` is
    opt = hp.Optimizer({"x": hp.Float(0, 1)}, sampler, seed=0)
    trials = opt.ask(4, deadline_ms=60_000)
    assert [t.info["step"] for t in trials] == ["1", "2", "3", "4"]
    assert all(later <= former - 10 for former, later in itertools.pairwise(sampler.given))
    opt.ask(4, deadline_ms=5)
    assert all(left < 1e-3 for left in sampler.given[5:])


# --- enqueued parameters ----------------------------------------------------------------------------------------------


def test_enqueued_come_first_in_order_and_partial_ones_are_completed() -> None:
    opt = optimizer()
    opt.enqueue({"x": 1.0, "k": 2, "c": "b"})
    opt.enqueue({"k": 7})
    opt.enqueue({})
    batch = opt.ask(5)
    assert batch[0].params == {"x": 1.0, "k": 2, "c": "b"}
    assert batch[1]["k"] == 7
    assert set(batch[1]) == set(batch[2]) == {"x", "k", "c"}
    again = optimizer()
    again.enqueue({"x": 1.0, "k": 2, "c": "b"})
    again.enqueue({"k": 7})
    again.enqueue({})
    assert [again.ask().params for _ in range(5)] == [t.params for t in batch]
    for trial in opt.trials[:]:
        assert opt.space.check(trial.params) == trial.params


def test_partial_parameters_follow_the_conditions() -> None:
    space = {
        "a": hp.Categorical(["on", "off"]),
        "b": hp.Int(1, 3, when={"a": "on"}),
        "c": hp.Float(0, 1, when={"b": hp.at_least(2)}),
    }
    opt = hp.Optimizer(space, seed=0)
    for _ in range(20):
        opt.enqueue({"c": 0.5})
        params = opt.ask().params
        assert params == opt.space.check(params)
        assert params["c"] == 0.5
    with pytest.raises(InvalidArgument, match="leave out 'b'"):
        opt.enqueue({"a": "off", "b": 1})


def test_partial_parameters_obey_constraints() -> None:
    space = hp.Space({"x": hp.Float(0, 1), "y": hp.Float(0, 1)}, [lambda p: p["x"] + p["y"] < 1])
    opt = hp.Optimizer(space, seed=0)
    for _ in range(10):
        opt.enqueue({"x": 0.9})
        trial = opt.ask()
        assert trial["x"] == 0.9
        assert trial["y"] < 0.1
    with pytest.raises(InvalidArgument, match="satisfy the constraints"):
        opt.enqueue({"x": 0.9, "y": 0.9})


@pytest.mark.parametrize("some", [{"c": 0.3}, {"b": 1}, {"b": 1, "c": 0.3}, {"a": "y", "c": 0.3}, {"b": 0}])
def test_a_chain_of_conditions_may_be_given_in_part(some: dict[str, Any]) -> None:
    opt = hp.Optimizer(CHAIN, "random", seed=0)
    opt.enqueue(some)
    params = opt.ask().params
    assert params == opt.space.check(params)
    assert some.items() <= params.items()


@pytest.mark.parametrize(
    ("some", "words"),
    [
        ({"a": "n", "c": 0.3}, "leave out 'c', which is active only when {'b': 1} and {'a': 'y'}, got"),
        ({"b": 0, "c": 0.3}, "leave out 'c', which is active only when {'b': 1}, got"),
        ({"a": "n", "b": 1, "c": 0.3}, "leave out 'b', which is active only when {'a': 'y'}, got"),
    ],
)
def test_what_contradicts_a_chain_is_refused_at_once(some: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidArgument, match=re.escape(words)):
        hp.Optimizer(CHAIN, "random", seed=0).enqueue(some)


def test_children_of_two_branches_are_refused_at_once() -> None:
    space = {"k": [0, 1], "x": hp.Float(0, 1, when={"k": 0}), "y": hp.Float(0, 1, when={"k": 1})}
    with pytest.raises(InvalidArgument, match="must leave out"):
        hp.Optimizer(space, seed=0).enqueue({"x": 0.5, "y": 0.5})


def test_a_child_of_a_rare_parent_is_asked_for() -> None:
    opt = hp.Optimizer(
        {"k": hp.Categorical(["a", "b", "c"], weights=[1, 1e-9, 1]), "x": hp.Float(0, 1, when={"k": "b"})}, seed=0
    )
    opt.enqueue({"x": 0.5})
    assert opt.ask().params == {"k": "b", "x": 0.5}


def test_an_enqueued_point_waits_until_its_constraint_answers() -> None:
    broken = [True]

    def constraint(params: dict[str, Any]) -> bool:
        if broken and "x" in params and params["x"] == 0.25:
            raise OSError("the disk is away")
        return True

    opt = hp.Optimizer(hp.Space({"x": hp.Float(0, 1), "y": hp.Float(0, 1)}, [constraint]), seed=0)
    opt.enqueue({"x": 0.25})
    with pytest.raises(ConstraintError, match="the disk is away"):
        opt.ask()
    broken.clear()
    assert opt.ask()["x"] == 0.25


def test_an_enqueued_point_without_room_leaves_the_queue() -> None:
    space = hp.Space({"x": hp.Float(0, 1), "y": hp.Float(0, 1)}, [lambda p: p["x"] < 0.5])
    opt = hp.Optimizer(space, "random", seed=0)
    opt.enqueue({"x": 0.75})
    with pytest.raises(InfeasibleSpace, match="left the queue"):
        opt.ask()
    assert opt.ask()["x"] < 0.5


def test_a_wrong_enqueue_changes_nothing() -> None:
    opt, untouched = optimizer(), optimizer()
    for params in [{"z": 1}, {"x": 7.0}, {"x": math.nan}, {"k": 1.5}, {"c": None}, [], None, "x", {1: 2}]:
        with pytest.raises((InvalidArgument, InvalidType)):
            opt.enqueue(params)
    assert opt.ask().params == untouched.ask().params


# --- the end of a finite space ----------------------------------------------------------------------------------------


def test_a_large_finite_space_ends_too() -> None:
    opt = hp.Optimizer(hp.Space({"a": hp.Int(0, 400), "b": hp.Int(0, 400)}, [lambda p: p["a"] * p["b"] == 7]), seed=0)
    seen = {(t["a"], t["b"]) for t in opt.ask(50)}
    assert seen == {(1, 7), (7, 1)}


@pytest.mark.parametrize("seed", range(5))
def test_finite_spaces_of_a_quantised_prior_end_after_their_last_value(seed: int) -> None:
    space = {"x": hp.Normal(0, 1, low=-10, high=10, step=2), "c": hp.Categorical([1, True], weights=[1, 1e-300])}
    trials = hp.Optimizer(space, seed=seed).ask(1000)
    assert len({repr(t.params) for t in trials}) == len(trials) == 22
