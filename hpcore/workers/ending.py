"""Termination of processes and of all that they started, in bounded time.

A worker leads a process group, so that its child processes end with it, also after its own death. A process that has
left the group (a program in a session of its own) is found by its parent while the parent lives. A program that has
left both, as daemons do, may be meant to outlive the search: it is found by an inherited environment variable, named in
a warning and left running.
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

__all__ = ["MARK", "kill_trees", "left_running", "marked", "started_by", "wait_until_gone"]

log = logging.getLogger("hpcore")

# Environment variable that every process inherits from the worker that started it.
MARK = "HPCORE_WORKER"

# A process that was killed needs a moment, a large one some seconds to give back its memory.
_SECONDS_TO_DIE = 5.0
_SECONDS_BETWEEN_LOOKS = 0.005
_SECONDS_FOR_A_COMMAND = 5.0


class Process(NamedTuple):
    """A process, as the system lists it; `start` tells it from a later one of the same number, where it is known."""

    pid: int
    parent: int
    group: int
    start: str


def started_by(pids: Collection[int]) -> list[Process]:
    """Find living descendants of some processes and members of the groups that they lead, without the processes."""
    if sys.platform == "win32":
        return []  # `kill_trees` ends a tree at once there
    listed = _listed()
    known = set(pids)
    found: list[Process] = []
    while new := [p for p in listed if p.pid not in known and (p.parent in known or p.group in pids)]:
        known.update(p.pid for p in new)
        found += new
    return found


def kill_trees(pids: Collection[int], also: Collection[Process] = ()) -> list[Process]:
    """Kill processes and all that they started, without waiting for their end.

    Parameters
    ----------
    pids : collection of int
        Children of this process that it has not reaped, so that no other process can have got their numbers.
    also : collection of Process
        Processes that they are known to have started; the parent of one may have ended and cannot be read any more.

    Returns
    -------
    list of Process
        Processes that they had started.
    """
    if sys.platform == "win32":
        for pid in pids:
            _run(["taskkill", "/F", "/T", "/PID", str(pid)])
        return []
    now = {process.pid: process for process in started_by(pids)}
    if also:
        listed = {process.pid: process.start for process in _listed()}
        now.update({p.pid: p for p in also if listed.get(p.pid) == p.start})
        now.update({p.pid: p for p in started_by(now)})
    for pid in pids:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)
        with suppress(ProcessLookupError, PermissionError):  # it leads no group yet, or there is nobody left in it
            os.killpg(pid, signal.SIGKILL)
    for process in now.values():
        with suppress(ProcessLookupError, PermissionError):
            os.kill(process.pid, signal.SIGKILL)
    return list(now.values())


def wait_until_gone(processes: Collection[Process], seconds: float = _SECONDS_TO_DIE) -> list[Process]:
    """Wait for the end of processes that are not children of this one; return those that live after `seconds`."""
    end = time.monotonic() + seconds
    living = [process for process in processes if not _gone(process)]
    while living and time.monotonic() < end:
        time.sleep(_SECONDS_BETWEEN_LOOKS)
        living = [process for process in living if not _gone(process)]
    return living


def left_running(pids: Collection[int]) -> None:
    """Log a warning that names processes that were not ended."""
    if pids:
        names = ", ".join(f"{pid}{_name(pid)}" for pid in pids)
        log.warning("processes that workers of hpcore started were not ended, and are left running: %s", names)


def marked(marks: Collection[str]) -> list[int]:
    """Find living processes with one of some marks in their environment; none where there is no /proc."""
    wanted = {f"{MARK}={mark}".encode() for mark in marks}
    found = []
    for process in _listed() if sys.platform.startswith("linux") else []:
        with suppress(OSError):  # it has ended, or is another user's
            if not wanted.isdisjoint(Path(f"/proc/{process.pid}/environ").read_bytes().split(b"\0")):
                found.append(process.pid)
    return found


def _listed() -> list[Process]:
    """List all processes of the system; empty where they cannot be listed."""
    if sys.platform.startswith("linux"):
        numbers = (int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit())
        return [process for pid in numbers if (process := _read(pid)) is not None]
    found = []
    for line in _run(["ps", "-A", "-o", "pid=,ppid=,pgid="]).splitlines():
        with suppress(ValueError):
            pid, parent, group = map(int, line.split())
            found.append(Process(pid, parent, group, ""))
    return found


def _read(pid: int) -> Process | None:
    """Read a living process from Linux's /proc; None if it has ended."""
    try:
        # The name, in brackets, may hold anything.
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        return None if fields[0] in b"ZX" else Process(pid, int(fields[1]), int(fields[2]), fields[19].decode())
    except (OSError, IndexError):
        return None


def _gone(process: Process) -> bool:
    if sys.platform.startswith("linux"):
        now = _read(process.pid)
        return now is None or now.start != process.start
    try:
        os.kill(process.pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


def _name(pid: int) -> str:
    with suppress(OSError):
        return f" ({Path(f'/proc/{pid}/comm').read_text(errors='replace').strip()})"
    return ""


def _run(command: list[str]) -> str:
    with suppress(OSError, subprocess.SubprocessError):
        return subprocess.run(
            command, capture_output=True, text=True, timeout=_SECONDS_FOR_A_COMMAND, check=False
        ).stdout
    return ""
