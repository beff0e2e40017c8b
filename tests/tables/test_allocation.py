"""Rule by which models share trials."""

from __future__ import annotations

import numpy as np
import pytest

from hpcore.tables.allocation import EVEN_SHARE, LEAST_TRIALS, next_model


def _run(values: list[float], n: int, seconds: list[float] | None = None) -> np.ndarray:
    """Count the trials of models that always have the same value and take the same time."""
    m = len(values)
    counts = np.zeros(m, dtype=np.int64)
    for _ in range(n):
        best = np.where(counts > 0, values, np.nan)
        counts[next_model(best, counts, None if seconds is None else counts * np.array(seconds))] += 1
    return counts


def test_each_model_is_tried_in_order_first() -> None:
    best, counts = np.full(3, np.nan), np.zeros(3, dtype=np.int64)
    order = []
    for _ in range(3):
        order.append(next_model(best, counts))
        best[order[-1]], counts[order[-1]] = 1.0, 1
    assert order == [0, 1, 2]


def test_none_starves_and_the_best_has_most() -> None:
    m, n = 8, 400
    counts = _run([5.0, 1.0, 3.0, 2.0, 8.0, 7.0, 6.0, 4.0], n)
    assert counts.min() >= max(LEAST_TRIALS, int(EVEN_SHARE / m * n) - 1)
    assert counts.argmax() == 1
    assert counts[1] < n * 0.5
    assert (np.diff(counts[[1, 3, 2, 7]]) < 0).all()


def test_a_slow_model_does_not_take_the_time() -> None:
    seconds = [1.0, 1.0, 100.0]
    counts = _run([1.0, 2.0, 3.0], 300, seconds)
    spent = counts * np.array(seconds)
    assert counts[2] >= 1
    assert spent[2] / spent.sum() < 0.45  # its share by rank, and one trial more
    slow_best = _run([2.0, 3.0, 1.0], 300, seconds)
    assert slow_best[2] * 100.0 > slow_best[:2].sum()  # the best has the largest share of the time


def test_a_model_that_always_fails_is_given_up() -> None:
    counts = _run([1.0, np.nan, 2.0], 100)
    assert counts[1] == 3
    assert _run([np.nan, np.nan], 20).sum() == 20  # all fail: each is tried in turn


@pytest.mark.parametrize("values", [[1.0, 1.0], [0.0, -1.0, -1.0, 5.0]])
def test_it_is_a_function_of_its_arguments(values: list[float]) -> None:
    np.testing.assert_array_equal(_run(values, 50), _run(values, 50))
