"""Executors of the caller: their number of workers, their place for objects, and those that accept no work."""

from __future__ import annotations

import sys
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from hpcore.errors import InvalidArgument, InvalidType
from hpcore.workers import executors


class Plain(Executor):
    """Executor that says nothing of itself, and accepts work that it never does."""

    def submit(self, *args: Any, **kwargs: Any) -> Future[Any]:
        return Future()


class Adapter(Plain):
    n_workers = 5

    def put(self, value: Any) -> Any:
        return ("there", value)


class Pool(Plain):
    """Looks like the pool of mpi4py."""

    _max_workers = 2


Pool.__module__ = "mpi4py.futures.pool"


def test_how_many_workers_there_are() -> None:
    with ThreadPoolExecutor(3) as threads:
        assert executors.capacity(threads) == 3
    with ProcessPoolExecutor(2) as processes:
        assert executors.capacity(processes) == 2
    assert executors.capacity(Adapter()) == 5
    assert executors.capacity(Pool()) == 2
    assert executors.capacity(Plain()) is None


@pytest.mark.parametrize("n", [0, -1, "many", None])
def test_a_number_that_is_none_is_not_taken(n: Any) -> None:
    executor = Adapter()
    executor.n_workers = n
    assert executors.capacity(executor) is None


def test_a_place_for_objects() -> None:
    assert executors.place(Adapter(), "data") == ("there", "data")
    assert executors.place(Plain(), "data") is None


def test_an_executor_that_is_shut_down_is_named() -> None:
    executor = ProcessPoolExecutor(1)
    executor.shutdown()
    with pytest.raises(InvalidArgument, match=r"ProcessPoolExecutor, does not accept work.*shutdown.*make a new one"):
        executors.check(executor)


def test_what_is_no_executor() -> None:
    class Client:
        def submit(self, *args: Any) -> str:
            return "a future of another kind"

    Client.__module__ = "distributed.client"
    unlike: Any = Client()
    with pytest.raises(InvalidType, match=r"that of Client returns builtins.str.*get_executor\(pure=False\)"):
        executors.check(unlike)
    unlike = 5
    with pytest.raises(InvalidType, match="got 5"):
        executors.check(unlike)


def test_mpi_without_mpiexec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its first `submit` would wait for ever."""
    for name in executors._STARTED_BY_MPI:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "elsewhere"))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(InvalidArgument, match="mpiexec, which is not on PATH either: MPI") as caught:
        executors.check(Pool())
    assert "mpiexec -n 3 python -m mpi4py.futures" in str(caught.value)
    mpiexec = tmp_path / "mpiexec"
    mpiexec.write_text("#!/bin/sh\n")
    mpiexec.chmod(0o700)
    with pytest.raises(InvalidArgument, match="to PATH"):
        executors.check(Pool())
    monkeypatch.setenv("PATH", str(tmp_path))
    executors.check(Pool())
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("PMI_RANK", "0")
    executors.check(Pool())
