"""Who evaluates a trial: this process, named so that others on the same machine can see whether it still lives."""

from __future__ import annotations

import os
import socket
import uuid
from pathlib import Path
from weakref import WeakValueDictionary

__all__ = ["Identity", "is_dead"]

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


def is_dead(worker: str) -> bool:
    """Whether a worker is known to have ended; False where that cannot be known, and its lease must run out."""
    machine, _, rest = worker.partition("|")
    parts = rest.split("|")
    if (
        machine != _machine()
        or len(parts) != 3
        or not (parts[0].isascii() and parts[0].isdecimal() and len(parts[0]) < 19)
        or parts[1] == "?"
    ):
        return False
    pid = int(parts[0])
    if pid == os.getpid() and parts[1] == _start_of(pid):
        return parts[2] not in _here
    return _start_of(pid) != parts[1]


def _machine() -> str:
    """This machine since its last start, as seen by processes that share process ids."""
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
