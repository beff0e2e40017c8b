"""Improvements over intervals: which reports they are made of, and their scales."""

from __future__ import annotations

import math

import numpy as np
import pytest

from hpcore.records.history import FAILED, PAUSED, History
from hpcore.schedulers.improvements import improvements, standing
from hpcore.schedulers.population import Populations


def population(values: list[list[float]], m: int = 1) -> History:
    """A history of trials that reported at 5, 10, 15, ...; every second report is at the end of an interval of 10."""
    history = History(1, m)
    for number, own in enumerate(values):
        history.append(np.array([0.1 * number]))
        history.set_until(number, 10.0 * math.ceil(len(own) / 2))
        for k, value in enumerate(own):
            history.curves.append(number, 5.0 * (k + 1), [value] * m, job=number)
        history.finish(number, PAUSED, None)
    return history


def test_intervals_and_their_changes() -> None:
    history = population([[9, 4.0, 9, 1.0], [9, 3.0, 9, 2.0], [9, 2.0, 9, 2.0], [9, 1.0, 9, 2.0, 9, 0.0]])
    data = improvements(Populations(history, 4), history, 10.0, "first")
    assert data.number.tolist() == [0, 1, 2, 3, 3]
    assert data.step.tolist() == [10, 10, 10, 10, 20]
    np.testing.assert_allclose(data.before[:4], [1, 2 / 3, 1 / 3, 0])
    assert data.before[4] == 0.5, "the only one there"
    change = np.array([-3.0, -1.0, 0.0, 1.0])
    centred = change - np.median(change)
    np.testing.assert_allclose(data.change[:4], centred / np.sqrt(np.mean(centred**2)))
    assert data.change[4] == 0.0


def test_a_copy_begins_with_the_report_of_its_parent() -> None:
    history = population([[9, 4.0], [9, 2.0]])
    child = history.append(np.array([0.9]))
    history.set_until(child, 20.0)
    history.notes[child] = {"parent": 1, "parent_job": 1, "replaces": 0}
    data = improvements(Populations(history, 2), history, 10.0, "first")
    assert (data.number.tolist(), data.step.tolist()) == ([2], [10.0]) and math.isnan(data.change[0])
    history.curves.append(child, 20.0, [1.5], job=child)
    history.finish(child, PAUSED, None)
    data = improvements(Populations(history, 2), history, 10.0, "first")
    assert data.number.tolist() == [2] and data.change.tolist() == [0.0]


def test_a_failed_interval_is_left_out() -> None:
    history = population([[9, 4.0], [9, 2.0]])
    history.resume(1)
    history.finish(1, FAILED, None)
    assert len(improvements(Populations(history, 2), history, 10.0, "first").number) == 0


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_missing_value_is_as_bad_as_the_worst(bad: float) -> None:
    history = population([[9, 4.0, 9, 1.0], [9, 3.0, 9, 2.5], [9, 2.0, 9, bad]])
    change = improvements(Populations(history, 3), history, 10.0, "first").change
    assert np.isfinite(change).all() and change[0] < change[1] == change[2]


def test_huge_changes_do_not_overflow() -> None:
    history = population([[9, 1e308, 9, -1e308], [9, 0.0, 9, 1e-300], [9, 0.0, 9, 1e300]])
    assert np.isfinite(improvements(Populations(history, 3), history, 10.0, "first").change).all()


def test_several_objectives_by_their_standing() -> None:
    history = population([[9, 4.0, 9, 1.0], [9, 3.0, 9, 2.0], [9, 2.0, 9, 3.0]], m=2)
    data = improvements(Populations(history, 3), history, 10.0, "dominance")
    np.testing.assert_allclose(data.before, [1, 0.5, 0])
    assert data.change[0] < data.change[1] < data.change[2]


def test_standing() -> None:
    np.testing.assert_allclose(standing(np.array([[3.0], [1.0], [np.nan]]), "first"), [0.5, 0.0, 1.0])
    assert standing(np.array([[7.0]]), "first").tolist() == [0.5] and standing(np.empty((0, 1)), "first").size == 0


def test_with_the_first_of_several_objectives_changes_are_those_of_its_values() -> None:
    values = [[9, 4.0, 9, 1.0], [9, 3.0, 9, 2.5], [9, 2.0, 9, 1.9]]
    one, two = (population(values, m) for m in (1, 2))
    expected = improvements(Populations(one, 3), one, 10.0, "first").change
    np.testing.assert_array_equal(improvements(Populations(two, 3), two, 10.0, "first").change, expected)


def test_changes_are_three_deviations_at_most() -> None:
    history = population([[9, 1.0, 9, 1.0 + 9.0 * (number == 0)] for number in range(20)])
    change = improvements(Populations(history, 20), history, 10.0, "first").change
    assert change.tolist() == [3.0] + [0.0] * 19


def test_intervals_end_at_their_multiples_up_to_rounding() -> None:
    history = History(1, 1)
    history.append(np.array([0.5]))
    history.set_until(0, 1.0)
    for step in (0.2, 0.3, 0.45, 0.52):
        history.curves.append(0, step, [step], job=0)
    history.finish(0, PAUSED, None)
    step = improvements(Populations(history, 1), history, 0.1, "first").step
    np.testing.assert_allclose(step, [0.2, 0.3, 0.4])
