"""What a deadline gives: the overrun of `ask(deadline_ms=)` and the levels that led to the points.

    python benchmarks/deadlines.py [--results 600] [--deadline 20] [--asks 60] [--json FILE]

A search of 10 floats by "gp" after so many results, which were added and not asked for. One thread asks and tells, 16
threads share one optimizer, one thread with `prefetch`, with and without 5 ms of evaluation; then the calls that a cold
engine needs until a model proposes, and batches of 16. The engine is warm (it made one suggestion without a deadline)
unless said otherwise. "no model": the share of "sobol" and "random" points. Overruns are of the time of the whole call,
in milliseconds. A loaded machine adds to them: "net" is without the time that the thread was ready to run and had no
processor, by /proc/thread-self/schedstat (waits for another thread that had none are still in it), and the first line
is what a plain sleep of the deadline overruns.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import numpy as np

import hpcore as hp

D = 10
SPACE = {f"x{j}": hp.Float(0, 1) for j in range(D)}
NO_MODEL = {"sobol", "random"}


def loss(params: dict[str, float]) -> float:
    x = np.array([params[f"x{j}"] for j in range(D)])
    return float(((x - 0.4) ** 2).sum() + 0.3 * np.sin(9 * x[:3]).sum())


def optimizer(n: int, prefetch: bool = False, warm: bool = True) -> hp.Optimizer:
    opt = hp.Optimizer(SPACE, "gp", seed=0, prefetch=prefetch)
    rng = np.random.default_rng(0)
    for _ in range(n):
        params = {name: float(u) for name, u in zip(SPACE, rng.random(D), strict=True)}
        opt.add(params, loss(params))
    if warm:
        trial = opt.ask()
        opt.tell(trial, loss(trial.params))
    return opt


class Clock:
    """Milliseconds beyond a deadline: of the clock, and without waits for a processor."""

    def __init__(self) -> None:
        self._begin, self._delay = time.perf_counter(), self._delayed()

    def beyond(self, deadline_ms: float) -> tuple[float, float]:
        late = 1e3 * (time.perf_counter() - self._begin) - deadline_ms
        return late, late - (self._delayed() - self._delay)

    @staticmethod
    def _delayed() -> float:
        try:
            return float(Path("/proc/thread-self/schedstat").read_text().split()[1]) / 1e6
        except OSError:
            return 0.0


Overruns = list[tuple[float, float]]


def asks(opt: hp.Optimizer, n: int, deadline_ms: float, pause: float, overruns: Overruns, steps: list[str]) -> None:
    for _ in range(n):
        clock = Clock()
        trial = opt.ask(deadline_ms=deadline_ms)
        overruns.append(clock.beyond(deadline_ms))
        steps.append((trial.info or {})["step"])
        if pause:
            time.sleep(pause)
        opt.tell(trial, loss(trial.params))


def report(name: str, late: Overruns, steps: list[str]) -> dict[str, object]:
    overruns, net = np.array(late).T
    share = sum(step in NO_MODEL for step in steps) / len(steps)
    row = {
        "case": name,
        "overrun_p50": round(float(np.percentile(overruns, 50)), 2),
        "overrun_p99": round(float(np.percentile(overruns, 99)), 2),
        "overrun_max": round(float(overruns.max()), 2),
        "net_p99": round(float(np.percentile(net, 99)), 2),
        "net_max": round(float(net.max()), 2),
        "no_model": round(share, 3),
        "steps": dict(Counter(steps)),
        "load": round(os.getloadavg()[0], 1),
    }
    print(
        f"{name:34s} overrun p50 {row['overrun_p50']:8} p99 {row['overrun_p99']:8} max {row['overrun_max']:8}   "
        f"net p99 {row['net_p99']:8} max {row['net_max']:8} ms   "
        f"no model {100 * share:5.1f} %  {row['steps']}  load {row['load']}",
        flush=True,
    )
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=int, default=600)
    parser.add_argument("--deadline", type=float, default=20.0)
    parser.add_argument("--asks", type=int, default=60)
    parser.add_argument("--threads", type=int, default=16)
    parser.add_argument("--json")
    args = parser.parse_args()
    rows = []

    def one(name: str, opt: hp.Optimizer, n: int, pause: float = 0.0) -> None:
        overruns: Overruns = []
        steps: list[str] = []
        asks(opt, n, args.deadline, pause, overruns, steps)
        rows.append(report(name, overruns, steps))

    slept: Overruns = []
    for _ in range(args.asks):
        clock = Clock()
        time.sleep(1e-3 * args.deadline)
        slept.append(clock.beyond(args.deadline))
    rows.append(report("a plain sleep", slept, ["sleep"]))
    one("1 thread", optimizer(args.results), args.asks)
    opt = optimizer(args.results)
    overruns: Overruns = []
    steps: list[str] = []
    each = max(args.asks // 8, 2)
    threads = [
        threading.Thread(target=asks, args=(opt, each, args.deadline, 0.0, overruns, steps))
        for _ in range(args.threads)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rows.append(report(f"{args.threads} threads", overruns, steps))
    one("prefetch", optimizer(args.results, prefetch=True), args.asks)
    one("prefetch, 5 ms of evaluation", optimizer(args.results, prefetch=True), args.asks, 0.005)
    one("prefetch, cold", optimizer(args.results, prefetch=True, warm=False), args.asks)

    for deadline in (args.deadline, 5.0, 1.0):
        cold = optimizer(args.results, warm=False)
        late: Overruns = []
        taken: list[str] = []
        asks(cold, 40, deadline, 0.0, late, taken)
        first = next((k + 1 for k, step in enumerate(taken) if step not in NO_MODEL), None)
        row = report(f"cold, {deadline:g} ms", late, taken)
        rows.append(row | {"calls_until_a_model": first})
        print(f"    calls until a model's step: {first}")
    for n in (150, 300, 500):
        opt = optimizer(n)
        late, taken = [], []
        for _ in range(5):
            clock = Clock()
            batch = opt.ask(16, deadline_ms=args.deadline)
            late.append(clock.beyond(args.deadline))
            taken += [(t.info or {})["step"] for t in batch]
            for trial in batch:
                opt.tell(trial, loss(trial.params))
        rows.append(report(f"ask(16), {n} results", late, taken))
    if args.json:
        Path(args.json).write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    sys.exit(main())
