"""Processes of trials: each with a time limit, and ended with all that it started."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from hpcore.errors import FitTimeout

__all__ = ["EndedEarly", "Processes", "ProgramFailed", "end_process", "kill_process"]

# Lines at the end of the output that an error shows.
TAIL = 20
# Seconds from the request to end to the end by force.
GRACE = 3.0
# Seconds between two looks at a process that prints nothing.
LOOK = 0.2


class ProgramFailed(RuntimeError):
    """A program ended with an error."""


class EndedEarly(RuntimeError):
    """A program was ended because its run has ended."""


class Processes:
    """Processes that run now, so that all can be ended."""

    def __init__(self) -> None:
        self._running: set[subprocess.Popen[str]] = set()
        self._lock = threading.Lock()
        self._over = False

    def run(
        self,
        command: str | Sequence[str],
        *,
        line: Callable[[str], bool],
        seconds: float | None,
        folder: Path | None,
        environment: Mapping[str, str],
    ) -> bool:
        """Run a program to its end.

        Parameters
        ----------
        command : str or sequence of str
            Line for the shell, or program and arguments.
        line : callable
            Function called with each line of its output and errors; False ends the program.
        seconds : float, optional
            Time limit.
        folder : Path, optional
            Working folder.
        environment : mapping of str to str
            Further variables.

        Returns
        -------
        bool
            False if `line` ended the program.

        Raises
        ------
        FitTimeout
            The program took longer than its limit, and was ended.
        ProgramFailed
            It ended with an exit code other than 0; the message has the end of its output.
        EndedEarly
            `end` was called.
        OSError
            It could not be started.
        """
        tail: deque[str] = deque(maxlen=TAIL)
        with self._started(command, folder, environment) as process:
            for text in _lines(process, seconds):
                tail.append(text)
                if not line(text):
                    return False
        if self._over:
            raise EndedEarly("the run has ended")
        code = process.returncode
        if code:
            cause = f"signal {-code}" if code < 0 else f"exit code {code}"
            raise ProgramFailed(f"the command ended with {cause}; the end of its output:\n" + "\n".join(tail))
        return True

    def end(self) -> None:
        """End all processes, and refuse new ones."""
        with self._lock:
            self._over = True
            running = list(self._running)
        for process in running:
            with contextlib.suppress(ProcessLookupError):
                kill_process(process)

    def open(self) -> None:
        """Allow processes again."""
        self._over = False

    @contextlib.contextmanager
    def _started(
        self, command: str | Sequence[str], folder: Path | None, environment: Mapping[str, str]
    ) -> Iterator[subprocess.Popen[str]]:
        with self._lock:
            if self._over:
                raise EndedEarly("the run has ended")
            # A session of its own, so that its whole group can be ended. The line of a sweep is the user's own.
            process = subprocess.Popen(
                command,
                shell=isinstance(command, str),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                cwd=folder,
                env={**os.environ, "PYTHONUNBUFFERED": "1", **environment},
                text=True,
                encoding="utf-8",
                errors="replace",
                start_new_session=True,
            )
            self._running.add(process)
        try:
            yield process
        finally:
            end_process(process)
            with self._lock:
                self._running.discard(process)


def _lines(process: subprocess.Popen[str], seconds: float | None) -> Iterator[str]:
    """The lines of a process until it ends; read by a thread, so that a silent one has a time limit too."""
    end = None if seconds is None else time.monotonic() + seconds
    lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(process, lines), daemon=True).start()
    is_open = True
    while True:
        if end is not None and time.monotonic() > end:
            raise FitTimeout(f"the trial took longer than trial_timeout={seconds:g} s")
        try:
            text = lines.get(timeout=LOOK if is_open else 0.01)
        except queue.Empty:
            # Without a line for so long: a child that it left behind may hold the output open.
            if _has_ended(process):
                return
            continue
        if text is not None:
            yield text
        elif _has_ended(process):
            return
        is_open = is_open and text is not None


def _read(process: subprocess.Popen[str], lines: queue.SimpleQueue[str | None]) -> None:
    assert process.stdout is not None
    # Closed here: in another thread that would wait for this one, as long as anybody holds the other end.
    with process.stdout as output:
        # Progress bars end their lines with a carriage return, which text mode makes a line end as well.
        for text in output:
            lines.put(text.rstrip("\n"))
    lines.put(None)


def _has_ended(process: subprocess.Popen[Any]) -> bool:
    """True if a process has ended; the system keeps its number until `end_process`, so that its group is its own."""
    if not hasattr(os, "waitid"):
        return process.poll() is not None
    return process.returncode is not None or (
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    )


def kill_process(process: subprocess.Popen[Any]) -> None:
    """Kill a process with its group; the thread that reads from it notices."""
    if hasattr(os, "killpg"):
        os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()


def end_process(process: subprocess.Popen[Any]) -> None:
    """End a process with its group: by request, and after a moment by force; and forget it."""
    if process.returncode is not None:
        return
    if hasattr(os, "killpg"):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
            end = time.monotonic() + GRACE
            while not _has_ended(process) and time.monotonic() < end:
                time.sleep(0.01)
            kill_process(process)
    else:
        process.kill()
    process.wait()
