"""Training that a scheduler controls: trials that report, pause and go on, on a bare history."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import hpcore as hp
from hpcore.records.history import COMPLETE, FAILED, PAUSED, History
from hpcore.records.streams import Rng
from hpcore.schedulers import Resume, Scheduler, Start

# value = curve(row of the cube, state) after one more unit of resource, and the state then
Step = Callable[[Any, Any], "tuple[float | tuple[float, ...], Any]"]


@dataclass
class Training:
    """Several workers at work on a simulated time, in which a trial's unit of resource takes `duration(number)`."""

    scheduler: Scheduler
    space: hp.Space
    step: Step
    n_objectives: int = 1
    seed: int = 0
    n_workers: int = 1
    unit: float = 1.0
    lag: int | None = None  # decisions of job j see the jobs up to j - lag
    duration: Callable[[int], float] = lambda number: 1.0
    fails: Callable[[int, float], bool] = lambda number, step: False
    orders: list[Any] = field(default_factory=list)
    states: dict[tuple[int, int], tuple[float, Any]] = field(default_factory=dict)  # (trial, job) -> step, state

    def __post_init__(self) -> None:
        self.history = History(len(self.space), self.n_objectives)
        self.judge = self.scheduler.bind(self.space.columns, self.n_objectives, self.seed)
        self.now = 0.0
        self.idle = 0  # times that a worker had to wait
        self._busy: list[tuple[float, int, Any]] = []  # (time of the next report, number, rest of the training)

    def run(self, n_orders: int) -> History:
        """Carry out orders until so many were given, or none is left; then let all jobs end."""
        while True:
            while len(self._busy) < self.n_workers and len(self.orders) < n_orders:
                if not self._order():
                    self.idle += 1
                    break
            if not self._busy:
                return self.history
            self._advance()

    def rebind(self) -> None:
        """Go on with a new judge, as after a restart."""
        self.judge = self.scheduler.bind(self.space.columns, self.n_objectives, self.seed)

    def _order(self) -> bool:
        history = self.history
        job = history.n_jobs
        seen = history
        if self.lag is not None:
            if any(history.job_of(number) <= job - self.lag for _, number, _ in self._busy):
                return False
            seen = history.as_of(max(-1, job - self.lag))
        order = self.judge.next(seen, Rng(self.seed, job))
        if order is None:
            return False
        self.orders.append(order)
        if isinstance(order, Resume):
            assert history.state[order.number] == PAUSED
            begun = self.states[order.number, history.job_of(order.number)]
            history.resume(order.number)
            number = order.number
        else:
            assert isinstance(order, Start)
            u = np.random.default_rng((self.seed, job)).random(len(self.space)) if order.point is None else order.point
            u = np.array(u)
            assert u.shape == (len(self.space),)
            self.space.columns.codec.snap(u[None, :])
            row = u[None, :].copy()
            self.space.columns.codec.snap(row)
            number = history.append(row[0])
            begun = (0.0, None)
            note = {}
            if order.parent is not None:
                parent_job = history.job_of(order.parent) if order.parent_job is None else order.parent_job
                note = {"parent": order.parent, "parent_job": parent_job}
                begun = self.states[order.parent, parent_job]
            if order.replaces is not None:
                note["replaces"] = order.replaces
            if note:
                history.notes[number] = note
        history.set_until(number, order.until)
        assert order.until > begun[0]
        work = self._train(number, history.job_of(number), order.until, *begun)
        self._busy.append((self.now + self.duration(number) * self.unit, number, work))
        return True

    def _train(self, number: int, job: int, until: float, at: float, state: Any) -> Any:
        while True:
            at = at + self.unit
            if self.fails(number, at):
                self.history.finish(number, FAILED, None)
                return
            value, state = self.step(self.history.X[number], state)
            values = value if isinstance(value, tuple) else (value,)
            self.history.curves.append(number, at, values, job=job)
            if at >= self.judge.max_resource:
                self.states[number, job] = (at, state)
                self.history.finish(number, COMPLETE, values)
                return
            if at >= until:
                self.states[number, job] = (at, state)
                self.history.finish(number, PAUSED, None)
                return
            yield

    def _advance(self) -> None:
        i = min(range(len(self._busy)), key=lambda k: self._busy[k][:2])
        self.now, number, work = self._busy.pop(i)
        try:
            next(work)
        except StopIteration:
            return
        self._busy.append((self.now + self.duration(number) * self.unit, number, work))


def bowl(u: Any, state: Any) -> tuple[float, Any]:
    """A loss that falls towards a floor, which depends on the first column."""
    loss = 1.0 if state is None else state
    loss = loss + 0.2 * (abs(u[0] - 0.7) - loss)
    return loss, loss


def same(a: Any, b: Any) -> bool:
    """True if two lists of orders are equal to the last bit."""
    return bool(pickle.dumps(a) == pickle.dumps(b))
