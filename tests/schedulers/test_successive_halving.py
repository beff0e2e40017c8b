"""Successive halving against its table, and with failures and results that end early."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from hpcore.records.history import COMPLETE, FAILED, PAUSED, PRUNED, History
from hpcore.records.streams import Rng
from hpcore.schedulers import Resume, Start, SuccessiveHalving
from tests.schedulers.simulate import bound, power_curves, simulate


@pytest.mark.parametrize(
    ("scheduler", "table"),
    [
        # Jamieson and Talwalkar (2016): n eta^-k trials in rung k.
        (SuccessiveHalving(max_resource=81), [(81, 1), (27, 3), (9, 9), (3, 27), (1, 81)]),
        (SuccessiveHalving(max_resource=16, eta=2), [(16, 1), (8, 2), (4, 4), (2, 8), (1, 16)]),
        (SuccessiveHalving(4, 16, 2), [(4, 4), (2, 8), (1, 16)]),
        (SuccessiveHalving(0.1, 0.9, 3), [(9, 0.1), (3, 0.3), (1, 0.9)]),
        # 2.5^2 = 6.25 trials are 7; 7 / 2.5 = 2.8 go on, and 7 / 6.25 = 1.12.
        (SuccessiveHalving(1, 10, 2.5), [(7, 2), (2, 4), (1, 10)]),
        (SuccessiveHalving(5, 5), [(1, 5)]),
    ],
)
def test_the_table(scheduler: SuccessiveHalving, table: list[tuple[int, float]]) -> None:
    n_jobs = sum(n for n, _ in table)
    stride = 0.1 if table[0][1] < 1 else 1.0
    play = simulate(scheduler, power_curves(0), 3 * n_jobs, stride=stride)
    for first in (0, 1, 2):
        orders = iter(play.orders[first * n_jobs :])
        members = set(range(first * table[0][0], (first + 1) * table[0][0]))
        for n, resource in table:
            jobs = [next(orders) for _ in range(n)]
            assert {order.until for _, order in jobs} == {resource}
            assert {number for number, _ in jobs} <= members
            members = {number for number, _ in jobs}
            assert len(members) == n


def rung(values: list[float | None], state: Any = None, m: int = 1, order: Any = None) -> History:
    """One bracket of nine trials at its lowest rung; None fails before the rung."""
    history = History(2, m)
    for _ in values:
        history.set_until(history.append(np.zeros(2)), 1.0)
    for number in order if order is not None else range(len(values)):
        value = values[number]
        if value is None:
            history.finish(number, FAILED, None)
        else:
            history.curves.append(number, 1.0, [value] * m)
            history.finish(number, PAUSED if state is None else state[number], None)
    return history


def promotions(history: History, n: int = 4) -> Iterator[int]:
    judge = bound(SuccessiveHalving(max_resource=9))
    for _ in range(n):
        order = judge.next(history, Rng(0, history.n_jobs))
        if isinstance(order, Start):
            assert order.until == 1.0
            return
        assert isinstance(order, Resume) and order.until == 3.0
        history.resume(order.number)
        history.set_until(order.number, order.until)
        yield order.number


def test_the_best_third_is_promoted_the_best_first() -> None:
    values = [0.5, 0.1, 0.9, 0.3, 0.8, 0.7, 0.2, 0.6, 0.4]
    for seed in range(20):
        order = np.random.default_rng(seed).permutation(9).tolist()
        assert list(promotions(rung(values, order=order))) == [1, 6, 3]


def test_equal_values_go_by_number_whatever_the_order_of_arrival() -> None:
    for seed in range(20):
        order = np.random.default_rng(seed).permutation(9).tolist()
        assert list(promotions(rung([0.5] * 9, order=order))) == [0, 1, 2]


def test_failures_and_nan_are_worst() -> None:
    assert list(promotions(rung([None, 0.9, math.nan, None, 0.8, 0.7, None, None, None]))) == [5, 4, 1]
    assert list(promotions(rung([None, 0.9, math.nan, None, 0.8, None, None, None, None]))) == [4, 1]
    assert list(promotions(rung([None] * 9))) == []
    # One that reports, and fails instead of pausing.
    state = [FAILED, *[PAUSED] * 8]
    assert list(promotions(rung([0.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2], state))) == [8, 7, 6]


def test_a_trial_that_was_stopped_or_ended_keeps_its_place() -> None:
    state = [PRUNED, COMPLETE, *[PAUSED] * 7]
    history = rung([0.0, 0.1, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2], state)
    assert list(promotions(history)) == [8]


def test_a_result_counts_where_a_report_is_missing() -> None:
    history = rung([0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3])
    for value in (0.35, 0.95):
        history.set_until(history.append(np.zeros(2)), 1.0)
        history.finish(history.n - 1, COMPLETE, (value,))
    # 0.3, 0.35 and 0.4 are the best; the second of them is complete.
    assert list(promotions(history)) == [6, 5]


def test_a_rung_waits_for_all_its_trials_and_the_next_bracket_begins() -> None:
    history = rung([0.5, 0.1, 0.9, 0.3, 0.8, 0.7, 0.2, 0.6])
    judge = bound(SuccessiveHalving(max_resource=9))
    assert judge.next(history, Rng(0, 8)) == Start(1.0)
    history.set_until(history.append(np.zeros(2)), 1.0)
    assert judge.next(history, Rng(0, 9)) == Start(1.0), "the ninth still runs"
    history.curves.append(8, 1.0, [0.15])
    assert judge.next(history, Rng(0, 9)) == Start(1.0), "it has reported, but not paused"
    history.finish(8, PAUSED, None)
    assert judge.next(history, Rng(0, 9)) == Resume(1, 3.0)


def test_an_interrupted_job_is_begun_again() -> None:
    history = rung([0.5, 0.1, 0.9, 0.3, 0.8, 0.7, 0.2, 0.6, 0.4])
    judge = bound(SuccessiveHalving(max_resource=9))
    assert judge.next(history, Rng(0, 9)) == Resume(1, 3.0)
    history.resume(1)
    history.set_until(1, 3.0)
    history.curves.append(1, 2.0, [0.1], job=9)
    history.finish(1, PAUSED, None)
    assert judge.next(history, Rng(0, 10)) == Resume(1, 3.0)


def test_trials_taken_back_leave_no_hole() -> None:
    history = rung([0.5, 0.1, 0.9, 0.3, 0.8, 0.7, 0.2, 0.6, 0.4])
    judge = bound(SuccessiveHalving(max_resource=9))
    for _ in range(5):
        history.set_until(history.append(np.zeros(2)), 1.0)
        judge.next(history, Rng(0, history.n_jobs))
    history.truncate(9)
    assert judge.next(history, Rng(0, 9)) == bound(SuccessiveHalving(max_resource=9)).next(history, Rng(0, 9))


def test_trials_run_as_far_as_they_will_until_one_shows_how_far_that_is() -> None:
    play = simulate(SuccessiveHalving(), power_curves(1), 60, length=27)
    assert [order.until for _, order in play.orders[:3]] == [math.inf, 1.0, 1.0]
    judge = bound(SuccessiveHalving())
    assert judge.full_resource(play.history.curves, play.history.state) == 27.0
    assert judge.max_resource == math.inf and bound(SuccessiveHalving(max_resource=81)).max_resource == 81
