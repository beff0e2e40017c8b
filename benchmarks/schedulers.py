"""Time of the decisions of schedulers: `decide` after a report, and `next` for a job.

    python benchmarks/schedulers.py [--large]

Prints microseconds per call, mean over a whole search of 100 trials with 10 reports each (`--large`: 1000 with 100),
with one judge and the history of a running search; `next` also in a deterministic order, where each job has a view of
the history of its own; and the bytes that travel to a worker.
"""

from __future__ import annotations

import argparse
import pickle
import time

import numpy as np

from hpcore.records.history import COMPLETE, PAUSED, PRUNED, History
from hpcore.records.streams import Rng
from hpcore.schedulers import (
    ASHA,
    Bandit,
    Hyperband,
    MedianStopping,
    Patience,
    Scheduler,
    Start,
    SuccessiveHalving,
    Threshold,
    Truncation,
)
from hpcore.space import Float, Space

COLUMNS = Space({"x": Float(0.0, 1.0)}).columns
WORKERS = 4


def rules(n_reports: int) -> list[Scheduler]:
    return [
        MedianStopping(),
        Bandit(slack_factor=0.1),
        Truncation(20),
        Truncation(20, exclude_finished=True),
        Patience(5),
        Threshold(upper=10.0),
        ASHA(max_resource=n_reports, kind="stopping"),
        ASHA(kind="stopping"),
    ]


def time_decide(scheduler: Scheduler, n_trials: int, n_reports: int) -> tuple[float, float, int]:
    """Mean and 99 % quantile of the time of `decide` in microseconds, where no trial stops; bytes of a snapshot."""
    judge = scheduler.bind(COLUMNS, ("minimize",), 0)
    history, rng = History(1, 1), np.random.default_rng(0)
    times = []
    for first in range(0, n_trials, WORKERS):
        numbers = [history.append(np.zeros(1)) for _ in range(WORKERS)]
        limits = rng.uniform(size=WORKERS)
        for step in range(1, n_reports + 1):
            for number, limit in zip(numbers, limits, strict=True):
                history.curves.append(number, step, [limit + 1.0 / step + 0.01 * rng.uniform()])
                start = time.perf_counter()
                judge.decide(number, float(step), history.curves, history.state)
                times.append(time.perf_counter() - start)
        for number in numbers:
            history.finish(number, PRUNED if first % 8 else COMPLETE, None if first % 8 else (1.0,))
    number = history.append(np.zeros(1))
    size = len(pickle.dumps((judge, judge.snapshot(number, history.curves, history.state))))
    return 1e6 * float(np.mean(times)), 1e6 * float(np.quantile(times, 0.99)), size


def time_next(scheduler: Scheduler, n_trials: int, m: int = 1, in_order: bool = False) -> tuple[float, float]:
    """Mean and 99 % quantile of the time of `next` in microseconds, in a search of `n_trials`."""
    judge = scheduler.bind(COLUMNS, ("minimize",) * m, 0)
    history, rng = History(1, m), np.random.default_rng(0)
    running: list[int] = []
    times = []
    while history.n < n_trials:
        # In a deterministic order a job begins when all but the last few have ended.
        if len(running) == WORKERS or (
            in_order and any(history.job_of(i) <= history.n_jobs - WORKERS for i in running)
        ):
            number = running.pop(int(rng.integers(len(running))))
            until = min(float(history.until[number]), 81.0)
            values = (np.random.default_rng(number).uniform(size=m) + 1.0 / until).tolist()
            history.curves.append(number, until, values, job=history.job_of(number))
            history.finish(number, COMPLETE if until == 81.0 else PAUSED, tuple(values) if until == 81.0 else None)
            continue
        view = history.as_of(history.n_jobs - WORKERS) if in_order else history
        start = time.perf_counter()
        order = judge.next(view, Rng(0, history.n_jobs))
        times.append(time.perf_counter() - start)
        assert order is not None
        if isinstance(order, Start):
            number = history.append(np.zeros(1))
        else:
            number = order.number
            history.resume(number)
        history.set_until(number, order.until)
        running.append(number)
    return 1e6 * float(np.mean(times)), 1e6 * float(np.quantile(times, 0.99))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--large", action="store_true", help="1000 trials of 100 reports")
    n_trials, n_reports = (1000, 100) if parser.parse_args().large else (100, 10)
    print(f"decide, {n_trials} trials of {n_reports} reports: mean, 99 % in us; bytes to a worker")
    for scheduler in rules(n_reports):
        mean, most, size = time_decide(scheduler, n_trials, n_reports)
        print(f"{mean:8.1f} {most:8.1f} {size:8d}  {scheduler!r}")
    print(f"next, {n_trials} trials: mean, 99 % in us; in a deterministic order")
    pausing: list[tuple[Scheduler, int]] = [
        (SuccessiveHalving(max_resource=81), 1),
        (Hyperband(max_resource=81), 1),
        (Hyperband(), 1),
        (ASHA(max_resource=81), 1),
        (ASHA(max_resource=81, eta=2), 1),
        (ASHA(max_resource=81, brackets=3), 1),
        (Hyperband(max_resource=81), 2),
        (ASHA(max_resource=81), 2),
    ]
    for scheduler, m in pausing:
        mean, most = time_next(scheduler, n_trials, m)
        ordered, most_ordered = time_next(scheduler, n_trials, m, in_order=True)
        print(f"{mean:8.1f} {most:8.1f}; {ordered:8.1f} {most_ordered:8.1f}  {scheduler!r}, {m} objectives")


if __name__ == "__main__":
    main()
