"""A search that is played: a judge orders jobs, k workers report synthetic curves, in any order that a seed says."""

from __future__ import annotations

import heapq
import itertools
import math
import pickle
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np

from hpcore.records.channel import Decision
from hpcore.records.history import COMPLETE, FAILED, PAUSED, PRUNED, History
from hpcore.records.streams import Rng
from hpcore.schedulers.base import Judge, Resume, Scheduler, Start
from hpcore.space import Float, Space

__all__ = ["Curve", "Play", "bound", "plain", "power_curves", "simulate"]

# Values (m,) of a trial at a step; None fails.
Curve = Callable[[int, float], Any]


def bound(scheduler: Scheduler, m: int = 1, seed: int = 0, d: int = 2) -> Judge:
    """Bind a scheduler to a space of `d` columns, to minimize."""
    space = Space({f"x{i}": Float(0.0, 1.0) for i in range(d)})
    return scheduler.bind(space.columns, ("minimize",) * m, seed)


def plain(order: Start | Resume | None) -> Any:
    """Order without arrays, which have no plain comparison."""
    if isinstance(order, Start) and order.point is not None:
        return order._replace(point=tuple(order.point.tolist()))  # type: ignore[arg-type]
    return order


def begins_at(history: History, number: int) -> float:
    """Step at which the last job of a trial begins, from its own checkpoint or a copied one."""
    curves, note = history.curves, history.notes.get(number, {})
    own = [float(curves.step[i]) for i in curves.of(number)]
    if "parent" not in note:
        return max(own, default=0.0)
    rows = [i for i in curves.of(note["parent"]) if curves.job[i] <= note["parent_job"]]
    return max([*own, float(curves.step[rows[-1]])])


def power_curves(seed: int, m: int = 1) -> Curve:
    """Losses that fall from 1 to a limit of their own, at a rate of their own."""

    @cache
    def limits(number: int) -> list[float]:
        drawn: list[float] = np.random.default_rng([seed, number]).uniform(size=m).tolist()
        return drawn

    def value(number: int, step: float) -> list[float]:
        rate = 0.3 + 0.7 * (number % 7) / 7
        return [limit + (1 - limit) * (step + 1) ** -rate for limit in limits(number)]

    return value


@dataclass
class Play:
    """What was played.

    Attributes
    ----------
    history : History
        Trials and reports at the end.
    orders : list
        Orders of the judge: ``(number, order)``.
    n_waits : int
        Times that a worker had to wait for others.
    decisions : list
        ``(number, step, decision)`` of each report.
    """

    history: History
    orders: list[tuple[int, Start | Resume]] = field(default_factory=list)
    n_waits: int = 0
    decisions: list[tuple[int, float, Decision]] = field(default_factory=list)


def simulate(
    scheduler: Scheduler,
    curve: Curve,
    n_jobs: int,
    *,
    workers: int = 1,
    m: int = 1,
    length: float | Callable[[int], float] = math.inf,
    stride: float = 1.0,
    seed: int = 0,
    arrival: int | None = None,
    rebuild: bool = False,
    staleness: int | None = None,
    by_snapshot: bool = False,
    die: float = 0.0,
    give_up: float = 0.0,
    d: int = 2,
) -> Play:
    """Play a search.

    Parameters
    ----------
    scheduler : Scheduler
        Scheduler that orders the jobs.
    curve : callable
        ``curve(number, step)``: values of a trial at a step; None for a failure.
    n_jobs : int
        Jobs that are begun; all of them come to their end.
    workers : int
        Jobs at a time. Which one reports next is drawn by the seed.
    m : int
        Number of objectives.
    length : float or callable
        Step at which a training ends by itself, and completes; ``length(number)`` if trials differ.
    stride : float
        Steps between reports.
    seed : int
        Seed of the scheduler, of points, and of the order in which jobs report.
    arrival : int, optional
        Another order in which jobs report.
    rebuild : bool
        True to bind a new judge for each call, and to pickle it where it decides.
    staleness : int, optional
        Job j is ordered by the history as of job j - staleness, and decided by it too; it begins when those have ended.
    by_snapshot : bool
        True to decide by snapshots, as workers do.
    die : float
        Probability that a worker is lost after a report; its trial pauses.
    give_up : float
        Probability that an objective ends its trial after a report, as pruned.
    """
    history = History(d, m)
    play = Play(history)
    rng = np.random.default_rng(seed if arrival is None else [seed, arrival])
    judge = bound(scheduler, m, seed, d)
    clock, tie = 0.0, itertools.count()
    # (time of the next report, tie, number, last step of the job, snapshot)
    running: list[Any] = []

    def asked() -> Judge:
        return pickle.loads(pickle.dumps(bound(scheduler, m, seed, d))) if rebuild else judge  # noqa: S301

    def view(job: int) -> History:
        return history if staleness is None else history.as_of(job - staleness)

    def may_begin() -> bool:
        if len(running) == workers or history.n_jobs >= n_jobs:
            return False
        return staleness is None or all(history.job_of(job[2]) > history.n_jobs - staleness for job in running)

    def begin() -> bool:
        asks = bound(scheduler, m, seed, d) if rebuild else judge
        order = asks.next(view(history.n_jobs), Rng(seed, history.n_jobs))
        if order is None and not running:
            # No new job makes further results visible: once all are in, the decision is made from all.
            order = asks.next(history, Rng(seed, history.n_jobs))
        if order is None:
            play.n_waits += 1
            return False
        if isinstance(order, Resume):
            number = order.number
            assert history.state[number] == PAUSED, "only paused trials go on"
            history.resume(number)
        else:
            drawn = np.random.default_rng([seed, history.n]).uniform(size=d)
            point = drawn if order.point is None else order.point
            number = history.append(point)
            note: dict[str, Any] = {}
            if order.parent is not None:
                assert order.parent_job is not None
                note.update(parent=order.parent, parent_job=order.parent_job)
            if order.replaces is not None:
                note["replaces"] = order.replaces
            if note:
                history.notes[number] = note
        history.set_until(number, order.until)
        play.orders.append((number, plain(order)))
        last = begins_at(history, number)
        snapshot = asked().snapshot(number, history.curves, history.state) if by_snapshot else None
        heapq.heappush(running, (clock + rng.uniform(0.5, 1.5), next(tie), number, last, snapshot))
        return True

    def report(number: int, last: float, snapshot: Any) -> bool:
        """Report the next step; False if the job has ended."""
        step = last + stride
        values = curve(number, step)
        if values is None:
            history.finish(number, FAILED, None)
            return False
        history.curves.append(number, step, values, job=history.job_of(number))
        until = float(history.until[number]) if history.until is not None else math.inf
        if by_snapshot:
            decision = Decision.CONTINUE
            if snapshot is not None:
                curves, state = snapshot
                curves.append(number, step, values, job=history.job_of(number))
                decision = asked().decide(number, step, curves, state)
        else:
            seen = view(history.job_of(number))
            curves, state = seen.curves, seen.state
            if staleness is not None:
                own = [i for i in history.curves.of(number) if history.curves.job[i] == history.job_of(number)]
                curves = curves.copy()
                for i in own:
                    curves.append(number, float(history.curves.step[i]), history.curves.values[i].tolist())
            decision = asked().decide(number, step, curves, state)
        play.decisions.append((number, step, decision))
        end = length(number) if callable(length) else length
        if step >= min(judge.full_resource(history.curves, history.state), end):
            history.finish(number, COMPLETE, tuple(values))
        elif decision is Decision.STOP or (give_up and rng.uniform() < give_up):
            history.finish(number, PRUNED, None)
        elif decision is Decision.PAUSE or step >= until or rng.uniform() < die:
            history.finish(number, PAUSED, None)
        else:
            return True
        return False

    while running or history.n_jobs < n_jobs:
        while may_begin():
            if not begin():
                assert running, "nobody can wait for a result if nobody works"
                break
        clock, _, number, last, snapshot = heapq.heappop(running)
        if report(number, last, snapshot):
            heapq.heappush(running, (clock + rng.uniform(0.5, 1.5), next(tie), number, last + stride, snapshot))
    return play
