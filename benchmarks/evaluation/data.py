"""Cost of an objective's data: milliseconds and megabytes for each further trial.

Run with ``python benchmarks/evaluation/data.py --mb 100``; the megabytes need Linux. The objective takes a microsecond
and reads one value of its data, which is a global, in a closure, the default of an argument, in the object of a method,
in a frame, a sparse matrix or a list of arrays. *First* is the time of a run of four trials, in which the
data is written to a file and mapped by the workers, which are awake. *Further* is the difference between the shortest
of these and of some longer runs, by the number of trials. Beside it stands an objective without data.
"""

from __future__ import annotations

import argparse
import functools
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse

import hpcore as hp

SPACE = {"x": hp.Float(-5, 5)}
DATA: Any = None


def plain(trial: hp.Trial) -> float:
    """Objective without data."""
    return trial["x"] ** 2


def with_global(trial: hp.Trial) -> float:
    """Objective with global data: functions of the main module are sent with the globals that they use."""
    return trial["x"] ** 2 + DATA[0]


def with_argument(look: Callable[[Any], float], data: Any, trial: hp.Trial) -> float:
    """Objective with data bound by functools.partial."""
    return trial["x"] ** 2 + look(data)


class Model:
    """Object that holds the data."""

    def __init__(self, data: Any) -> None:
        self.data = data

    def score(self, trial: hp.Trial) -> float:
        """Objective that is a method."""
        return trial["x"] ** 2 + self.data[0]


def objectives(n: int) -> dict[str, Callable[[hp.Trial], float]]:
    """Return the objectives, with n doubles each."""
    global DATA
    DATA = np.zeros(n)
    side = int((n / 2) ** 0.5)
    sparse = scipy.sparse.csr_matrix(np.ones((side, side)))
    return {
        "none": plain,
        "global": with_global,
        "closure": (lambda data: lambda trial: trial["x"] ** 2 + data[0])(DATA),
        "default": lambda trial, data=DATA: trial["x"] ** 2 + data[0],
        "method": Model(DATA).score,
        "frame": functools.partial(with_argument, lambda f: f.iat[0, 0], pd.DataFrame(DATA.reshape(-1, 20))),
        "sparse matrix": functools.partial(with_argument, lambda m: m.data[0], sparse),
        "list of arrays": functools.partial(with_argument, lambda found: found[3][0], np.array_split(DATA, 100)),
    }


def sent() -> float:
    """Return the megabytes that this process has written to pipes and files."""
    try:
        return int(Path("/proc/self/io").read_text().split("wchar: ")[1].split()[0]) / 1e6
    except OSError:
        return float("nan")


def timed(objective: Callable[[hp.Trial], float], n_trials: int, executor: Any) -> tuple[float, float]:
    """Return seconds and megabytes of a run."""
    before, start = sent(), time.perf_counter()
    hp.minimize(objective, SPACE, n_trials=n_trials, n_jobs=2, executor=executor, sampler="random", seed=0)
    return time.perf_counter() - start, sent() - before


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mb", type=int, default=100)
    parser.add_argument("--trials", type=int, default=504)
    parser.add_argument("--repeats", type=int, default=5)
    args = parser.parse_args()
    print(f"{args.mb} MB, {args.trials - 4} further trials, least of {args.repeats}\n")
    print("| data | first, s | MB | further, ms a trial | MB a trial |\n|---|---|---|---|---|")
    timed(plain, 4, None)  # wakes the workers
    for name, objective in objectives(args.mb * 125_000).items():
        rows = [(timed(objective, 4, None), timed(objective, args.trials, None)) for _ in range(args.repeats)]
        first, few = min(row[0] for row in rows)
        more = (min(row[1][0] for row in rows) - first) / (args.trials - 4)
        further = min(row[1][1] - row[0][1] for row in rows) / (args.trials - 4)
        print(f"| {name} | {first:.2f} | {few:.0f} | {1e3 * more:.2f} | {further:.4f} |", flush=True)


if __name__ == "__main__":
    main()
