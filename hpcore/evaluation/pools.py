"""Executors: a pool of our own that survives its workers, or one that the caller lends us."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import Any, Protocol

import joblib

from hpcore.errors import InvalidArgument, InvalidType
from hpcore.evaluation.nesting import inside_worker
from hpcore.evaluation.threads import bounded, environment, threads_per_worker

__all__ = ["BorrowedPool", "OwnPool", "Pool", "choose_pool"]

# Idle workers leave after this many seconds; a search that follows sooner finds them warm.
_IDLE_SECONDS = 30

_own_executors: dict[tuple[int, int], Any] = {}
_lock = threading.Lock()


class Pool(Protocol):
    """What the engine needs of an executor."""

    n_workers: int
    n_threads: int  # that each worker may use
    by_file: bool  # whether workers are other processes

    def submit(self, function: Callable[..., Any], *args: Any) -> Future[Any]:
        """Run ``function(*args)`` on a worker."""

    def renew(self) -> bool:
        """Replace a broken executor; False if that is not ours to do."""

    def abort(self) -> None:
        """Stop running tasks where that is ours to do: the search was interrupted."""

    def bounded(self) -> AbstractContextManager[Any]:
        """Bound in this process what workers share with it."""


class OwnPool:
    """Processes of our own: a loky executor, which notices a worker that died instead of waiting for it.

    Parameters
    ----------
    n_workers : int
        Number of processes.

    Notes
    -----
    The executor is kept for the next search with as many workers. It is not joblib's own reusable one, because that
    is a single object: a model that uses joblib between two searches would shut it down under us.
    """

    by_file = True

    def __init__(self, n_workers: int) -> None:
        self.n_workers = n_workers
        self.n_threads = threads_per_worker(n_workers)
        self._executor: Any = None  # the one we submitted to; another search may have put a new one in its place

    def submit(self, function: Callable[..., Any], *args: Any) -> Future[Any]:
        """Run ``function(*args)`` in a worker.

        Raises
        ------
        BrokenExecutor
            If a worker died, or another search discarded the executor.
        """
        from joblib.externals.loky.process_executor import ProcessPoolExecutor

        key = (os.getpid(), self.n_workers)
        with _lock:
            executor = _own_executors.get(key)
            if executor is None:
                env = environment(self.n_threads)
                executor = ProcessPoolExecutor(
                    max_workers=self.n_workers, timeout=_IDLE_SECONDS, env=env, initializer=_ignore_interrupts
                )
                _own_executors[key] = executor
            self._executor = executor
        try:
            future: Future[Any] = executor.submit(function, *args)
        except RuntimeError as error:  # BrokenExecutor is one, and so is what loky raises after a shutdown
            raise BrokenExecutor(str(error)) from error
        return future

    def renew(self) -> bool:
        """Let the next task start a new executor."""
        self._discard()
        return True

    def abort(self) -> None:
        """Kill the workers; the next search starts new ones."""
        self._discard()

    def bounded(self) -> AbstractContextManager[Any]:
        """Nothing: workers share no libraries with this process."""
        return nullcontext()

    def _discard(self) -> None:
        executor, self._executor = self._executor, None
        if executor is None:
            return
        key = (os.getpid(), self.n_workers)
        with _lock:
            if _own_executors.get(key) is executor:
                del _own_executors[key]
        from joblib.externals.loky.backend.utils import kill_process_tree

        # Not shutdown(kill_workers=True): its thread stumbles over futures that were cancelled, and then kills nobody.
        # Workers that are dead it handles well.
        for process in list((executor._processes or {}).values()):
            with suppress(ProcessLookupError):
                kill_process_tree(process)
        executor.shutdown(wait=True)


class BorrowedPool:
    """An executor that the caller made, and alone may shut down. Only its `submit` is used.

    Parameters
    ----------
    executor : concurrent.futures.Executor
        Any executor: threads, processes, a cluster's.
    n_workers : int
        Number of tasks that it runs at a time.
    """

    def __init__(self, executor: Executor, n_workers: int) -> None:
        self._executor = executor
        self.n_workers = n_workers
        self.n_threads = threads_per_worker(n_workers)
        self.by_file = not isinstance(executor, ThreadPoolExecutor)

    def submit(self, function: Callable[..., Any], *args: Any) -> Future[Any]:
        """Run ``function(*args)`` on the executor."""
        return self._executor.submit(function, *args)

    def renew(self) -> bool:
        """Say no: a broken executor is its owner's to replace."""
        return False

    def abort(self) -> None:
        """Nothing: the engine has cancelled what was waiting, and running tasks belong to the executor."""

    def bounded(self) -> AbstractContextManager[Any]:
        """Bound BLAS in this process if the workers are its threads."""
        return nullcontext() if self.by_file else bounded(self.n_threads, "blas")


def choose_pool(n_jobs: int | None, executor: Executor | None) -> Pool | None:
    """Decide who does the work; None means this thread, and is the answer to a search inside a task of another one.

    Parameters
    ----------
    n_jobs : int or None
        As scikit-learn has it: None is 1, or what ``joblib.parallel_config`` says; -1 is every core.
    executor : concurrent.futures.Executor or None
        The caller's own; `n_jobs` then says how many workers it has, where it does not say so itself.

    Raises
    ------
    InvalidArgument
        If `n_jobs` is 0, or the executor is shut down or broken.
    InvalidType
        If `n_jobs` is not an integer, or the executor has no `submit`.
    """
    if n_jobs is not None and (isinstance(n_jobs, bool) or not hasattr(n_jobs, "__index__")):
        raise InvalidType(f"n_jobs must be an integer or None, got {n_jobs!r}")
    if n_jobs is not None and int(n_jobs) == 0:
        raise InvalidArgument("n_jobs must not be 0: 1 works in this process, -1 on every core")
    if executor is not None and not callable(getattr(executor, "submit", None)):
        raise InvalidType(f"executor must be a concurrent.futures.Executor, got {executor!r}")
    if inside_worker():
        # The cores are busy; and tasks that wait for others of the same executor may wait for ever.
        return None
    if executor is None:
        n_workers = int(joblib.effective_n_jobs(n_jobs))
        return None if n_workers == 1 else OwnPool(n_workers)
    try:
        executor.submit(_nothing)  # not waited for: all its workers may be busy
    except Exception as error:
        raise InvalidArgument(f"executor does not accept work: {type(error).__name__}: {error}") from error
    if n_jobs is None:
        n_jobs = getattr(executor, "_max_workers", None) or joblib.cpu_count()
    return BorrowedPool(executor, max(1, int(joblib.effective_n_jobs(n_jobs))))


def _ignore_interrupts() -> None:
    # Ctrl-C reaches the whole process group. The parent decides what stops; an idle worker would die of it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _nothing() -> None:
    return None
