"""Trials: mappings of their parameters, with results and attributes."""

from __future__ import annotations

import copy
import json
import pickle
import statistics

import pytest

import hpcore as hp

# --- a trial as a mapping ---------------------------------------------------------------------------------------------


def test_a_trial_is_a_mapping_of_its_params() -> None:
    trial = hp.Trial(3, {"x": 1.0, "c": None})
    assert {**trial} == {"x": 1.0, "c": None}
    assert trial.get("y", 5) == 5
    assert "x" in trial
    assert trial.state == "running" == hp.TrialState.RUNNING
    assert str(trial.state) == "running"
    with pytest.raises(KeyError):
        trial["y"]
    assert repr(trial) == "Trial(number=3, params={'x': 1.0, 'c': None}, state='running', value=None)"
    assert pickle.loads(pickle.dumps(trial)) == trial  # noqa: S301
    assert trial != hp.Trial(4, {"x": 1.0, "c": None})


# --- copies -----------------------------------------------------------------------------------------------------------


def test_a_copy_of_a_trial_brings_back_what_it_was_given():
    trial, copy = hp.Trial(0, {"x": 1.0}), hp.Trial(0, {"x": 1.0})
    trial.adopt(copy)
    assert trial.extras == (None, None)
    copy.user_attrs["note"], copy.reports[3], copy.started, copy.finished = "n", 0.5, 1.0, 2.0
    trial.adopt(copy)
    assert (trial.user_attrs, trial.reports, trial.started, trial.finished) == ({"note": "n"}, {3: 0.5}, 1.0, 2.0)


SPACE = {"a": hp.Float(0.2, 0.5), "b": hp.Int(0, 3), "kind": hp.Categorical(["x", "y"])}


# --- values: of the objectives as an attribute, of the parameters as a method -----------------------------------------


def test_a_trial_is_a_mapping_in_all_its_methods() -> None:
    trial = hp.Optimizer(SPACE, "random", seed=0).ask()
    assert list(trial.values()) == [trial["a"], trial["b"], trial["kind"]] == list(dict(trial).values())
    assert list(zip(trial.keys(), trial.values(), strict=True)) == list(trial.items())
    assert trial["b"] in trial.values() and len(trial.values()) == 3


@pytest.mark.parametrize("n_objectives", [1, 2])
def test_both_meanings_after_a_result(n_objectives: int) -> None:
    opt = hp.Optimizer(SPACE, "random", directions=["minimize"] * n_objectives, seed=0)
    told = (1.0, 2.0)[:n_objectives]
    opt.tell(opt.ask(), told if n_objectives > 1 else 1.0)
    trial = opt.trials[0]
    assert trial.values == told and tuple(trial.values) == told and trial.values[0] == trial.value == 1.0
    assert list(trial.values()) == list(trial.params.values())
    assert json.dumps(trial.values) == json.dumps(told) and len({trial.values, told}) == 1
    for again in (copy.deepcopy(trial), pickle.loads(pickle.dumps(trial))):  # noqa: S301
        assert again == trial and again.values == told and list(again.values()) == list(trial.values())
    assert pickle.loads(pickle.dumps(trial.values)) == told  # noqa: S301
    assert repr(trial).endswith("value=1.0)") is (n_objectives == 1)


def test_without_a_result_there_are_no_values() -> None:
    opt = hp.Optimizer(SPACE, "random", seed=0)
    running = opt.ask()
    opt.tell(running, float("nan"))
    for trial in (hp.Optimizer(SPACE, "random", seed=0).ask(), opt.trials[0]):
        assert not trial.values and trial.values == () and trial.values == None and trial.value is None  # noqa: E711
        assert (trial.values != None) is False and len(list(trial.values())) == 3  # noqa: E711


def test_an_objective_may_use_the_mapping_s_methods() -> None:
    space = {"a": hp.Float(0.2, 0.5), "b": hp.Float(0.0, 1.0)}
    study = hp.minimize(lambda trial: statistics.fmean(trial.values()) + max(trial.values()), space, n_trials=9, seed=0)
    assert not [t.error for t in study.trials if t.error]
