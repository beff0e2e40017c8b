"""Pools of workers: processes of hpcore, which are replaced when they die, or an executor of the caller."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Protocol

import joblib

from hpcore.errors import InvalidArgument, InvalidType
from hpcore.workers import executors
from hpcore.workers.ending import kill_trees
from hpcore.workers.interrupts import uninterrupted
from hpcore.workers.nesting import inside_worker
from hpcore.workers.process import WorkerProcess, kill_all
from hpcore.workers.threads import bounded, threads_per_worker

__all__ = ["BorrowedPool", "OwnPool", "Pool", "choose_pool"]

# Interval in seconds at which a waiting search can react to Ctrl-C, where a wait without limit does not.
_SECONDS_BETWEEN_LOOKS = 1.0

_idle: dict[tuple[int, int], list[WorkerProcess]] = {}  # not used by a search now, by (process, threads)
_lock = threading.Lock()


class Pool(Protocol):
    """Workers, as the engine uses them."""

    n_workers: int
    n_threads: int  # that each worker may use
    by_file: bool  # whether workers are other processes
    timed: bool  # whether each worker is a process that does one thing at a time, and can be killed

    def submit(self, function: Callable[..., Any], *args: Any) -> Future[Any]:
        """Run ``function(*args)`` on a worker."""

    def place(self, value: Any) -> Any:
        """Put an object where all workers find it; return an argument that a task sees as the object, or None."""

    def wait(self, tasks: Collection[Future[Any]], seconds: float | None = None) -> list[Future[Any]]:
        """Wait until some of `tasks` are done, or `seconds` are over, and return those in the order given."""

    def renew(self, cause: BaseException | None = None) -> bool:
        """Replace workers that died of `cause`; False if only the caller can replace them."""

    def abort(self) -> None:
        """Stop running tasks after an interruption, unless they belong to the caller's executor."""

    def kill(self, pid: int) -> None:
        """End a worker and all that it started."""

    def bounded(self, n_threads: int | None = None) -> AbstractContextManager[Any]:
        """Return a context that bounds the threads of this process, and releases the workers at its end.

        `n_threads` is the number of threads for a worker that is a thread of this process, by default its share of
        the cores.
        """


class OwnPool:
    """Processes of hpcore, each with its own queue: the death of one loses the task that it ran, and no other.

    Parameters
    ----------
    n_workers : int
        Number of processes.

    Notes
    -----
    Workers are kept for the next search, and end when they have idled for half a minute. joblib's pool is not used: it
    is a single object, and a model that uses joblib between two searches would shut it down. A worker leads a process
    group, which ends with it, so that processes that a model started end too.

    Every wait is bounded: a worker that does not end within `SECONDS_TO_LEAVE` is killed, at the exit of the
    interpreter as well, and a process that cannot be killed is named in a warning of the ``hpcore`` logger.
    """

    by_file = True
    timed = True

    def __init__(self, n_workers: int) -> None:
        self.n_workers = n_workers
        self.n_threads = threads_per_worker(n_workers)
        self._workers: list[WorkerProcess] = []

    def submit(self, function: Callable[..., Any], *args: Any) -> Future[Any]:
        """Run ``function(*args)`` in the worker with the fewest tasks."""
        while len(self._workers) < self.n_workers:
            self._workers.append(self._take())
        return min(self._workers, key=lambda worker: worker.n_tasks).submit(function, *args)

    def place(self, value: Any) -> None:
        """Return None: workers of this machine read files."""

    def wait(self, tasks: Collection[Future[Any]], seconds: float | None = None) -> list[Future[Any]]:
        """Wait until some of `tasks` are done, or `seconds` are over, and return those in the order given."""
        if seconds is not None:
            return _first_done(tasks, min(seconds, _SECONDS_BETWEEN_LOOKS))
        while not (done := _first_done(tasks, _SECONDS_BETWEEN_LOOKS)):
            pass
        return done

    def renew(self, cause: BaseException | None = None) -> bool:
        """Return True: a worker that died is replaced by the next task."""
        return True

    def abort(self) -> None:
        """Kill the workers; the next search starts new ones."""
        workers, self._workers = self._workers, []
        uninterrupted(_kill, workers)

    def kill(self, pid: int) -> None:
        """End a worker and all that it started."""
        kill_trees([pid])

    @contextmanager
    def bounded(self, n_threads: int | None = None) -> Iterator[None]:
        """Bound this process to one thread while the workers use the cores.

        The workers are kept for another search at the end; not after an error, which `abort` follows.
        """
        with bounded(1):
            yield
        workers, self._workers = self._workers, []
        with _lock:
            _idle.setdefault((os.getpid(), self.n_threads), []).extend(workers)

    def _take(self) -> WorkerProcess:
        with _lock:
            idle = _idle.get((os.getpid(), self.n_threads))
            if idle:
                return idle.pop()
        return WorkerProcess(self.n_threads)


def _kill(workers: Sequence[WorkerProcess]) -> None:
    children = [worker.close() for worker in workers]
    kill_all([child for child in children if child is not None])


class BorrowedPool:
    """Executor of the caller, who alone may shut it down. Its `submit` is used, and what `executors` knows of it.

    Parameters
    ----------
    executor : concurrent.futures.Executor
        Executor of threads, processes or a cluster.
    n_workers : int
        Number of tasks that it runs at a time.
    """

    timed = False

    def __init__(self, executor: Executor, n_workers: int) -> None:
        self._executor = executor
        self.n_workers = n_workers
        self.n_threads = threads_per_worker(n_workers)
        self.by_file = not isinstance(executor, ThreadPoolExecutor)

    def submit(self, function: Callable[..., Any], *args: Any) -> Future[Any]:
        """Run ``function(*args)`` on the executor.

        Raises
        ------
        BrokenExecutor
            If it accepts no more work: it is broken or shut down.
        """
        try:
            return self._executor.submit(function, *args)
        except RuntimeError as error:
            raise BrokenExecutor(f"{type(self._executor).__name__}: {error}") from error

    def place(self, value: Any) -> Any:
        """Put an object where all workers find it, see `executors.place`; None if the executor has no such place."""
        return executors.place(self._executor, value)

    def wait(self, tasks: Collection[Future[Any]], seconds: float | None = None) -> list[Future[Any]]:
        """Wait until some of `tasks` are done, or `seconds` are over, and return those in the order given."""
        return _first_done(tasks, seconds)

    def renew(self, cause: BaseException | None = None) -> bool:
        """Return False for a broken executor, which only its owner can replace; True if one merely lost a task."""
        return cause is not None and not isinstance(cause, BrokenExecutor)

    def abort(self) -> None:
        """Do nothing: the engine has cancelled waiting tasks, and running ones belong to the executor."""

    def kill(self, pid: int) -> None:
        """Do nothing: the workers belong to the owner, so there is no time limit; see `choose_pool`."""

    def bounded(self, n_threads: int | None = None) -> AbstractContextManager[Any]:
        """Bound this process to one thread, or, where the workers are its threads, to their share."""
        return bounded(1) if self.by_file else bounded(n_threads or self.n_threads, "blas")


def choose_pool(n_jobs: int | None, executor: Executor | None, *, killing: bool = False) -> Pool | None:
    """Choose the workers of a search; None is the calling thread, always for a search inside a task of another one.

    Parameters
    ----------
    n_jobs : int or None
        Number of workers as in scikit-learn: None is 1, or that of ``joblib.parallel_config``, and with an executor
        the number of its workers, or that of the cores if it does not say; -1 is every core.
    executor : concurrent.futures.Executor or None
        Executor of the caller, which has at most `n_jobs` tasks at a time.
    killing : bool
        True if a task may have to be ended, which needs a process of hpcore even for a single worker.

    Raises
    ------
    InvalidArgument
        If `n_jobs` is 0, the executor is shut down or broken, or tasks may have to be ended where they cannot be.
    InvalidType
        If `n_jobs` is not an integer, or the executor is none.
    """
    if n_jobs is not None and (isinstance(n_jobs, bool) or not hasattr(n_jobs, "__index__")):
        raise InvalidType(f"n_jobs must be an integer or None, got {n_jobs!r}")
    if n_jobs is not None and int(n_jobs) == 0:
        raise InvalidArgument("n_jobs must not be 0: 1 works in this process, -1 on every core")
    if killing and (executor is not None or inside_worker()):
        where = "with executor=, whose processes are not its own" if executor is not None else "inside another search"
        raise InvalidArgument(f"fit_timeout ends the process of a fold, which hpcore cannot do {where}")
    if inside_worker():
        # The cores are busy; and tasks that wait for others of the same executor may wait for ever.
        return None
    if executor is None:
        n_workers = int(joblib.effective_n_jobs(n_jobs))
        return None if n_workers == 1 and not killing else OwnPool(n_workers)
    executors.check(executor)
    if n_jobs is None:
        n_jobs = executors.capacity(executor) or joblib.cpu_count()
    # A positive number is meant as it is: joblib's own backend has no say in another executor.
    n_tasks = int(n_jobs) if n_jobs > 0 else int(joblib.effective_n_jobs(n_jobs))
    return BorrowedPool(executor, max(1, n_tasks))


def _first_done(tasks: Collection[Future[Any]], seconds: float | None = None) -> list[Future[Any]]:
    done, _ = wait(tasks, seconds, FIRST_COMPLETED)
    return [task for task in tasks if task in done]
