"""Trials in columns that travel between histories."""

from __future__ import annotations

import math

import numpy as np
import pytest

from hpcore.records import History
from hpcore.records.history import COMPLETE, FAILED, PAUSED, PRUNED, RUNNING
from hpcore.records.rows import Rows

STATES = [COMPLETE, RUNNING, PAUSED, PRUNED, FAILED]


def some(n: int, first: int = 0, **columns) -> Rows:
    state = np.array([STATES[i % 5] for i in range(n)], dtype=np.uint8)
    values = np.where((state == COMPLETE)[:, None], np.arange(n, dtype=float)[:, None], math.nan)
    notes = {first + i: {"params": {"x": i}} for i in range(0, n, 3)}
    X, times = np.arange(2.0 * n).reshape(n, 2), np.full((n, 2), math.nan)
    return Rows(X, state, values, times, notes=notes, **columns)


def test_the_length_is_the_number_of_trials() -> None:
    assert len(some(7)) == 7 and len(some(0)) == 0


@pytest.mark.parametrize("n", [0, 1, 7, 500])
def test_a_history_takes_rows_in_parts(n: int) -> None:
    whole, parts = History(2, 1), History(2, 1)
    reports = [(i, 1.0, (0.5,), None, i) for i in range(0, n, 2)]
    whole.extend(some(n, std_errors=np.full((n, 1), 0.5), reports=reports))
    middle = n // 5 * 5 // 2 // 5 * 5
    parts.extend(some(middle, std_errors=np.full((middle, 1), 0.5), reports=[r for r in reports if r[0] < middle]))
    rest = some(n, std_errors=np.full((n, 1), 0.5))
    parts.extend(
        Rows(
            rest.X[middle:],
            rest.state[middle:],
            rest.values[middle:],
            rest.times[middle:],
            rest.std_errors[middle:],
            notes={number: note for number, note in rest.notes.items() if number >= middle},
            reports=[r for r in reports if r[0] >= middle],
        )
    )
    for history in (whole, parts):
        assert (history.n, history.n_jobs, len(history.curves)) == (n, n, len(reports))
        assert [history.n_complete, history.n_running, history.n_paused, history.n_pruned] == [
            len(range(i, n, 5)) for i in range(4)
        ]
        assert history.notes == dict(rest.notes)
    for name in ("X", "state", "values", "std_errors", "job"):
        np.testing.assert_array_equal(getattr(whole, name), getattr(parts, name))


def test_jobs_that_are_not_the_trials_own_numbers() -> None:
    history = History(2, 1)
    history.extend(some(3, job=np.array([0, 4, 2])))
    assert history.n_jobs == 5 and history.job.tolist() == [0, 4, 2]
    assert history.job_of(history.append(np.zeros(2))) == 5
    history.extend(some(1))
    assert history.job.tolist() == [0, 4, 2, 5, 6]


def test_missing_columns_stay_unknown() -> None:
    history = History(2, 1)
    history.extend(some(2, cost=np.array([1.0, math.nan])))
    history.extend(some(1))
    assert [history.cost_of(i) for i in range(3)] == [1.0, None, None]
    assert history.std_errors is None
