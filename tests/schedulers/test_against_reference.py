"""Schedulers with rungs against slow ones, at each order of searches in which everything happens."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpcore.records.history import History
from hpcore.records.streams import Rng
from hpcore.schedulers import ASHA, Hyperband, Resume, Scheduler, Start, SuccessiveHalving
from hpcore.schedulers.asha import Membership
from hpcore.schedulers.base import Judge
from hpcore.schedulers.hyperband import bracket_size
from hpcore.schedulers.resources import check_resources, exact
from tests.reference.halving import next_in_asha, next_in_brackets
from tests.schedulers.simulate import simulate


class Checked(Scheduler):
    """Scheduler that asks the reference, too."""

    def __init__(self, scheduler: Any) -> None:
        self.scheduler = scheduler

    def bind(self, columns: Any, directions: tuple[str, ...], seed: int) -> Judge:
        given, judge = self.scheduler, self.scheduler.bind(columns, directions, seed)
        resources, eta = check_resources(given.min_resource, given.max_resource, given.eta), exact(given.eta)
        ordered = judge.next

        def checked(history: History, rng: Rng) -> Start | Resume | None:
            order = ordered(history, rng)
            full = judge.full_resource(history.curves, history.state)
            if math.isinf(full):
                assert order == Start()
                return order
            levels = list(resources.levels(full))

            def size(index: int) -> tuple[int, int]:
                if isinstance(given, SuccessiveHalving):
                    return 0, math.ceil(eta ** (len(levels) - 1))
                entry = index % len(levels)
                return entry, bracket_size(len(levels) - 1 - entry, len(levels), given.eta)

            if isinstance(given, ASHA):
                membership = Membership(given.brackets, len(levels), given.eta)
                membership.read(history.n + 1)
                assert order == next_in_asha(history, levels, eta, membership.entry)
            else:
                assert order == next_in_brackets(history, levels, size, eta)
            return order

        judge.next = checked
        return judge


@pytest.mark.parametrize("scheduler", [SuccessiveHalving, Hyperband, ASHA, partial(ASHA, brackets=3)])
@settings(max_examples=60)
@given(data=st.data())
def test_the_same_orders(scheduler: Any, data: Any) -> None:
    draw = data.draw
    full = draw(st.sampled_from([None, 4, 9, 10, 27]))
    low, eta = draw(st.sampled_from([1, 2, 3.5])), draw(st.sampled_from([1.5, 2, 3]))
    seed, share = draw(st.integers(0, 10**6)), draw(st.sampled_from([0.0, 0.1, 0.6]))
    rng = np.random.default_rng(seed)
    fails = np.where(rng.uniform(size=80) < share, rng.integers(1, 12, size=80), 1000)
    levels = draw(st.sampled_from([2, 1000]))  # few values: many are equal

    def curve(number: int, step: float) -> list[float] | None:
        if step >= fails[number]:
            return None
        value = round(float(np.random.default_rng([seed, number, int(step)]).uniform()) * levels) / levels
        return [math.nan if value > 0.9 else value]

    simulate(
        Checked(scheduler(low, full, eta)),
        curve,
        80,
        workers=draw(st.integers(1, 6)),
        length=draw(st.sampled_from([9.0, 14.0, lambda number: 3.0 + number % 5 if number % 3 else 9.0 - number % 4])),
        give_up=draw(st.sampled_from([0.0, 0.1])),
        stride=draw(st.sampled_from([1.0, 0.5, 4.0])),
        seed=seed,
        staleness=None,
        die=draw(st.sampled_from([0.0, 0.2])),
    )
