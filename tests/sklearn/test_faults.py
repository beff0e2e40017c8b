"""What a search survives: folds that hang, workers that die, memory that runs out, executors that go away."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_iris
from sklearn.exceptions import FitFailedWarning

from hpcore.errors import FitTimeout, InvalidArgument, WorkerDied
from hpcore.sklearn import AllFitsFailed, SearchCV

X, y = load_iris(return_X_y=True)
posix = pytest.mark.skipif(sys.platform == "win32", reason="signals and process groups are POSIX")


class Faulty(ClassifierMixin, BaseEstimator):
    """Does to itself what `fault` says if k is in `bad`; once only, if there is a folder to remember it in."""

    def __init__(self, k: int = 0, fault: str = "none", bad: tuple[int, ...] = (), folder: str = "") -> None:
        self.k = k
        self.fault = fault
        self.bad = bad
        self.folder = folder

    def fit(self, X: Any, y: Any) -> Faulty:
        self.classes_ = np.unique(y)
        # A fold is known by its rows.
        mark = Path(self.folder) / f"{self.k}-{int(X[:, 0].sum() * 1e6)}" if self.folder else None
        if self.k in self.bad and (mark is None or not mark.exists()):
            if mark is not None:
                mark.touch()
            getattr(self, f"_{self.fault}")()
        return self

    def predict(self, X: Any) -> Any:
        return np.full(len(X), self.classes_[self.k % 3])

    def _exit(self) -> None:
        os._exit(1)

    def _kill(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def _segv(self) -> None:
        os.kill(os.getpid(), signal.SIGSEGV)

    def _memory(self) -> None:
        raise MemoryError("no room")

    def _sleep(self) -> None:
        time.sleep(60)

    def _deaf(self) -> None:
        # Native code that never lets go of the interpreter, and takes no notice of signals that can be refused.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        sum(range(10**12))

    def _children(self) -> None:
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
        stray = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True)
        (Path(self.folder) / "children").write_text(f"{child.pid} {stray.pid}")
        time.sleep(60)


def grid(n: int, **fixed: Any) -> dict[str, list[Any]]:
    return {"k": list(range(n)), **{name: [value] for name, value in fixed.items()}}


def search(n: int, fault: str, bad: tuple[int, ...], folder: str = "", **options: Any) -> SearchCV:
    given: dict[str, Any] = {"strategy": "grid", "cv": 2, "n_jobs": 2, "error_score": -1.0, **options}
    return SearchCV(Faulty(), grid(n, fault=fault, bad=bad, folder=folder), **given).fit(X, y)


def expected(n: int, bad: tuple[int, ...] = ()) -> list[float]:
    return [-1.0 if k in bad else 1 / 3 for k in range(n)]


@posix
@pytest.mark.parametrize("fault", ["kill", "segv"])
def test_a_death_costs_one_repetition(fault: str, tmp_path: Path) -> None:
    found = search(6, fault, (2,), str(tmp_path))
    np.testing.assert_allclose(found.cv_results_["mean_test_score"], expected(6))
    assert len(list(tmp_path.iterdir())) == 2, "each fold of one candidate died once"


def test_many_deaths_lose_no_fold(tmp_path: Path) -> None:
    # benchmarks/reliability/worker_deaths.py has the full count.
    bad = (1, 4)
    told: list[int] = []
    found = search(6, "exit", bad, str(tmp_path), callbacks=[lambda s, trial: told.append(trial.number)])
    np.testing.assert_allclose(found.cv_results_["mean_test_score"], expected(6))
    assert sorted(told) == list(range(6))
    assert len(list(tmp_path.iterdir())) == 4


def test_the_candidate_that_kills_again_fails_with_the_cause() -> None:
    with pytest.warns(FitFailedWarning, match="WorkerDied"):
        found = search(5, "exit", (3,))
    np.testing.assert_allclose(found.cv_results_["mean_test_score"], expected(5, (3,)))
    with pytest.raises(WorkerDied, match="twice"):
        search(5, "exit", (3,), error_score="raise")


def test_out_of_memory_in_python_is_an_error_like_any_other() -> None:
    with pytest.warns(FitFailedWarning, match="no room"):
        found = search(4, "memory", (2,), n_jobs=1)
    np.testing.assert_allclose(found.cv_results_["mean_test_score"], expected(4, (2,)))


@posix
@pytest.mark.parametrize("fault", ["sleep", "deaf"])
def test_a_fold_that_takes_too_long_is_ended(fault: str) -> None:
    search(2, "none", (), fit_timeout=30.0)  # workers awake
    start = time.monotonic()
    with pytest.warns(FitFailedWarning, match=r"FitTimeout.*fit_timeout=1 s"):
        found = search(4, fault, (1,), fit_timeout=1.0)
    # Two folds, each ended after a second; then new workers start. Much less than one fold of a minute.
    assert time.monotonic() - start < 30.0
    np.testing.assert_allclose(found.cv_results_["mean_test_score"], expected(4, (1,)))
    late = found.cv_results_["mean_fit_time"][1]
    assert late == pytest.approx(1.0)


@posix
def test_what_a_fold_started_ends_with_it(tmp_path: Path) -> None:
    with pytest.warns(FitFailedWarning, match="FitTimeout"):
        search(
            2, "children", (1,), str(tmp_path), fit_timeout=1.0, n_jobs=1, cv=[(np.arange(100), np.arange(100, 150))]
        )
    for pid in map(int, (tmp_path / "children").read_text().split()):
        for _ in range(100):
            if not Path(f"/proc/{pid}").exists() or " Z " in Path(f"/proc/{pid}/stat").read_text():
                break
            time.sleep(0.05)
        else:
            raise AssertionError(f"{pid} lives on")


@posix
def test_a_timeout_that_shall_raise_raises() -> None:
    with pytest.raises(FitTimeout, match=r"0.3 s"):
        search(3, "sleep", (1,), fit_timeout=0.3, error_score="raise")


def test_a_limit_that_cannot_be_kept_is_refused() -> None:
    with ThreadPoolExecutor(1) as executor, pytest.raises(InvalidArgument, match=r"fit_timeout.*executor="):
        search(2, "none", (), executor=executor, fit_timeout=1.0)
    inner = SearchCV(Faulty(), grid(2), strategy="grid", cv=2, fit_timeout=1.0)
    with pytest.raises(AllFitsFailed, match=r"fit_timeout.*inside another search"):
        SearchCV(inner, {"n_trials": [1, 2]}, strategy="grid", cv=2, n_jobs=2).fit(X, y)


class Forgetful(Executor):
    """Loses tasks now and then without being broken, as a cluster does that lost a machine."""

    def __init__(self, always: bool = False) -> None:
        self.n = 0
        self.always = always

    def submit(self, function: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.n += 1
        future: Future[Any] = Future()
        if self.n > 1 and (self.always or self.n in (2, 5, 9)):  # the first task only asks whether it takes any
            future.set_exception(LookupError("the machine is gone"))
        else:
            future.set_result(function(*args, **kwargs))
        return future


def test_an_executor_that_loses_tasks_gets_them_again() -> None:
    found = search(8, "none", (), executor=Forgetful())
    np.testing.assert_allclose(found.cv_results_["mean_test_score"], expected(8))
    with pytest.raises(AllFitsFailed, match="the machine is gone"):
        search(2, "none", (), executor=Forgetful(always=True))


def test_an_executor_shut_down_under_way_ends_the_search() -> None:
    executor = ThreadPoolExecutor(1)

    def close(search: Any, trial: Any) -> None:
        executor.shutdown(wait=False)

    with pytest.warns(FitFailedWarning, match=r"executor given as executor= broke.*shutdown"):
        found = search(300, "none", (), executor=executor, callbacks=[close])
    assert found.best_score_ == pytest.approx(1 / 3)
    assert len(found.trials_) < 300


@pytest.mark.filterwarnings("ignore")
def test_a_local_dask_cluster() -> None:
    distributed = pytest.importorskip("distributed")
    alone = search(4, "none", (), n_jobs=1)
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
        client.get_executor(pure=False) as executor,
    ):
        found = search(4, "none", (), executor=executor)
    np.testing.assert_array_equal(found.cv_results_["mean_test_score"], alone.cv_results_["mean_test_score"])
