"""Populations that are derived from a history: places, steps and values."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from hpcore.records.history import COMPLETE, FAILED, PAUSED, RUNNING, History
from hpcore.schedulers.population import Due, Populations, mark


class Diary:
    """A history that is written trial by trial."""

    def __init__(self) -> None:
        self.history = History(1, 1)

    def start(self, until: float = 10.0, **note: int) -> int:
        number = self.history.append(np.array([0.5]))
        self.history.set_until(number, until)
        if note:
            self.history.notes[number] = dict(note)
        return number

    def report(self, number: int, *reports: tuple[float, float]) -> None:
        for step, value in reports:
            self.history.curves.append(number, step, [value], job=self.history.job_of(number))

    def end(self, number: int, state: int = PAUSED) -> None:
        self.history.finish(number, state, None)


@pytest.mark.parametrize(
    ("step", "interval", "expected"),
    [(0.0, 10.0, 0.0), (9.0, 10.0, 0.0), (10.0, 10.0, 10.0), (14.0, 10.0, 10.0), (0.3, 0.1, 0.3), (0.7, 0.1, 0.7)],
)
def test_mark(step: float, interval: float, expected: float) -> None:
    assert mark(step, interval) == pytest.approx(expected)


def three() -> Diary:
    """Trial 0 is in its second interval, trial 1 paused and was replaced by a copy of trial 0, which is trial 2."""
    diary = Diary()
    for number, value in enumerate([0.1, 0.9]):
        assert diary.start() == number
        diary.report(number, (5, 1.0), (10, value))
        diary.end(number)
    diary.start(20.0, parent=0, parent_job=0, replaces=1)
    diary.history.resume(0)
    diary.history.set_until(0, 20.0)
    diary.report(0, (15, 0.05))
    diary.report(2, (15, 0.07))
    return diary


def test_places_and_steps() -> None:
    diary = three()
    population = Populations(diary.history, 2)
    assert population.heads == [0, 2]
    assert population.is_head(2) and not population.is_head(1)
    assert (population.start(0), population.start(2)) == (0.0, 10.0)
    assert population.ended(0) == (10.0, 0), "the report of the job that runs is not in a checkpoint yet"
    assert population.ended(1) == (10.0, 1)
    assert population.ended(2) == (0.0, -1)
    assert population.reached(2) == 10.0
    assert population.running(0) == [0, 2] and population.running(1) == []


def test_values_at_a_step() -> None:
    population = Populations(three().history, 2)
    numbers, values = population.at(10.0, 0)
    assert numbers == [0, 1], "the copy did not train up to here itself"
    np.testing.assert_array_equal(values[:, 0], [0.1, 0.9])
    numbers, values = population.at(12.0, 0)
    assert numbers == [0, 2]
    np.testing.assert_array_equal(values[:, 0], [0.05, 0.07])
    assert population.at(16.0, 0)[0] == [] and population.at(10.0, 1)[0] == []


def test_the_lowest_step_is_due_first_and_then_a_further_population() -> None:
    diary = three()
    assert Populations(diary.history, 2).due() == [Due(1, 0.0, -1)]
    assert Populations(diary.history, 3).due() == [Due(0, 0.0, -1)], "a place that was never filled"
    diary.report(2, (20, 0.06))
    diary.end(2)
    assert Populations(diary.history, 2).due() == [Due(0, 20.0, 2)]
    diary.end(0, FAILED)
    assert Populations(diary.history, 2).due() == [Due(0, 10.0, 0)], "it goes on from its last checkpoint"


def test_other_trials_are_no_members() -> None:
    diary = Diary()
    known = diary.history.append(np.array([0.2]))
    diary.end(known, COMPLETE)
    assert diary.start() == 1
    diary.history.append(np.array([0.2]))
    population = Populations(diary.history, 2)
    assert population.heads == [1]
    assert population.due() == [Due(0, 0.0, -1)]


def test_a_place_is_lost_after_three_failures_in_a_row() -> None:
    diary = Diary()
    last: Any = None
    for attempt in range(3):
        number = diary.start() if last is None else diary.start(replaces=last)
        assert Populations(diary.history, 1).heads == [number]
        diary.end(number, FAILED)
        lost = attempt == 2
        assert Populations(diary.history, 1).due() == [Due(1, 0.0, -1) if lost else Due(0, 0.0, number)]
        last = number


def test_failures_after_an_interval_do_not_count() -> None:
    diary = Diary()
    last = diary.start()
    for _ in range(5):
        diary.report(last, (10, 0.5))
        diary.end(last)
        diary.history.resume(last)
        diary.end(last, FAILED)
        assert Populations(diary.history, 1).due() == [Due(0, 10.0, last)]
        last = diary.start(replaces=last)


def test_a_view_hides_what_is_later() -> None:
    diary = three()
    diary.report(2, (20, 0.06))
    diary.end(2)
    job = diary.history.job_of(2)
    seen = Populations(diary.history.as_of(job - 1), 2)
    assert diary.history.as_of(job - 1).state[2] == RUNNING
    assert seen.reached(2) == 10.0 and seen.due()[0].population == 1


def test_a_trial_that_reported_nothing_has_reached_nothing() -> None:
    diary = Diary()
    diary.start()
    diary.end(0)
    population = Populations(diary.history, 2)
    assert population.reached(0) == 0.0 and not math.isnan(population.due()[0].step)
    assert population.at(10.0, 0)[0] == []


def test_a_report_is_at_a_step_up_to_rounding() -> None:
    diary = Diary()
    diary.start()
    diary.report(0, (0.3, 0.5))
    assert Populations(diary.history, 1).at(0.1 + 0.2, 0)[0] == [0]


def test_members_of_one_population_run() -> None:
    diary = Diary()
    for _ in range(4):
        diary.start()
    population = Populations(diary.history, 2)
    assert population.running(0) == [0, 1] and population.running(1) == [2, 3]
