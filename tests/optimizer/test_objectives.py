"""Checks of directions, and of the results that are told."""

from __future__ import annotations

import math
import pickle

import numpy as np
import pytest

import hpcore as hp
from hpcore.arguments import check_values
from hpcore.errors import (
    InvalidArgument,
    InvalidType,
)
from hpcore.optimizer.objectives import check_directions, check_outcome
from hpcore.records.history import COMPLETE, FAILED, PAUSED, PRUNED
from hpcore.records.outcome import Outcome
from tests.optimizer.samples import facts, optimizer

SPACE = hp.Space({"x": hp.Float(0, 1), "y": hp.Float(0, 1)})
NOTHING = {"std_error": None, "error": None, "cost": None, "metrics": None, "gradient": None, "state": None}


def outcome(value, m: int = 1, **given) -> Outcome:
    return check_outcome(SPACE, m, value, **{**NOTHING, **given})


@pytest.mark.parametrize(
    ("direction", "directions", "ways"),
    [
        (None, None, ("minimize",)),
        ("maximize", None, ("maximize",)),
        (None, ["maximize"], ("maximize",)),
        (None, ("minimize", "maximize"), ("minimize", "maximize")),
    ],
)
def test_directions(direction, directions, ways) -> None:
    assert check_directions(direction, directions) == ways


@pytest.mark.parametrize(
    ("direction", "directions", "error"),
    [
        ("minimize", ["minimize"], InvalidArgument),
        ("min", None, InvalidArgument),
        (1, None, InvalidType),
        (None, "minimize", InvalidType),
        (None, [], InvalidType),
        (None, {"minimize"}, InvalidType),
        (None, ["minimize", "down"], InvalidArgument),
        (None, ["minimize", None], InvalidType),
    ],
    ids=range(8),
)
def test_wrong_directions(direction, directions, error: type[Exception]) -> None:
    with pytest.raises(error, match="direction"):
        check_directions(direction, directions)


@pytest.mark.parametrize(
    ("value", "m", "values"),
    [
        (1, 1, (1.0,)),
        (np.float32(0.5), 1, (0.5,)),
        (np.array(0.5), 1, (0.5,)),
        ([1, 2.5], 2, (1.0, 2.5)),
        (np.array([1.0, math.inf]), 2, (1.0, math.inf)),
        (iter([1, 2]), 2, (1.0, 2.0)),
        (None, 3, None),
        ([1.0, None], 2, None),
        (10**400, 1, (math.inf,)),
    ],
    ids=range(9),
)
def test_values(value, m: int, values) -> None:
    assert check_values(value, m) == values


@pytest.mark.parametrize(
    ("value", "m", "error"),
    [
        ("1", 1, InvalidType),
        (b"1", 1, InvalidType),
        ({"a": 1.0}, 1, InvalidType),
        ({1.0}, 1, InvalidType),
        (1j, 1, InvalidType),
        (object(), 1, InvalidType),
        ([[1.0]], 1, InvalidType),
        (np.ones((1, 1)), 1, InvalidType),
        (["1"], 1, InvalidType),
        (1.0, 2, InvalidArgument),
        ([1.0, 2.0], 1, InvalidArgument),
        ([], 1, InvalidArgument),
    ],
    ids=range(12),
)
def test_wrong_values(value, m: int, error: type[Exception]) -> None:
    with pytest.raises(error, match="value must"):
        check_values(value, m)


@pytest.mark.parametrize(
    ("value", "given", "state", "values"),
    [
        (1.0, {}, COMPLETE, (1.0,)),
        (1.0, {"state": "complete"}, COMPLETE, (1.0,)),
        (None, {"state": "complete"}, FAILED, None),
        (math.nan, {}, FAILED, None),
        (-math.inf, {"state": "complete"}, FAILED, None),
        (1.0, {"state": "failed"}, FAILED, None),
        (1.0, {"error": "no"}, FAILED, None),
        (1.0, {"error": "no", "state": "pruned"}, FAILED, None),
        (None, {"error": "no", "state": "paused"}, FAILED, None),
        (1.0, {"state": "pruned"}, PRUNED, (1.0,)),
        (None, {"state": "pruned"}, PRUNED, None),
        (math.nan, {"state": "pruned"}, PRUNED, None),
        (None, {"state": "paused"}, PAUSED, None),
    ],
    ids=range(13),
)
def test_the_state_follows_from_what_is_told(value, given: dict, state: int, values) -> None:
    checked = outcome(value, **given)
    assert (checked.state, checked.values) == (state, values)
    assert (checked.error is not None) == (state == FAILED)


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"state": "running"}, InvalidArgument),
        ({"state": "COMPLETE"}, InvalidArgument),
        ({"state": 1}, InvalidArgument),
        ({"state": ["complete"]}, InvalidArgument),
        ({"state": "paused"}, InvalidArgument),  # with a value
        ({"error": 5}, InvalidType),
        ({"std_error": -1.0}, InvalidArgument),
        ({"std_error": "1"}, InvalidType),
        ({"cost": -1.0}, InvalidArgument),
        ({"cost": math.nan}, InvalidArgument),
        ({"cost": math.inf}, InvalidArgument),
        ({"cost": "1"}, InvalidType),
        ({"cost": True}, InvalidType),
        ({"metrics": [("f1", 1.0)]}, InvalidType),
        ({"metrics": {1: 1.0}}, InvalidType),
        ({"metrics": {"f1": "1"}}, InvalidType),
        ({"metrics": {"f1": None}}, InvalidType),
        ({"metrics": {"f1": math.inf}}, InvalidArgument),
        ({"gradient": 1.0}, InvalidType),
        ({"gradient": {"z": 1.0}}, InvalidArgument),
        ({"gradient": {"x": "1"}}, InvalidType),
        ({"gradient": {"x": 10**400}}, InvalidArgument),
        ({"gradient": {"x": math.nan}}, InvalidArgument),
        ({"gradient": {"x": np.float64(math.inf)}}, InvalidArgument),
        ({"gradient": {"x": None}}, InvalidType),
        ({"gradient": [1.0, 2.0]}, InvalidType),
    ],
    ids=repr,
)
def test_wrong_arguments_of_tell_change_nothing(given: dict, error: type[Exception]) -> None:
    [name] = given
    expected = "value" if given == {"state": "paused"} else name
    with pytest.raises(error, match=f"^{expected}.* must"):
        outcome(1.0, **given)
    opt = hp.Optimizer(SPACE, seed=0)
    trial = opt.ask()
    with pytest.raises(error):
        opt.tell(trial, 1.0, **given)
    assert trial.state == "running" and opt.running() == {0: trial}
    opt.tell(trial, 1.0)


def test_facts_are_kept() -> None:
    checked = outcome(
        1.0,
        std_error=0.1,
        cost=3,
        metrics={"f1": np.float64(0.5), "auc": math.nan, "ms": np.float32("nan")},
        gradient={"x": 1},
    )
    assert type(checked.metrics["ms"]) is float and math.isnan(checked.metrics["ms"])
    assert (checked.std_error, checked.cost, checked.metrics["f1"], checked.gradient["x"]) == (0.1, 3.0, 0.5, 1.0)
    assert math.isnan(checked.metrics["auc"]) and checked.gradient == {"x": 1.0}


def test_facts_of_pruned_paused_and_failed_trials_are_kept() -> None:
    for value, state in [(None, "pruned"), (None, "paused"), (None, "failed")]:
        checked = outcome(value, state=state, cost=2.0, metrics={"f1": 0.5}, gradient={"x": 1.0})
        assert (checked.cost, checked.metrics, checked.gradient) == (2.0, {"f1": 0.5}, {"x": 1.0})


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


# --- told to an optimizer ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [0.25, np.float32(0.25), np.array(0.25), [0.25], (0.25,), np.array([0.25])], ids=repr)
def test_forms_of_a_value(value) -> None:
    opt = optimizer()
    opt.tell(opt.ask(), value)
    assert opt.best_value == 0.25
    assert type(opt.best_value) is float
    assert opt.best_trial.values == (0.25,)


@pytest.mark.parametrize("value", [10**5000, [-(10**5000)]], ids=["int", "list"])
def test_a_value_too_long_to_be_written_is_a_failure(value) -> None:
    opt = optimizer()
    opt.tell(opt.ask(), value)
    assert opt.trials[0].state == "failed"
    assert opt.trials[0].error.endswith("that cannot be written (ValueError), which is not a finite number")


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


@pytest.mark.parametrize("std_error", [-1, math.nan, math.inf, "1", True, 1j, 10**400, np.ones(2)], ids=repr)
def test_a_wrong_standard_error(std_error) -> None:
    opt = optimizer()
    trial = opt.ask()
    with pytest.raises((InvalidArgument, InvalidType), match="std_error must"):
        opt.tell(trial, 1.0, std_error=std_error)
    assert trial.state == "running"
