"""Identities of workers: names by which other processes of the same machine can tell whether a worker is alive."""

from __future__ import annotations

import os
import socket
import uuid
from enum import Enum
from functools import lru_cache
from pathlib import Path
from weakref import WeakValueDictionary

__all__ = ["Identity", "Life", "life_of"]

# Most digits of a process id; a store may contain any text.
MOST_DIGITS = 10
# Workers of this process that exist, by the last part of their name.
_here: WeakValueDictionary[str, Identity] = WeakValueDictionary()


class Identity:
    """Identity of a worker, which is alive as long as this object and its process exist.

    Attributes
    ----------
    name : str
        Machine, process id, start time of the process and a random part, separated by ``|``.
    """

    def __init__(self) -> None:
        self._make()

    def _make(self) -> None:
        self._pid = os.getpid()
        nonce = uuid.uuid4().hex
        self._name = "|".join([_machine(), str(self._pid), _start_of(self._pid) or "?", nonce])
        _here[nonce] = self

    @property
    def name(self) -> str:
        """Name of the worker; a forked child gets another one than its parent."""
        if os.getpid() != self._pid:
            self._make()
        return self._name


class Life(Enum):
    """State of a worker, as far as this process can tell."""

    ALIVE = "alive"
    DEAD = "dead"  # its process has ended
    GONE = "gone"  # its process is this one, and the worker does not exist any more
    UNKNOWN = "unknown"  # it belongs to another machine: its lease must expire


def life_of(worker: str) -> Life:
    """Return the state of a worker, given its name; the age of its lease does not matter."""
    machine, _, rest = worker.partition("|")
    parts = rest.split("|")
    known = len(parts) == 3 and parts[0].isascii() and parts[0].isdecimal() and len(parts[0]) <= MOST_DIGITS
    if not known or parts[1] == "?" or machine != _machine():
        return Life.UNKNOWN
    pid = int(parts[0])
    began = _start_of(pid)
    if began is None and _is_hidden(pid):
        return Life.UNKNOWN
    if began != parts[1]:
        return Life.DEAD
    if pid == os.getpid() and parts[2] not in _here:
        return Life.GONE
    return Life.ALIVE


def _is_hidden(pid: int) -> bool:
    """Tell whether a process exists that this user cannot read about: /proc may hide processes of others."""
    if os.name != "posix":  # on other systems signal 0 is not a mere check
        return False
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except (OSError, OverflowError):
        return False
    return False  # it may be signalled, so it is the user's own: a zombie


def _machine() -> str:
    """Name this machine, its last boot and its namespace of process ids."""
    return _machine_of(os.getpid())


# Needed for every running trial at every ask, and constant for a process; the argument makes it new after a fork.
@lru_cache(maxsize=1)
def _machine_of(pid: int) -> str:
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        namespace = Path("/proc/self/ns/pid").readlink()
    except OSError:
        return socket.gethostname().replace("|", "")
    return f"{socket.gethostname().replace('|', '')}/{boot}/{namespace}"


def _start_of(pid: int) -> str | None:
    """Return the start time of a process in ticks since the boot; None if there is no such process, or no /proc."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    # The name in parentheses may contain anything; the state follows it, and the start time 19 fields later.
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in "ZXx" else fields[19]
