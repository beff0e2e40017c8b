"""The table behind the rules of Azure ML: read one by one or at once, with states that change, it is the same."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hpcore.records.curves import Curves
from hpcore.records.history import COMPLETE, FAILED, RUNNING
from hpcore.schedulers.intervals import AS_THEY_ARE, AS_WORST, FEW, NOT, _Table

COUNTS = (AS_THEY_ARE, NOT, AS_THEY_ARE, AS_WORST, AS_THEY_ARE)
VALUE = st.one_of(st.sampled_from([math.nan, math.inf, -math.inf, 0.0]), st.floats(-5, 5))


def by_definition(curves: Curves, state: Any, n: int, mean: bool, without: int) -> list[float]:
    scores = []
    for number in range(len(state)):
        values = curves.values[curves.of(number), 0][:n]
        if number == without or len(values) < n or state[number] == COMPLETE:
            continue
        values = np.where(np.isnan(values), np.inf, values)
        total = 0.0
        for value in values.tolist():
            total += value
        score = (np.inf if math.isnan(total) else total / n) if mean else values.min()
        scores.append(np.inf if state[number] == FAILED else float(score))
    return sorted(scores)


@given(st.data(), st.booleans())
def test_against_the_definition(data: Any, mean: bool) -> None:
    n_trials = 5
    table, curves = _Table(mean, 1, 0, COUNTS), Curves(1)
    for _ in range(data.draw(st.integers(1, 4))):
        for number, value in data.draw(st.lists(st.tuples(st.integers(0, n_trials - 1), VALUE), max_size=12)):
            curves.append(number, len(curves.of(number)) + 1.0, [value])
        if data.draw(st.booleans()):
            curves = curves.copy()  # another object: all is read again
        state = np.array(
            data.draw(st.lists(st.sampled_from([RUNNING, COMPLETE, FAILED]), min_size=n_trials, max_size=n_trials)),
            dtype=np.uint8,
        )
        table.read(curves, state)
        n, without = data.draw(st.integers(1, 6)), data.draw(st.integers(0, n_trials - 1))
        assert table.without(without, n) == by_definition(curves, state, n, mean, without)


@given(st.integers(0, 10**6), st.booleans())
def test_many_reports_at_once_are_those_one_by_one(seed: int, mean: bool) -> None:
    rng = np.random.default_rng(seed)
    curves, growing = Curves(1), Curves(1)
    one_by_one, at_once = _Table(mean, 2, 3, COUNTS), _Table(mean, 2, 3, COUNTS)
    state = rng.choice([RUNNING, COMPLETE, FAILED], size=30).astype(np.uint8)
    for _ in range(FEW + 50):
        number = int(rng.integers(30))
        value = float(rng.choice([rng.normal(), math.nan, math.inf], p=[0.9, 0.05, 0.05]))
        for some in (curves, growing):
            some.append(number, len(some.of(number)) + 1.0, [value])
        one_by_one.read(growing, state)
    at_once.read(curves, state)
    assert at_once.sorted == one_by_one.sorted and at_once.best == one_by_one.best
    assert at_once.scores == one_by_one.scores and at_once._total.keys() == one_by_one._total.keys()
    curves.append(3, 1000.0, [0.25])
    growing.append(3, 1000.0, [0.25])
    at_once.read(curves, state)
    one_by_one.read(growing, state)
    assert at_once.sorted == one_by_one.sorted


def test_one_very_long_curve_needs_no_matrix() -> None:
    curves = Curves(1)
    for number in range(2000):
        curves.append(number, 1.0, [float(number)])
    for step in range(2, 3000):
        curves.append(7, float(step), [0.0])
    table = _Table(False, 1, 0, COUNTS)
    table.read(curves, np.zeros(2000, dtype=np.uint8))
    assert len(table.without(0, 1)) == 1999 and table.without(0, 2998) == [0.0]
