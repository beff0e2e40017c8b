"""Evaluations to a loss where gradients are told: ``"gp"`` without and with them, ``"gradient"``, and L-BFGS-B.

``python benchmarks/gradients.py [--d 5 20 50] [--seeds 20] [--budget 100] [--json FILE]`` prints, for each function and
number of parameters, the median number of evaluations (one value and its gradient each) until the loss has come within
a tenth, a hundredth and a thousandth of the way from the middle of the cube to its least value, `-` where half of the
seeds do not get there within the budget; the last column is the mean of milliseconds a suggestion. L-BFGS-B is SciPy's,
from the middle of the cube, and needs no model. The functions, on the unit cube:

* bowl: a quadratic of condition 100 with axes that are turned at random;
* valley: a weighted sum of sqrt(1 + z^2) - 1, as a validation loss on logarithmic axes: linear far from its minimum;
* curved: log(1 + Rosenbrock's function), shifted, whose valley bends through all coordinates.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import minimize, rosen, rosen_der

import hpcore as hp

Function = Callable[[np.ndarray], "tuple[float, np.ndarray]"]
SHARES = (1e-1, 1e-2, 1e-3)
GP = hp.samplers.GPSampler
SAMPLERS: dict[str, Callable[[], Any]] = {
    "gp, values only": lambda: GP(gradients=False),
    "gp": GP,
    "gradient": hp.samplers.GradientSampler,
}
LBFGSB = "L-BFGS-B"


def bowl(d: int, seed: int) -> Function:
    """Quadratic of condition 100."""
    rng = np.random.default_rng(seed)
    centre, weight = rng.uniform(0.2, 0.8, d), 100.0 ** np.linspace(0.0, 1.0, d)
    turn, _ = np.linalg.qr(rng.standard_normal((d, d)))
    hessian = turn * weight @ turn.T / weight.sum()
    return lambda u: (float((u - centre) @ hessian @ (u - centre)), 2.0 * hessian @ (u - centre))


def valley(d: int, seed: int) -> Function:
    """Sum of valleys that are linear far from their minima."""
    rng = np.random.default_rng(seed)
    centre, weight = rng.uniform(0.2, 0.8, d), rng.uniform(0.2, 1.0, d) / d

    def value(u: np.ndarray) -> tuple[float, np.ndarray]:
        z = 8.0 * (u - centre)
        root = np.sqrt(1.0 + z * z)
        return float(weight @ (root - 1.0)), 8.0 * weight * z / root

    return value


def curved(d: int, seed: int) -> Function:
    """Logarithm of Rosenbrock's function."""
    shift = np.random.default_rng(seed).uniform(-0.3, 0.3, d)

    def value(u: np.ndarray) -> tuple[float, np.ndarray]:
        x = 4.0 * u - 2.0 + shift
        inside = 1.0 + rosen(x) / d
        return float(np.log(inside)), 4.0 / d * rosen_der(x) / inside

    return value


FUNCTIONS = {"bowl": bowl, "valley": valley, "curved": curved}


def least(function: Function, d: int) -> float:
    """Least value that L-BFGS-B finds from five random points."""
    starts = np.random.default_rng(0).uniform(size=(5, d))
    exact = {"maxiter": 5000, "maxfun": 50_000, "ftol": 0.0, "gtol": 1e-12}
    found = [minimize(function, x, jac=True, method="L-BFGS-B", bounds=[(0, 1)] * d, options=exact) for x in starts]
    return min(float(result.fun) for result in found)


def by_sampler(
    make: Callable[[], Any], function: Function, d: int, seed: int, budget: int
) -> tuple[list[float], float]:
    """Values in the order of evaluation, and milliseconds a suggestion."""
    names = [f"x{j}" for j in range(d)]
    opt = hp.Optimizer({name: hp.Float(0.0, 1.0) for name in names}, make(), seed=seed)
    values, seconds = [], 0.0
    for _ in range(budget):
        begin = time.perf_counter()
        trial = opt.ask()
        seconds += time.perf_counter() - begin
        value, slope = function(np.array([trial[name] for name in names]))
        opt.tell(trial, value, gradient=dict(zip(names, slope.tolist(), strict=True)))
        values.append(value)
    return values, 1e3 * seconds / budget


def by_lbfgsb(function: Function, d: int, budget: int) -> list[float]:
    """Values in the order of evaluation."""
    values: list[float] = []

    def counted(u: np.ndarray) -> tuple[float, np.ndarray]:
        value, slope = function(u)
        values.append(value)
        return value, slope

    options = {"maxfun": budget, "ftol": 0.0, "gtol": 0.0}
    minimize(counted, np.full(d, 0.5), jac=True, method="L-BFGS-B", bounds=[(0, 1)] * d, options=options)
    return values[:budget]


def evaluations(values: list[float], level: float) -> float:
    """Number of evaluations until a level is reached; infinite if it is not."""
    return next((i + 1 for i, value in enumerate(values) if value <= level), float("inf"))


def measure(name: str, d: int, seeds: range, budget: int) -> list[dict[str, Any]]:
    """Medians over the seeds, of every way to search."""
    counts: dict[str, list[list[float]]] = {way: [] for way in (*SAMPLERS, LBFGSB)}
    times: dict[str, list[float]] = {way: [] for way in SAMPLERS}
    after: dict[str, list[float]] = {way: [] for way in SAMPLERS}
    for seed in seeds:
        function = FUNCTIONS[name](d, seed)
        low, first = least(function, d), function(np.full(d, 0.5))[0]
        levels = [low + share * (first - low) for share in SHARES]
        reached = {}
        for way, make in SAMPLERS.items():
            reached[way], ms = by_sampler(make, function, d, seed, budget)
            times[way].append(ms)
        counts[LBFGSB].append([evaluations(by_lbfgsb(function, d, budget), level) for level in levels])
        goal = min(reached["gp, values only"])
        for way in SAMPLERS:
            counts[way].append([evaluations(reached[way], level) for level in levels])
            after[way].append(evaluations(reached[way], goal))
    return [
        {
            "function": name,
            "d": d,
            "way": way,
            "evaluations": [statistics.median(column) for column in zip(*rows, strict=True)],
            "to what values alone reach": statistics.median(after[way]) if way in after else None,
            "ms": statistics.mean(times[way]) if way in times else None,
        }
        for way, rows in counts.items()
    ]


def shown(row: dict[str, Any]) -> str:
    """One line of the table."""

    def number(value: float | None) -> str:
        return "-" if value is None or value == float("inf") else f"{value:g}"

    counts = " | ".join(f"{number(value):>5}" for value in row["evaluations"])
    ms = "" if row["ms"] is None else f"{row['ms']:.1f}"
    return (
        f"| {row['function']:6} | {row['d']:3} | {row['way']:15} | {counts} "
        f"| {number(row['to what values alone reach']):>5} | {ms:>6} |"
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--d", type=int, nargs="+", default=[5, 20, 50])
    parser.add_argument("--functions", nargs="+", choices=list(FUNCTIONS), default=list(FUNCTIONS))
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--budget", type=int, default=100)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    print("| function | d | way | 1e-1 | 1e-2 | 1e-3 | gp's best from values | ms |")
    print("|---|---|---|---|---|---|---|---|")
    rows = []
    for name in given.functions:
        for d in given.d:
            for row in measure(name, d, range(given.seeds), given.budget):
                rows.append(row)
                print(shown(row), flush=True)
    if given.json is not None:
        given.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
