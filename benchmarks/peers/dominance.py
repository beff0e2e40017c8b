"""Non-dominated sorting and hypervolume: hpcore's kernels against pymoo's and Optuna's, with the results compared.

    OMP_NUM_THREADS=1 taskset -c 0 python benchmarks/peers/dominance.py

The script raises AssertionError if a result differs. Peers come with ``pip install hpcore[peers]``.
"""

from __future__ import annotations

import importlib.util
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from hpcore.kernels.dominance import hypervolume, non_dominated_rank


def milliseconds(call: Callable[[], Any]) -> float:
    """Return the median of seven calls, after one warm-up."""
    call()
    times = []
    for _ in range(7):
        begin = time.perf_counter()
        call()
        times.append(1e3 * (time.perf_counter() - begin))
    return statistics.median(times)


def peers(values: np.ndarray[Any, Any], reference: np.ndarray[Any, Any]) -> dict[str, tuple[Any, Any]]:
    """Return the calls (ranks, hypervolume) by name of peer."""
    out: dict[str, tuple[Any, Any]] = {}
    if importlib.util.find_spec("pymoo"):
        from pymoo.indicators.hv import Hypervolume
        from pymoo.util.nds.non_dominated_sorting import NonDominatedSorting

        out["pymoo"] = (
            lambda: NonDominatedSorting().do(values, return_rank=True)[1],
            lambda: Hypervolume(ref_point=reference).do(values),
        )
    if importlib.util.find_spec("optuna"):
        from optuna._hypervolume import compute_hypervolume
        from optuna.study._multi_objective import _fast_non_domination_rank

        out["optuna"] = (
            lambda: _fast_non_domination_rank(values),
            lambda: compute_hypervolume(values, reference),
        )
    return out


def main() -> None:
    """Print the table."""
    print(
        "| points | objectives | peer | ranks: ms, peer's | hypervolume: ms, peer's |\n| --- | --- | --- | --- | --- |"
    )
    for n, m in [(100, 2), (1000, 2), (100, 3), (100, 4), (50, 5)]:
        values = np.random.default_rng(n + m).random((n, m))
        reference = np.full(m, 1.1)
        rank, volume = non_dominated_rank(values), hypervolume(values, reference)
        ours = (
            milliseconds(lambda v=values: non_dominated_rank(v)),
            milliseconds(lambda v=values, r=reference: hypervolume(v, r)),
        )
        for name, (their_rank, their_volume) in peers(values, reference).items():
            np.testing.assert_array_equal(their_rank(), rank)
            np.testing.assert_allclose(their_volume(), volume, rtol=1e-9)
            theirs = milliseconds(their_rank), milliseconds(their_volume)
            print(
                f"| {n} | {m} | {name} | {ours[0]:.3f}, {theirs[0]:.3f} | {ours[1]:.3f}, {theirs[1]:.3f} |", flush=True
            )


if __name__ == "__main__":
    main()
