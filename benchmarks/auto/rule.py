"""Comparison of gp and tpe behind the rule of ``hp.samplers.AutoSampler``, for cases without other studies.

Run with ``python benchmarks/auto/rule.py --seeds 5``. Each row is a function, with the median over seeds of the
result of each sampler after so many trials, and the number of seeds on which gp was better:

*several objectives*: hypervolume, larger is better, of the trials' Pareto front below the reference point;
*many parameters*, *8 at a time*: logarithm of the best value over the least possible, smaller is better; "at a
time" means that so many trials are always running, and the oldest one is told first.

The last table is the time of an `ask`, in milliseconds of this thread, with so many trials known.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np

import hpcore as hp
from hpcore.kernels.dominance import hypervolume

Values = Callable[[np.ndarray], tuple[float, ...]]


def rotated(d: int) -> tuple[np.ndarray, np.ndarray]:
    """Return a fixed rotation and a fixed optimum."""
    rng = np.random.default_rng(d)
    return np.linalg.qr(rng.normal(size=(d, d)))[0], rng.uniform(-3, 3, d)


def ellipsoid(x: np.ndarray) -> tuple[float, ...]:
    turn, at = rotated(len(x))
    z = turn @ (x - at)
    return (float((1e4 ** (np.arange(len(x)) / (len(x) - 1)) * z**2).sum()),)


def rosenbrock(x: np.ndarray) -> tuple[float, ...]:
    z = (x - rotated(len(x))[1]) / 2 + 1
    return (float((100 * (z[1:] - z[:-1] ** 2) ** 2 + (1 - z[:-1]) ** 2).sum()),)


def rastrigin(x: np.ndarray) -> tuple[float, ...]:
    z = x - rotated(len(x))[1]
    return (float((z**2 - 10 * np.cos(2 * np.pi * z) + 10).sum()),)


def zdt(x: np.ndarray, waves: float) -> tuple[float, ...]:
    u = (x + 5) / 10
    g = 1 + 9 * u[1:].mean()
    ratio = u[0] / g
    return float(u[0]), float(g * (1 - np.sqrt(ratio) - waves * ratio * np.sin(10 * np.pi * u[0])))


def zdt1(x: np.ndarray) -> tuple[float, ...]:
    return zdt(x, 0.0)


def zdt3(x: np.ndarray) -> tuple[float, ...]:
    return zdt(x, 1.0)


def dtlz2(x: np.ndarray) -> tuple[float, ...]:
    u = (x + 5) / 10
    g = 1 + ((u[2:] - 0.5) ** 2).sum()
    a, b = u[:2] * np.pi / 2
    return float(g * np.cos(a) * np.cos(b)), float(g * np.cos(a) * np.sin(b)), float(g * np.sin(a))


def space(d: int) -> dict[str, Any]:
    return {f"x{i}": hp.Float(-5, 5) for i in range(d)}


def search(f: Values, d: int, m: int, sampler: str, n: int, at_a_time: int, seed: int) -> np.ndarray:
    """Run one search and return the values of all trials."""
    opt = hp.Optimizer(space(d), sampler, directions=["minimize"] * m, seed=seed)
    running: deque[hp.Trial] = deque()
    found = []
    for _ in range(n):
        running.append(opt.ask())
        if len(running) == at_a_time:
            trial = running.popleft()
            found.append(f(np.array(list(trial.params.values()))))
            opt.tell(trial, found[-1])
    return np.array(found)


# (heading, functions, parameters, trials, at a time)
STUDIES = (
    ("several objectives", (zdt1, zdt3, dtlz2), 5, 100, 1),
    ("many parameters", (ellipsoid, rosenbrock, rastrigin), 40, 150, 1),
    ("8 at a time", (ellipsoid, rosenbrock, rastrigin), 5, 100, 8),
)
REFERENCE = {2: (1.1, 6.0), 3: (2.5, 2.5, 2.5)}


def quality(found: np.ndarray) -> float:
    m = found.shape[1]
    if m == 1:
        return float(np.log10(found.min()))
    return float(hypervolume(found, np.array(REFERENCE[m])))


def milliseconds(sampler: str, d: int, n: int) -> float:
    """Return the mean time of ten asks with a result told after each; some of them refit the model."""
    opt = hp.Optimizer(space(d), sampler, seed=0)
    for x in np.random.default_rng(0).uniform(-5, 5, (n, d)):
        opt.add({f"x{i}": float(x[i]) for i in range(d)}, ellipsoid(x)[0])
    opt.tell(opt.ask(), 1e6)
    total = 0.0
    for _ in range(10):
        start = time.thread_time()
        trial = opt.ask()
        total += time.thread_time() - start
        opt.tell(trial, ellipsoid(np.array(list(trial.params.values()))))
    return total / 10 * 1e3


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    args = parser.parse_args()
    for heading, functions, d, n, at_a_time in STUDIES:
        print(f"\n| {heading}: {d} parameters, {n} trials | gp | tpe | gp better |\n| --- | --- | --- | --- |")
        for f in functions:
            m = len(f(np.zeros(d)))
            gp, tpe = (
                [quality(search(f, d, m, sampler, n, at_a_time, seed)) for seed in range(args.seeds)]
                for sampler in ("gp", "tpe")
            )
            better = sum((a > b) if m > 1 else (a < b) for a, b in zip(gp, tpe, strict=True))
            print(
                f"| {f.__name__} | {statistics.median(gp):.2f} | {statistics.median(tpe):.2f} "
                f"| {better} of {args.seeds} |",
                flush=True,
            )
    sizes = (25, 50, 100, 200, 400, 1000)
    print(f"\n| ask, ms | {' | '.join(f'n = {n}' for n in sizes)} |\n| --- |{' --- |' * len(sizes)}")
    for sampler in ("gp", "tpe"):
        for d in (5, 20):
            times = " | ".join(f"{milliseconds(sampler, d, n):.2f}" for n in sizes)
            print(f"| {sampler}, {d} parameters | {times} |", flush=True)


if __name__ == "__main__":
    main()
