"""Main loop of a worker process: one task after the other, until its parent closes the pipe."""

from __future__ import annotations

import faulthandler
import gc
import importlib
import os
import pickle
import signal
import sys
import threading
import time
import traceback
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import cloudpickle

from hpcore.workers.ending import kill_trees, started_by

__all__ = ["FAILED", "LEAVES", "serve"]

# Bits of the first byte of an answer: the task raised an error; the worker ends and accepts no more tasks.
FAILED, LEAVES = 1, 2

# A worker is replaced when its memory has grown by this much since its first task: libraries that keep data would
# fill the machine in a long search.
_MOST_GROWTH = 300_000_000
_SECONDS_BETWEEN_LOOKS = 1.0


def serve(parent: int, tasks: Connection, answers: Connection) -> None:
    """Run tasks from the pipe `tasks`, each pickled as (function, arguments), until its other end is closed.

    Parameters
    ----------
    parent : int
        Number of the process that this one works for; it ends when that one does.
    tasks, answers : Connection
        Ends of two pipes. The answer to a task is a byte of flags and the pickle of its result or error.
    """
    me = os.getpid()
    _settle(parent)
    if hasattr(os, "register_at_fork"):
        # A fork that outlives this process would keep the pipes open, by whose end the parent notices a death.
        os.register_at_fork(after_in_child=lambda: _close(tasks, answers))
    memory = _Memory()
    while True:
        try:
            message = tasks.recv_bytes()
        except (EOFError, OSError):
            return
        flags, answer = _do(message)
        del message
        if os.getpid() != me:
            os._exit(0)  # a fork made by the task that returned here; the original process continues
        leaves = memory.excessive()
        try:
            answers.send_bytes(bytes([flags | LEAVES * leaves]) + answer)
        except OSError:
            return
        del answer
        if leaves:
            return


def _do(message: bytes) -> tuple[int, bytes]:
    try:
        function, args = pickle.loads(message)  # noqa: S301 - from our own parent, through a pipe of its own
        # cloudpickle, because results may be of classes of a notebook.
        return 0, cloudpickle.dumps(function(*args))
    except BaseException as error:
        told = traceback.format_exc()
        try:
            answer: bytes = cloudpickle.dumps((error, told))
            pickle.loads(answer)  # noqa: S301 - pickled one line further up
        except Exception:
            answer = pickle.dumps((RuntimeError(told.strip().rpartition("\n")[2]), told))
        return FAILED, answer


def _settle(parent: int) -> None:
    # Ctrl-C reaches a whole process group. The parent decides what stops; an idle worker would die of it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})  # see `WorkerProcess`
    if hasattr(os, "setpgrp"):
        os.setpgrp()
        threading.Thread(target=_end_with, args=(parent,), name="hpcore-orphan", daemon=True).start()
    if "PYTHONFAULTHANDLER" not in os.environ and sys.stderr is not None:
        with suppress(OSError, ValueError, RuntimeError):  # stderr is no file
            faulthandler.enable()  # says where native code crashed


def _end_with(parent: int) -> None:
    """End this worker and all that it started when the process that it works for has ended."""
    while os.getppid() == parent:
        time.sleep(_SECONDS_BETWEEN_LOOKS)
    me = os.getpid()
    kill_trees([process.pid for process in started_by([me])])
    os.killpg(0, signal.SIGKILL)


def _close(*connections: Connection) -> None:
    for connection in connections:
        with suppress(OSError):
            connection.close()


class _Memory:
    """Growth of the memory of this process since the first question, measured at most once a second."""

    def __init__(self) -> None:
        self._first: int | None = None
        self._last_look = 0.0

    def excessive(self) -> bool:
        now = time.monotonic()
        if self._first is None:
            gc.collect()
            self._first = _own_memory()
        elif now - self._last_look < _SECONDS_BETWEEN_LOOKS:
            return False
        elif _own_memory() - self._first > _MOST_GROWTH:
            gc.collect()
            if _own_memory() - self._first > _MOST_GROWTH:
                return True
        self._last_look = time.monotonic()
        return False


def _own_memory() -> int:
    """Bytes of private memory of this process, without mapped files; 0 if they cannot be read."""
    with suppress(OSError, ValueError):
        for line in Path("/proc/self/status").read_bytes().splitlines():
            if line.startswith(b"RssAnon:"):
                return 1024 * int(line.split()[1])
    try:
        psutil: Any = importlib.import_module("psutil")
    except ImportError:
        return 0
    return int(psutil.Process().memory_info().rss)
