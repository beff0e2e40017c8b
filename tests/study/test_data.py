"""Data of an objective in workers of each kind."""

from __future__ import annotations

import mmap
import os
import signal
import tempfile
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import cloudpickle
import numpy as np
import pytest

import hpcore as hp
from hpcore.workers.packing import Handle

SPACE = {"x": hp.Float(0, 1)}
N = 100_000


class Model:
    """Objective with data, which records the kind of the array and its content."""

    def __init__(self, data: Any, how: str = "") -> None:
        self.data, self.how = data, how

    def __call__(self, trial: hp.Trial) -> float:
        base = self.data
        while isinstance(base, np.ndarray) and base.base is not None:
            base = base.base
        trial.user_attrs["mapped"] = isinstance(base, memoryview) and isinstance(base.obj, mmap.mmap)
        trial.user_attrs["pid"] = os.getpid()
        if self.how == "dies" and trial.number == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        if self.how == "writes":
            self.data += 1.0
        return float(self.data.sum())


def files(folder: Path) -> list[Path]:
    return list(folder.glob("hpcore-*"))  # not those of multiprocessing and Dask


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    yield tmp_path
    assert files(tmp_path) == []


def run(model: Any, n: int = 6, **options: Any) -> hp.Study:
    study = hp.Study(SPACE, sampler="random", seed=0)
    return study.run(model, n_trials=n, **options)


def test_workers_map_it(folder: Path) -> None:
    there: list[int] = []
    study = run(Model(np.ones(N)), n_jobs=2, callbacks=[lambda study, trial: there.append(len(files(folder)))])
    assert [t.value for t in study.trials] == [N] * 6
    assert all(t.user_attrs["mapped"] and t.user_attrs["pid"] != os.getpid() for t in study.trials)
    assert there == [1] * 6


def test_an_objective_that_writes_into_its_data_has_its_worker_s_own(folder: Path) -> None:
    """Each worker has its own copy: a trial sees the changes of the worker's earlier trials."""
    data = np.zeros(N)
    study = run(Model(data, "writes"), n=8, n_jobs=2)
    seen: dict[int, int] = {}
    for trial in sorted(study.trials, key=lambda trial: trial.started or 0.0):
        seen[trial.user_attrs["pid"]] = seen.get(trial.user_attrs["pid"], 0) + 1
        assert trial.value == N * seen[trial.user_attrs["pid"]]
    assert not data.any()


def test_a_run_after_it_sees_what_changed_here(folder: Path) -> None:
    model = Model(np.zeros(N))
    for total in (0.0, 1.0):
        assert {t.value for t in run(model, n_jobs=2).trials} == {total}
        model.data[0] = 1.0


def test_files_go_after_the_death_of_a_worker_and_after_errors_and_ctrl_c(folder: Path, ctrl_c: None) -> None:
    study = run(Model(np.ones(N), "dies"), n_jobs=2)
    assert [t.state for t in study.trials] == ["complete"] * 2 + ["failed"] + ["complete"] * 3
    assert files(folder) == []

    def complain(study: hp.Study, trial: hp.Trial) -> None:
        raise LookupError("no")

    with pytest.raises(LookupError):
        run(Model(np.ones(N)), n_jobs=2, callbacks=[complain])
    assert files(folder) == []

    def interrupt(study: hp.Study, trial: hp.Trial) -> None:
        if trial.number == 2:
            os.kill(os.getpid(), signal.SIGINT)

    assert run(Model(np.ones(N)), n=100, n_jobs=2, callbacks=[interrupt]).interrupted


def test_threads_get_the_object_itself(folder: Path) -> None:
    model = Model(np.ones(N), "writes")
    with ThreadPoolExecutor(1) as executor:
        study = run(model, n=3, executor=executor)
    assert [t.value for t in study.trials] == [2 * N, 3 * N, 4 * N]
    assert not any(t.user_attrs["mapped"] for t in study.trials) and model.data[0] == 4.0


def test_processes_of_the_caller_map_it(folder: Path) -> None:
    with ProcessPoolExecutor(1, get_context("forkserver")) as executor:
        study = run(Model(np.ones(N)), n=3, executor=executor)
    assert [t.value for t in study.trials] == [N] * 3
    assert all(t.user_attrs["mapped"] for t in study.trials)


class Elsewhere(Executor):
    """Executor with another temporary folder, as on another machine; it records the size of its tasks."""

    def __init__(self) -> None:
        self.bytes: list[int] = []

    def submit(self, function: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        packed = cloudpickle.dumps(args)
        if args:
            self.bytes.append(len(packed))
        args = tuple(
            a._replace(folder=a.folder and a.folder + "-of-another-machine") if isinstance(a, Handle) else a
            for a in cloudpickle.loads(packed)
        )
        future.set_result(function(*args, **kwargs))
        return future


def test_workers_that_share_no_disk_get_it_once(folder: Path) -> None:
    executor = Elsewhere()
    study = run(Model(np.ones(N)), n=4, executor=executor, n_jobs=2)
    assert [t.number for t in study.trials] == [0, 1, 2, 3]
    assert [t.value for t in study.trials] == [N] * 4
    assert not any(t.user_attrs["mapped"] for t in study.trials)
    # Two tasks had been sent when the first one returned. Both are sent again, one with the data for the one worker.
    assert [size > 8 * N for size in executor.bytes] == [False] * 2 + [True] + [False] * 3


def test_workers_of_ours_get_it_where_there_is_no_room_for_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "TemporaryDirectory", no_room)
    study = run(Model(np.ones(N)), n_jobs=2)
    assert [t.value for t in study.trials] == [N] * 6
    assert not any(t.user_attrs["mapped"] for t in study.trials)


def no_room(*args: Any, **kwargs: Any) -> Any:
    raise OSError("no space left on device")


@pytest.mark.filterwarnings("ignore")
def test_a_local_dask_cluster(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(n_workers=1, threads_per_worker=1, processes=True, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
        client.get_executor(pure=False) as executor,
    ):
        study = run(Model(np.ones(N)), n=3, executor=executor)
    assert [t.value for t in study.trials] == [N] * 3
    assert all(t.user_attrs["mapped"] for t in study.trials)
