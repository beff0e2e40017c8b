"""PB2: the bandit's choice against its definition, and where it has no data."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import hpcore as hp
from hpcore.errors import InvalidArgument
from hpcore.records.history import PAUSED, RUNNING, History
from hpcore.records.streams import Rng
from hpcore.schedulers import PB2, PopulationBasedTraining, Start, resolve
from tests.schedulers.simulate import power_curves, simulate

SPACE = hp.Space({"x": hp.Float(0, 1), "y": hp.Float(0, 1)})


def written(good: float, n: int = 12, intervals: int = 3, seed: int = 0) -> History:
    """Members whose loss falls the more in each interval the nearer x is to `good`; the last two are far behind."""
    rng = np.random.default_rng(seed)
    history = History(2, 1)
    for number in range(n):
        u = rng.random(2)
        history.append(u)
        loss = 10.0 + (number >= n - 2) * 5.0
        for k in range(intervals):
            if k:
                history.resume(number)
            loss -= math.exp(-(((u[0] - good) / 0.2) ** 2))
            history.set_until(number, 10.0 * (k + 1))
            history.curves.append(number, 10.0 * (k + 1), [loss], job=history.job_of(number))
            history.finish(number, PAUSED, None)
    return history


def chosen(history: History, scheduler: Any, job: int) -> Any:
    judge = scheduler.bind(SPACE.columns, ("minimize",), 0)
    order = judge.next(history, Rng(0, job))
    assert isinstance(order, Start) and order.parent is not None and order.point is not None
    return order.point


@pytest.mark.parametrize("good", [0.15, 0.5, 0.85])
def test_copies_go_where_the_loss_falls(good: float) -> None:
    history = written(good)
    jobs = range(100, 112)
    x = np.array([chosen(history, PB2(100, 10, 12), job)[0] for job in jobs])
    by_chance = np.array([chosen(history, PopulationBasedTraining(100, 10, 12), job)[0] for job in jobs])
    assert np.abs(x - good).mean() < 0.2
    assert np.abs(x - good).mean() < np.abs(by_chance - good).mean()


def test_what_improves_may_change_with_time() -> None:
    """First a large x improves, then a small one: the later intervals count for the next one."""
    rng = np.random.default_rng(1)
    history = History(2, 1)
    for number in range(16):
        u = rng.random(2)
        history.append(u)
        loss = 10.0 + (number >= 14) * 10.0
        for k in range(6):
            if k:
                history.resume(number)
            loss -= math.exp(-(((u[0] - (0.85 if k < 3 else 0.15)) / 0.2) ** 2))
            history.set_until(number, 10.0 * (k + 1))
            history.curves.append(number, 10.0 * (k + 1), [loss], job=history.job_of(number))
            history.finish(number, PAUSED, None)
    x = np.array([chosen(history, PB2(100, 10, 16), job)[0] for job in range(200, 212)])
    assert np.mean(x < 0.5) > 0.7


def test_copies_that_run_at_once_differ() -> None:
    history = written(0.5)
    points = []
    for _ in range(2):
        judge = PB2(100, 10, 12).bind(SPACE.columns, ("minimize",), 0)
        order = judge.next(history, Rng(0, history.n_jobs))
        assert isinstance(order, Start) and order.point is not None
        number = history.append(order.point)
        history.notes[number] = {"parent": order.parent, "parent_job": order.parent_job, "replaces": order.replaces}
        history.set_until(number, order.until)
        points.append(order.point)
    assert np.abs(points[0] - points[1]).max() > 0.02
    assert (history.state == RUNNING).sum() == 2


def test_with_few_intervals_it_changes_as_population_based_training() -> None:
    history = written(0.5, n=8, intervals=1)
    one = chosen(history, PB2(100, 10, 8), 50)
    other = chosen(history, PopulationBasedTraining(100, 10, 8), 50)
    np.testing.assert_array_equal(one, other)


def test_spaces_of_all_kinds() -> None:
    space = hp.Space(
        {
            "model": hp.Categorical(["a", "b"]),
            "depth": hp.Int(1, 9, when={"model": "a"}),
            "size": hp.Categorical(["s", "m", "l"], ordered=True),
            "lr": hp.Float(1e-4, 1.0, log=True),
        },
        constraints=[lambda p: p["lr"] < 0.5 or p["model"] == "a"],
    )
    opt = hp.Optimizer(space, sampler="random", scheduler=PB2(40, 5, 8), seed=0)
    for _ in range(80):
        trial = opt.ask()
        assert space.allows(trial.params)
        value = abs(math.log10(trial["lr"]) + 2) + (trial["model"] == "b") - 0.01 * trial.until
        opt.report(trial, value, trial.until)
        opt.tell(trial)
    assert any("parent" in note for note in opt.history.notes.values())


@pytest.mark.parametrize("workers", [1, 6])
def test_the_numbers_decide(workers: int) -> None:
    one, other = (simulate(PB2(40, 4, 8), power_curves(2), 90, workers=workers, length=40, seed=3) for _ in range(2))
    assert one.orders == other.orders
    assert any(isinstance(order, Start) and order.parent is not None for _, order in one.orders)


def test_options() -> None:
    assert isinstance(resolve("pb2"), PB2)
    assert repr(PB2(30)).startswith("PB2(max_resource=30, interval=None, population_size=10, quantile=0.25")
    for options in ({"interval": 40}, {"quantile": 0.7}, {"population_size": 3}, {"max_resource": -1}):
        with pytest.raises(InvalidArgument, match=next(iter(options))):
            PB2(**{"max_resource": 30, **options})  # type: ignore[arg-type]
