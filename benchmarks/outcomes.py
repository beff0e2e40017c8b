"""Milliseconds of a suggestion with several objectives, limits and costs.

``OMP_NUM_THREADS=1 taskset -c 0 python benchmarks/outcomes.py [--sampler gp]`` prints a Markdown table: the median and
the mean of the last twenty of n suggestions, in a space of six numbers and a choice, by ``Optimizer.ask``.
"""

from __future__ import annotations

import argparse
import math
import time
from typing import Any

import numpy as np

import hpcore as hp

CASES = {
    "1 objective": (1, 0, False),
    "2 objectives": (2, 0, False),
    "3 objectives": (3, 0, False),
    "4 objectives": (4, 0, False),
    "1 objective, 2 limits": (1, 2, False),
    "1 objective, cost": (1, 0, True),
    "2 objectives, 2 limits, cost": (2, 2, True),
}


def milliseconds(sampler: str, n_objectives: int, n_limits: int, with_cost: bool, n: int) -> tuple[float, float]:
    space: dict[str, Any] = {f"x{i}": hp.Float(0, 1) for i in range(6)} | {"k": hp.Categorical(list("abcd"))}
    limits = {f"limit{i}": hp.at_most(0.3) for i in range(n_limits)} or None
    opt = hp.Optimizer(space, sampler, directions=["minimize"] * n_objectives, limits=limits, seed=0)
    seconds = []
    for _ in range(n):
        start = time.perf_counter()
        trial = opt.ask()
        seconds.append(time.perf_counter() - start)
        x = np.array([trial.params[f"x{i}"] for i in range(6)])
        values = [float(((x - 0.3 * j) ** 2).sum() + 0.3 * (trial.params["k"] == "a")) for j in range(n_objectives)]
        metrics = {f"limit{i}": float(x[i]) for i in range(n_limits)} or None
        opt.tell(trial, values, metrics=metrics, cost=math.exp(3 * x[0]) if with_cost else None)
    return 1e3 * float(np.median(seconds[-20:])), 1e3 * float(np.mean(seconds[-20:]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[50, 200])
    parser.add_argument("--sampler", default="gp")
    arguments = parser.parse_args()
    sizes = arguments.sizes
    print(f"| {arguments.sampler} |", " | ".join(f"n = {n}" for n in sizes), "|")
    print("| --- |", " --- |" * len(sizes), sep="")
    for name, case in CASES.items():
        cells = ["{:.2f} ({:.2f})".format(*milliseconds(arguments.sampler, *case, n)) for n in sizes]
        print(f"| {name} |", " | ".join(cells), "|", flush=True)


if __name__ == "__main__":
    main()
