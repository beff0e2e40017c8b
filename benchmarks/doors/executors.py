"""Data of an objective on the workers of a cluster: time and bytes for N trials with 50 MB behind the objective.

    python benchmarks/doors/executors.py [dask] [mpi]

Ways of the data, each with a new `hp.minimize` on workers that have run before:

- every task: the objective, a pickle of which holds the data, is an argument of every task, as a user of the executor
  would write it (`executor.submit(objective, x)`);
- one machine: hpcore, where the workers reach its temporary files, which they map;
- many machines: hpcore, where they do not, because each worker is made blind to the files.

Bytes are those of the pickles of tasks, or of what is put into Dask's memory. For MPI the script starts itself under
`mpiexec -n 3 python -m mpi4py.futures`, with the mpiexec beside the interpreter or on PATH.
"""

from __future__ import annotations

import argparse
import os
import pickle
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cloudpickle
import numpy as np

import hpcore as hp

N_BYTES = 50_000_000
SPACE = {"x": hp.Float(-1, 1)}


class Objective:
    """Function of a trial with data, which takes some milliseconds."""

    def __init__(self) -> None:
        self.data = np.random.default_rng(0).normal(size=N_BYTES // 8)

    def __call__(self, trial: Any) -> float:
        time.sleep(0.005)
        return float(trial["x"] ** 2 + self.data[0] - self.data[0])


def blind() -> None:
    """Take the files of a search away from this worker, as if it were on another machine."""
    from hpcore.workers import packing

    class Far(type(Path())):  # type: ignore[misc]
        def read_bytes(self) -> bytes:
            raise FileNotFoundError(f"{self} is on another machine")

    packing.Path = Far  # type: ignore[misc]


class Counting(Executor):
    """Executor that counts the bytes of its tasks."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self._max_workers = 2
        self.n_bytes = 0
        self.seconds = 0.0  # that counting took

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        begin = time.perf_counter()
        own = tuple(arg for arg in args if type(arg).__module__ != "distributed.client")  # without references
        self.n_bytes += len(cloudpickle.dumps((function, own), protocol=5))
        self.seconds += time.perf_counter() - begin
        return self._executor.submit(function, *args, **kwargs)

    def put(self, value: Any) -> Any:
        client = getattr(self._executor, "_client", None)
        if client is None:
            return None
        begin = time.perf_counter()
        self.n_bytes += len(pickle.dumps(value, protocol=5))
        self.seconds += time.perf_counter() - begin
        return client.scatter(value, hash=False)


def with_every_task(objective: Objective, executor: Executor, n_trials: int) -> None:
    """Evaluate random points, two at a time."""
    rng = np.random.default_rng(0)
    running: set[Future[Any]] = set()
    for _ in range(n_trials):
        if len(running) == 2:
            _, running = wait(running, return_when=FIRST_COMPLETED)
        running.add(executor.submit(objective, {"x": rng.uniform(-1, 1)}))
    assert all(0 <= future.result() <= 1 for future in running)


def with_hpcore(objective: Objective, executor: Executor, n_trials: int) -> None:
    """Search with hpcore."""
    study = hp.minimize(objective, SPACE, n_trials=n_trials, executor=executor, sampler="random", seed=0)
    assert all(trial.value is not None and 0 <= trial.value <= 1 for trial in study.trials)


def measure(name: str, way: str, run: Callable[..., None], executor: Executor, counts: tuple[int, int]) -> None:
    """Print the seconds and bytes of two numbers of trials."""
    objective = Objective()
    run(Small(), executor, 4)  # the workers have imported hpcore
    for n_trials in counts:
        counting = Counting(executor)
        begin = time.perf_counter()
        run(objective, counting, n_trials)
        seconds = time.perf_counter() - begin - counting.seconds
        print(f"{name:5} {way:14} {n_trials:4} trials {seconds:8.2f} s {counting.n_bytes / 1e6:9.1f} MB", flush=True)


class Small(Objective):
    """Objective without data."""

    def __init__(self) -> None:
        self.data = np.zeros(1)


@contextmanager
def dask() -> Iterator[Any]:
    """Start a cluster of two processes."""
    import distributed

    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


def run_dask(few: tuple[int, int], many: tuple[int, int]) -> None:
    """Measure the ways on a local cluster of Dask."""
    with dask() as client, client.get_executor(pure=False) as executor:
        measure("dask", "every task", with_every_task, executor, few)
        measure("dask", "one machine", with_hpcore, executor, many)
        client.run(blind)
        measure("dask", "many machines", with_hpcore, executor, many)


def run_mpi(few: tuple[int, int], many: tuple[int, int]) -> None:
    """Measure the ways on the workers of this MPI job."""
    from mpi4py.futures import MPIPoolExecutor

    with MPIPoolExecutor() as executor:
        measure("mpi", "every task", with_every_task, executor, few)
        measure("mpi", "one machine", with_hpcore, executor, many)
    with MPIPoolExecutor(initializer=blind) as executor:
        measure("mpi", "many machines", with_hpcore, executor, many)


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tools", nargs="*", help="dask, mpi")
    tools = parser.parse_args().tools or ["dask", "mpi"]
    few, many = (4, 12), (4, 100)
    if "inside-mpi" in tools:
        run_mpi(few, many)
        return
    if "dask" in tools:
        run_dask(few, many)
    if "mpi" in tools:
        places = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        mpiexec = shutil.which("mpiexec", path=places)
        if mpiexec is None:
            sys.exit("no mpiexec: pip install 'hpcore[mpi]'")
        subprocess.run(
            [mpiexec, "-n", "3", sys.executable, "-m", "mpi4py.futures", __file__, "inside-mpi"],
            check=True,
            env={**os.environ, "PATH": places},
        )


if __name__ == "__main__":
    main()
