"""The turn at an optimizer: a caller whose time is over does not wait for the thread whose turn it is."""

from __future__ import annotations

import threading
import time
from typing import Any

import numpy as np
import pytest

import hpcore as hp
from hpcore.optimizer.turn import Turn
from hpcore.samplers.base import Sampler, Suggester

FOREVER = 30.0


class Held(Sampler):
    """Sampler that holds up every thread but the main one, in the middle of a suggestion."""

    def __init__(self, at_once: bool = True, fails: bool = False) -> None:
        self.at_once, self.fails = at_once, fails
        self.reached, self.go = threading.Event(), threading.Event()
        self.sizes: list[tuple[int, int]] = []

    def bind(self, columns: Any) -> Suggester:
        outer = self

        class AtWork(Suggester):
            def suggest(self, history: Any, pending: Any, n: int, rng: Any) -> Any:
                before = history.n
                if threading.current_thread() is not threading.main_thread():
                    outer.reached.set()
                    assert outer.go.wait(FOREVER)
                    if outer.fails:
                        raise hp.errors.InfeasibleSpace("nothing is allowed")
                outer.sizes.append((before, history.n))
                return np.array([rng.uniform(columns.d, 1, i) for i in range(n)])

            def suggest_within(self, history: Any, pending: Any, n: int, rng: Any, deadline_ms: float) -> Any:
                return self.suggest(history, pending, n, rng), "full"

            def at_once(self, history: Any, pending: Any, n: int, rng: Any) -> Any:
                if not outer.at_once:
                    return None
                return np.array([rng.uniform(columns.d, 2, i) for i in range(n)]), "draft"

        return AtWork()


def held(sampler: Held, n: int | None = None) -> tuple[hp.Optimizer, threading.Thread, list[Any]]:
    """An optimizer whose turn another thread has."""
    opt = hp.Optimizer({"x": hp.Float(0, 1)}, sampler, seed=0)
    opt.tell(opt.ask(), 0.5)
    asked: list[Any] = []

    def ask() -> None:
        try:
            asked.append(opt.ask() if n is None else opt.ask(n))
        except hp.errors.HpcoreError as error:
            asked.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    assert sampler.reached.wait(FOREVER)
    return opt, thread, asked


@pytest.mark.parametrize("at_once", [True, False])
def test_a_caller_whose_time_is_over_overtakes(at_once: bool) -> None:
    sampler = Held(at_once)
    opt, thread, asked = held(sampler)
    step = "draft" if at_once else "random"
    first = opt.ask(deadline_ms=5)
    assert first.info == {"step": step}
    assert first.number == 1
    batch = opt.ask(3, deadline_ms=1e-6)
    assert [t.info for t in batch] == [{"step": step}] * 3
    assert not asked
    sampler.go.set()
    thread.join(FOREVER)
    assert asked[0].number == 5
    assert asked[0].info is None
    points = {t.params["x"] for t in (first, *batch, asked[0])}
    assert len(points) == 5
    # What the sampler reads does not change under its hands.
    assert all(before == after for before, after in sampler.sizes)
    opt.tell(first, 1.0)
    opt.tell(asked[0], 2.0)
    assert opt.ask(deadline_ms=60_000).info == {"step": "full"}


def test_queued_parameters_come_first_also_at_once() -> None:
    sampler = Held()
    opt, thread, _ = held(sampler)
    opt._queue.append({"x": 0.25})  # `enqueue` has to wait for its turn
    assert [t.params["x"] == 0.25 for t in opt.ask(2, deadline_ms=5)] == [True, False]
    sampler.go.set()
    thread.join(FOREVER)


def test_a_batch_that_fails_takes_back_none_but_its_own() -> None:
    sampler = Held(fails=True)
    opt, thread, asked = held(sampler, 3)
    mine = opt.ask(deadline_ms=5)
    sampler.go.set()
    thread.join(FOREVER)
    assert isinstance(asked[0], hp.errors.InfeasibleSpace)
    assert mine.number in opt.running()
    opt.tell(mine, 1.0)


def test_results_wait_for_their_turn() -> None:
    sampler = Held()
    opt, thread, asked = held(sampler)
    mine = opt.ask(deadline_ms=5)
    teller = threading.Thread(target=opt.tell, args=(mine, 1.0))
    teller.start()
    assert mine.number in opt.running()
    assert not asked
    sampler.go.set()
    for each in (thread, teller):
        each.join(FOREVER)
    assert not opt.running().keys() - {asked[0].number}


def test_who_waits_gets_a_share_of_the_time() -> None:
    turn = Turn()
    end = time.monotonic() + 100.0
    assert turn.take(end) == end
    turn._waiting = 3
    left = turn.take(end)
    assert left is not None
    assert 20.0 < left - time.monotonic() <= 25.0
    turn._waiting = 0
    turn.release()
    turn.release()


def test_a_constraint_that_calls_the_optimizer_while_it_overtakes_is_told_so() -> None:
    turn = Turn()
    with turn.overtake(), pytest.raises(RuntimeError, match="constraint"):
        turn.acquire()
    with turn, turn:  # re-entrant for its owner
        pass
    assert turn.acquire(blocking=False)
    turn.release()


def test_gp_overtakes_with_a_model() -> None:
    """The real engine: held up by a constraint that another thread's search calls."""
    reached, go = threading.Event(), threading.Event()

    def allowed(params: dict[str, Any]) -> bool:
        if threading.current_thread() is not threading.main_thread() and not go.is_set():
            reached.set()
            assert go.wait(FOREVER)
        return True

    space = hp.Space({"x": hp.Float(0, 1), "y": hp.Float(0, 1)}, constraints=[allowed])
    opt = hp.Optimizer(space, "gp", seed=0)
    for k in range(20):
        opt.add({"x": k / 20, "y": (7 * k % 20) / 20}, (k / 20 - 0.3) ** 2)
    asked: list[Any] = []
    thread = threading.Thread(target=lambda: asked.append(opt.ask()))
    thread.start()
    assert reached.wait(FOREVER)
    trials = [opt.ask(deadline_ms=2), *opt.ask(4, deadline_ms=2)]
    assert {t.info["step"] for t in trials if t.info is not None} == {"draft"}
    assert not asked
    go.set()
    thread.join(FOREVER)
    assert len({tuple(t.params.values()) for t in (*trials, asked[0])}) == 6


@pytest.mark.parametrize("name", ["gp", "tpe", "auto"])
@pytest.mark.parametrize("n", [2, 40])
def test_samplers_that_have_points_at_once(name: str, n: int) -> None:
    opt = hp.Optimizer({"x": hp.Float(0, 1), "k": hp.Int(0, 9)}, name, seed=0)
    for k in range(n):
        opt.add({"x": (k * 7 % 40) / 40, "k": k % 10}, (k / 40 - 0.3) ** 2)
    opt.ask()
    rows, step = opt._suggestions.at_once(opt.history, 5)
    assert rows.shape == (5, 2)
    assert step == ("full" if name == "tpe" or n == 2 else "draft")
    assert step in opt._suggestions.suggester.ladder


@pytest.mark.parametrize("name", ["evolution", "annealing"])
def test_samplers_that_have_none(name: str) -> None:
    opt = hp.Optimizer({"x": hp.Float(0, 1)}, name, seed=0)
    opt.tell(opt.ask(), 1.0)
    rows, step = opt._suggestions.at_once(opt.history, 3)
    assert rows.shape == (3, 1)
    assert step == "random"
