"""Ask and tell."""

import itertools
import math
import pickle
import re
import threading
import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hpcore as hp
from hpcore.errors import (
    ConstraintError,
    InfeasibleSpace,
    InvalidArgument,
    InvalidType,
    NoCompletedTrial,
    SearchSpaceExhausted,
    TrialAlreadyTold,
    UnknownTrial,
)

SPACE = {"x": hp.Float(-5, 5), "k": hp.Int(1, 9), "c": hp.Categorical(["a", "b"])}
FAILURES = [None, math.nan, math.inf, -math.inf, np.nan, np.float32("inf"), 10**400, -(10**400), [None], [math.nan]]


def optimizer(**options) -> hp.Optimizer:
    return hp.Optimizer(SPACE, **{"seed": 0, **options})


def facts(opt: hp.Optimizer) -> list[str]:
    """All that an optimizer shows of itself."""
    trials = [(t.number, t.params, t.state, t.values, t.reports, t.user_attrs, t.error) for t in opt.trials]
    return [repr(trials), repr(opt)]


# --- telling ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [0.25, np.float32(0.25), np.array(0.25), [0.25], (0.25,), np.array([0.25])], ids=repr)
def test_forms_of_a_value(value) -> None:
    opt = optimizer()
    opt.tell(opt.ask(), value)
    assert opt.best_value == 0.25
    assert type(opt.best_value) is float
    assert opt.best_trial.values == (0.25,)


@pytest.mark.parametrize("form", ["trial", "number", "numpy number", "copy"])
def test_forms_of_a_trial(form: str) -> None:
    opt = optimizer()
    trial = opt.ask()
    given = {"trial": trial, "number": 0, "numpy number": np.int64(0), "copy": pickle.loads(pickle.dumps(trial))}  # noqa: S301
    opt.tell(given[form], 1.5)
    assert (trial.state, trial.value) == ("complete", 1.5)
    assert opt.trials[0] == trial


def test_a_copy_brings_back_what_was_written_on_it() -> None:
    space = {"m": hp.Categorical([np.arange(3), math.nan, object]), "x": (0.0, 1.0)}
    opt = hp.Optimizer(space, seed=1)
    for _ in range(6):
        trial = opt.ask()
        copy = pickle.loads(pickle.dumps(trial))  # noqa: S301
        copy.user_attrs["seen"] = True
        copy.reports[3] = 0.5
        copy.started, copy.finished = 10.0, 12.5
        opt.tell(copy, 1.0)
        kept = opt.trials[trial.number]
        assert (kept.user_attrs, kept.reports, kept.started, kept.finished) == ({"seen": True}, {3: 0.5}, 10.0, 12.5)
        assert kept.params["m"] is trial.params["m"]


@pytest.mark.parametrize("value", FAILURES, ids=lambda v: repr(v)[:12])
@pytest.mark.parametrize("direction", ["minimize", "maximize"])
def test_a_failure_is_never_best(value, direction: str) -> None:
    opt = optimizer(direction=direction)
    opt.tell(opt.ask(), value)
    with pytest.raises(NoCompletedTrial, match="1 failed; the last failure: the value was"):
        _ = opt.best_trial
    opt.tell(opt.ask(), 3.0)
    opt.tell(opt.ask(), value)
    opt.add({"x": 0.0, "k": 1, "c": "a"}, value)
    assert (opt.best_trial.number, opt.best_value) == (1, 3.0)
    assert [t.number for t in opt.pareto_front] == [1]
    failed = opt.trials[0]
    assert (failed.state, failed.value, failed.values) == ("failed", None, None)
    assert "not a finite number" in failed.error
    assert opt.trials[3].state == "failed"


@pytest.mark.parametrize("value", [10**5000, [-(10**5000)]], ids=["int", "list"])
def test_a_value_too_long_to_be_written_is_a_failure(value) -> None:
    opt = optimizer()
    opt.tell(opt.ask(), value)
    assert opt.trials[0].state == "failed"
    assert opt.trials[0].error.endswith("that cannot be written (ValueError), which is not a finite number")


def test_a_resumed_trial_keeps_what_its_last_job_did_not_measure() -> None:
    opt = optimizer()
    trial = opt.ask()
    opt.tell(trial, cost=3.0, gradient={"x": 1.0}, state="paused")
    trial = opt.resume(trial)
    opt.tell(trial, 0.5, metrics={"f1": 0.9})
    assert (trial.cost, trial.metrics, trial.gradient) == (3.0, {"f1": 0.9}, {"x": 1.0})
    assert opt.trials[0] == trial


def test_an_error_text_marks_a_failure_and_is_kept() -> None:
    opt = optimizer()
    trial = opt.ask()
    opt.tell(trial, 0.5, error="Traceback ...\nValueError: no")
    assert (trial.state, trial.values) == ("failed", None)
    assert opt.trials[0].error == trial.error == "Traceback ...\nValueError: no"
    with pytest.raises(NoCompletedTrial, match="ValueError: no"):
        _ = opt.best_value


WRONG_VALUES = [
    ("0.3", InvalidType),
    (b"1", InvalidType),
    (bytearray(b"1"), InvalidType),
    (["1"], InvalidType),
    ([b"1"], InvalidType),
    (np.array(["1"]), InvalidType),
    (1j, InvalidType),
    (np.complex64(1), InvalidType),
    ({"loss": 1.0}, InvalidType),
    ({1.0}, InvalidType),
    (object(), InvalidType),
    ([[1.0]], InvalidType),
    (np.ones((1, 1)), InvalidType),
    ([], InvalidArgument),
    ([1.0, 2.0], InvalidArgument),
    (np.ones(3), InvalidArgument),
]


@pytest.mark.parametrize(("value", "error"), WRONG_VALUES, ids=lambda v: repr(v)[:20])
@pytest.mark.parametrize("entry", ["tell", "add"])
def test_a_wrong_value_changes_nothing(value, error, entry: str) -> None:
    opt = optimizer()
    trial = opt.ask()
    before = facts(opt)
    with pytest.raises(error, match="value must"):
        if entry == "tell":
            opt.tell(trial, value)
        else:
            opt.add({"x": 0.0, "k": 1, "c": "a"}, value)
    assert facts(opt) == before
    opt.tell(trial, 1.0)


def test_a_wrong_value_told_with_a_copy_changes_nothing() -> None:
    opt = optimizer()
    copy = pickle.loads(pickle.dumps(opt.ask()))  # noqa: S301
    copy.user_attrs["a"] = 1
    before = facts(opt)
    with pytest.raises(InvalidType):
        opt.tell(copy, "1")
    assert facts(opt) == before


def test_wrong_trials() -> None:
    opt, other = optimizer(), optimizer(seed=99)
    told = opt.ask()
    opt.tell(told, 1.0)
    foreign = [other.ask() for _ in range(3)]
    waiting = opt.ask()
    before = facts(opt)
    for trial, error in [
        (told, TrialAlreadyTold),
        (0, TrialAlreadyTold),
        (foreign[1], UnknownTrial),
        (foreign[2], UnknownTrial),
        (2, UnknownTrial),
        (-1, UnknownTrial),
        (True, InvalidType),
        (None, InvalidType),
        (1.0, InvalidType),
        ({"x": 1}, InvalidType),
        ("1", InvalidType),
    ]:
        with pytest.raises(error, match="trial"):
            opt.tell(trial, 2.0)
    assert facts(opt) == before
    opt.tell(waiting, 0.5)
    assert opt.best_value == 0.5


@pytest.mark.parametrize("std_error", [-1, math.nan, math.inf, "1", True, 1j, 10**400, np.ones(2)], ids=repr)
def test_a_wrong_standard_error(std_error) -> None:
    opt = optimizer()
    trial = opt.ask()
    with pytest.raises((InvalidArgument, InvalidType), match="std_error must"):
        opt.tell(trial, 1.0, std_error=std_error)
    assert trial.state == "running"


def test_standard_errors_reach_the_history() -> None:
    opt = optimizer()
    for i in range(100):
        opt.tell(opt.ask(), float(i), std_error=0.5 if i == 70 else None)
    errors = opt.history.std_errors
    assert errors is not None
    assert np.flatnonzero(~np.isnan(errors)).tolist() == [70]


def test_the_earliest_of_equals_is_best() -> None:
    opt = optimizer(direction="maximize")
    for value in (1.0, 3.0, 3.0, 2.0):
        opt.tell(opt.ask(), value)
    assert opt.best_trial.number == 1
    assert opt.best_params == opt.trials[1].params
    assert [t.number for t in opt.pareto_front] == [1, 2]


def test_the_earliest_of_equals_is_best_whatever_the_order_of_telling() -> None:
    opt = optimizer()
    for trial in reversed(opt.ask(3)):
        opt.tell(trial, 1.0)
    assert opt.best_trial.number == 0


def test_trials_may_be_told_in_any_order() -> None:
    opt = optimizer()
    batch = opt.ask(6)
    for trial in reversed(batch):
        opt.tell(trial, float(trial.number))
    assert [t.value for t in opt.trials] == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]
    assert opt.best_trial.number == 0


# --- asking -------------------------------------------------------------------------------------------------------


def test_ask_one_and_many() -> None:
    opt = optimizer()
    assert isinstance(opt.ask(), hp.Trial)
    assert [t.number for t in opt.ask(1)] == [1]
    assert [t.number for t in opt.ask(np.int64(3))] == [2, 3, 4]
    trial = opt.trials[2]
    assert dict(trial) == trial.params
    assert trial["k"] == trial.params["k"]
    assert list(trial) == ["x", "k", "c"]
    assert len(trial) == 3


@pytest.mark.parametrize(
    ("n", "error"),
    [(0, InvalidArgument), (-1, InvalidArgument), (1.0, InvalidType), ("2", InvalidType), (True, InvalidType)],
)
def test_a_wrong_number(n, error) -> None:
    opt = optimizer()
    with pytest.raises(error, match="n must be"):
        opt.ask(n)
    assert opt.n_trials == 0


@pytest.mark.parametrize("seed", [0, 2**63, 2**128 - 1])
def test_a_seed_repeats(seed: int) -> None:
    assert [t.params for t in optimizer(seed=seed).ask(5)] == [t.params for t in optimizer(seed=seed).ask(5)]


def test_without_a_seed_one_is_drawn_and_shown() -> None:
    a, b = optimizer(seed=None), optimizer(seed=None)
    assert a.seed != b.seed
    assert [t.params for t in optimizer(seed=a.seed).ask(5)] == [t.params for t in a.ask(5)]


def test_ask_gives_fewer_only_at_the_end() -> None:
    opt = hp.Optimizer({"a": range(5)}, seed=0)
    opt.enqueue({"a": 3})
    assert len(opt.ask(3)) == 3
    assert len(opt.ask(10)) == 2
    with pytest.raises(SearchSpaceExhausted):
        opt.ask(10)


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


class Recorder(hp.samplers.Sampler):
    """A sampler that learns, notes the time that it is given, and calls its steps by their numbers."""

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
    """An optimizer whose constraint says no so many times, from now on."""
    left = [0]

    def constraint(params: dict) -> bool:
        left[0] -= 1
        return left[0] < 0

    opt = hp.Optimizer(hp.Space({"x": hp.Float(0, 1)}, [constraint]), sampler, seed=0)
    left[0] = times
    return opt


@pytest.mark.parametrize("refused", [0, 1, 3])
def test_proposals_after_a_refused_one_get_what_is_left(refused: int) -> None:
    sampler = Recorder(sleep=0.01)
    trial = refusing(sampler, refused).ask(deadline_ms=60_000)
    assert trial.info == {"step": str(refused + 1)}  # of the proposal that was accepted
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
    sampler = Recorder(sleep=0.01)  # gives one row at a time, however many are wanted
    opt = hp.Optimizer({"x": hp.Float(0, 1)}, sampler, seed=0)
    trials = opt.ask(4, deadline_ms=60_000)
    assert [t.info["step"] for t in trials] == ["1", "2", "3", "4"]
    assert all(later <= former - 10 for former, later in itertools.pairwise(sampler.given))
    opt.ask(4, deadline_ms=5)
    assert all(left < 1e-3 for left in sampler.given[5:])


@pytest.mark.parametrize("sampler", ["tpe", "gp", "sobol"])
@pytest.mark.parametrize("space", [{"x": hp.Float(0, 1)}, {"x": hp.Int(0, 30)}], ids=["continuous", "finite"])
def test_an_ask_for_many_that_fails_leaves_nothing_behind(sampler: str, space: dict) -> None:
    broken = []

    def constraint(params: dict) -> bool:
        if broken:
            broken.append(1)
            if len(broken) > 5:
                raise OSError("no")
        return True

    def play(fails: bool) -> list:
        opt = hp.Optimizer(hp.Space(space, [constraint]), sampler, seed=0)
        for _ in range(12):
            trial = opt.ask()
            opt.tell(trial, trial["x"])
        opt.ask(2)
        for x in (5, 0, 5):
            opt.enqueue({"x": x if isinstance(space["x"], hp.Int) else x / 10})
        if fails:
            before = facts(opt)
            broken.append(1)
            with pytest.raises(hp.errors.ConstraintError, match="no"):
                opt.ask(8)
            broken.clear()
            assert facts(opt) == before
            assert sorted(opt.running()) == [12, 13]
            with pytest.raises(UnknownTrial):
                opt.tell(14, 1.0)
        trials = opt.ask(8)
        for trial in trials:
            opt.tell(trial, trial["x"])
        return [t.params for t in [*trials, *opt.ask(3)]]

    assert play(fails=True) == play(fails=False)


def test_what_has_no_room_leaves_the_queue_and_takes_nothing_along() -> None:
    opt = hp.Optimizer(hp.Space({"x": hp.Float(0, 1), "y": hp.Float(0, 1)}, [lambda p: p["x"] < 0.5]), "random", seed=0)
    opt.enqueue({"x": 0.25})
    opt.enqueue({"x": 0.75})
    opt.enqueue({"x": 0.125})
    with pytest.raises(InfeasibleSpace, match="enqueued"):
        opt.ask(4)
    assert opt.n_trials == 0
    assert [t["x"] for t in opt.ask(4)][:2] == [0.25, 0.125]


# --- adding and enqueueing ----------------------------------------------------------------------------------------


def test_add() -> None:
    opt = optimizer(direction="maximize")
    trial = opt.add({"c": "b", "x": 1, "k": 3.0}, 0.5, std_error=0.1)
    assert (trial.number, trial.state, trial.value) == (0, "complete", 0.5)
    assert trial.params == {"x": 1.0, "k": 3, "c": "b"}
    assert opt.best_params == {"x": 1.0, "k": 3, "c": "b"}
    assert opt.ask().number == 1


def test_a_value_may_be_read_only_once() -> None:
    opt = optimizer(directions=["minimize", "minimize"])
    opt.tell(opt.ask(), iter([1.0, 2.0]))
    opt.add({"x": 0.0, "k": 1, "c": "a"}, iter([3.0, 4.0]))
    assert [trial.values for trial in opt.trials] == [(1.0, 2.0), (3.0, 4.0)]


def test_added_values_are_kept_exactly() -> None:
    opt = hp.Optimizer({"k": hp.Int(0, 2**63 - 1), "y": hp.Float(1e-300, 1e300, log=True)}, seed=0)
    params = {"k": 2**62 + 12345, "y": math.pi}
    opt.add(params, 1.0)
    opt.enqueue(params)
    opt.tell(opt.ask(), 0.5)
    for trial in opt.trials[:]:
        assert trial.params == params
    assert pickle.loads(pickle.dumps(opt)).best_params == params  # noqa: S301


def test_add_takes_what_constraints_would_refuse() -> None:
    opt = hp.Optimizer(hp.Space({"x": hp.Float(0, 1)}, [lambda p: p["x"] < 0.5]), seed=0)
    assert opt.add({"x": 0.9}, 1.0).params == {"x": 0.9}


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"x": 0.0, "k": 1},
        {"x": 9.0, "k": 1, "c": "a"},
        {"x": 0.0, "k": 1, "c": "z"},
        {"x": 0.0, "k": 1, "c": "a", "q": 1},
        5,
    ],
    ids=repr,
)
def test_wrong_params_are_not_added(params) -> None:
    opt = optimizer()
    with pytest.raises((InvalidArgument, InvalidType)):
        opt.add(params, 1.0)
    assert opt.n_trials == 0


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


def test_attributes_may_be_added_with_a_trial() -> None:
    opt = optimizer()
    attributes = {"source": "paper", "year": 2012}
    trial = opt.add({"x": 1.0, "k": 2, "c": "b"}, 3.0, user_attrs=attributes)
    attributes["year"] = 1999
    assert trial.user_attrs == opt.trials[0].user_attrs == {"source": "paper", "year": 2012}
    for wrong in ("source", [1], {"a": object()}, {object(): "a"}):
        with pytest.raises(InvalidType, match=r"user_attrs.* must|attribute's name must"):
            opt.add({"x": 1.0, "k": 3, "c": "b"}, 3.0, user_attrs=wrong)  # type: ignore[arg-type]
    assert (opt.n_trials, len(opt.running())) == (1, 0)
    assert opt.add({"x": 1.0, "k": 3, "c": "b"}, 3.0, user_attrs={1: (2,)}).user_attrs == {"1": [2]}


CHAIN = {
    "a": hp.Categorical(["n", "m", "y"]),
    "b": hp.Categorical([0, 1], when={"a": "y"}),
    "c": hp.Float(0, 1, when={"b": 1}),
}


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


def test_what_the_caller_changes_afterwards_is_not_ours() -> None:
    opt = optimizer()
    params = {"x": 1.0, "k": 2, "c": "b"}
    opt.enqueue(params)
    opt.add(params, 1.0)
    params["x"] = 99.0
    trial = opt.ask()
    assert trial["x"] == 1.0
    del trial.params["x"]
    opt.tell(trial, 0.5)
    assert opt.best_params["x"] == 1.0
    opt.best_params["x"] = 99.0
    assert opt.best_params["x"] == 1.0


# --- several objectives -------------------------------------------------------------------------------------------


def dominates(a, b) -> bool:
    return all(x <= y for x, y in zip(a, b, strict=True)) and any(x < y for x, y in zip(a, b, strict=True))


@settings(deadline=None, max_examples=150)
@given(data=st.data(), m=st.integers(1, 4))
def test_the_pareto_front_against_brute_force(data, m: int) -> None:
    number = st.one_of(st.integers(0, 4).map(float), st.sampled_from([1e308, -1e308, math.nan]))
    rows = data.draw(st.lists(st.lists(number, min_size=m, max_size=m), max_size=20))
    ways = data.draw(st.lists(st.sampled_from(["minimize", "maximize"]), min_size=m, max_size=m))
    opt = hp.Optimizer({"x": hp.Float(0, 1)}, directions=ways, seed=0)
    for row in rows:
        opt.tell(opt.ask(), row)
    signed = {
        i: [v if way == "minimize" else -v for v, way in zip(row, ways, strict=True)]
        for i, row in enumerate(rows)
        if not any(map(math.isnan, row))
    }
    expected = [i for i, a in signed.items() if not any(dominates(b, a) for b in signed.values())]
    assert [t.number for t in opt.pareto_front] == expected
    assert all(list(t.values) == rows[t.number] for t in opt.pareto_front)


def test_several_objectives_have_no_single_best() -> None:
    opt = optimizer(directions=["minimize", "maximize"])
    opt.tell(opt.ask(), (1.0, 2.0))
    for name in ("best_trial", "best_params", "best_value"):
        with pytest.raises(InvalidArgument, match="pareto_front"):
            getattr(opt, name)
    assert opt.trials[0].values == (1.0, 2.0)
    assert opt.trials[0].value == 1.0
    trial = opt.ask()
    for wrong in (1.0, (1.0,), (1.0, 2.0, 3.0)):
        with pytest.raises(InvalidArgument, match=r"one number per objective \(2\)"):
            opt.tell(trial, wrong)
    opt.tell(trial, (1.0, math.inf))
    assert trial.state == "failed"


@pytest.mark.parametrize(
    "wrong",
    [
        {"direction": "min"},
        {"direction": 1},
        {"direction": np.array(["minimize", "maximize"])},
        {"directions": "minimize"},
        {"directions": []},
        {"directions": ["minimize", "up"]},
        {"directions": [["minimize"]]},
        {"direction": "minimize", "directions": ["minimize"]},
        {"seed": -1},
        {"seed": 2**128},
        {"seed": 1.0},
        {"seed": "1"},
        {"seed": True},
        {"sampler": "rndom"},
        {"sampler": None},
    ],
    ids=repr,
)
def test_wrong_options(wrong: dict) -> None:
    with pytest.raises((InvalidArgument, InvalidType), match=next(iter(wrong))[:9]):
        optimizer(**wrong)


# --- the record ---------------------------------------------------------------------------------------------------


def test_trials_are_a_live_sequence() -> None:
    opt = optimizer()
    view = opt.trials
    assert len(view) == 0
    assert list(view) == []
    batch = opt.ask(100)
    for trial in batch[:70]:
        trial.user_attrs["n"] = trial.number
        opt.tell(trial, float(trial.number) if trial.number % 2 else None)
    assert len(view) == 100
    assert view[-1] is batch[-1]
    assert view[99] is batch[99]
    assert view[3].user_attrs == {"n": 3}
    assert view[3].params == batch[3].params
    assert [t.number for t in view[10:80:7]] == list(range(10, 80, 7))
    assert [t.number for t in view[::-1]] == list(range(99, -1, -1))
    assert [t.number for t in view[-3:]] == [97, 98, 99]
    assert view[200:] == []
    assert [t.state for t in view[68:72]] == ["failed", "complete", "running", "running"]
    assert batch[5] in view
    assert view.index(batch[5]) == 5
    assert [t.params for t in view] == [t.params for t in batch]
    for wrong in (100, -101):
        with pytest.raises(IndexError):
            view[wrong]


def test_the_columns_grow() -> None:
    opt = optimizer(directions=["minimize", "maximize"], sampler="random")
    told = {}
    for i in range(700):
        trial = opt.ask()
        told[i] = (dict(trial.params), (float(i), -float(i)))
        opt.tell(trial, told[i][1])
    assert [(t.params, t.values) for t in opt.trials] == list(told.values())
    history = opt.history
    assert history.X.shape == (700, 3)
    assert history.values.shape == (700, 2)
    assert len(history._X) < 4 * 700
    np.testing.assert_array_equal(history.values[:, 1], np.arange(700.0))


def test_points_of_the_history_encode_their_parameters() -> None:
    opt = hp.Optimizer({**SPACE, "n": hp.Normal(0, 1), "l": hp.Float(1e-5, 1, log=True, when={"c": "a"})}, seed=0)
    opt.ask(50)
    points = opt.space.encode([t.params for t in opt.trials])
    np.testing.assert_array_equal(points, opt.history.X)


def test_pickling_keeps_everything() -> None:
    opt = optimizer(direction="maximize", sampler="sobol")
    for i in range(70):
        trial = opt.ask()
        trial.user_attrs["i"] = i
        opt.tell(trial, float(i), error="boom" if i == 5 else None)
    opt.enqueue({"k": 4})
    pending = opt.ask(2)
    again = pickle.loads(pickle.dumps(opt))  # noqa: S301
    assert facts(again) == facts(opt)
    assert again.best_trial == opt.best_trial
    again.tell(pending[0].number, 1.0)
    assert opt.trials[pending[0].number].state == "running"
    assert [t.params for t in again.ask(20)] == [t.params for t in opt.ask(20)]


def test_threads_may_share_an_optimizer() -> None:
    opt = hp.Optimizer({"a": range(400)}, seed=0)
    seen: list[int] = []

    def work() -> None:
        for _ in range(100):
            trial = opt.ask()
            seen.append(trial["a"])
            opt.tell(trial, float(trial["a"]))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(seen) == list(range(400))
    assert opt.best_value == 0.0
    with pytest.raises(SearchSpaceExhausted):
        opt.ask()


def test_restored_rows_are_the_same_record() -> None:
    opt = hp.Optimizer(SPACE, "auto", direction="maximize", seed=0)
    opt.add({"x": 0.1234567890123, "k": 2, "c": "a"}, 9.0, user_attrs={"source": "paper"})
    for value in (3.0, 1.0, None, 2.0):
        trial = opt.ask()
        trial.user_attrs["v"] = value
        trial.reports[1] = 0.5
        opt.tell(trial, value, std_error=0.5, cost=2.0, metrics={"ms": 1.5}, gradient={"x": 0.1})
    opt.tell(opt.ask(), 7.0, state="pruned", std_error=0.1)
    opt.tell(opt.ask(), state="paused")
    opt.ask()
    again = hp.Optimizer(SPACE, "auto", direction="maximize", seed=0)
    again.restore(opt.rows())
    assert again.trials[:] == opt.trials[:]
    assert [t.cost for t in again.trials[:6]] == [None, 2.0, 2.0, 2.0, 2.0, None]
    assert (again.best_trial.number, again.history.n_running, again.history.n_pruned) == (0, 1, 1)
    assert (again.trials[2].metrics, again.trials[2].gradient) == ({"ms": 1.5}, {"x": 0.1})
    for name in ("trial", "step", "values", "cost", "job"):
        np.testing.assert_array_equal(getattr(again.history.curves, name), getattr(opt.history.curves, name))
    resumed = [o.resume(6) for o in (opt, again)]
    assert resumed[0] == resumed[1]
    assert [o.history.job_of(6) for o in (opt, again)] == [8, 8]


def test_a_large_finite_space_ends_too() -> None:
    opt = hp.Optimizer(hp.Space({"a": hp.Int(0, 400), "b": hp.Int(0, 400)}, [lambda p: p["a"] * p["b"] == 7]), seed=0)
    seen = {(t["a"], t["b"]) for t in opt.ask(50)}
    assert seen == {(1, 7), (7, 1)}


@pytest.mark.parametrize("seed", range(5))
def test_finite_spaces_of_a_quantised_prior_end_after_their_last_value(seed: int) -> None:
    space = {"x": hp.Normal(0, 1, low=-10, high=10, step=2), "c": hp.Categorical([1, True], weights=[1, 1e-300])}
    trials = hp.Optimizer(space, seed=seed).ask(1000)
    assert len({repr(t.params) for t in trials}) == len(trials) == 22


def test_repr_says_what_it_is() -> None:
    assert (
        repr(optimizer(sampler="sobol"))
        == "Optimizer(3 parameters, sampler=SobolSampler(), 'minimize', seed=0, 0 trials)"
    )
