"""Time of the decisions of `FreezeThaw`: `next`, with the model and its search for a new point.

    python benchmarks/freeze_thaw.py [--d 7]

Prints milliseconds of a decision in histories of 100 trials with 10 reports each and of 500 with 20: the median and the
mean over decisions between which the history grows by a report, so that fits of hyperparameters have their share; and
the first decision of a new judge, which fits them.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from hpcore.records.history import COMPLETE, PAUSED, History
from hpcore.records.streams import Rng
from hpcore.schedulers import FreezeThaw, Resume
from hpcore.space import Float, Space


def value(point: np.ndarray, step: float, full: float) -> float:
    """Loss of a training: a bowl, and a drift that depends on the point."""
    bowl = float(((point - 0.4) ** 2).sum())
    return bowl + (0.3 + point[0]) * ((full / step) ** 0.5 - 1.0) / full**0.5


def history_of(n_trials: int, n_reports: int, d: int) -> History:
    """Trials with a report at each step; a tenth of them went to the end."""
    history, full = History(d, 1), float(10 * n_reports)
    for number in range(n_trials):
        point = np.random.default_rng(number).uniform(size=d)
        history.append(point)
        complete = number % 10 == 0
        steps = np.unique(np.geomspace(1.0, full if complete else 0.6 * full, n_reports).round())
        history.set_until(number, steps[-1])
        for step in steps:
            history.curves.append(number, float(step), [value(point, step, full)], job=number)
        last = value(point, steps[-1], full)
        history.finish(number, COMPLETE if complete else PAUSED, (last,) if complete else None)
    return history


def time_next(n_trials: int, n_reports: int, d: int, n_decisions: int = 40) -> None:
    history, full = history_of(n_trials, n_reports, d), float(10 * n_reports)
    space = Space({f"x{j}": Float(0.0, 1.0) for j in range(d)})
    judge = FreezeThaw(1, full).bind(space.columns, ("minimize",), 0)
    times = []
    for _ in range(n_decisions + 1):
        start = time.perf_counter()
        order = judge.next(history, Rng(0, history.n_jobs))
        times.append(1e3 * (time.perf_counter() - start))
        if isinstance(order, Resume):
            number = order.number
            history.resume(number)
        else:
            assert order is not None and order.point is not None
            number = history.append(order.point)
        history.set_until(number, order.until)
        loss = value(history.X[number], order.until, full)
        history.curves.append(number, order.until, [loss], job=history.job_of(number))
        complete = order.until >= full
        history.finish(number, COMPLETE if complete else PAUSED, (loss,) if complete else None)
    first, later = times[0], times[1:]
    print(
        f"{n_trials} trials x {n_reports} reports, {d} parameters: median {np.median(later):.2f}, "
        f"mean {np.mean(later):.2f}, first {first:.1f} ms"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--d", type=int, default=7, help="parameters of the space")
    d = parser.parse_args().d
    time_next(100, 10, d)
    time_next(500, 20, d)


if __name__ == "__main__":
    main()
