"""History of a search: growing columns, and the view as of a job."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hpcore as hp
from hpcore.records import History
from hpcore.records.history import COMPLETE, FAILED, PAUSED, PRUNED, RUNNING, STATES, WITHDRAWN
from hpcore.records.rows import Rows
from hpcore.samplers import AutoSampler
from hpcore.samplers.failures import split

# --- the view as of a job ---------------------------------------------------------------------------------------------


@st.composite
def courses(draw: st.DrawFn) -> list[tuple]:
    """Events of a search: ``("begin",)``, ``("resume", number)``, ``("report", number, step, value)`` and
    ``("finish", number, state, value, std_error, cost, violations, gradient)`` in an order that may happen."""
    events: list[tuple] = []
    running: list[int] = []
    paused: list[int] = []
    n = 0
    for _ in range(draw(st.integers(0, 30))):
        kinds = ["begin"] + ["finish", "report"] * bool(running) + ["resume"] * bool(paused)
        kind = draw(st.sampled_from(kinds))
        if kind == "begin":
            events.append(("begin",))
            running.append(n)
            n += 1
        elif kind == "resume":
            number = paused.pop(draw(st.integers(0, len(paused) - 1)))
            events.append(("resume", number))
            running.append(number)
        elif kind == "report":
            events.append(("report", draw(st.sampled_from(running)), draw(st.integers(0, 5)), draw(st.integers(0, 9))))
        else:
            number = running.pop(draw(st.integers(0, len(running) - 1)))
            state = draw(st.sampled_from([COMPLETE, PRUNED, FAILED, PAUSED]))
            has_value = state == COMPLETE or (state == PRUNED and draw(st.booleans()))
            value = float(draw(st.integers(0, 9))) if has_value else None
            std_error = draw(st.sampled_from([None, 0.5])) if has_value else None
            cost = draw(st.sampled_from([None, 1.0, 2.0]))
            violations = draw(st.sampled_from([None, (-1.0, 2.0), (0.0, -1.0), (math.nan, -1.0)]))
            gradient = draw(st.sampled_from([None, -1.0, 2.0]))
            events.append(("finish", number, state, value, std_error, cost, violations, gradient))
            if state == PAUSED:
                paused.append(number)
    return events


def replay(events: list[tuple], last: float = math.inf) -> History:
    """Make a history with all trials and jobs of the events, but only the results of the jobs up to `last`.

    Cost, violations and gradient of a trial are those of its last job, once this may be known.
    """
    last_jobs: dict[int, int] = {}
    jobs: list[int] = []  # one per event
    n = n_jobs = 0
    for event in events:
        if event[0] == "begin":
            last_jobs[n], n, n_jobs = n_jobs, n + 1, n_jobs + 1
        elif event[0] == "resume":
            last_jobs[event[1]], n_jobs = n_jobs, n_jobs + 1
        jobs.append(n_jobs - 1 if event[0] in ("begin", "resume") else last_jobs[event[1]])
    history = History(1, 1, 2)
    for event, job in zip(events, jobs, strict=True):
        if event[0] == "begin":
            number = history.append(np.array([history.n / 100]))
            assert history.job_of(number) == job
        elif event[0] == "resume":
            assert history.resume(event[1]) == job
        elif event[0] == "report":
            if job <= last:
                history.curves.append(event[1], event[2], (float(event[3]),), 1.0, job)
        elif job <= last or job < last_jobs[event[1]]:  # a trial that was resumed has paused
            _, number, state, value, std_error, cost, beyond, slope = event
            cost, beyond, slope = (cost, beyond, slope) if last_jobs[number] <= last else (None, None, None)
            told = None if value is None else (value,)
            gradient = None if slope is None else np.array([slope])
            history.finish(number, state, told, std_error, cost=cost, violations=beyond, gradient=gradient)
    return history


def shown(history: History) -> list:
    """List all data that depend on results, with missing columns as NaN."""
    n, curves = history.n, history.curves
    unknown = np.full(n, math.nan)
    counts = [n, history.n_jobs, history.n_complete, history.n_running, history.n_pruned, history.n_paused]
    columns = [history.X, history.values, history.state, history.job, history.complete, history.observed]
    columns += [history.observed_state, history.running(), history.violations, history.feasible]
    columns += [np.full((n, 1), math.nan) if history.std_errors is None else history.std_errors]
    columns += [unknown if history.cost is None else history.cost]
    columns += [np.full((n, 1), math.nan) if history.gradients is None else history.gradients]
    columns += [curves.trial, curves.step, curves.values, curves.job, curves.cost]
    one_by_one = [(history.cost_of(i), history.std_error(i), curves.of(i)) for i in range(n)]
    return [*counts, history.n_ended, history.n_observed, *map(np.ndarray.tolist, columns), one_by_one]


@settings(deadline=None, max_examples=300)
@given(courses(), st.data())
def test_as_of_is_a_history_without_later_results(events: list[tuple], data: st.DataObject) -> None:
    history = replay(events)
    before = shown(history)
    job = data.draw(st.integers(-1, history.n_jobs + 1))
    view = history.as_of(job)
    assert repr(shown(view)) == repr(shown(replay(events, job)))
    assert repr(shown(history)) == repr(before)


@settings(deadline=None, max_examples=100)
@given(courses(), st.data())
def test_as_of_is_the_same_whatever_the_later_jobs_did(events: list[tuple], data: st.DataObject) -> None:
    history = replay(events)
    job = data.draw(st.integers(-1, history.n_jobs))
    # Running trials of later jobs end with other results.
    others = History(1, 1, 2)
    others.extend(
        Rows(
            history.X.copy(),
            history.state.copy(),
            history.values.copy(),
            history.times.copy(),
            None if history.std_errors is None else history.std_errors.copy(),
            None if history.cost is None else history.cost.copy(),
            history.job.copy(),
        ),
        history.violations.copy(),
        None if history.gradients is None else history.gradients.copy(),
    )
    for i in np.flatnonzero((history.job > job) & (history.state == RUNNING)).tolist():
        others.finish(i, COMPLETE, (0.5,), 0.1, cost=3.0, violations=(-1.0, -2.0), gradient=np.array([5.0]))
    others.curves = history.curves
    assert repr(shown(others.as_of(job))) == repr(shown(history.as_of(job)))


def test_nothing_to_hide_is_the_very_object() -> None:
    history = History(1, 1)
    for i in range(3):
        history.append(np.array([i / 3]))
    history.finish(0, COMPLETE, (1.0,), cost=2.0)
    assert history.as_of(0) is history and history.as_of(2) is history
    assert history.as_of(-1) is not history


def test_the_cost_of_later_jobs_is_hidden() -> None:
    history = History(1, 1)
    for i in range(2):
        history.append(np.array([i / 2]))
        history.finish(i, COMPLETE, (1.0,), cost=3.0 + i)
    view = history.as_of(0)
    assert (view.cost_of(0), view.cost_of(1)) == (3.0, None)
    assert history.cost_of(1) == 4.0


# --- trials that are taken back ---------------------------------------------------------------------------------------


def test_a_truncated_history_forgets_who_proposed() -> None:
    history = History(1, 1)
    for i, name in enumerate(["gp", "gp", "tpe"]):
        history.append(np.array([i / 3]))
        history.set_proposed_by(i, name)
    history.truncate(1)
    history.append(np.array([0.5]))
    history.set_proposed_by(1, "tpe")
    history.append(np.array([0.75]))
    history.set_proposed_by(2, "gp")
    assert [history.proposed_by(i) for i in range(3)] == ["gp", "tpe", "gp"]


@pytest.mark.parametrize("state", range(len(STATES)))
def test_counts_by_state(state: int) -> None:
    history = History(1, 1)
    history.append(np.array([0.5]))
    if state == WITHDRAWN:
        history.withdraw(0)
    elif state != RUNNING:
        history.finish(0, state, None)
    counts = [history.n_running, history.n_complete, history.n_pruned, history.n_paused, history.n_withdrawn]
    assert counts == [int(state == other) for other in (RUNNING, COMPLETE, PRUNED, PAUSED, WITHDRAWN)]
    assert history.n_ended == int(state not in (RUNNING, PAUSED, WITHDRAWN))


def test_a_withdrawn_trial_is_nowhere() -> None:
    history = History(1, 1, 1)
    for number in range(5):
        history.append(np.array([number / 10]))
        history.give(number, {"x": number})
        history.finish(number, COMPLETE, (float(number),), 0.5, (1.0, 2.0), 3.0, (-1.0,), np.array([1.0]))
    history.withdraw(1)
    history.skip(8)
    history.skip(3)  # there are more
    assert history.present.tolist() == [True, False, True, True, True, False, False, False]
    assert (history.n, history.n_complete, history.n_given, history.n_withdrawn) == (8, 4, 4, 4)
    assert np.isnan([history.values[1, 0], history.cost[1], history.violations[1, 0], history.gradients[1, 0]]).all()
    assert history.std_error(1) is None
    assert history.times_of(1) == (None, None)
    assert len(history.running()) == 0
    parts = split(history)
    assert parts.complete.tolist() == history.complete.tolist() == history.feasible.tolist()
    assert not parts.failed.any()
    seen = history.as_of(3)
    assert seen.state.tolist() == [COMPLETE, WITHDRAWN, COMPLETE, COMPLETE, RUNNING, *[WITHDRAWN] * 3]
    scheduled = history.for_schedulers()
    assert scheduled.state.tolist() == [COMPLETE, FAILED, *[COMPLETE] * 3, *[FAILED] * 3]
    assert (scheduled.n_ended, history.n_ended) == (8, 4)
    first = history.first(3)
    assert (first.n, first.n_complete, first.n_withdrawn) == (3, 2, 1)
    history.begin_anew(1, np.array([0.7]))
    assert (history.n_running, history.n_withdrawn, history.n_given, history.X[1, 0]) == (1, 3, 4, 0.7)
    history.truncate(5)
    assert (history.n, history.n_withdrawn) == (5, 0)


def test_samplers_take_withdrawn_trials_for_given_ones() -> None:
    opt = hp.Optimizer({"x": hp.Float(0, 1)}, AutoSampler(n_gp_trials=3), seed=0)
    for _ in range(3):
        opt.withdraw(opt.ask())
    assert opt.ask().info == {"sampler": "gp"}


# --- columns ----------------------------------------------------------------------------------------------------------


def test_history_rows_keep_their_place_while_it_grows() -> None:
    history = History(2, 1)
    for i in range(1000):
        assert history.append(np.array([i, -i], dtype=float)) == i
        if i % 3 == 0:
            history.finish(i, COMPLETE, (float(i),), std_error=0.5 if i == 300 else None, times=(1.0, 2.0))
        elif i % 3 == 1:
            history.finish(i, FAILED, None)
    assert (history.n, history.n_complete, history.n_running) == (1000, 334, 333)
    np.testing.assert_array_equal(history.X[:, 0], np.arange(1000.0))
    np.testing.assert_array_equal(history.values[history.complete, 0], np.arange(0.0, 1000.0, 3))
    assert np.isnan(history.values[~history.complete]).all()
    np.testing.assert_array_equal(history.running()[:, 0], np.arange(2.0, 1000.0, 3))
    assert np.flatnonzero(~np.isnan(history.std_errors[:, 0])).tolist() == [300]
    assert np.isnan(history.times[1]).all()


# --- limits and several standard errors -------------------------------------------------------------------------------


def test_a_trial_is_feasible_if_it_is_complete_and_known_to_keep_all_limits() -> None:
    history = History(1, 1, 2)
    for state, violations in [
        (COMPLETE, (-1.0, 0.0)),
        (COMPLETE, (-1.0, 1e-300)),
        (COMPLETE, (-1.0, math.nan)),
        (COMPLETE, None),
        (FAILED, (-1.0, -1.0)),
        (PRUNED, (-1.0, -1.0)),
    ]:
        number = history.append(np.zeros(1))
        history.finish(number, state, (1.0,) if state == COMPLETE else None, violations=violations)
    history.append(np.zeros(1))
    assert history.n_limits == 2 and history.violations.shape == (7, 2)
    assert history.feasible.tolist() == [True] + [False] * 6
    assert np.isnan(history.violations[[3, 6]]).all()


def test_without_limits_complete_trials_are_feasible() -> None:
    history = History(1, 1)
    for state in (COMPLETE, FAILED):
        history.finish(history.append(np.zeros(1)), state, (1.0,) if state == COMPLETE else None)
    assert history.n_limits == 0 and history.violations.shape == (2, 0)
    assert history.feasible.tolist() == [True, False]


def test_a_snapshot_keeps_its_violations() -> None:
    history = History(1, 1, 1)
    for _ in range(2):
        history.append(np.zeros(1))
    history.finish(0, COMPLETE, (1.0,), violations=(-1.0,))
    copy = history.snapshot()
    history.finish(1, COMPLETE, (1.0,), violations=(-2.0,))
    assert copy.feasible.tolist() == [True, False] and np.isnan(copy.violations[1, 0])
    assert copy.n_limits == 1


def test_violations_grow_and_are_removed_with_their_trials() -> None:
    history = History(1, 1, 1)
    for i in range(200):
        history.finish(history.append(np.zeros(1)), COMPLETE, (1.0,), violations=(i - 100.0,))
    assert history.violations[:, 0].tolist() == [i - 100.0 for i in range(200)]
    number = history.append(np.zeros(1))
    history._violations[number] = 1.0  # as of an earlier job of a trial that is taken back
    history.truncate(number)
    history.append(np.zeros(1))
    assert np.isnan(history.violations[number, 0])


def test_standard_errors_of_one_or_all_objectives() -> None:
    history = History(1, 2)
    for std_error in (0.5, (0.1, 0.2), None):
        history.finish(history.append(np.zeros(1)), COMPLETE, (1.0, 2.0), std_error)
    np.testing.assert_array_equal(history.std_errors, [[0.5, math.nan], [0.1, 0.2], [math.nan, math.nan]])
    assert [history.std_error(i) for i in range(3)] == [0.5, (0.1, 0.2), None]


def test_gradients_grow_are_copied_and_are_removed_with_their_trials() -> None:
    history = History(2, 1)
    assert history.gradients is None
    history.append(np.array([0.5, 0.5]))
    history.finish(0, COMPLETE, (1.0,), gradient=np.array([2.0, math.nan]))
    copy = history.snapshot()
    for _ in range(100):
        history.append(np.array([0.5, 0.5]))
    assert history.gradients is not None and history.gradients.shape == (101, 2)
    assert history.gradients[0].tolist()[0] == 2.0 and np.isnan(history.gradients[1:]).all()
    history.finish(100, COMPLETE, (1.0,), gradient=np.array([3.0, 4.0]))
    history.gradients[0] = 9.0
    assert copy.gradients is not None and copy.gradients[0].tolist()[0] == 2.0
    history.append(np.array([0.1, 0.1]))
    history.truncate(101)
    history.append(np.array([0.1, 0.1]))
    assert history.gradients is not None and np.isnan(history.gradients[101]).all()
