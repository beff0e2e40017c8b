"""Order of trials by one value or several."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpcore.schedulers.ordering import Ranking, best_first, place

VALUE = st.one_of(st.sampled_from([0.0, 1.0, 2.0, math.nan, math.inf, -math.inf]), st.floats(-3, 3))


def test_one_value() -> None:
    values = np.array([[2.0], [math.nan], [1.0], [math.inf], [1.0]])
    assert best_first(values, "dominance").tolist() == [2, 4, 0, 3, 1]


def test_several_values() -> None:
    nan = math.nan
    values = np.array([[1.0, 5.0], [0.0, nan], [2.0, 2.0], [5.0, 1.0], [3.0, 3.0], [-math.inf, 9.0], [nan, 0.0]])
    order = best_first(values, "dominance").tolist()
    assert set(order[:4]) == {0, 2, 3, 5} and order[4:] == [4, 1, 6]
    assert best_first(values, "first").tolist() == [5, 1, 0, 2, 4, 3, 6]
    assert best_first(np.full((3, 2), nan), "dominance").tolist() == [0, 1, 2]
    assert best_first(np.empty((0, 2)), "dominance").tolist() == []


@given(st.data(), st.integers(1, 3), st.sampled_from(["dominance", "first"]))
def test_a_ranking_is_the_order_of_all_at_once(data: Any, m: int, objective: str) -> None:
    ranking, known = Ranking(m, objective), {}
    for number in data.draw(st.lists(st.integers(0, 9), max_size=25)):
        known[number] = data.draw(st.lists(VALUE, min_size=m, max_size=m))
        ranking.set(number, known[number])
        assert len(ranking) == len(known)
    numbers = sorted(known)
    values = np.array([known[i] for i in numbers]).reshape(-1, m)
    order = [numbers[i] for i in best_first(values, objective)]
    n = data.draw(st.integers(1, 12))
    assert ranking.best(n) == order[:n]
    for number in numbers:
        by_value = m == 1 or objective == "first"
        tied = by_value and place(known[number][0]) == place(known[order[min(n, len(order)) - 1]][0])
        assert ranking.is_among(number, n) == (number in order[:n] or tied)
    if m == 1 or objective == "first":
        expected = place(known[order[n - 1]][0]) if n <= len(order) else (math.inf, True)
        assert ranking.limit(n) == expected
    else:
        assert ranking.limit(n) is None


@pytest.mark.parametrize("objective", ["dominance", "first"])
def test_an_empty_ranking(objective: str) -> None:
    assert Ranking(2, objective).best(3) == [] and len(Ranking(1, objective)) == 0
