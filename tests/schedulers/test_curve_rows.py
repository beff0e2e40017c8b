"""Curves as rows of a model."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from hpcore.records.history import COMPLETE, FAILED, PAUSED, PRUNED, History
from hpcore.schedulers.curve_rows import CurveRows, read_rows
from hpcore.schedulers.fidelities import Fidelities
from hpcore.schedulers.rungs import Rungs

LEVELS = Fidelities((1.0, 3.0, 9.0))


def read(history: History) -> CurveRows:
    return read_rows(history, Rungs(LEVELS.rungs), LEVELS)


def begun(n: int, until: float = 9.0) -> History:
    history = History(1, 1)
    for i in range(n):
        history.set_until(history.append(np.full(1, i / 10)), until)
    return history


def test_a_row_is_the_first_report_at_or_beyond_a_rung_with_its_own_step() -> None:
    history = begun(2)
    for step in (0.5, 1.0, 2.0, 4.0, 5.0, 9.0):
        history.curves.append(0, step, [10.0 - step])
    history.curves.append(1, 9.5, [3.0])  # beyond all rungs at once: one value, at full fidelity
    rows = read(history)
    assert rows.number.tolist() == [0, 0, 0, 1]
    assert rows.step.tolist() == [1.0, 4.0, 9.0, 9.5] and rows.value.tolist() == [9.0, 6.0, 1.0, 3.0]
    np.testing.assert_allclose(rows.fidelity, [0.0, math.log(4.0) / math.log(9.0), 1.0, 1.0])
    assert rows.added.tolist() == [1.0, 3.0, 5.0, 9.5]
    assert rows.reached.tolist() == [9.0, 9.5] and rows.last.tolist() == [1.0, 3.0]
    assert rows.running.all() and not rows.paused.any()


def test_rows_are_in_the_order_of_the_jobs() -> None:
    history = begun(3, 1.0)
    for number in (2, 0, 1):
        history.curves.append(number, 1.0, [float(number)])
        history.finish(number, PAUSED, None)
    job = history.resume(1)
    history.curves.append(1, 3.0, [-1.0], job=job)
    assert read(history).number.tolist() == [0, 1, 2, 1]


def test_missing_values_are_the_worst_before_them() -> None:
    history = begun(5, 1.0)
    for number, value in enumerate((math.nan, 2.0, 5.0, math.inf, 1.0)):
        history.curves.append(number, 1.0, [value])
    assert read(history).value.tolist() == [2.0, 2.0, 5.0, 5.0, 1.0]
    nothing = begun(2, 1.0)
    nothing.curves.append(0, 1.0, [math.nan])
    assert read(nothing).value.tolist() == [0.0]


def test_failures_come_last_and_told_results_first() -> None:
    history = begun(3)
    history.append(np.zeros(1))
    history.finish(3, COMPLETE, (0.5,))  # without a report, from elsewhere
    history.curves.append(0, 1.0, [2.0])
    history.finish(0, FAILED, None)
    history.curves.append(1, 1.0, [1.0])
    history.finish(1, PRUNED, None)
    rows = read(history)
    assert rows.number.tolist() == [3, 0, 1, 0] and rows.n_reported == 3
    assert rows.value.tolist() == [0.5, 2.0, 1.0, 2.0] and rows.fidelity.tolist() == [1.0, 0.0, 0.0, 1.0]
    assert rows.is_report.tolist() == [False, True, True, False]
    assert rows.running.tolist() == [False, False, True, False]
    np.testing.assert_array_equal(rows.until, [9.0, 9.0, 9.0, math.nan])


def test_what_two_histories_share() -> None:
    history = begun(4, 1.0)
    for number in range(3):
        history.curves.append(number, 1.0, [float(number)])
    before = read(history)
    history.curves.append(3, 1.0, [7.0])
    after = read(history)
    assert after.common(before) == before.common(after) == 3
    history.curves.values[1] = 9.0
    assert read(history).common(after) == 1


def test_histories_differ_from_another_step_on() -> None:
    history = begun(3, 1.0)
    for number in range(3):
        history.curves.append(number, 1.0, [float(number)])
    rows = read(history)
    moved = replace(rows, step=np.array([1.0, 1.0, 2.0]))
    assert rows.common(moved) == moved.common(rows) == 2


def test_trials_that_no_scheduler_began_neither_run_nor_go_on() -> None:
    history = begun(1)
    for _ in range(2):
        history.append(np.zeros(1))
    history.finish(2, PAUSED, None)
    rows = read(history)
    assert rows.running.tolist() == [True, False, False] and not rows.paused.any()


def test_trials_are_sent_to_the_full_resource_at_most() -> None:
    assert read(begun(2, math.inf)).until.tolist() == [9.0, 9.0]
