"""Memory of the workers of `autotune` beside the size of the table.

    python benchmarks/tables/memory.py [--rows 400000] [--columns 40] [--model ridge] [--seconds 40]

A table of random floats is searched by two workers. The private memory of each worker (pages that no other process
shares) is read every 0.05 seconds; its largest value, less that of a worker with a table of 100 rows, is divided by the
size of the table. The model should be a small one, because its own memory counts too.
"""

from __future__ import annotations

import argparse
import threading
import time
from typing import Any

import numpy as np
import pandas as pd
import psutil

N_WORKERS = 2


def search(rows: int, columns: int, model: str, seconds: float) -> tuple[float, float]:
    """Return the megabytes of the table, and the largest private memory of a worker."""
    from hpcore.tables import autotune

    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.standard_normal((rows, columns))).add_prefix("x")
    y = X["x0"] + rng.standard_normal(rows)
    peak, ended = [0.0], threading.Event()

    def watch() -> None:
        while not ended.wait(0.05):
            for child in psutil.Process().children(recursive=True):
                try:
                    peak[0] = max(peak[0], child.memory_full_info().uss / 2**20)
                except psutil.Error:
                    continue  # it has just ended

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        options: dict[str, Any] = {"models": [model], "n_jobs": N_WORKERS, "cv": 5, "time": seconds}
        tuned = autotune(X, y, **options)
    finally:
        ended.set()
        watcher.join()
    print(f"{rows:,} rows: {tuned.n_trials_} candidates, r2 {tuned.best_score_:.3f}", flush=True)
    return float(X.memory_usage().sum()) / 2**20, peak[0]


def main() -> None:
    """Print the ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=400_000)
    parser.add_argument("--columns", type=int, default=40)
    parser.add_argument("--model", default="ridge")
    parser.add_argument("--seconds", type=float, default=40.0)
    given = parser.parse_args()
    start = time.perf_counter()
    _, base = search(100, given.columns, given.model, 10.0)
    size, peak = search(given.rows, given.columns, given.model, given.seconds)
    print(f"table {size:.0f} MB, worker {peak:.0f} MB, of which {base:.0f} MB without a table")
    print(f"{(peak - base) / size:.2f} tables a worker ({time.perf_counter() - start:.0f} s)")


if __name__ == "__main__":
    main()
