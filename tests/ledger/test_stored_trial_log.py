"""Logs of stored trials: records, the queue, and trials that are refused."""

from __future__ import annotations

import copy
import math
import pickle
from pathlib import Path

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
    TrialAlreadyTold,
    UnknownStudy,
    UnknownTrial,
)
from hpcore.storage import open_storage
from tests.study.samples import SPACE, cost, facts

# --- records ----------------------------------------------------------------------------------------------------------


def test_everything_comes_back(runs: Path) -> None:
    def objective(trial: hp.Trial) -> float:
        trial.user_attrs.update(note="=1+1\0", nested={"a": [1, 2.5, None, True]}, array=np.float64(0.1))
        trial.reports[3] = 0.1 + 0.2
        if trial.number == 2:
            raise RuntimeError("on purpose \0 é")
        return -0.0 if trial.number == 1 else 0.1 + 0.2

    study = hp.Study(SPACE, storage=runs, name="a", sampler="random", seed=2**128 - 1)
    study.run(objective, n_trials=4)
    study.add({"x": 0.1, "k": 3, "c": None}, 1e300, std_error=0.25)
    again = hp.load_study(runs, "a")
    assert again.space == study.space and again.optimizer.seed == 2**128 - 1
    assert repr(again.optimizer.sampler) == repr(study.optimizer.sampler)
    for kept, was in zip(again.trials, study.trials, strict=True):
        assert (kept.number, kept.params, kept.state, kept.values) == (was.number, was.params, was.state, was.values)
        assert (kept.started, kept.finished, kept.reports) == (was.started, was.finished, was.reports)
        assert (kept.error or "").replace("\\x00", "\0") == (was.error or "")
    assert math.copysign(1, again.trials[1].value) == -1.0
    assert again.trials[0].user_attrs == {
        "note": "=1+1\0",
        "nested": {"a": [1, 2.5, None, True]},
        "array": 0.1,
    }
    assert "on purpose" in again.trials[2].error
    assert again.trials[4].params["x"] == 0.1
    assert again.best_trial.number == study.best_trial.number == 1
    np.testing.assert_array_equal(again.optimizer.history.X, study.optimizer.history.X)
    np.testing.assert_array_equal(again.optimizer.history.std_errors, study.optimizer.history.std_errors)


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=4), st.data())
@settings(max_examples=15, deadline=None)
def test_values_are_kept_to_the_last_bit(values: list[float], data: st.DataObject) -> None:
    store = open_storage("sqlite:///:memory:")
    study = hp.Study({"x": hp.Float(-1e300, 1e300)}, storage=store, name="a", sampler="random", seed=0)
    for value in values:
        study.add({"x": data.draw(st.floats(-1e300, 1e300))}, value)
    again = hp.load_study(store, "a")
    assert [np.float64(t.value).tobytes() for t in again.trials] == [np.float64(v).tobytes() for v in values]
    assert [repr(t["x"]) for t in again.trials] == [repr(t["x"]) for t in study.trials]


def test_several_objectives(runs: Path) -> None:
    study = hp.Study(SPACE, storage=runs, name="a", directions=["minimize", "maximize"], sampler="tpe", seed=0)
    study.run(lambda t: (t["x"], t["k"]), n_trials=12)
    again = hp.load_study(runs)
    assert facts(again) == facts(study)
    assert [t.number for t in again.pareto_front] == [t.number for t in study.pareto_front]
    assert facts(again.run(lambda t: (t["x"], t["k"]), n_trials=3)) == facts(
        hp.Study(SPACE, directions=["minimize", "maximize"], sampler="tpe", seed=0).run(
            lambda t: (t["x"], t["k"]), n_trials=15
        )
    )


@pytest.mark.parametrize(
    "reports",
    [{"a": 1.0}, {1.5: 1.0}, {1: "x"}, {1: None}, {1: 10**5000}, {10**5000: 1.0}],
    ids=["text", "half", "value", "none", "large value", "large step"],
)
@pytest.mark.parametrize("storage", [None, "sqlite:///:memory:"])
def test_reports_that_cannot_be_kept_cost_no_value(
    storage: str | None, reports: dict, caplog: pytest.LogCaptureFixture
) -> None:
    def objective(trial: hp.Trial) -> float:
        trial.reports.update(reports if trial.number == 1 else {np.int64(2): math.nan})
        trial.reports[7] = 0.5
        return 1.0

    study = hp.Study(SPACE, storage=storage, name="a", sampler="random", seed=0)
    study.run(objective, n_trials=3)
    assert [(t.state, t.value) for t in study.trials] == [("complete", 1.0)] * 3
    assert study.trials[1].reports == {7: 0.5}
    assert [list(study.trials[2].reports), type(next(iter(study.trials[2].reports)))] == [[2, 7], int]
    assert "trial 1: a report is left out, reports must be numbers by step" in caplog.text


def test_attributes_added_with_a_trial_are_kept(runs: Path) -> None:
    params = {"x": 0.1, "k": 2, "c": 1.5}
    for study in (hp.Study(SPACE, sampler="random"), hp.Study(SPACE, storage=runs, name="a", sampler="random")):
        study.add(params, 1.0, user_attrs={"source": "paper"})
        with pytest.raises(InvalidType, match="user_attrs"):
            study.add(params, 1.0, user_attrs=["paper"])
        assert [t.user_attrs for t in study.trials] == [{"source": "paper"}]
    with pytest.raises(InvalidType, match="user_attrs"):
        study.add(params, 1.0, user_attrs={"source": object()})
    assert len(study.trials) == 1
    assert [t.user_attrs for t in hp.load_study(runs).trials] == [{"source": "paper"}]


def test_copies_of_stores_and_studies(runs: Path) -> None:
    study = hp.Study(SPACE, storage=runs, name="a", seed=0)
    with pytest.raises(InvalidType, match="load_study"):
        pickle.dumps(study)
    other = copy.deepcopy(open_storage(runs, read_only=True, patience=1.5))  # uses the methods of pickle
    assert other.read_only
    assert other.patience == 1.5


# --- the queue --------------------------------------------------------------------------------------------------------


def test_enqueued_trials_are_kept(runs: Path) -> None:
    study = hp.Study(SPACE, storage=runs, name="a", sampler="random", seed=0)
    study.enqueue({"x": 0.1, "k": 2, "c": 1.5})
    study.enqueue({"k": 7})
    again = hp.load_study(runs)
    again.run(cost, n_trials=1)
    study.run(cost, n_trials=2)
    assert [t["k"] for t in study.trials][:2] == [2, 7]
    assert study.trials[0].params == {"x": 0.1, "k": 2, "c": 1.5}
    with pytest.raises(InvalidArgument):
        study.enqueue({"k": 700})


def test_an_enqueued_point_whose_constraint_failed_stays_in_the_store(runs: Path) -> None:
    broken = [True]

    def constraint(params):
        if broken and params["x"] == 0.25:
            raise OSError("the disk is away")
        return True

    space = hp.Space({"x": hp.Float(0, 1), "y": hp.Float(0, 1)}, [constraint])
    study = hp.Study(space, storage=runs, name="a", sampler="random", seed=0)
    study.enqueue({"x": 0.25})
    with pytest.raises(ConstraintError):
        study.run(lambda trial: trial["x"], n_trials=1)
    broken.clear()
    study.run(lambda trial: trial["x"], n_trials=2)
    assert [t["x"] == 0.25 for t in study.trials] == [True, False]


def test_a_queued_point_that_is_not_allowed_leaves_the_queue(runs: Path) -> None:
    space = hp.Space({"a": hp.Float(0, 1), "b": hp.Float(0, 1)}, constraints=[lambda p: p["a"] < 0.5])
    study = hp.Study(space, storage=runs, name="a", sampler="random", seed=0)
    study.enqueue({"a": 0.9})
    with pytest.raises(InfeasibleSpace):
        study.run(lambda t: t["a"], n_trials=1)
    study.run(lambda t: t["a"], n_trials=2)
    assert len(hp.load_study(runs, "a", space=space).trials) == 2


def test_a_deleted_study_takes_no_queue(runs: Path) -> None:
    study = hp.Study(SPACE, storage=runs, name="a", seed=0)
    hp.delete_study(runs, "a")
    with pytest.raises(UnknownStudy):
        study.enqueue({"k": 3})


# --- trials that are refused ------------------------------------------------------------------------------------------


def test_a_trial_of_another_study_is_refused_before_anything_is_stored(runs: Path) -> None:
    mine, other = (hp.Study(SPACE, storage=runs, name=name, seed=k) for k, name in enumerate(("mine", "other")))
    trial, stranger = mine.ask(), other.ask()
    with pytest.raises(UnknownTrial, match="comes from another optimizer"):
        mine.tell(stranger, 7.0)
    assert hp.load_study(runs, "mine").trials[0].state == "running"
    mine.tell(pickle.loads(pickle.dumps(trial)), 1.0)  # noqa: S301 - a copy is not a stranger
    assert hp.load_study(runs, "mine").best_value == mine.best_value == 1.0


def test_telling_twice_or_what_was_never_asked(runs: Path) -> None:
    study = hp.Study(SPACE, storage=runs, name="a", sampler="random", seed=0)
    trial = study.ask()
    with pytest.raises(InvalidType, match="value must be a number"):
        study.tell(trial, "0.1")
    study.tell(trial, 1.0)
    with pytest.raises(TrialAlreadyTold):
        study.tell(trial, 2.0)
    with pytest.raises(TrialAlreadyTold):
        study.tell(0, 2.0)
    for number in (1, -1, 10**30):
        with pytest.raises(UnknownTrial):
            study.tell(number, 2.0)
    for wrong in ("0", None, True, 0.0, trial.params):
        with pytest.raises(InvalidType, match="trial must be a Trial of ask or its number"):
            study.tell(wrong, 2.0)
    assert [t.value for t in hp.load_study(runs).trials] == [1.0]


def test_a_paused_trial_is_not_told_before_it_is_resumed(runs: Path) -> None:
    study = hp.Study({"x": hp.Float(0, 1)}, storage=runs, name="a", seed=0)
    study.tell(study.ask(), state="paused")
    for there in (study, hp.load_study(runs, "a")):
        with pytest.raises(TrialAlreadyTold, match="trial 0 is paused; resume it first"):
            there.tell(0, 1.0)


# --- the mode ---------------------------------------------------------------------------------------------------------


def test_open_trials_end_the_order_of_one_after_the_other(runs: Path) -> None:
    study = hp.Study(SPACE, storage=runs, name="a", sampler="tpe", seed=0)
    study.run(cost, n_trials=2)
    assert study.mode == "lag 1"
    first, second = study.ask(), study.ask()
    study.tell(second, 1.0)
    study.tell(first, 2.0)
    assert study.mode == "fast"
