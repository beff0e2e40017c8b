"""Gradients that are told: checks, and the turn from the parameters' units to the unit cube."""

from __future__ import annotations

import copy
import math
import pickle

import numpy as np
import pytest

import hpcore as hp
from hpcore.errors import InvalidArgument, InvalidType

SPACE = hp.Space(
    {
        "x": hp.Float(-2.0, 3.0),
        "C": hp.Float(1e-3, 1e3, log=True),
        "z": hp.Normal(1.0, 2.0),
        "s": hp.Float(0.0, 1.0, step=0.25),
        "n": hp.Int(1, 9),
        "kernel": hp.Categorical(["rbf", "linear"]),
        "gamma": hp.Float(0.1, 10.0, log=True, when={"kernel": "rbf"}),
    }
)
LINEAR = {"x": 0.5, "C": 2.0, "z": 0.0, "s": 0.5, "n": 3, "kernel": "linear"}
RBF = {**LINEAR, "kernel": "rbf", "gamma": 0.7}


def told(gradient: dict, params: dict = RBF, **given) -> hp.Optimizer:
    opt = hp.Optimizer(SPACE, "random", seed=0, **given)
    opt.enqueue(params)
    opt.tell(opt.ask(), [1.0] * len(opt.directions), gradient=gradient)
    return opt


@pytest.mark.parametrize("direction", ["minimize", "maximize"])
def test_the_history_has_derivatives_of_the_signed_value_by_coordinate(direction: str) -> None:
    def value(params: dict) -> float:
        return params["x"] ** 2 + math.log(params["C"]) ** 2 + math.sin(params["z"]) + 2.0 * params["gamma"]

    gradient = {"x": 1.0, "C": 2.0 * math.log(2.0) / 2.0, "z": 1.0, "gamma": 2.0}
    opt = told(gradient, direction=direction)
    assert opt.history.gradients is not None
    row, sign = opt.history.gradients[0], 1.0 if direction == "minimize" else -1.0
    u, h = np.asarray(SPACE.encode(RBF)), 1e-5
    for j, name in enumerate(SPACE):
        if name not in gradient:
            assert math.isnan(row[j])
            continue
        step = np.where(np.arange(len(u)) == j, h, 0.0)
        difference = (value(SPACE.decode(u + step)) - value(SPACE.decode(u - step))) / (2.0 * h)
        assert row[j] == pytest.approx(sign * difference, rel=1e-5), name
    assert opt.trials[0].gradient == gradient


def test_only_what_was_told_is_known() -> None:
    opt = told({"C": 1.0}, LINEAR)
    assert opt.history.gradients is not None
    assert np.isnan(opt.history.gradients[0]).tolist() == [True, False, True, True, True, True, True]
    assert hp.Optimizer(SPACE, seed=0).history.gradients is None
    assert told({}).history.gradients is None


def test_the_gradient_is_that_of_the_first_of_several_objectives() -> None:
    opt = told({"x": 3.0}, directions=["maximize", "minimize"])
    assert opt.history.gradients is not None and opt.history.gradients[0, 0] == pytest.approx(-15.0)


@pytest.mark.parametrize(
    ("gradient", "error", "words"),
    [
        ({"y": 1.0}, InvalidArgument, "gradient must name parameters of the space, got 'y'"),
        ({"n": 1.0}, InvalidArgument, "must name Float or Normal .*'x', 'C', 'z', 'gamma'.*got 'n'"),
        ({"s": 1.0}, InvalidArgument, "without a step .*got 's'"),
        ({"kernel": 1.0}, InvalidArgument, "got 'kernel'"),
        ({"gamma": 1.0}, InvalidArgument, "must name active parameters .*got 'gamma'"),
        ({"x": math.nan}, InvalidArgument, r"gradient\['x'\] must"),
        ({"x": -math.inf}, InvalidArgument, r"gradient\['x'\] must"),
        ({"x": "1"}, InvalidType, r"gradient\['x'\] must"),
        ({"x": True}, InvalidType, r"gradient\['x'\] must"),
        ({1: 1.0}, InvalidType, "gradient must be a mapping"),
        (np.ones(7), InvalidType, "gradient must be a mapping"),
    ],
    ids=repr,
)
@pytest.mark.parametrize("way", ["tell", "outcome", "add", "add_many", "study", "number"])
def test_wrong_gradients_are_refused_and_change_nothing(gradient, error, words: str, way: str) -> None:
    if way in ("study", "number"):
        study = hp.Study(SPACE, sampler="random", seed=0)
        study.enqueue(LINEAR)
        trial = study.ask()
        with pytest.raises(error, match=words):
            study.tell(trial if way == "study" else trial.number, 1.0, gradient=gradient)
        assert study.trials[0].state == "running"
        return
    opt = hp.Optimizer(SPACE, "random", seed=0)
    opt.enqueue(LINEAR)
    trial = opt.ask()
    outcome = hp.Outcome(1.0, gradient=gradient)
    with pytest.raises(error, match=words):
        if way == "tell":
            opt.tell(trial, 1.0, gradient=gradient)
        elif way == "outcome":
            opt.tell(trial, outcome)
        elif way == "add":
            opt.add(LINEAR, outcome)
        else:
            opt.add_many([(LINEAR, outcome)])
    assert trial.state == "running" and opt.n_trials == 1 and opt.history.gradients is None


def test_a_wrong_gradient_of_an_objective_is_a_failure_with_the_reason() -> None:
    study = hp.minimize(lambda t: hp.Outcome(1.0, gradient={"n": 1.0}), SPACE, n_trials=1, sampler="random", seed=0)
    assert study.trials[0].state == "failed" and "got 'n'" in (study.trials[0].error or "")

    def of_inactive(trial: hp.Trial) -> hp.Outcome:
        return hp.Outcome(1.0, gradient={"gamma": 1.0})

    study = hp.minimize(of_inactive, SPACE, n_trials=20, sampler="random", seed=0)
    assert {(t["kernel"], str(t.state)) for t in study.trials} == {("rbf", "complete"), ("linear", "failed")}


@pytest.mark.parametrize("given", [{"value": math.nan}, {"value": 1.0, "error": "diverged"}, {"state": "failed"}])
def test_a_failed_evaluation_may_have_a_gradient_that_is_not_finite(given: dict) -> None:
    opt = hp.Optimizer(SPACE, "random", seed=0)
    trial = opt.ask()
    opt.tell(trial, gradient={"x": math.nan, "C": np.float64(math.inf), "z": 1.0}, **given)
    assert trial.state == "failed" and trial.gradient == {"z": 1.0}


def test_an_outcome_of_an_objective_brings_its_gradient(tmp_path) -> None:
    space = {"x": hp.Float(-1.0, 3.0), "c": hp.Categorical(["a", "b"])}

    def objective(trial: hp.Trial) -> hp.Outcome:
        return hp.Outcome(trial["x"] ** 2, gradient={"x": 2.0 * trial["x"]})

    storage = str(tmp_path / "runs.db")
    study = hp.maximize(objective, space, n_trials=4, sampler="random", seed=0, storage=storage, name="s")
    expected = [[-8.0 * trial["x"], math.nan] for trial in study.trials]
    np.testing.assert_allclose(study.optimizer.history.gradients, expected)
    again = hp.load_study(storage, "s", space=space)
    np.testing.assert_array_equal(again.optimizer.history.gradients, study.optimizer.history.gradients)


@pytest.mark.parametrize("form", ["pickle", "copy", "rows"])
def test_copies_have_the_same_gradients(form: str) -> None:
    opt = told({"x": 1.0, "gamma": -2.0}, direction="maximize")
    opt.ask()
    if form == "pickle":
        again = pickle.loads(pickle.dumps(opt))  # noqa: S301 - our own data
    elif form == "copy":
        again = copy.deepcopy(opt)
    else:
        again = hp.Optimizer(SPACE, "random", direction="maximize", seed=0)
        again.restore(opt.rows())
    np.testing.assert_array_equal(again.history.gradients, opt.history.gradients)


def test_a_derivative_beyond_all_doubles_is_not_known() -> None:
    opt = hp.Optimizer({"x": hp.Float(0.0, 1e300)}, "random", seed=0)
    opt.tell(opt.ask(), 1.0, gradient={"x": 1e300})
    assert opt.history.gradients is not None and math.isnan(opt.history.gradients[0, 0])
