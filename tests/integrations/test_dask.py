"""Searches on a cluster of Dask: all its workers, data that is sent once, workers that are killed."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.dummy import DummyClassifier
from sklearn.naive_bayes import GaussianNB

import hpcore as hp
from hpcore.errors import InvalidArgument, InvalidType
from hpcore.sklearn import SearchCV

distributed = pytest.importorskip("distributed")

pytestmark = pytest.mark.filterwarnings("ignore")

SPACE = {"x": hp.Float(0, 1)}
N = 100_000


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=2, processes=True, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


def separate(dask_worker: Any) -> None:
    """Make a worker one of another machine: it finds no files of the search, and counts the data that it gets."""
    from hpcore.evaluation import sharing
    from hpcore.workers import packing

    class Far(type(Path())):  # type: ignore[misc]
        def read_bytes(self) -> bytes:
            raise FileNotFoundError(f"{self} is on another machine")

    def unpack(self: Any, **options: Any) -> Any:
        dask_worker.n_unpacked += 1
        return of_one_machine[2](self, **options)

    of_one_machine = sharing.Path, packing.Path, packing.Cargo.unpack
    dask_worker.of_one_machine, dask_worker.n_unpacked = of_one_machine, 0
    sharing.Path = packing.Path = Far  # type: ignore[misc]
    packing.Cargo.unpack = unpack  # type: ignore[method-assign]


def join(dask_worker: Any) -> int:
    from hpcore.evaluation import sharing
    from hpcore.workers import packing

    sharing.Path, packing.Path, packing.Cargo.unpack = dask_worker.of_one_machine
    n: int = dask_worker.n_unpacked
    return n


@pytest.fixture
def far(client: Any) -> Iterator[list[int]]:
    """Put the workers on other machines; afterwards the list has the number of times that each got data."""
    counts: list[int] = []
    client.run(separate)
    try:
        yield counts
    finally:
        if not counts:
            client.run(join)


def together(n: int, folder: Path) -> Any:
    """Make an objective that waits until n trials are evaluated at once."""

    def objective(trial: hp.Trial) -> float:
        (folder / str(trial.number)).touch()
        end = time.monotonic() + 60
        while len(list(folder.iterdir())) < n and time.monotonic() < end:
            time.sleep(0.01)
        return float(len(list(folder.iterdir())) >= n)

    return objective


def test_all_workers_are_used(client: Any, tmp_path: Path) -> None:
    with client.get_executor(pure=False) as executor:
        study = hp.maximize(together(4, tmp_path), SPACE, n_trials=4, executor=executor, sampler="random")
    assert [t.value for t in study.trials] == [1.0] * 4


def test_an_objective_reaches_workers_of_other_machines_once(client: Any, far: list[int]) -> None:
    data = np.ones(N)

    def objective(trial: hp.Trial) -> float:
        time.sleep(0.01)
        return float(data.sum())

    with client.get_executor(pure=False) as executor:
        study = hp.minimize(objective, SPACE, n_trials=24, executor=executor, sampler="random")
    assert [t.value for t in study.trials] == [N] * 24
    far += client.run(join).values()
    assert set(far) <= {0, 1} and 1 in far


def test_the_data_of_a_search_reaches_workers_of_other_machines_once(client: Any, far: list[int]) -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(2000, 20))
    y = (X[:, 0] > 0).astype(int)
    space = {"var_smoothing": hp.Float(1e-9, 1.0, log=True)}
    alone = SearchCV(GaussianNB(), space, n_trials=8, strategy="random", random_state=0).fit(X, y)
    with client.get_executor(pure=False) as executor:
        there = clone(alone).set_params(executor=executor).fit(X, y)
    np.testing.assert_array_equal(there.cv_results_["mean_test_score"], alone.cv_results_["mean_test_score"])
    far += client.run(join).values()
    assert set(far) <= {0, 1} and 1 in far


def test_a_worker_that_is_killed_costs_no_trial(tmp_path: Path) -> None:
    """Dask runs its tasks again."""
    mark = tmp_path / "killed"

    def objective(trial: hp.Trial) -> float:
        if trial.number == 3 and not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return float(trial.number)

    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
        client.get_executor(pure=False) as executor,
    ):
        study = hp.minimize(objective, SPACE, n_trials=10, executor=executor, sampler="random")
    assert mark.exists()
    assert [t.value for t in study.trials] == list(map(float, range(10)))


def test_data_is_sent_again_after_the_death_of_the_worker_that_had_it(tmp_path: Path) -> None:
    """The data is in the memory of the only worker."""
    mark = tmp_path / "killed"
    data = np.ones(N)

    def objective(trial: hp.Trial) -> float:
        if trial.number == 3 and not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return float(data.sum())

    class Away(type(Path())):  # type: ignore[misc]
        def read_bytes(self) -> bytes:
            raise FileNotFoundError(f"{self} is on another machine")

    class Distant(distributed.WorkerPlugin):  # type: ignore[misc, name-defined]
        def setup(self, worker: Any) -> None:  # of the worker that replaces it, too
            from hpcore.workers import packing

            packing.Path = Away  # type: ignore[misc]

    with (
        distributed.LocalCluster(n_workers=1, threads_per_worker=1, processes=True, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
        client.get_executor(pure=False) as executor,
    ):
        client.register_plugin(Distant())
        study = hp.minimize(objective, SPACE, n_trials=10, executor=executor, sampler="random")
    assert mark.exists()
    assert [t.value for t in study.trials] == [N] * 10


def test_executors_that_are_none_any_more(client: Any) -> None:
    with client.get_executor(pure=False) as executor:
        pass
    with pytest.raises(InvalidArgument, match=r"ClientExecutor, does not accept work.*shutdown"):
        hp.minimize(lambda trial: 1.0, SPACE, n_trials=2, executor=executor)
    with pytest.raises(InvalidArgument, match=r"ClientExecutor, does not accept work"):
        SearchCV(DummyClassifier(), {"strategy": ["prior", "uniform"]}, executor=executor).fit(np.eye(10), [0, 1] * 5)
    with pytest.raises(InvalidType, match=r"client.get_executor\(pure=False\)"):
        hp.minimize(lambda trial: 1.0, SPACE, n_trials=2, executor=client)
