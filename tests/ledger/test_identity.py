"""State of a worker, as other processes of its machine see it."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

from hpcore.ledger import identity
from hpcore.ledger.identity import Identity, Life, life_of

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere nobody can tell")


def child() -> tuple[int, str, int]:
    """Start a process that waits; return its id, the name of a worker in it, and a pipe whose closing ends it."""
    reading, writing = os.pipe()
    names, told = os.pipe()
    pid = os.fork()
    if not pid:
        os.close(writing)
        os.write(told, Identity().name.encode())
        os.close(told)
        os.read(reading, 1)
        os._exit(0)
    os.close(reading)
    os.close(told)
    name = b""
    while part := os.read(names, 4096):
        name += part
    os.close(names)
    return pid, name.decode(), writing


@linux
def test_another_process() -> None:
    pid, name, writing = child()
    assert life_of(name) is Life.ALIVE
    os.kill(pid, signal.SIGSTOP)
    assert life_of(name) is Life.ALIVE
    os.kill(pid, signal.SIGCONT)
    os.close(writing)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    assert life_of(name) is Life.DEAD, "a zombie evaluates nothing"
    os.waitpid(pid, 0)
    assert life_of(name) is Life.DEAD


@linux
def test_a_worker_of_this_process() -> None:
    worker = Identity()
    name = worker.name
    assert life_of(name) is Life.ALIVE
    del worker
    assert life_of(name) is Life.GONE


@linux
def test_a_process_id_that_was_used_again() -> None:
    machine, pid, began, nonce = Identity().name.split("|")
    assert life_of("|".join([machine, pid, str(int(began) - 1), nonce])) is Life.DEAD
    assert life_of("|".join([machine, str(2**22 + 1), began, nonce])) is Life.DEAD


@linux
def test_a_process_that_this_user_may_not_see(monkeypatch: pytest.MonkeyPatch) -> None:
    """/proc mounted with hidepid: another user's worker must not be taken for dead."""
    machine, pid, began, nonce = Identity().name.split("|")
    name = "|".join([machine, str(int(pid) + 1), began, nonce])

    def kill(pid: int, number: int) -> None:
        assert number == 0
        raise error

    monkeypatch.setattr(identity, "_start_of", lambda pid: None)
    monkeypatch.setattr(os, "kill", kill)
    error: OSError = PermissionError()
    assert life_of(name) is Life.UNKNOWN
    error = ProcessLookupError()
    assert life_of(name) is Life.DEAD


@pytest.mark.parametrize(
    "name",
    ["", "a", "elsewhere|1|2|3", "{machine}|1|?|3", "{machine}|x|2|3", "{machine}|" + "9" * 5000 + "|2|3",
     "{machine}|1|2", "{machine}|1|2|3|4", "{machine}|-1|2|3", "{machine}|٣a|2|3"],
)  # fmt: skip
def test_names_of_which_nothing_is_known(name: str) -> None:
    assert life_of(name.replace("{machine}", Identity().name.split("|")[0])) is Life.UNKNOWN


def test_a_system_without_proc(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(self: Path, *args: object, **kwargs: object) -> str:
        raise FileNotFoundError

    monkeypatch.setattr(Path, "read_text", missing)
    worker = Identity()
    assert worker.name.split("|")[2] == "?"
    assert life_of(worker.name) is Life.UNKNOWN
