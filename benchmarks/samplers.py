"""Time of a suggestion of the samplers that cost little: the mean over a whole search.

    OMP_NUM_THREADS=1 python benchmarks/samplers.py [random tpe ...] [--trials 500] [--floats 20]
                                                    [--repeats 5]

A search asks for one trial at a time and tells its value, a sum of squares. Printed are milliseconds of the thread's
processor time, which other programs do not change: per `ask`, with the decoding of the point, and per `tell`. They are
the means of the fastest search, and of the last hundred trials in it.
"""

from __future__ import annotations

import argparse
import time
from statistics import fmean

import hpcore as hp


def search(sampler: str, n_trials: int, n_floats: int, seed: int) -> tuple[list[float], list[float]]:
    """Run one search, and return the seconds of each ask and of each tell."""
    opt = hp.Optimizer({f"x{j}": hp.Float(0, 1) for j in range(n_floats)}, sampler, seed=seed)
    asks, tells = [], []
    for _ in range(n_trials):
        begin = time.thread_time()
        trial = opt.ask()
        asks.append(time.thread_time() - begin)
        value = sum((x - 0.3) ** 2 for x in trial.params.values())
        begin = time.thread_time()
        opt.tell(trial, value)
        tells.append(time.thread_time() - begin)
    return asks, tells


def main() -> None:
    """Print a line per sampler."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("samplers", nargs="*", default=["random", "tpe"])
    parser.add_argument("--trials", type=int, default=500)
    parser.add_argument("--floats", type=int, default=20)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    for sampler in options.samplers:
        if sampler not in hp.samplers.names():
            parser.error(f"samplers must be of {', '.join(hp.samplers.names())}, got {sampler}")
    print(f"{'sampler':>12s} {'ask ms':>8s} {'last 100':>9s} {'tell ms':>8s}")
    for sampler in options.samplers:
        search(sampler, 30, options.floats, 0)  # loads what is loaded on first use
        runs = [search(sampler, options.trials, options.floats, seed) for seed in range(options.repeats)]
        asks, tells = min(runs, key=lambda run: fmean(run[0]))
        print(
            f"{sampler:>12s} {1e3 * fmean(asks):8.3f} {1e3 * fmean(asks[-100:]):9.3f} {1e3 * fmean(tells):8.3f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
