"""Time of ask and tell by the C interface, beside the same through Python.

    taskset -c 0 python benchmarks/capi.py [FIGURE ...]

The C side is called by ctypes, whose own cost, that of two calls that do nothing, is measured and taken off.
"""

from __future__ import annotations

import ctypes
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

import hpcore as hp

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.core.c_library import CLibrary, COptimizer, find_library

MIXED = {
    **{f"x{j}": hp.Float(0.0, 1.0) for j in range(4)},
    **{f"n{j}": hp.Int(1, 50) for j in range(3)},
    **{f"c{j}": hp.Categorical(["a", "b", "c"]) for j in range(3)},
}


def floats(d: int) -> dict[str, hp.Float]:
    """A space of d floats."""
    return {f"x{j}": hp.Float(0.0, 1.0) for j in range(d)}


# Name: space, sampler, results before, proposals timed, limit in microseconds by the C interface.
FIGURES = {
    "random 10": (floats(10), "random", 100, 2000, 1.0),
    "tpe 5, n=100": (floats(5), "tpe", 100, 100, 30.0),
    "tpe 5, n=1000": (floats(5), "tpe", 1000, 100, 40.0),
    "tpe 20, n=100": (floats(20), "tpe", 100, 100, 70.0),
    "tpe mixed 10, n=100": (MIXED, "tpe", 100, 100, 50.0),
    "gp 5, n=100": (floats(5), "gp", 100, 20, 600.0),
    "gp 5, n=1000": (floats(5), "gp", 1000, 8, 18000.0),
}


def loss(row: np.ndarray) -> float:
    """A smooth function of the cube."""
    return float(np.sum((row - 0.3) ** 2) + 0.05 * np.sum(np.sin(12.0 * row)))


def median_us(step: Callable[[], None], n: int) -> float:
    """Median time of a step in microseconds."""
    times = []
    for _ in range(n):
        begin = time.perf_counter_ns()
        step()
        times.append((time.perf_counter_ns() - begin) / 1e3)
    return statistics.median(times)


def by_c(library: CLibrary, space: hp.Space, sampler: str, n_before: int, n: int) -> float:
    """Microseconds of an ask and a tell by the C interface."""
    search = COptimizer(library, space, sampler, 0)
    for row in np.random.default_rng(0).random((n_before, search.d)):
        search.add(space.decode(row[None])[0], loss(row))
    row = np.empty(search.d)
    pointer = row.ctypes.data_as(ctypes.POINTER(ctypes.c_double))
    number, value, d, one = ctypes.c_uint64(), ctypes.c_double(), ctypes.c_size_t(search.d), ctypes.c_size_t(1)
    at_number, at_value = ctypes.byref(number), ctypes.byref(value)
    ask, tell, handle = library.dll.hpcore_optimizer_ask, library.dll.hpcore_optimizer_tell, search.handle
    nothing = ctypes.c_void_p()
    elapsed: list[float] = []
    empty: list[float] = []
    for _ in range(n):
        begin = time.perf_counter_ns()
        ask(handle, pointer, d, at_number)
        middle = time.perf_counter_ns()
        value.value = loss(row)
        again = time.perf_counter_ns()
        tell(handle, number, at_value, one)
        end = time.perf_counter_ns()
        elapsed.append((middle - begin + end - again) / 1e3)
        begin = time.perf_counter_ns()
        library.dll.hpcore_level_name(7, pointer, d, at_number)
        middle = time.perf_counter_ns()
        again = time.perf_counter_ns()
        library.dll.hpcore_level_name(7, nothing, at_value, one)
        end = time.perf_counter_ns()
        empty.append((middle - begin + end - again) / 1e3)
    return statistics.median(elapsed) - statistics.median(empty)


def by_python(space: hp.Space, sampler: str, n_before: int, n: int) -> float:
    """Microseconds of an ask and a tell through Python."""
    search = hp.Optimizer(space, sampler, seed=0)
    for row in np.random.default_rng(0).random((n_before, len(space))):
        search.add(space.decode(row[None])[0], loss(row))
    elapsed = []
    for _ in range(n):
        begin = time.perf_counter_ns()
        trial = search.ask()
        middle = time.perf_counter_ns()
        value = loss(search.history.X[trial.number])
        again = time.perf_counter_ns()
        search.tell(trial, value)
        elapsed.append((time.perf_counter_ns() - again + middle - begin) / 1e3)
    return statistics.median(elapsed)


def one_pass_us(n_candidates: int, n_kernels: int, space: hp.Space) -> float:
    """Microseconds of NumPy for one pass of candidates over kernels: squared distances, an exp each, and the sums."""
    rng = np.random.default_rng(0)
    x, centres = rng.random((len(space), n_candidates, 1)), rng.random((len(space), 1, n_kernels))
    gap, squares = np.empty((n_candidates, n_kernels)), np.empty((n_candidates, n_kernels))
    sums = np.empty(n_candidates)

    def one_pass() -> None:
        squares.fill(0.0)
        for a, b in zip(x, centres, strict=True):
            np.subtract(a, b, gap)
            np.multiply(gap, gap, gap)
            np.subtract(squares, gap, squares)
        np.exp(squares, squares)
        np.sum(squares, axis=1, out=sums)

    return median_us(one_pass, 300)


def main() -> None:
    wanted = sys.argv[1:] or list(FIGURES)
    library = CLibrary(find_library())
    print(f"{'figure':22} {'C us':>10} {'limit':>10} {'Python us':>10} {'more':>8}")
    for name in wanted:
        given, sampler, n_before, n, most = FIGURES[name]
        space = hp.Space(given)
        rounds = [
            (by_c(library, space, sampler, n_before, n), by_python(space, sampler, n_before, n)) for _ in range(3)
        ]
        c, python = (statistics.median(column) for column in zip(*rounds, strict=True))
        more = f"{100 * (python / c - 1):+.1f} %" if sampler == "gp" else f"{python - c:+.1f} us"
        print(f"{name:22} {c:10.2f} {most:10.1f} {python:10.2f} {more:>8}", end="")
        if sampler == "tpe":
            kernels = min(n_before, 128 + 25)
            passes = ", ".join(f"{n}: {one_pass_us(n, kernels, space):.1f} us" for n in (24, 224))
            print(f"   one pass of candidates over {kernels} kernels by NumPy, {passes}", end="")
        print(flush=True)


if __name__ == "__main__":
    with threadpool_limits(1, "blas"):
        main()
