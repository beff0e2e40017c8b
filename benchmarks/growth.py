"""Memory: resident bytes per trial in long runs, and the memory left after optimizers are deleted.

    python benchmarks/growth.py [--random 1000000] [--tpe 100000] [--optimizers 10000]

At most 5 MB may be left of 10,000 optimizers.
"""

from __future__ import annotations

import argparse
import gc
import sys
import time
from pathlib import Path

import hpcore as hp

SPACE = hp.Space({"x": hp.Float(0, 1), "k": hp.Int(1, 100), "c": hp.Categorical(["a", "b", "c"])})


def resident() -> int:
    """Return the resident bytes of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def run(sampler: str, trials: int) -> None:
    """Run a search and print a line at every tenth."""
    optimizer = hp.Optimizer(SPACE, sampler, seed=0)
    before, begin, at = resident(), time.perf_counter(), 0
    for part in range(1, 11):
        while at < trials * part // 10:
            trial = optimizer.ask()
            optimizer.tell(trial, trial["x"])
            at += 1
        grown, took = resident() - before, time.perf_counter() - begin
        print(f"{sampler:8s} {at:9d} trials: {grown / 1e6:8.1f} MB, {grown / at:6.0f} bytes and "
              f"{1e6 * took / at:6.1f} us a trial", flush=True)  # fmt: skip


def dropped(n: int) -> float:
    """Return the megabytes left after n optimizers with ten trials each are deleted."""

    def one(seed: int) -> None:
        optimizer = hp.Optimizer(SPACE, ("tpe", "gp", "random", "sobol")[seed % 4], seed=seed)
        for _ in range(10 if seed % 4 != 1 else 2):
            trial = optimizer.ask()
            optimizer.tell(trial, trial["x"])

    for seed in range(n // 10):  # pools fill and modules load before the measurement
        one(seed)
    gc.collect()
    before = resident()
    for seed in range(n):
        one(seed)
    gc.collect()
    return (resident() - before) / 1e6


def main() -> int:
    """Print the figures; exit code 1 if too much memory is left."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--random", type=int, default=1_000_000)
    parser.add_argument("--tpe", type=int, default=100_000)
    parser.add_argument("--optimizers", type=int, default=10_000)
    options = parser.parse_args()
    left = dropped(options.optimizers)
    print(f"{options.optimizers} optimizers created and dropped leave {left:.1f} MB")
    run("random", options.random)
    run("tpe", options.tpe)
    return int(left > 5.0)


if __name__ == "__main__":
    sys.exit(main())
