"""Worker process that runs one task at a time, and is replaced when it ends.

Executors of joblib and of the standard library are not used: they start a thread that the interpreter joins at its exit
without a limit; they expect that a worker that is asked to end does so soon; and they give a worker its next task
before the last one is done, so that after a death the task at fault is unknown. Only joblib's way of starting a process
is used.
"""

from __future__ import annotations

import atexit
import multiprocessing.process
import os
import pickle
import signal
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Collection
from concurrent.futures import BrokenExecutor, Future, InvalidStateError
from contextlib import suppress
from multiprocessing import Pipe, connection
from typing import Any, NamedTuple

import cloudpickle

from hpcore.workers.ending import MARK, kill_trees, left_running, marked, started_by, wait_until_gone
from hpcore.workers.serving import FAILED, LEAVES, serve
from hpcore.workers.threads import environment

__all__ = ["SECONDS_TO_LEAVE", "WorkerProcess", "kill_all"]

# A worker that is not needed any more is asked to end, and may run the exit handlers of its libraries; after so many
# seconds it is killed. Threads and exit handlers that a model left behind could run for ever.
SECONDS_TO_LEAVE = 5.0

# Idle workers end after this many seconds; a search that follows sooner finds them started.
_SECONDS_IDLE = 30.0

# A killed process needs a moment to end, a large one some seconds to release its memory.
_SECONDS_TO_DIE = 5.0

_SECONDS_BETWEEN_LOOKS = 1.0
_SECONDS_BETWEEN_LOOKS_AT_THE_END = 0.01

_children: set[_Child] = set()  # started, and not seen to end
_starting = threading.Lock()
_exiting = False


class _Task(NamedTuple):
    future: Future[Any]
    function: Callable[..., Any]
    args: tuple[Any, ...]


class WorkerProcess:
    """Worker with its queue of tasks. The process starts with the first task.

    Parameters
    ----------
    n_threads : int
        Threads that numerical libraries may use there.
    """

    def __init__(self, n_threads: int) -> None:
        self._n_threads = n_threads
        self._tasks: deque[_Task] = deque()
        self._busy = False
        self._thread: threading.Thread | None = None
        self._child: _Child | None = None
        self._closed = False
        self._changed = threading.Condition()

    @property
    def n_tasks(self) -> int:
        """Number of tasks that wait or run."""
        return len(self._tasks) + self._busy

    def submit(self, function: Callable[..., Any], *args: Any) -> Future[Any]:
        """Run ``function(*args)`` in the process.

        The future raises BrokenExecutor if the process ended before the task was done, or could not be started.
        """
        future: Future[Any] = Future()
        with self._changed:
            self._tasks.append(_Task(future, function, args))
            if self._thread is None:
                # A daemon: nobody waits for it at the interpreter's exit, see `_end_all`.
                self._thread = threading.Thread(target=self._work, name="hpcore-worker", daemon=True)
                self._thread.start()
            self._changed.notify()
        return future

    def close(self) -> _Child | None:
        """Accept no more tasks and cancel those that wait; return the process, if any, for the caller to end."""
        with self._changed:
            self._closed = True
            dropped, self._tasks = list(self._tasks), deque()
            self._changed.notify()
            child, self._child = self._child, None
        for task in dropped:
            task.future.cancel()
        return child

    def _work(self) -> None:
        """Send tasks to the process and receive their answers; the only thread that communicates with it."""
        while (task := self._next()) is not None:
            if not task.future.set_running_or_notify_cancel():
                self._busy = False
                continue
            value, error = None, None
            try:
                value = self._do(task)
            except BaseException as failure:
                error = failure
            self._busy = False  # before the result is known: whoever waits for it sees a worker that is free
            with suppress(InvalidStateError):
                if error is None:
                    task.future.set_result(value)
                else:
                    task.future.set_exception(error)
            del task, value, error

    def _next(self) -> _Task | None:
        with self._changed:
            if not self._changed.wait_for(lambda: self._tasks or self._closed, _SECONDS_IDLE) or self._closed:
                self._thread = None
                child, self._child = self._child, None
            else:
                self._busy = True
                return self._tasks.popleft()
        if child is not None:
            child.see_off()
        return None

    def _do(self, task: _Task) -> Any:
        message = cloudpickle.dumps((task.function, task.args))
        child = self._send(message)
        del message
        try:
            while not child.answers.poll(_SECONDS_BETWEEN_LOOKS):
                # Normally the end of a process is an end of its pipe; something it started may hold that open.
                if child.ended and not child.answers.poll(0):
                    raise EOFError
            answer = child.answers.recv_bytes()
        except (EOFError, OSError):
            self._lose(child)
            raise BrokenExecutor(f"the worker process ended{child.how}") from None
        if answer[0] & LEAVES:
            self._child = None
            child.see_off()
        found = pickle.loads(memoryview(answer)[1:])  # noqa: S301 - from our own worker, through a pipe of its own
        if answer[0] & FAILED:
            error, told = found
            raise error from _Told(told)
        return found

    def _send(self, message: bytes) -> _Child:
        """Send a task to the process, or to a new one if there is none or it ended while it was idle."""
        if self._child is not None and self._child.ended:
            self._lose(self._child)
        for last in (False, True):
            child = self._child
            if child is None:
                child = self._start()
            try:
                child.tasks.send_bytes(message)
            except OSError as error:
                self._lose(child)
                if last:
                    raise BrokenExecutor(f"the worker process ended at once{child.how}") from error
            else:
                return child
        raise AssertionError

    def _start(self) -> _Child:
        try:
            child = _Child(self._n_threads)
        except OSError as error:
            raise BrokenExecutor(f"no worker process can be started: {error}") from error
        with self._changed:
            if not self._closed:
                self._child = child
                return child
        kill_all([child])
        raise BrokenExecutor("the search has ended")

    def _lose(self, child: _Child) -> None:
        """End the remains of a process that died or closed its pipes."""
        self._child = None
        kill_all([child])


class _Child:
    """Process and the pipes to it."""

    def __init__(self, n_threads: int) -> None:
        # Started as loky does: without running the user's main module again, and with its environment set before any
        # library loads.
        from joblib.externals.loky.backend import get_context

        task_end, self.tasks = Pipe(duplex=False)
        self.answers, answer_end = Pipe(duplex=False)
        self.mark = uuid.uuid4().hex
        try:
            with _starting:
                if _exiting:
                    raise BrokenExecutor("the interpreter is exiting")
                self._process = get_context("loky").Process(
                    target=serve,
                    args=(os.getpid(), task_end, answer_end),
                    env={**environment(n_threads), MARK: self.mark},
                )
                _without_interrupts(self._process.start)
                self.pid: int = self._process.pid
                _children.add(self)
            # multiprocessing would join it at the interpreter's exit, for as long as that takes.
            getattr(multiprocessing.process, "_children", set()).discard(self._process)
        except BaseException:
            self.tasks.close()
            self.answers.close()
            raise
        finally:
            task_end.close()
            answer_end.close()

    @property
    def ended(self) -> bool:
        """Tell whether the process has ended, without reaping it: its number, which is its group's, is not reused."""
        if not hasattr(os, "waitid"):
            return not self._process.is_alive()
        try:
            return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
        except ChildProcessError:  # the user's program waits for all its children, or ignores them
            return True

    @property
    def how(self) -> str:
        """Exit code of a process that ended, as text for a message; empty if it is unknown."""
        code = self._process.exitcode
        if code is None:
            return ""
        with suppress(ValueError):
            if code < 0:
                return f" by {signal.Signals(-code).name}"
        return f" with exit code {code}"

    def see_off(self) -> None:
        """End the process in a thread, without waiting for it."""
        if _exiting:
            return  # `_end_all` does it
        threading.Thread(target=_end, args=([self], SECONDS_TO_LEAVE), name="hpcore-leaving", daemon=True).start()

    def hang_up(self) -> None:
        """Close the pipe of tasks, so that the worker ends."""
        with suppress(OSError):
            self.tasks.close()

    def wait(self, seconds: float) -> None:
        """Wait for the end of the process for at most `seconds`."""
        with suppress(OSError, ValueError):
            # A hint only: code that closes what it finds open closes the sentinel as well.
            if connection.wait([self._process.sentinel], seconds):
                time.sleep(min(seconds, _SECONDS_BETWEEN_LOOKS_AT_THE_END))

    def forget(self) -> None:
        """Close the pipes and reap the process."""
        self._process.is_alive()  # reaps it
        _children.discard(self)
        self.hang_up()
        with suppress(OSError):
            self.answers.close()


class _Told(Exception):
    """Traceback of an error in a worker, as the cause of the error here."""

    def __str__(self) -> str:
        return f"\n{self.args[0]}"


def kill_all(children: Collection[_Child]) -> None:
    """Kill workers and all that they started, and wait for their end; warn of processes that cannot be killed."""
    _end(children, 0.0)


def _end(children: Collection[_Child], seconds: float) -> None:
    """End workers: kill those that have not ended after `seconds`, and in either case all that they started."""
    children = [child for child in children if child in _children]  # and not ended by another thread already
    started = started_by([child.pid for child in children]) if seconds else []
    for child in children:
        child.hang_up()
    _wait(children, seconds)
    started = kill_trees([child.pid for child in children], started)
    left = [process.pid for process in wait_until_gone(started)]
    left += [child.pid for child in _wait(children, _SECONDS_TO_DIE)]
    for child in children:
        child.forget()
    left_running(sorted({*left, *marked([child.mark for child in children])}))


def _wait(children: Collection[_Child], seconds: float) -> list[_Child]:
    """Wait for the end of processes; return those that live after `seconds`."""
    end = time.monotonic() + seconds
    living = [child for child in children if not child.ended]
    while living and (left := end - time.monotonic()) > 0:
        living[0].wait(left)
        living = [child for child in living if not child.ended]
    return living


def _end_all() -> None:
    """End the workers of this process, which is exiting."""
    global _exiting
    _exiting = True
    if _starting.acquire(timeout=SECONDS_TO_LEAVE):
        _starting.release()
    children = list(_children)
    if not children:
        return
    try:
        _end(children, SECONDS_TO_LEAVE)
    except KeyboardInterrupt:  # somebody does not want to wait
        kill_all(children)


def _forget_all() -> None:
    """Close the pipes to the workers in a fork of this process; held open there, the workers would not end."""
    for child in list(_children):
        for end in (child.tasks, child.answers):
            with suppress(OSError):
                end.close()
    _children.clear()


def _without_interrupts(function: Callable[[], None]) -> None:
    """Call a function that starts a process, with Ctrl-C blocked in that process until it changes that.

    A terminal sends Ctrl-C to all processes of a group, and a worker is in the group of its parent until it has
    imported its modules. Processes inherit blocked signals from the thread that starts them.
    """
    if not hasattr(signal, "pthread_sigmask"):
        function()
        return
    from multiprocessing import resource_tracker

    from joblib.externals.loky.backend import resource_tracker as loky_tracker

    # They would be started with the first process otherwise, and unblock the signal.
    resource_tracker.ensure_running()
    loky_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        function()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


# After multiprocessing's own handler, which has come with the imports above, and therefore called before it.
atexit.register(_end_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)
