"""Data of an objective on the workers of Ray: time and bytes for N trials with 50 MB behind the objective.

    python benchmarks/doors/ray_executor.py [--trials 12 100]

Ways of the data, on two workers that have run before:

- every task: the objective, which holds the data, is an argument of every task of Ray (``task.remote(objective, x)``);
- stored once: the same tasks by `RayExecutor`, which stores large parts of arguments once;
- one machine: `hp.minimize` with `RayExecutor`, where the workers reach its temporary files, which they map;
- many machines: the same where they do not, because each worker is made blind to the files.

Bytes are those of the pickles of tasks and of what is put into Ray's store. For Dask and MPI see `executors.py`.
"""

from __future__ import annotations

import argparse
import os
import pickle
import shutil
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from pathlib import Path
from typing import Any

os.environ.update(RAY_AUTH_MODE="disabled", RAY_USAGE_STATS_ENABLED="0")

import cloudpickle
import numpy as np
import ray

import hpcore as hp
from hpcore.integrations.ray import RayExecutor

N_BYTES = 50_000_000
SPACE = {"x": hp.Float(-1, 1)}


def make(n_bytes: int) -> Callable[[Any], float]:
    """Make a function of a trial with data, which takes some milliseconds."""
    data = np.random.default_rng(0).normal(size=n_bytes // 8)

    def objective(trial: Any) -> float:
        time.sleep(0.005)
        return float(trial["x"] ** 2 + data[0] - data[0])

    return objective


def blind() -> None:
    """Take the files of a search away from this worker, as if it were on another machine."""
    from hpcore.workers import packing

    class Far(type(Path())):  # type: ignore[misc]
        def read_bytes(self) -> bytes:
            raise FileNotFoundError(f"{self} is on another machine")

    packing.Path = Far  # type: ignore[misc]


class Counted(RayExecutor):
    """RayExecutor that counts the bytes of its tasks."""

    def __init__(self) -> None:
        super().__init__()
        self.n_bytes = 0

    def _pack(self, call: tuple[Any, ...]) -> tuple[bytes, list[Any]]:
        stream, references = super()._pack(call)
        self.n_bytes += len(stream)
        return stream, references


class Plain(Executor):
    """The shortest executor of Ray."""

    _max_workers = 2

    def __init__(self) -> None:
        self._task = ray.remote(lambda function, *args: function(*args))
        self.n_bytes = 0

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.n_bytes += len(cloudpickle.dumps((function, args), protocol=5))
        found: Future[Any] = self._task.remote(function, *args).future()
        return found


def by_hand(objective: Callable[[Any], float], executor: Executor, n_trials: int) -> None:
    """Evaluate random points, two at a time."""
    rng = np.random.default_rng(0)
    running: set[Future[Any]] = set()
    for _ in range(n_trials):
        if len(running) == 2:
            done, running = wait(running, return_when=FIRST_COMPLETED)
            assert all(0 <= future.result() <= 1 for future in done)
        running.add(executor.submit(objective, {"x": rng.uniform(-1, 1)}))
    assert all(0 <= future.result() <= 1 for future in running)


def by_hpcore(objective: Callable[[Any], float], executor: Executor, n_trials: int) -> None:
    """Search with hpcore."""
    study = hp.minimize(objective, SPACE, n_trials=n_trials, executor=executor, sampler="random", seed=0)
    assert all(trial.value is not None and 0 <= trial.value <= 1 for trial in study.trials)


WAYS: dict[str, tuple[Callable[[], Any], Callable[..., None], bool]] = {
    "every task": (Plain, by_hand, False),
    "stored once": (Counted, by_hand, False),
    "one machine": (Counted, by_hpcore, False),
    "many machines": (Counted, by_hpcore, True),
}


def measure(name: str, counts: list[int]) -> None:
    """Print the seconds and bytes of a way, on a cluster of its own."""
    executor, run, is_blind = WAYS[name]
    folder = tempfile.mkdtemp(prefix="r", dir="/tmp")
    ray.init(
        num_cpus=2,
        include_dashboard=False,
        log_to_driver=False,
        configure_logging=False,
        object_store_memory=10**9,
        runtime_env={"worker_process_setup_hook": blind} if is_blind else None,
        _temp_dir=folder,
    )
    put, stored = ray.put, [0]

    def counting(value: Any) -> Any:
        stored[0] += len(pickle.dumps(value, protocol=5))
        return put(value)

    try:
        by_hand(make(80), executor(), 8)  # the workers have imported hpcore
        by_hpcore(make(80), executor(), 8)
        for n_trials in counts:
            made, stored[0] = executor(), 0
            ray.put = counting
            begin = time.perf_counter()
            run(make(N_BYTES), made, n_trials)
            seconds = time.perf_counter() - begin
            ray.put = put
            mb = (made.n_bytes + stored[0]) / 1e6
            print(f"{name:14} {n_trials:4} trials {seconds:8.2f} s {mb:9.1f} MB", flush=True)
    finally:
        ray.shutdown()
        shutil.rmtree(folder, ignore_errors=True)


def main() -> None:
    """Run all ways."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, nargs="*", default=[12, 100])
    given = parser.parse_args()
    for name in WAYS:
        measure(name, given.trials)


if __name__ == "__main__":
    main()
