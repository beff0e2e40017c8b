"""Executors: a pool of our own that survives its workers, or one that the caller lends us."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    Executor,
    Future,
    InvalidStateError,
    ThreadPoolExecutor,
    wait,
)
from contextlib import AbstractContextManager, contextmanager, suppress
from multiprocessing import connection
from typing import Any, Protocol
from weakref import WeakSet

import joblib

from hpcore.errors import InvalidArgument, InvalidType
from hpcore.evaluation.nesting import inside_worker
from hpcore.evaluation.threads import bounded, environment, threads_per_worker

__all__ = ["BorrowedPool", "OwnPool", "Pool", "choose_pool"]

# Idle workers leave after this many seconds; a search that follows sooner finds them warm.
_IDLE_SECONDS = 30

# How often a search that waits looks whether what it waits for can still come.
_SECONDS_BETWEEN_LOOKS = 1.0

_idle: dict[tuple[int, int], list[Any]] = {}  # executors of one worker each that no search uses now
_lock = threading.Lock()


class Pool(Protocol):
    """What the engine needs of an executor."""

    n_workers: int
    n_threads: int  # that each worker may use
    by_file: bool  # whether workers are other processes
    timed: bool  # whether each worker is a process that does one thing at a time, and can be killed

    def submit(self, function: Callable[..., Any], *args: Any) -> Future[Any]:
        """Run ``function(*args)`` on a worker."""

    def wait(self, tasks: Collection[Future[Any]]) -> list[Future[Any]]:
        """Wait until some of `tasks` are done, and return those in the order given."""

    def renew(self, cause: BaseException | None = None) -> bool:
        """Replace what `cause` broke; False if nothing works any more and that is not ours to mend."""

    def blames(self, task: Future[Any]) -> bool:
        """Whether a lost task may have been the one that ended its worker."""

    def abort(self) -> None:
        """Stop running tasks where that is ours to do: the search was interrupted."""

    def kill(self, pid: int) -> None:
        """End a worker and all that it started."""

    def bounded(self, n_threads: int | None = None) -> AbstractContextManager[Any]:
        """Bound in this process what workers share with it, and let go of the workers at the end.

        `n_threads` is what a worker that is a thread of this process may use, by default its share of the cores.
        """


class OwnPool:
    """Processes of our own: loky executors, which notice a worker that died instead of waiting for it.

    Parameters
    ----------
    n_workers : int
        Number of processes.

    Notes
    -----
    Each worker is an executor of its own. In one executor with many workers the death of one breaks them all, and
    nobody knows whose task it was; here it costs the tasks of that worker only.

    Workers are kept for the next search. They are not joblib's own reusable pool, because that is a single object: a
    model that uses joblib between two searches would shut it down under us. A worker leads a process group of its
    own, which ends with it, so that whatever a model started ends too.
    """

    by_file = True
    timed = True

    def __init__(self, n_workers: int) -> None:
        self.n_workers = n_workers
        self.n_threads = threads_per_worker(n_workers)
        self._slots: list[_Slot] = []
        self._innocent: WeakSet[Future[Any]] = WeakSet()

    def submit(self, function: Callable[..., Any], *args: Any) -> Future[Any]:
        """Run ``function(*args)`` in the worker that has the least to do.

        Raises
        ------
        BrokenExecutor
            If no worker can be started.
        """
        while len(self._slots) < self.n_workers:
            self._slots.append(_Slot(self._take(), self._innocent))
        slot = min(self._slots, key=lambda slot: len(slot.tasks))
        if slot.deserted:
            self._clear(slot)
        try:
            return slot.submit(function, *args)
        except RuntimeError:  # BrokenExecutor is one: the worker died since its last task, or idled too long
            slot.renew(self._new())
        try:
            return slot.submit(function, *args)
        except RuntimeError as error:
            raise BrokenExecutor(str(error)) from error

    def wait(self, tasks: Collection[Future[Any]]) -> list[Future[Any]]:
        """Wait until some of `tasks` are done, and return those in the order given."""
        while not (done := _first_done(tasks, _SECONDS_BETWEEN_LOOKS)):
            for slot in self._slots:
                # Once may be a worker that is being replaced.
                slot.n_looks_alone = slot.n_looks_alone + 1 if slot.alone else 0
                if slot.deserted or slot.n_looks_alone > 1:
                    self._clear(slot)
        return done

    def _clear(self, slot: _Slot) -> None:
        """Replace an executor that does not work and does not say so; its tasks are lost."""
        for pid in list(slot.executor._processes or {}):
            self.kill(pid)
        lost = list(slot.tasks)
        if slot.deserted:
            self._innocent.update(lost)
        slot.renew(self._new())
        for task in lost:
            with suppress(InvalidStateError):
                task.set_exception(BrokenExecutor("the worker, or the thread that served it, ended"))

    def renew(self, cause: BaseException | None = None) -> bool:
        """Do nothing: a worker that died is replaced by the next task."""
        return True

    def blames(self, task: Future[Any]) -> bool:
        """Whether the worker was at it: not if it waited behind another task."""
        return task not in self._innocent

    def abort(self) -> None:
        """Kill the workers; the next search starts new ones."""
        slots, self._slots = self._slots, []
        # Not shutdown(kill_workers=True): its thread stumbles over futures that were cancelled, and then kills nobody.
        # Workers that are dead it handles well.
        for slot in slots:
            for pid in list(slot.executor._processes or {}):
                self.kill(pid)
        for slot in slots:
            slot.executor.shutdown(wait=True)

    def kill(self, pid: int) -> None:
        """End a worker and all that it started."""
        from joblib.externals.loky.backend import utils

        with suppress(Exception):
            # What has left the group; it must be found while its parent lives.
            utils._posix_recursive_kill(pid)
        if hasattr(os, "killpg"):
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(pid, signal.SIGKILL)

    @contextmanager
    def bounded(self, n_threads: int | None = None) -> Iterator[None]:
        """Bound this process, which only thinks of what comes next while the workers have the cores.

        The workers are kept for another search when this one is over; not after an error, which `abort` follows.
        """
        with bounded(1):
            yield
        slots, self._slots = self._slots, []
        with _lock:
            _idle.setdefault((os.getpid(), self.n_threads), []).extend(slot.executor for slot in slots)

    def _take(self) -> Any:
        with _lock:
            idle = _idle.get((os.getpid(), self.n_threads))
            if idle:
                return idle.pop()
        return self._new()

    def _new(self) -> Any:
        from joblib.externals.loky.process_executor import ProcessPoolExecutor

        return ProcessPoolExecutor(
            max_workers=1,
            timeout=_IDLE_SECONDS,
            env=environment(self.n_threads),
            initializer=_begin_worker,
            initargs=(os.getpid(),),
        )


class _Slot:
    """An executor of one worker, and what it has to do, in the order in which it does it."""

    def __init__(self, executor: Any, innocent: WeakSet[Future[Any]]) -> None:
        self.executor = executor
        self.tasks: list[Future[Any]] = []
        self.n_looks_alone = 0
        self._innocent = innocent

    @property
    def deserted(self) -> bool:
        """Whether nobody will ever bring a result, or say that none comes.

        The thread of an executor that sees to its worker ends by an error of its own: a worker that grew is replaced
        with a warning, and where warnings are errors (``python -W error``, a test suite) that is the end of the thread.
        """
        thread = self.executor._executor_manager_thread
        return thread is not None and not thread.is_alive()

    @property
    def alone(self) -> bool:
        """Whether there are tasks and no process for them: it ended before the executor took notice of it."""
        sentinels = [process.sentinel for process in list((self.executor._processes or {}).values())]
        try:
            return bool(self.tasks) and len(connection.wait(sentinels, 0.0)) == len(sentinels)
        except (OSError, ValueError):  # closed at this moment, by the thread that looks after it
            return False

    def renew(self, executor: Any) -> None:
        self.executor, self.tasks, self.n_looks_alone = executor, [], 0

    def submit(self, function: Callable[..., Any], *args: Any) -> Future[Any]:
        future: Future[Any] = self.executor.submit(function, *args)
        tasks = self.tasks
        tasks.append(future)
        future.add_done_callback(lambda done: self._done(tasks, done))
        return future

    def _done(self, tasks: list[Future[Any]], future: Future[Any]) -> None:
        # When the worker dies all its tasks end; only the first of them had begun.
        if future is not tasks[0] or (future.cancelled() or isinstance(future.exception(), BrokenExecutor)):
            self._innocent.update(tasks[1:])
        tasks.remove(future)


class BorrowedPool:
    """An executor that the caller made, and alone may shut down. Only its `submit` is used.

    Parameters
    ----------
    executor : concurrent.futures.Executor
        Any executor: threads, processes, a cluster's.
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
            If it takes no more work: broken, or shut down.
        """
        try:
            return self._executor.submit(function, *args)
        except RuntimeError as error:
            raise BrokenExecutor(str(error)) from error

    def wait(self, tasks: Collection[Future[Any]]) -> list[Future[Any]]:
        """Wait until some of `tasks` are done, and return those in the order given."""
        return _first_done(tasks)

    def renew(self, cause: BaseException | None = None) -> bool:
        """Say no to a broken executor, which is its owner's to replace; one that lost a task may run it again."""
        return cause is not None and not isinstance(cause, BrokenExecutor)

    def blames(self, task: Future[Any]) -> bool:
        """Yes: who it was nobody knows."""
        return True

    def abort(self) -> None:
        """Nothing: the engine has cancelled what was waiting, and running tasks belong to the executor."""

    def kill(self, pid: int) -> None:
        """Nothing: its workers are its owner's, so there is no time limit; see `choose_pool`."""

    def bounded(self, n_threads: int | None = None) -> AbstractContextManager[Any]:
        """Bound this process; where the workers are its own threads, to what they may use."""
        return bounded(1) if self.by_file else bounded(n_threads or self.n_threads, "blas")


def choose_pool(n_jobs: int | None, executor: Executor | None, *, killing: bool = False) -> Pool | None:
    """Decide who does the work; None means this thread, and is the answer to a search inside a task of another one.

    Parameters
    ----------
    n_jobs : int or None
        As scikit-learn has it: None is 1, or what ``joblib.parallel_config`` says; -1 is every core.
    executor : concurrent.futures.Executor or None
        The caller's own; `n_jobs` then says how many workers it has, where it does not say so itself.
    killing : bool
        Whether a task may have to be ended, which takes a process of our own even for a single worker.

    Raises
    ------
    InvalidArgument
        If `n_jobs` is 0, the executor is shut down or broken, or tasks may have to be ended where they cannot be.
    InvalidType
        If `n_jobs` is not an integer, or the executor has no `submit`.
    """
    if n_jobs is not None and (isinstance(n_jobs, bool) or not hasattr(n_jobs, "__index__")):
        raise InvalidType(f"n_jobs must be an integer or None, got {n_jobs!r}")
    if n_jobs is not None and int(n_jobs) == 0:
        raise InvalidArgument("n_jobs must not be 0: 1 works in this process, -1 on every core")
    if executor is not None and not callable(getattr(executor, "submit", None)):
        raise InvalidType(f"executor must be a concurrent.futures.Executor, got {executor!r}")
    if killing and (executor is not None or inside_worker()):
        where = "with executor=, whose processes are not its own" if executor is not None else "inside another search"
        raise InvalidArgument(f"fit_timeout ends the process of a fold, which hpcore cannot do {where}")
    if inside_worker():
        # The cores are busy; and tasks that wait for others of the same executor may wait for ever.
        return None
    if executor is None:
        n_workers = int(joblib.effective_n_jobs(n_jobs))
        return None if n_workers == 1 and not killing else OwnPool(n_workers)
    try:
        executor.submit(_nothing)  # not waited for: all its workers may be busy
    except Exception as error:
        raise InvalidArgument(f"executor does not accept work: {type(error).__name__}: {error}") from error
    if n_jobs is None:
        n_jobs = getattr(executor, "_max_workers", None) or joblib.cpu_count()
    return BorrowedPool(executor, max(1, int(joblib.effective_n_jobs(n_jobs))))


def _first_done(tasks: Collection[Future[Any]], seconds: float | None = None) -> list[Future[Any]]:
    done, _ = wait(tasks, seconds, FIRST_COMPLETED)
    return [task for task in tasks if task in done]


def _begin_worker(parent: int) -> None:
    if hasattr(os, "setpgrp"):
        os.setpgrp()
        threading.Thread(target=_end_with, args=(parent,), name="hpcore-orphan", daemon=True).start()
    # Ctrl-C reaches a whole process group. The parent decides what stops; an idle worker would die of it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _end_with(parent: int) -> None:
    """End this worker, and what it started, when the process that it works for is gone: nobody waits for it."""
    while os.getppid() == parent:
        time.sleep(_SECONDS_BETWEEN_LOOKS)
    os.killpg(0, signal.SIGKILL)


def _nothing() -> None:
    return None
