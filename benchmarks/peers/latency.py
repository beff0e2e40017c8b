"""Milliseconds of one tell + ask at n observations: hpcore's GP and TPE, and the peers that are installed.

    OMP_NUM_THREADS=1 taskset -c 0 python benchmarks/peers/latency.py [gp] [tpe] [--sizes 100,1000]
        [--spaces 5,20,mixed] [--cycles 200] [--seconds 6] [--json FILE] [--figure FILE] [--readme FILE] [--report-only]

The script prints Markdown tables: the median of a cycle, params included, and its ratio to hpcore's (with the mean for
hpcore, because not every suggestion refits the model); for the GP also the limit, one Cholesky factorisation (dpotrf)
of that n; for TPE the time budget of the project. The JSON file is written after every cell; with
--report-only tables and figure are made of it and nothing is measured. Peers come with ``pip install hpcore[peers]``;
missing ones are named and skipped.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import libraries
import numpy as np
from tables import draw, latency_tables

sys.path.append(str(Path(__file__).resolve().parents[1]))  # modules shared by the benchmarks
from publish import circumstances, replace_section

SIZES = {"gp": "10,100,1000", "tpe": "100,1000,10000"}
PACKAGES = ("hpcore", "numpy", "scipy", "optuna", "torch", "botorch", "hyperopt")
# TPE: time budget in milliseconds at n = 100, 1000, 10,000 and 100,000; a hundredth of Optuna's.
AT_MOST = {
    "5": {100: 0.045, 1000: 0.15, 10_000: 1.2, 100_000: 20.0},
    "20": {100: 0.12, 1000: 0.39, 10_000: 3.1, 100_000: 20.0},
    "mixed": {100: 0.18, 1000: 0.29, 10_000: 1.7, 100_000: 20.0},
}


def measure(make: type[libraries.Library], kind: str, n: int, cycles: int, seconds: float) -> tuple[float, float, int]:
    """Measure tell + ask: median, mean and number of cycles, in ms, with at most `cycles` in about `seconds`.

    The cycles come from several fresh histories, which grow by at most a twentieth of n. The first cycle of a history
    is a warm-up and does not count, unless it takes all the time. The time to build a history does not count.
    """
    space = libraries.space_of(kind)
    known = [(params, libraries.objective(params)) for params in space.sample(n, seed=1)]
    times: list[float] = []
    spent = 0.0
    while len(times) < cycles and (not times or spent < seconds):
        library = make(space)
        for params, value in known:
            library.add(params, value)
        start = time.perf_counter()
        params, tell = library.ask()
        spent += time.perf_counter() - start
        for k in range(-1, max(5, n // 20)):
            counts = k >= 0 or spent > seconds
            value = libraries.objective(params)
            start = time.perf_counter()
            tell(value)
            params, tell = library.ask()
            took = time.perf_counter() - start
            spent += took
            if counts:
                times.append(1e3 * took)
            if times and (len(times) == cycles or spent > seconds):
                break
    return float(np.median(times)), float(np.mean(times)), len(times)


def dpotrf_limit(n: int) -> float:
    """Measure one dpotrf of order n, in ms."""
    from scipy.linalg.lapack import dpotrf

    a = np.random.default_rng(0).standard_normal((n, n))
    K = np.asfortranarray(a @ a.T + n * np.eye(n))
    times = []
    for _ in range(20):
        start = time.perf_counter()
        dpotrf(K)
        times.append(time.perf_counter() - start)
    return 1e3 * float(np.median(times))


def installed(method: str) -> list[type[libraries.Library]]:
    """Return the peers that are installed; print the names of the others."""
    makers = []
    for make in libraries.LIBRARIES[method]:
        missing = [module for module in make.needs if importlib.util.find_spec(module) is None]
        if missing:
            print(f"{make.name}: skipped, {', '.join(missing)} not installed")
        else:
            makers.append(make)
    return makers


def cells(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Yield the cells: a space, a number of trials, an optimiser."""
    for method in options.methods:
        makers = installed(method)
        for make in makers:
            measure(make, "5", 10, 1, 0.0)  # imports and other costs of a first call
        for kind in options.spaces.split(","):
            for n in map(int, (options.sizes or SIZES[method]).split(",")):
                limit = dpotrf_limit(n) if method == "gp" else AT_MOST[kind].get(n)
                for make in makers:
                    begin = time.perf_counter()
                    median, mean, cycles = measure(make, kind, n, options.cycles, options.seconds)
                    print(f"{make.name}, {kind}, n = {n}: {median:.3f} ms, mean {mean:.3f}, of {cycles}, "
                          f"in {time.perf_counter() - begin:.0f} s", flush=True)  # fmt: skip
                    yield {"method": method, "space": kind, "n": n, "optimiser": make.name, "median_ms": median,
                           "mean_ms": mean, "cycles": cycles, "limit_ms": limit}  # fmt: skip


def main() -> None:
    """Measure, unless --report-only, then report."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("methods", nargs="*", metavar="gp|tpe", help="default: both")
    parser.add_argument("--sizes", help="numbers of trials, comma separated")
    parser.add_argument("--spaces", default="5,20,mixed")
    parser.add_argument("--cycles", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=6.0, help="stop starting new cycles of a cell after this")
    parser.add_argument("--json", type=Path, default=Path("latency.json"))
    parser.add_argument("--report-only", action="store_true", help="of what the JSON file holds")
    parser.add_argument("--figure", type=Path)
    parser.add_argument("--readme", type=Path, help="write the tables between the file's marks for them")
    options = parser.parse_args()
    options.methods = options.methods or list(SIZES)
    for method in options.methods:
        if method not in SIZES:
            parser.error(f"methods must be of {', '.join(SIZES)}, got {method}")
    if not options.report_only:
        found: list[dict[str, Any]] = []
        on = f"{circumstances(PACKAGES)}; load {os.getloadavg()[0]:.1f} when it began"
        for cell in cells(options):
            found.append(cell)
            options.json.write_text(json.dumps({"on": on, "cells": found}, indent=1) + "\n")
    saved = json.loads(options.json.read_text())
    text = f"{saved['on']}.\n\n{latency_tables(saved['cells'])}"
    print("\n" + text)
    if options.readme:
        replace_section(options.readme, "latency", text)
    if options.figure:
        draw(saved["cells"], options.figure)


if __name__ == "__main__":
    main()
