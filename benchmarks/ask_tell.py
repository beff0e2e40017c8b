"""Cost of ask + tell with the random sampler on 10 mixed parameters, and memory per trial.

taskset -c 0 python benchmarks/ask_tell.py            # with Optuna, if it is installed
"""

from __future__ import annotations

import argparse
import gc
import resource
import statistics
import sys
import time
from pathlib import Path

import hpcore as hp


def space() -> hp.Space:
    return hp.Space(
        {
            "a": hp.Float(0, 1),
            "b": hp.Float(1e-3, 1e3, log=True),
            "c": hp.Float(-5, 5),
            "d": hp.Float(1e-5, 1, log=True),
            "e": hp.Float(0, 1, step=0.1),
            "f": hp.Int(1, 100),
            "g": hp.Int(1, 1000, log=True),
            "h": hp.Int(0, 10),
            "i": hp.Categorical(["x", "y", "z"]),
            "j": hp.Categorical([1, 2, 3, 4]),
        }
    )


def cycles(optimizer: hp.Optimizer, upto: int) -> None:
    while optimizer.n_trials < upto:
        trial = optimizer.ask()
        optimizer.tell(trial, trial["a"])


def hpcore_cost(n: int, repeats: int = 5) -> float:
    """Return the median microseconds per cycle over the last trials before n."""
    last = min(n, 2000)
    costs = []
    for seed in range(repeats):
        optimizer = hp.Optimizer(space(), "random", seed=seed)
        cycles(optimizer, n - last)
        begin = time.perf_counter()
        cycles(optimizer, n)
        costs.append((time.perf_counter() - begin) / last * 1e6)
    return statistics.median(costs)


def optuna_cost(n: int) -> float | None:
    try:
        import optuna
    except ImportError:
        return None
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    last = min(n, 500)

    def one() -> None:
        t = study.ask()
        a = t.suggest_float("a", 0, 1)
        t.suggest_float("b", 1e-3, 1e3, log=True)
        t.suggest_float("c", -5, 5)
        t.suggest_float("d", 1e-5, 1, log=True)
        t.suggest_float("e", 0, 1, step=0.1)
        t.suggest_int("f", 1, 100)
        t.suggest_int("g", 1, 1000, log=True)
        t.suggest_int("h", 0, 10)
        t.suggest_categorical("i", ["x", "y", "z"])
        t.suggest_categorical("j", [1, 2, 3, 4])
        study.tell(t, a)

    for _ in range(n - last):
        one()
    begin = time.perf_counter()
    for _ in range(last):
        one()
    return (time.perf_counter() - begin) / last * 1e6


def resident() -> int:
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * resource.getpagesize()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def bytes_per_trial(n: int) -> float:
    optimizer = hp.Optimizer(space(), "random", seed=0)
    cycles(optimizer, 100)
    gc.collect()
    before = resident()
    cycles(optimizer, n)
    gc.collect()
    return (resident() - before) / n


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--memory-trials", type=int, default=1_000_000)
    arguments = parser.parse_args()
    print(f"hpcore {hp.__version__}, Python {sys.version.split()[0]}\n")
    print("| trials | hpcore, us a cycle | Optuna in memory, us a cycle | ratio |\n|---|---|---|---|")
    for n in (10, 100, 1000, 10_000, 100_000):
        ours, theirs = hpcore_cost(n), optuna_cost(n) if n <= 10_000 else None
        peer = "not run | -" if theirs is None else f"{theirs:.0f} | {theirs / ours:.0f}x"
        print(f"| {n:,} | {ours:.1f} | {peer} |", flush=True)
    n = arguments.memory_trials
    print(f"\nResident memory: {bytes_per_trial(n):.0f} bytes a trial over {n:,} trials, params included.")


if __name__ == "__main__":
    main()
