"""Freeze-thaw: the start, what goes on, audits, and low fidelities that mislead."""

from __future__ import annotations

import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from hpcore.errors import InvalidArgument, InvalidType
from hpcore.records.history import COMPLETE, FAILED, PAUSED, History
from hpcore.records.streams import Rng
from hpcore.schedulers import FreezeThaw, Judge, Resume, Start, name_of, resolve
from hpcore.space import Categorical, Float, Space
from tests.schedulers.simulate import power_curves, simulate

FULL = 52.0
SPACE = Space({f"x{i}": Float(0.0, 1.0) for i in range(3)})
Loss = Callable[[np.ndarray, float], float]


def bowl(x: np.ndarray, step: float) -> float:
    return float(((np.nan_to_num(x, nan=0.5) - 0.4) ** 2).sum()) + 0.5 * (1 - math.log(step) / math.log(FULL))


class Search:
    """One worker; a job reports once, at its end."""

    def __init__(self, loss: Loss = bowl, space: Space = SPACE, **options: Any) -> None:
        self.judge: Judge = FreezeThaw(1, FULL, **options).bind(space.columns, ("minimize",), 0)
        self.loss, self.space = loss, space
        self.history = History(len(space), 1)
        self.orders: list[tuple[int, Start | Resume]] = []

    def step(self) -> Start | Resume:
        history = self.history
        order = self.judge.next(history, Rng(0, history.n_jobs))
        assert order is not None
        if isinstance(order, Resume):
            number = order.number
            history.resume(number)
        else:
            point = order.point
            if point is None:
                point = np.random.default_rng(history.n).uniform(size=len(self.space))
            u = np.array(point)
            self.space.columns.codec.snap(u[None, :])
            number = history.append(u)
        history.set_until(number, order.until)
        value = self.loss(history.X[number], order.until)
        history.curves.append(number, order.until, [value], job=history.job_of(number))
        if order.until >= FULL:
            history.finish(number, COMPLETE, (value,))
        else:
            history.finish(number, PAUSED, None)
        self.orders.append((number, order))
        return order

    def run(self, n: int) -> Search:
        for _ in range(n):
            self.step()
        return self


def test_the_start_is_a_design_and_successive_halving_of_it() -> None:
    search = Search().run(6 + 4 + 2 + 1)
    assert [order for _, order in search.orders[:6]] == [Start(2.0)] * 6, "the sampler proposes"
    goals = [order.until for _, order in search.orders[6:]]
    assert goals == [5.0] * 4 + [20.0] * 2 + [52.0]
    values = [bowl(x, 2.0) for x in search.history.X[:6]]
    best = np.argsort(values).tolist()
    assert [number for number, _ in search.orders[6:]] == [*best[:4], *best[:2], best[0]]
    assert isinstance(search.step(), Start) or search.orders[-1][0] != best[0]


def test_the_design_has_a_size_of_its_own_in_larger_spaces() -> None:
    space = Space({f"x{i}": Float(0.0, 1.0) for i in range(20)})
    search = Search(space=space).run(11)
    assert sum(isinstance(order, Start) for _, order in search.orders) == 10


def test_the_optimum_is_found() -> None:
    search = Search().run(120)
    history = search.history
    full = history.state == COMPLETE
    best = history.X[full][np.argmin(history.values[full, 0])]
    np.testing.assert_allclose(best, 0.4, atol=0.1)
    assert full.sum() < 0.7 * history.n, "most are not trained in full"


def test_new_points_begin_low_and_go_on_by_rungs() -> None:
    search = Search().run(100)
    rungs = (1.0, 2.0, 3.0, 5.0, 8.0, 13.0, 20.0, 33.0, 52.0)
    before: dict[int, float] = {}
    for number, order in search.orders[13:]:
        if isinstance(order, Start):
            assert order.until == 2.0 and order.point is not None
        else:
            assert order.until == FULL or order.until == next(r for r in rungs if r > before.get(number, 2.0))
        before[number] = order.until


def test_only_allowed_levels_are_ordered() -> None:
    search = Search(levels=[2, 6, 18, FULL]).run(60)
    assert {order.until for _, order in search.orders} <= {2.0, 6.0, 18.0, FULL}
    repeated = Search(resumable=False).run(60)
    assert {order.until for _, order in repeated.orders} <= {2.0, 6.0, 17.0, FULL}


def test_branches_that_were_never_trained_in_full_are_audited() -> None:
    space = Space(
        {
            "kind": Categorical(["a", "b"]),
            "x": Float(0.0, 1.0),
            "y": Float(0.0, 1.0, when={"kind": "a"}),
            "z": Float(0.0, 1.0, when={"kind": "b"}),
        }
    )

    def loss(x: np.ndarray, step: float) -> float:
        # Kind b looks worse until the very end.
        late = 0.0 if step >= FULL else 0.6
        return bowl(x, step) + (late - 0.4 if x[0] > 0.5 else 0.0)

    search = Search(loss, space).run(120)
    full = search.history.state == COMPLETE
    kinds = search.history.X[full, 0] > 0.5
    assert kinds.sum() >= 2
    assert search.history.X[full][np.argmin(search.history.values[full, 0]), 0] > 0.5


def rows_of(reached: list[float], until: list[float], running: list[bool], spent: float) -> Any:
    """Rows of a search after its last full training, of which `spent` was used since."""
    return SimpleNamespace(
        reached=np.array(reached),
        until=np.array(until),
        running=np.array(running),
        paused=~np.array(running),
        fidelity=np.array([0.5]),
        n_reported=1,
        added=np.array([spent]),
    )


@pytest.mark.parametrize(
    ("reached", "until", "running", "spent", "gains", "due"),
    [
        ([FULL, 2.0], [FULL, 2.0], [False, False], 1.3 * FULL, [], True),
        ([FULL, 2.0], [FULL, 2.0], [False, False], 1.2 * FULL, [], False),
        ([FULL, 2.0], [FULL, FULL], [False, True], 1.3 * FULL, [], False),  # one is on its way
        ([FULL, 2.0], [FULL, 2.0], [False, False], 1.3 * FULL, [1.0, 1.0], True),
        ([FULL, 2.0], [FULL, 2.0], [False, False], 1.3 * FULL, [1.0, 1.0, 1.0], False),  # forecasts are good
        ([FULL, 2.0], [FULL, 2.0], [False, False], 1.3 * FULL, [1.0, 1.0, -2.0], True),
        ([FULL] * 5, [FULL] * 5, [False] * 5, 0.0, [1.0, 1.0, 1.0], True),
        ([FULL] * 4 + [2.0], [FULL] * 5, [False] * 4 + [True], 0.0, [1.0, 1.0, 1.0], True),
        ([FULL] * 6, [FULL] * 6, [False] * 6, 0.0, [1.0, 1.0, 1.0], False),
    ],
)
def test_when_a_trial_that_low_fidelities_do_not_favour_is_due(
    reached: list[float], until: list[float], running: list[bool], spent: float, gains: list[float], due: bool
) -> None:
    judge: Any = Search().run(1).judge
    assert judge._is_audit_due(rows_of(reached, until, running, spent), gains) is due


def test_it_is_the_one_that_may_be_the_best() -> None:
    judge: Any = Search().run(1).judge
    numbers = np.array([3, 5, 8])
    posterior = SimpleNamespace(mean=np.array([0.0, 0.4, 0.9]), std=np.array([0.1, 0.3, 1.2]), numbers=numbers)
    rows = rows_of([2.0] * 9, [2.0] * 9, [False] * 9, 0.0)
    assert judge._audited(np.full((9, 3), 0.5), rows, posterior, np.arange(3)) == 8
    assert judge._audited(np.full((9, 3), 0.5), rows, posterior, np.arange(2)) == 3


def test_trials_at_the_full_resource_do_not_go_on() -> None:
    judge: Any = Search().run(1).judge
    rows = rows_of([2.0, FULL, 2.0], [2.0, FULL, 2.0], [False, False, True], 0.0)
    assert judge._may_go_on(rows).tolist() == [True, False, False]


@pytest.mark.parametrize("seed", range(3))
def test_where_low_fidelities_mislead_only_full_values_count(seed: int) -> None:
    def loss(x: np.ndarray, step: float) -> float:
        return bowl(x, step) if step >= FULL else float(np.random.default_rng([seed, int(1e9 * x[0])]).uniform())

    search = Search(loss).run(400)
    assert all(order.until == FULL for _, order in search.orders[-20:])
    full = search.history.state == COMPLETE
    assert search.history.values[full, 0].min() < 0.05


def test_a_lost_job_is_ordered_again_first() -> None:
    search = Search().run(20)
    history = search.history
    number = int(np.flatnonzero(history.state == PAUSED)[0])
    history.resume(number)
    history.set_until(number, FULL)
    history.finish(number, PAUSED, None)
    assert search.judge.next(history, Rng(0, history.n_jobs)) == Resume(number, FULL)


def test_a_lost_first_job_too() -> None:
    search = Search().run(20)
    history = search.history
    number = history.append(np.full(3, 0.5))
    history.set_until(number, 2.0)
    history.finish(number, PAUSED, None)
    assert search.judge.next(history, Rng(0, history.n_jobs)) == Resume(number, 2.0)


def test_workers_get_different_jobs() -> None:
    play = simulate(FreezeThaw(max_resource=27), power_curves(0), 120, workers=8, length=27)
    points = [order.point for _, order in play.orders if isinstance(order, Start) and order.point is not None]
    assert len(set(points)) == len(points) and play.n_waits == 0


def test_failures_keep_the_model_away() -> None:
    search = Search()
    history = search.history
    for _ in range(80):
        search.step()
        number = search.orders[-1][0]
        if history.X[number, 0] < 0.5 and history.state[number] == PAUSED:
            history.resume(number)
            history.finish(number, FAILED, None)
    starts = [history.X[number, 0] for number, order in search.orders[40:] if isinstance(order, Start)]
    assert np.mean(np.array(starts) >= 0.5) > 0.5


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"min_resource": 0}, InvalidArgument, "min_resource must be finite and > 0, got 0"),
        ({"min_resource": 9, "max_resource": 8}, InvalidArgument, "max_resource"),
        ({"levels": []}, InvalidArgument, "levels must be increasing numbers, at least one"),
        ({"levels": [3, 2]}, InvalidArgument, "levels must be increasing numbers"),
        ({"levels": [2, 2]}, InvalidArgument, "levels must be increasing numbers"),
        ({"levels": [0, 2]}, InvalidArgument, "levels must be finite and > 0, got 0"),
        ({"levels": 3}, InvalidType, "levels must be a sequence of numbers or None, got 3"),
        ({"levels": "123"}, InvalidType, "levels must be a sequence"),
        ({"levels": ["1"]}, InvalidType, "levels must be a number"),
        ({"resumable": 1}, InvalidType, "resumable"),
    ],
)
def test_bad_options(options: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        FreezeThaw(**options)


def test_the_automatic_choice_is_stored_under_its_own_name() -> None:
    assert isinstance(resolve("auto"), FreezeThaw)
    assert name_of(resolve("auto")) == "freeze_thaw"


def test_samplers_are_told_of_no_levels() -> None:
    search = Search(levels=[2, 6, 18, FULL]).run(10)
    assert search.judge.levels(search.history.curves, search.history.state) == ()
