"""Copies of trials for queues: as the trial was, whatever happens to it."""

from __future__ import annotations

import pickle
from dataclasses import FrozenInstanceError

import pytest

import hpcore as hp
from hpcore.records.snapshot import TrialSnapshot


def test_a_copy_stays_as_the_trial_was() -> None:
    opt = hp.Optimizer({"x": hp.Float(0, 1)}, seed=0, limits={"m": hp.at_most(1.0)})
    trial = opt.ask()
    trial.report(0.5, step=1)
    trial.user_attrs["tags"] = ["a"]
    before = trial.snapshot()
    trial.report(0.25, step=2)
    trial.user_attrs["tags"].append("b")
    opt.tell(trial, 0.125, cost=2.0, metrics={"m": 0.5})
    after = trial.snapshot()
    assert (before.number, before.state, before.value, tuple(before.values)) == (0, "running", None, ())
    assert (dict(before.reports), dict(before.user_attrs), before.feasible) == ({1: 0.5}, {"tags": ["a"]}, None)
    assert (after.state, after.value, after.cost, dict(after.metrics)) == ("complete", 0.125, 2.0, {"m": 0.5})
    assert (dict(after.reports), dict(after.user_attrs)) == ({1: 0.5, 2: 0.25}, {"tags": ["a", "b"]})
    assert (after.feasible, dict(after.violations)) == (True, {"m": -0.5})
    assert dict(before) == dict(after) == trial.params
    assert list(after.values()) == list(trial.params.values())
    assert after["x"] == trial["x"]
    assert opt.trials[0].snapshot() == after != before
    assert hash(before) == hash(after)
    assert after.snapshot() is after


def test_a_copy_cannot_be_changed_and_shares_nothing_with_the_record() -> None:
    opt = hp.Optimizer({"x": hp.Float(0, 1)}, seed=0)
    trial = opt.ask()
    trial.user_attrs["tags"] = ["a"]
    opt.tell(trial, 1.0)
    copy = opt.trials[0].snapshot()
    with pytest.raises(FrozenInstanceError):
        copy.number = 3  # type: ignore[misc]
    for mapping in (copy.params, copy.reports, copy.user_attrs, copy.metrics, copy.gradient, copy.violations):
        with pytest.raises(TypeError):
            mapping["x"] = 1.0  # type: ignore[index]
    copy.user_attrs["tags"].append("b")
    assert opt.trials[0].user_attrs == {"tags": ["a"]}


def test_a_copy_goes_through_a_queue() -> None:
    opt = hp.Optimizer({"x": hp.Float(0, 1), "c": ["a", "b"]}, seed=0, sampler="auto")
    for trial in opt.ask(2):
        trial.report(0.5, 1)
        copy = pickle.loads(pickle.dumps(trial.snapshot()))  # noqa: S301 - our own data
        assert isinstance(copy, TrialSnapshot)
        assert copy == trial.snapshot()
        with pytest.raises(TypeError):
            copy.params["x"] = 1.0  # type: ignore[index]
        opt.tell(trial, 1.0)


def test_a_copy_is_no_trial_to_be_told() -> None:
    opt = hp.Optimizer({"x": hp.Float(0, 1)}, seed=0)
    with pytest.raises(hp.errors.InvalidType):
        opt.tell(opt.ask().snapshot(), 1.0)  # type: ignore[arg-type]
