"""Milliseconds of one tell + ask at n observations: hpcore's GP and TPE beside the peers that are installed.

    OMP_NUM_THREADS=1 taskset -c 0 python benchmarks/peers/latency.py gp|tpe [--sizes 100,1000] [--spaces 5,20,mixed]
                                                  [--cycles 200] [--seconds 60] [--json FILE] [--figure FILE.png]

Prints a Markdown table: median and mean of a cycle, params included, and the ratio of medians to hpcore; for the GP
the limit beside it, one Cholesky factorisation (dpotrf) of that n; for TPE the most that the project allows itself.
Peers come with ``pip install hpcore[peers]``; one that is not installed is named and passed over.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import rivals

SIZES = {"gp": "10,100,1000", "tpe": "100,1000,10000"}
# TPE: at most so many milliseconds at n = 100, 1000, 10,000 and 100,000; a hundredth of Optuna's.
AT_MOST = {
    "5": {100: 0.045, 1000: 0.15, 10_000: 1.2, 100_000: 20.0},
    "20": {100: 0.12, 1000: 0.39, 10_000: 3.1, 100_000: 20.0},
    "mixed": {100: 0.18, 1000: 0.29, 10_000: 1.7, 100_000: 20.0},
}


def measure(make: type[rivals.Rival], kind: str, n: int, cycles: int, seconds: float) -> tuple[float, float, int]:
    """Median, mean and number of cycles of tell + ask, in ms: at most `cycles`, within about `seconds`.

    A few each from several fresh histories, at most a twentieth longer than n says.
    """
    space = rivals.space_of(kind)
    known = [(params, rivals.objective(params)) for params in space.sample(n, seed=1)]
    times: list[float] = []
    begin = time.perf_counter()
    while len(times) < cycles and (not times or time.perf_counter() - begin < seconds):
        rival = make(space)
        for params, value in known:
            rival.add(params, value)
        for warming in range(2):
            params, tell = rival.ask()
            if warming == 0:
                tell(rivals.objective(params))
        for _ in range(max(5, n // 20)):
            value = rivals.objective(params)
            start = time.perf_counter()
            tell(value)
            params, tell = rival.ask()
            times.append(1e3 * (time.perf_counter() - start))
            if len(times) == cycles or time.perf_counter() - begin > seconds:
                break
    return float(np.median(times)), float(np.mean(times)), len(times)


def dpotrf_limit(n: int) -> float:
    """One dpotrf of order n, in ms."""
    from scipy.linalg.lapack import dpotrf

    a = np.random.default_rng(0).standard_normal((n, n))
    K = np.asfortranarray(a @ a.T + n * np.eye(n))
    times = []
    for _ in range(20):
        start = time.perf_counter()
        dpotrf(K)
        times.append(time.perf_counter() - start)
    return 1e3 * float(np.median(times))


def figure(cells: list[dict[str, Any]], path: Path) -> None:
    """Milliseconds against n, log-log, a panel a space."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    kinds = list(dict.fromkeys(cell["space"] for cell in cells))
    names = list(dict.fromkeys(cell["optimiser"] for cell in cells))
    drawn, axes = plt.subplots(1, len(kinds), figsize=(4 * len(kinds), 3.4), sharey=True, squeeze=False)
    for axis, kind in zip(axes[0], kinds, strict=True):
        for name in names:
            line = [(c["n"], c["median_ms"]) for c in cells if c["space"] == kind and c["optimiser"] == name]
            if line:
                axis.loglog(*zip(*line, strict=True), marker="o", label=name)
        axis.set(title="mixed, 10" if kind == "mixed" else f"{kind} floats", xlabel="trials")
        axis.grid(alpha=0.3)
    axes[0, 0].set_ylabel("ms a suggestion")
    axes[0, -1].legend(fontsize=7)
    drawn.tight_layout()
    drawn.savefig(path, dpi=150)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("method", choices=["gp", "tpe"])
    parser.add_argument("--sizes", help="numbers of trials, comma separated")
    parser.add_argument("--spaces", default="5,20,mixed")
    parser.add_argument("--cycles", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=60.0, help="stop starting new cycles of a rival after this")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--figure", type=Path)
    options = parser.parse_args()
    makers = []
    for make in rivals.GP if options.method == "gp" else rivals.TPE:
        missing = [module for module in make.needs if importlib.util.find_spec(module) is None]
        if missing:
            print(f"{make.name}: passed over, {', '.join(missing)} not installed")
        else:
            makers.append(make)
    limit = "dpotrf ms" if options.method == "gp" else "hpcore at most ms"
    print(f"\n| space | n | optimiser | median ms | mean ms | cycles | times hpcore | {limit} |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    cells: list[dict[str, Any]] = []
    for kind in options.spaces.split(","):
        for n in map(int, (options.sizes or SIZES[options.method]).split(",")):
            beside = f"{dpotrf_limit(n):.3f}" if options.method == "gp" else str(AT_MOST[kind].get(n, ""))
            ours = None
            for make in makers:
                median, mean, cycles = measure(make, kind, n, options.cycles, options.seconds)
                ours = ours or median
                print(
                    f"| {kind} | {n} | {make.name} | {median:.3f} | {mean:.3f} | {cycles} | {median / ours:.1f} "
                    f"| {beside if make is makers[0] else ''} |",
                    flush=True,
                )
                cells.append({"space": kind, "n": n, "optimiser": make.name, "median_ms": median, "mean_ms": mean})
    if options.json:
        options.json.write_text(json.dumps(cells, indent=1) + "\n")
    if options.figure:
        figure(cells, options.figure)


if __name__ == "__main__":
    main()
