"""Who evaluates a trial: this process, named so that others on the same machine can see whether it still lives."""

from __future__ import annotations

import os
import socket
import uuid
from enum import Enum
from functools import lru_cache
from pathlib import Path
from weakref import WeakValueDictionary

__all__ = ["Identity", "Life", "life_of"]

# In a process id; a file may say anything.
MOST_DIGITS = 10
# Workers of this process that still exist, by the last part of their name.
_here: WeakValueDictionary[str, Identity] = WeakValueDictionary()


class Identity:
    """A worker. It is alive as long as this object and its process are.

    Attributes
    ----------
    name : str
        Machine, process id, the process's start and a random part, separated by ``|``.
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
        """Another one after a fork: the child is not its parent."""
        if os.getpid() != self._pid:
            self._make()
        return self._name


class Life(Enum):
    """State of a worker as far as this process can know."""

    ALIVE = "alive"
    DEAD = "dead"  # its process ended
    GONE = "gone"  # its process, this one, lives, and the worker itself does not exist any more
    UNKNOWN = "unknown"  # of another machine: its lease must run out


def life_of(worker: str) -> Life:
    """Whether a worker still lives, however long ago it was heard of."""
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
    """Whether there is a process of which this user may know no more: /proc may be mounted so."""
    if os.name != "posix":  # where a signal 0 is not for asking
        return False
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except (OSError, OverflowError):
        return False
    return False  # one's own, and a zombie


def _machine() -> str:
    """This machine since its last start, as seen by processes that share process ids."""
    return _machine_of(os.getpid())


# Asked of every running trial at every ask, and the same for the whole life of a process; a fork asks anew.
@lru_cache(maxsize=1)
def _machine_of(pid: int) -> str:
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        namespace = Path("/proc/self/ns/pid").readlink()
    except OSError:
        return socket.gethostname().replace("|", "")
    return f"{socket.gethostname().replace('|', '')}/{boot}/{namespace}"


def _start_of(pid: int) -> str | None:
    """When a process began, in ticks since the machine did; None if there is none, or if nobody can tell."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    # The name in parentheses may hold anything; what follows is the state, and the start as the 20th field.
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in "ZXx" else fields[19]
