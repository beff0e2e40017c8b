"""Record of a search: results, the best trial and the trials by number."""

from __future__ import annotations

import math
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hpcore as hp
from hpcore.errors import (
    InvalidArgument,
    InvalidType,
    NoCompletedTrial,
    TrialAlreadyTold,
    UnknownTrial,
)
from hpcore.optimizer.record import Record
from hpcore.records.outcome import Outcome
from tests.optimizer.samples import FOUR, SPACE, facts, optimizer

# --- a record alone ---------------------------------------------------------------------------------------------------


def test_a_record_turns_the_sign_and_turns_it_back() -> None:
    record = Record(FOUR, ["maximize"])
    for k, value in enumerate((1.0, 3.0, 2.0)):
        record.finish(record.begin(np.array([k / 4]), {"a": k}), Outcome((value,)))
    assert record.history.values[:, 0].tolist() == [-1.0, -3.0, -2.0]
    assert (record.best.number, record.best.value, record.running) == (1, 3.0, {})


def test_trials_are_taken_back_from_a_record() -> None:
    record = Record(FOUR, ["minimize"])
    trials = [record.begin(np.array([k / 4]), {"a": k}) for k in range(4)]
    record.finish(trials[0], Outcome((5.0,)))
    record.take_back(2)
    assert (record.history.n, record.history.n_jobs, sorted(record.running)) == (2, 2, [1])
    assert record.running[1] is trials[1]


FAILURES = [None, math.nan, math.inf, -math.inf, np.nan, np.float32("inf"), 10**400, -(10**400), [None], [math.nan]]


def dominates(a, b) -> bool:
    return all(x <= y for x, y in zip(a, b, strict=True)) and any(x < y for x, y in zip(a, b, strict=True))


# --- results ----------------------------------------------------------------------------------------------------------


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


def test_an_error_text_marks_a_failure_and_is_kept() -> None:
    opt = optimizer()
    trial = opt.ask()
    opt.tell(trial, 0.5, error="Traceback ...\nValueError: no")
    assert (trial.state, trial.values) == ("failed", None)
    assert opt.trials[0].error == trial.error == "Traceback ...\nValueError: no"
    with pytest.raises(NoCompletedTrial, match="ValueError: no"):
        _ = opt.best_value


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


def test_standard_errors_reach_the_history() -> None:
    opt = optimizer()
    for i in range(100):
        opt.tell(opt.ask(), float(i), std_error=0.5 if i == 70 else None)
    errors = opt.history.std_errors
    assert errors is not None
    assert np.flatnonzero(~np.isnan(errors[:, 0])).tolist() == [70]


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


# --- several objectives -----------------------------------------------------------------------------------------------


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


# --- trials by number -------------------------------------------------------------------------------------------------


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


def test_restored_rows_are_the_same_record() -> None:
    opt = hp.Optimizer(SPACE, "auto", direction="maximize", seed=0)
    opt.add({"x": 0.1234567890123, "k": 2, "c": "a"}, 9.0, user_attrs={"source": "paper"})
    for value in (3.0, 1.0, None, 2.0):
        trial = opt.ask()
        trial.user_attrs["v"] = value
        trial.reports[1] = 0.5
        opt.tell(trial, value, std_error=0.5, cost=2.0, metrics={"ms": 1.5}, gradient={"x": 0.1})
    assert opt.history.gradients is not None and (opt.history.gradients[1:, 0] < 0.0).tolist() == [True] * 4
    opt.tell(opt.ask(), 7.0, state="pruned", std_error=0.1)
    opt.tell(opt.ask(), state="paused")
    opt.ask()
    again = hp.Optimizer(SPACE, "auto", direction="maximize", seed=0)
    again.restore(opt.rows())
    assert again.trials[:] == opt.trials[:]
    assert [t.cost for t in again.trials[:6]] == [None, 2.0, 2.0, 2.0, 2.0, None]
    assert (again.best_trial.number, again.history.n_running, again.history.n_pruned) == (0, 1, 1)
    assert (again.trials[2].metrics, again.trials[2].gradient) == ({"ms": 1.5}, {"x": 0.1})
    np.testing.assert_array_equal(again.history.gradients, opt.history.gradients)
    for name in ("trial", "step", "values", "cost", "job"):
        np.testing.assert_array_equal(getattr(again.history.curves, name), getattr(opt.history.curves, name))
    resumed = [o.resume(6) for o in (opt, again)]
    assert resumed[0] == resumed[1]
    assert [o.history.job_of(6) for o in (opt, again)] == [8, 8]
