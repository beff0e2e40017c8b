"""Optimizers: proposals, evaluations made elsewhere, options, and copies."""

import math
import pickle
import threading
from typing import Any

import numpy as np
import pytest

import hpcore as hp
from hpcore.errors import (
    InfeasibleSpace,
    InvalidArgument,
    InvalidType,
    SearchSpaceExhausted,
    UnknownTrial,
)
from tests.optimizer.samples import facts, optimizer

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


# --- evaluations made elsewhere -----------------------------------------------------------------------------------


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


# --- options and representation ------------------------------------------------------------------------------------


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


# --- copies and threads -------------------------------------------------------------------------------------------


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


def test_the_pickled_state_is_that_of_earlier_versions() -> None:
    """Its names stay, so that what one version has pickled another one reads."""
    opt = hp.Optimizer({"a": range(2)}, seed=0)
    opt.withdraw(opt.ask())
    state = opt.__getstate__()
    assert list(state) == [
        "space",
        "sampler",
        "directions",
        "seed",
        "repeats",
        "scheduler",
        "prefetch",
        "_single",
        "limits",
        "_costs",
        "_record",
        "_queue",
        "_remaining",
        "_has_moved",
    ]
    assert state["_has_moved"] is True
    again = pickle.loads(pickle.dumps(opt))  # noqa: S301
    # The point of the withdrawn trial may be proposed again.
    assert sorted(trial["a"] for trial in again.ask(3)) == [0, 1]
    assert again.__getstate__()["_has_moved"] is False


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


def test_repr_says_what_it_is() -> None:
    assert (
        repr(optimizer(sampler="sobol"))
        == "Optimizer(3 parameters, sampler=SobolSampler(), 'minimize', seed=0, 0 trials)"
    )


def test_as_of_forgets_what_an_earlier_proposal_saw() -> None:
    """As if nobody had asked before: samplers learn from a result once, and do not forget it."""
    for sampler in ("gp", "tpe"):
        opt, rows = hp.Optimizer({"x": hp.Float(0, 1)}, sampler, seed=0), []
        for _ in range(20):
            trial = opt.ask()
            opt.tell(trial, (trial["x"] - 0.3) ** 2)
            rows.append((trial.params, trial.value))
        for as_of in (12, 5, 9):
            fresh = hp.Optimizer({"x": hp.Float(0, 1)}, sampler, seed=0)
            fresh.add_many([({"x": trial["x"]}, trial.value) for trial in opt.trials])
            found = opt.ask(as_of=as_of)
            assert found.params == fresh.ask(as_of=as_of).params, (sampler, as_of)
            opt.tell(found, 0.5)


def test_a_resumed_trial_keeps_what_its_last_job_did_not_measure() -> None:
    opt = optimizer()
    trial = opt.ask()
    opt.tell(trial, cost=3.0, gradient={"x": 1.0}, state="paused")
    trial = opt.resume(trial)
    opt.tell(trial, 0.5, metrics={"f1": 0.9})
    assert (trial.cost, trial.metrics, trial.gradient) == (3.0, {"f1": 0.9}, {"x": 1.0})
    assert opt.trials[0] == trial


def test_a_trial_whose_last_report_is_no_number_is_not_complete() -> None:
    opt = hp.Optimizer({"x": hp.Float(0, 1)}, scheduler=hp.schedulers.ASHA(1, 1), seed=0)
    trial = opt.ask()
    assert opt.report(trial, math.nan, 1) is hp.Decision.STOP
    opt.tell(trial, cost=2.0, metrics={"size": 3.0})
    assert opt.trials[0].state == "failed"
    assert (opt.trials[0].cost, opt.trials[0].metrics) == (2.0, {"size": 3.0})


@pytest.mark.parametrize("facts", [{"cost": -1.0}, {"std_error": "a"}, {"gradient": {"z": 1.0}}])
def test_facts_are_checked_if_the_scheduler_decided(facts: dict[str, Any]) -> None:
    opt = hp.Optimizer({"x": hp.Float(0, 1)}, scheduler=hp.schedulers.ASHA(1, 9), seed=0)
    trial = opt.ask()
    assert opt.report(trial, 0.5, 1) is hp.Decision.PAUSE
    with pytest.raises((InvalidArgument, InvalidType)):
        opt.tell(trial, **facts)
    opt.tell(trial)
    assert opt.trials[0].state == "paused"
