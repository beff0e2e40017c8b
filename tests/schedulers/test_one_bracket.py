"""One bracket of successive halving with the schedule of scikit-learn, against a slow reference."""

from __future__ import annotations

import math
import pickle
from typing import Any

import numpy as np
import pytest

from hpcore.records.history import COMPLETE, FAILED, PAUSED, History
from hpcore.records.streams import Rng
from hpcore.schedulers.base import Resume, Start
from hpcore.schedulers.one_bracket import OneBracket, powers
from hpcore.space import Float, Space


@pytest.mark.parametrize("factor", [2, 3, 1.5, 2.5])
def test_powers(factor):
    for n in [1, 2, 3, 9, 27, 81, 243, 242, 244, 1000, 3**12]:
        k = powers(n, factor)
        assert factor**k <= n < factor ** (k + 1)


def run(scheduler: OneBracket, values: np.ndarray, fails: Any = ()) -> dict[int, list[float]]:
    """Run one job at a time; the levels of each trial."""
    history = History(1, 1)
    space = Space({"x": Float(0, 1)})
    judge = scheduler.bind(space.columns, ("minimize",), 0)
    levels: dict[int, list[float]] = {}
    while True:
        order = judge.next(history, Rng(0, history.n_jobs))
        if isinstance(order, Start):
            if history.n == len(values):
                return levels
            number = history.append(np.array([0.5]))
        else:
            assert isinstance(order, Resume)
            number = order.number
            history.resume(number)
        history.set_until(number, order.until)
        levels.setdefault(number, []).append(order.until)
        if (number, order.until) in fails:
            history.finish(number, FAILED, None)
            continue
        history.curves.append(number, order.until, (values[number],), job=history.job_of(number))
        full = order.until >= judge.max_resource
        history.finish(number, COMPLETE if full else PAUSED, (values[number],) if full else None)
        judge = pickle.loads(pickle.dumps(judge))  # noqa: S301 - a new one decides the same


@pytest.mark.parametrize("factor", [2, 3, 1.5])
@pytest.mark.parametrize("n", [1, 2, 7, 20])
def test_one_bracket(factor, n):
    values = np.random.default_rng(n).permutation(n).astype(float)
    found = run(OneBracket((2, 5, 11, 30), factor, n), values)
    left, expected = list(range(n)), {k: [2.0] for k in range(n)}
    for level in (5.0, 11.0, 30.0):
        left = sorted(left, key=lambda k: values[k])[: math.ceil(len(left) / factor - 1e-12)]
        for k in left:
            expected[k].append(level)
    assert found == expected


def test_failures_count_as_worst():
    values = np.arange(9.0)
    found = run(OneBracket((1, 3, 9), 3, 9), values, fails={(0, 1.0), (2, 3.0)})
    assert {k: len(levels) for k, levels in found.items()} == {0: 1, 1: 3, 2: 2, 3: 2, **dict.fromkeys(range(4, 9), 1)}


def test_fewer_candidates_than_expected():
    scheduler = OneBracket((1, 3), 3, None)
    space = Space({"x": Float(0, 1)})
    judge = scheduler.bind(space.columns, ("minimize",), 0)
    history = History(1, 1)
    for number in range(4):
        assert judge.next(history, Rng(0, number)) == Start(1.0)
        history.append(np.array([0.5]))
        history.set_until(number, 1.0)
        history.curves.append(number, 1.0, (float(number),))
        history.finish(number, PAUSED, None)
    assert isinstance(judge.next(history, Rng(0, 4)), Start)
    scheduler.close(4)
    assert judge.next(history, Rng(0, 4)) == Resume(0, 3.0)
    scheduler.close(9)
    assert judge.next(history, Rng(0, 4)) == Resume(0, 3.0)
