"""A process that does tasks for this one, one at a time, and is replaced when it ends.

Not an executor of joblib's or of the standard library: those start a thread that the interpreter joins at its exit, as
long as it takes; count on a worker that leaves to leave soon; and give a worker its next task before the last one is
done, so that after a death nobody knows which it was. Only their way of starting a process is used.
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

# A worker that is not needed any more is asked to leave, and may do what its libraries do at their exit; after so many
# seconds it is killed. Threads and exit handlers that a model left behind could take for ever.
SECONDS_TO_LEAVE = 5.0

# Idle workers leave after this many seconds; a search that follows sooner finds them warm.
_SECONDS_IDLE = 30.0

# One that was killed needs a moment, a large one some seconds to give back its memory.
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
    """A worker, and what it has to do. The process starts with the first task.

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
        """Run ``function(*args)`` there.

        The future raises BrokenExecutor if the process ended meanwhile, or could not be started.
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
        """Take no more tasks and drop those that wait; the process, if there is one, which the caller is to end."""
        with self._changed:
            self._closed = True
            dropped, self._tasks = list(self._tasks), deque()
            self._changed.notify()
            child, self._child = self._child, None
        for task in dropped:
            task.future.cancel()
        return child

    def _work(self) -> None:
        """Give tasks to the process and take their answers; the only thread that speaks with it."""
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
        """Send a task to the process; to a new one if there is none, or it ended while it had nothing to do."""
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
        """End what is left of a process that died, or that cut itself off."""
        self._child = None
        kill_all([child])


class _Child:
    """A process, and the pipes to it."""

    def __init__(self, n_threads: int) -> None:
        # Started by the way of loky: without running the user's main module again, and with an environment of its own
        # before any library loads.
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
        """Whether the process has ended. It is not reaped: nobody else gets its number, which is its group's."""
        if not hasattr(os, "waitid"):
            return not self._process.is_alive()
        try:
            return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
        except ChildProcessError:  # the user's program waits for all its children, or ignores them
            return True

    @property
    def how(self) -> str:
        """The exit code of a process that ended, in words."""
        code = self._process.exitcode
        if code is None:
            return ""
        with suppress(ValueError):
            if code < 0:
                return f" by {signal.Signals(-code).name}"
        return f" with exit code {code}"

    def see_off(self) -> None:
        """Let the process leave, in a thread beside; whoever waits for something else need not wait for that."""
        if _exiting:
            return  # `_end_all` does it
        threading.Thread(target=_end, args=([self], SECONDS_TO_LEAVE), name="hpcore-leaving", daemon=True).start()

    def hang_up(self) -> None:
        """Let the worker hear that there will be no more tasks."""
        with suppress(OSError):
            self.tasks.close()

    def wait(self, seconds: float) -> None:
        """Wait for the end of the process, no longer than so."""
        with suppress(OSError, ValueError):
            # A hint only: code that closes what it finds open closes the sentinel as well.
            if connection.wait([self._process.sentinel], seconds):
                time.sleep(min(seconds, _SECONDS_BETWEEN_LOOKS_AT_THE_END))

    def forget(self) -> None:
        """Let go of the pipes and of the process."""
        self._process.is_alive()  # reaps it
        _children.discard(self)
        self.hang_up()
        with suppress(OSError):
            self.answers.close()


class _Told(Exception):
    """Shows where in a worker an error was raised."""

    def __str__(self) -> str:
        return f"\n{self.args[0]}"


def kill_all(children: Collection[_Child]) -> None:
    """Kill workers and all that they started, and wait for their end; say what cannot be killed."""
    _end(children, 0.0)


def _end(children: Collection[_Child], seconds: float) -> None:
    """End workers: give them so many seconds to leave, then kill them. With all that they started, in either case."""
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
    """Wait for the end of processes; those that live on after so many seconds."""
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
    """In a fork of this process, let go of the pipes to its workers, which would not hear that they are to leave."""
    for child in list(_children):
        for end in (child.tasks, child.answers):
            with suppress(OSError):
                end.close()
    _children.clear()


def _without_interrupts(function: Callable[[], None]) -> None:
    """Call a function that starts a process, which is deaf to Ctrl-C from its first moment and until it changes that.

    A terminal sends it to all processes of a group, and a worker is in that of its parent until it has imported what
    it needs. What is blocked for a thread is so for the processes that it starts.
    """
    if not hasattr(signal, "pthread_sigmask"):
        function()
        return
    from multiprocessing import resource_tracker

    from joblib.externals.loky.backend import resource_tracker as loky_tracker

    # Started with the first process otherwise, and they unblock it.
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
