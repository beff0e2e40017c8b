"""Lost workers: one list of questions for both kinds of work, objectives of a study and folds of a search.

Both run on the loop of `hpcore.workers.engine`; the questions are asked through `Study.run` and `SearchCV.fit`.
"""

from __future__ import annotations

import os
import signal
import sys
import warnings
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin

import hpcore as hp
from hpcore.errors import InvalidArgument, WorkerDied
from hpcore.sklearn import SearchCV

X, y = np.arange(24.0).reshape(12, 2), np.arange(12) % 2
N = 6


def misbehave(k: int, fault: str, bad: tuple[int, ...], folder: str) -> None:
    """Do what the fault says for some k; only once for each, if there is a folder to remember it in."""
    if k not in bad:
        return
    mark = Path(folder) / str(k)
    if folder:
        if mark.exists():
            return
        mark.touch()
    if fault == "exit":
        os._exit(3)
    elif fault == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif fault == "fork":
        if not os.fork():
            os._exit(0)
    elif fault == "raise":
        raise RuntimeError("of its own")


class Faulty(ClassifierMixin, BaseEstimator):
    def __init__(self, k: int = 0, fault: str = "", bad: tuple[int, ...] = (), folder: str = "") -> None:
        self.k, self.fault, self.bad, self.folder = k, fault, bad, folder

    def fit(self, X: Any, y: Any) -> Faulty:
        misbehave(self.k, self.fault, self.bad, self.folder)
        return self

    def score(self, X: Any, y: Any) -> float:
        return float(self.k)


class Result:
    """Values by k, None for failures, with the errors of those; callbacks in their order; error that ended the run."""

    def __init__(self) -> None:
        self.values: dict[int, float | None] = {}
        self.errors: dict[int, str] = {}
        self.told: list[int] = []
        self.error: BaseException | None = None


def run_study(fault: str = "", bad: tuple[int, ...] = (), folder: str = "", **workers: Any) -> Result:
    out = Result()

    def objective(trial: hp.Trial) -> float:
        misbehave(trial["k"], fault, bad, folder)
        return float(trial["k"])

    study = hp.Study({"k": hp.Int(0, N - 1)}, sampler="grid")
    try:
        study.run(objective, n_trials=N, callbacks=[lambda _, trial: out.told.append(trial["k"])], **workers)
    except (WorkerDied, KeyboardInterrupt) as error:
        out.error = error
    for trial in study.trials:
        out.values[trial["k"]] = trial.value
        if trial.error:
            out.errors[trial["k"]] = trial.error
    return out


def run_search(fault: str = "", bad: tuple[int, ...] = (), folder: str = "", **workers: Any) -> Result:
    out = Result()
    search = SearchCV(
        Faulty(fault=fault, bad=bad, folder=folder),
        {"k": list(range(N))},
        strategy="grid",
        cv=[(np.arange(6), np.arange(6, 12))],
        refit=False,
        callbacks=[lambda _, trial: out.told.append(trial["k"])],
        **workers,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        search.fit(X, y)
    for trial in search.trials_:
        out.values[trial["k"]] = trial.value
        if trial.error:
            out.errors[trial["k"]] = trial.error
    return out


KINDS: dict[str, Callable[..., Result]] = {"study": run_study, "folds": run_search}

pytestmark = pytest.mark.parametrize("run", KINDS.values(), ids=KINDS)
posix = pytest.mark.skipif(sys.platform == "win32", reason="signals and forks are POSIX's")


def expected(*failed: int) -> dict[int, float | None]:
    return {k: None if k in failed else float(k) for k in range(N)}


# --- processes of ours ----------------------------------------------------------------------------------------------


@posix
@pytest.mark.parametrize("fault", ["exit", "kill"])
def test_a_death_costs_a_repetition_and_no_result(run: Callable[..., Result], fault: str, tmp_path: Path) -> None:
    found = run(fault, (4,), str(tmp_path), n_jobs=2)
    assert found.values == expected()
    assert sorted(found.told) == list(range(N)), "each is told once"
    assert len(list(tmp_path.iterdir())) == 1


def test_the_one_that_kills_its_worker_again_fails_with_the_cause(run: Callable[..., Result]) -> None:
    found = run("exit", (3,), n_jobs=2)
    assert found.values == expected(3)
    assert "WorkerDied: no worker brought this back, twice" in found.errors[3]
    assert "exit code 3" in found.errors[3]
    assert sorted(found.told) == list(range(N))


def test_an_error_of_its_own_is_no_death(run: Callable[..., Result]) -> None:
    found = run("raise", (2,), n_jobs=2)
    assert found.values == expected(2)
    assert "RuntimeError: of its own" in found.errors[2] and "WorkerDied" not in found.errors[2]


@posix
def test_a_fork_that_ends_is_no_death(run: Callable[..., Result], tmp_path: Path) -> None:
    assert run("fork", (3,), str(tmp_path), n_jobs=2).values == expected()


# --- executors of the caller ----------------------------------------------------------------------------------------


class Losing(Executor):
    """Runs tasks at once, and loses those of some numbers; number 0 asks whether it accepts work."""

    def __init__(self, lost: Any, error: Callable[[], BaseException]) -> None:
        self.lost, self.error, self.n = lost, error, -1

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.n += 1
        future: Future[Any] = Future()
        if self.n in self.lost:
            future.set_exception(self.error())
        else:
            future.set_result(function(*args, **kwargs))
        return future


def test_a_lost_task_runs_again(run: Callable[..., Result]) -> None:
    found = run(executor=Losing({2, 4}, CancelledError), n_jobs=1)
    assert found.values == expected()
    assert sorted(found.told) == list(range(N))


def test_an_executor_that_breaks_ends_the_run_and_results_are_kept(run: Callable[..., Result]) -> None:
    executor = Losing(range(4, 10_000), lambda: BrokenExecutor("gone"))
    found = run(executor=executor, n_jobs=1)
    kept = [k for k, value in found.values.items() if value is not None]
    assert kept == list(range(len(kept))) and len(kept) >= 3
    assert all("executor given as executor= broke" in error for error in found.errors.values())
    assert len(found.values) < N, "nothing begins on workers that are gone"
    assert sorted(set(found.told)) == sorted(found.told)
    # A study raises the reason; the table of a search has it.
    assert isinstance(found.error, WorkerDied) == (run is run_study)


@posix
def test_a_pool_of_processes_that_lost_one_ends_the_run_and_results_are_kept(run: Callable[..., Result]) -> None:
    with ProcessPoolExecutor(1, get_context("forkserver")) as executor:
        found = run("kill", (3,), executor=executor, n_jobs=1)
    assert {k: found.values[k] for k in range(3)} == {0: 0.0, 1: 1.0, 2: 2.0}
    assert "executor given as executor= broke: BrokenProcessPool" in found.errors[3]
    assert "a new executor can continue" in found.errors[3]
    with pytest.raises(InvalidArgument, match="ProcessPoolExecutor, does not accept work"):
        run(executor=executor)


def test_an_executor_that_is_shut_down_under_way(run: Callable[..., Result]) -> None:
    executor = ThreadPoolExecutor(1)
    seen: list[None] = []

    class Closing(ThreadPoolExecutor):
        def submit(self, *args: Any, **kwargs: Any) -> Future[Any]:
            if len(seen) == 4:
                executor.shutdown(wait=False)
            seen.append(None)
            return executor.submit(*args, **kwargs)

    with Closing(1) as closing:
        found = run(executor=closing, n_jobs=1)
    kept = [k for k, value in found.values.items() if value is not None]
    assert kept == list(range(len(kept))) and len(kept) >= 3
    assert all("shutdown" in error for error in found.errors.values())
