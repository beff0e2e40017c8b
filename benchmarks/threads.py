"""Throughput of ask + tell by threads with an optimizer each, against one thread.

python benchmarks/threads.py                       # as many threads as there are cores
python benchmarks/threads.py --threads 8 --samplers gp tpe

Each thread plays the same number of trials on an optimizer of its own; rounds of one thread and of all alternate, and
the median of the ratios of their throughputs is printed. An ideal machine gives the number of threads; an interpreter
with a GIL gives what the core computes without it, and about 1 where Python does most of the work.

Cores that other processes use are not there for the threads. A round counts as quiet if its threads waited for a core
for less than a tenth of their time, as Linux counts it; the median is one over quiet rounds where there are three, and
`quiet` is their number.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import sys
import threading
import time
from pathlib import Path

import hpcore as hp

# By sampler: trials told before the clock runs, and trials under the clock.
WORK = {"random": (0, 10_000), "sobol": (0, 10_000), "tpe": (100, 800), "gp": (60, 40), "cmaes": (20, 1500)}


def space() -> dict[str, object]:
    return {f"x{j}": hp.Float(0, 1) for j in range(5)}


def begun(sampler: str, seed: int) -> hp.Optimizer:
    """Return an optimizer that knows some trials, and has done what it does once."""
    optimizer = hp.Optimizer(space(), sampler, seed=seed)
    play(optimizer, WORK[sampler][0] + 2)
    return optimizer


def play(optimizer: hp.Optimizer, n: int) -> None:
    for _ in range(n):
        trial = optimizer.ask()
        optimizer.tell(trial, sum((x - 0.3) ** 2 for x in trial.params.values()))


def waited() -> float:
    """Return the seconds that this thread was ready but had no core; NaN where nobody counts them."""
    try:
        return int(Path("/proc/thread-self/schedstat").read_text().split()[1]) / 1e9
    except OSError:
        return math.nan


def play_together(sampler: str, n_threads: int) -> tuple[float, float]:
    """Return the time that threads which start together take, and the largest share of it that one had no core."""
    optimizers = [begun(sampler, seed) for seed in range(n_threads)]
    gate = threading.Barrier(n_threads + 1)
    errors: list[BaseException] = []
    shares: list[float] = []

    def run(optimizer: hp.Optimizer) -> None:
        gate.wait()
        try:
            begin, queued = time.perf_counter(), waited()
            play(optimizer, WORK[sampler][1])
            shares.append((waited() - queued) / (time.perf_counter() - begin))
        except BaseException as error:  # is raised below, in the main thread
            errors.append(error)

    threads = [threading.Thread(target=run, args=(optimizer,)) for optimizer in optimizers]
    for thread in threads:
        thread.start()
    gate.wait()
    begin = time.perf_counter()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return time.perf_counter() - begin, max(shares)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--samplers", nargs="+", default=list(WORK), choices=list(WORK))
    parser.add_argument("--rounds", type=int, default=9)
    arguments = parser.parse_args()
    gil = getattr(sys, "_is_gil_enabled", lambda: True)()
    for sampler in arguments.samplers:
        rounds = [
            (play_together(sampler, 1), play_together(sampler, arguments.threads)) for _ in range(arguments.rounds)
        ]
        quiet = [(alone, together) for alone, together in rounds if max(alone[1], together[1]) < 0.1]
        taken = quiet if len(quiet) >= 3 else rounds
        print(
            json.dumps(
                {
                    "benchmark": "threads",
                    "python": sys.version.split()[0],
                    "gil": gil,
                    "sampler": sampler,
                    "threads": arguments.threads,
                    "rounds": len(rounds),
                    "quiet": len(quiet),
                    "one_thread_ms_per_trial": round(
                        statistics.median(alone[0] for alone, _ in taken) / WORK[sampler][1] * 1e3, 4
                    ),
                    "throughput_against_one": round(
                        statistics.median(arguments.threads * alone[0] / together[0] for alone, together in taken), 2
                    ),
                }
            ),
            flush=True,
        )


if __name__ == "__main__":
    main()
