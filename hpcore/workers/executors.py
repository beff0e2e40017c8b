"""Executors of the caller: how many workers they have, and where they keep an object for all of them.

Nothing is imported here: an executor of Dask or MPI is known by the module of its class. Others may have an attribute
`n_workers` and a method ``put(value)``, whose return stands for the value in ``submit(function, ..., value, ...)``.
"""

from __future__ import annotations

import os
import shutil
import sys
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any

from hpcore.errors import InvalidArgument, InvalidType

__all__ = ["capacity", "check", "place"]

# Set in every process that mpiexec starts: MPICH and its relatives, Open MPI, PMIx and Slurm.
_STARTED_BY_MPI = ("PMI_RANK", "OMPI_COMM_WORLD_RANK", "PMIX_RANK", "MPI_LOCALRANKID")


def check(executor: Executor) -> None:
    """Check that an executor accepts work, without waiting for a worker: all may be busy.

    Raises
    ------
    InvalidArgument
        If it is shut down, broken, or cannot start its workers.
    InvalidType
        If it is no executor.
    """
    kind = type(executor).__name__
    if not callable(getattr(executor, "submit", None)):
        raise InvalidType(f"executor must be a concurrent.futures.Executor, got {executor!r}")
    if _is_of(executor, "mpi4py"):
        _check_mpi()
    try:
        future = executor.submit(_nothing)
    except Exception as error:
        raise InvalidArgument(
            f"executor, of class {kind}, does not accept work ({type(error).__name__}: {error}): make a new one, which "
            f"stays open until the search has ended"
        ) from error
    if not isinstance(future, Future):
        instead = "; of a Dask client it is client.get_executor(pure=False)" if _is_of(executor, "distributed") else ""
        raise InvalidType(
            f"executor must be a concurrent.futures.Executor, whose submit returns a concurrent.futures.Future; that "
            f"of {kind} returns {type(future).__module__}.{type(future).__qualname__}{instead}"
        )


def capacity(executor: Executor) -> int | None:
    """Return the number of tasks that an executor runs at a time; None if it does not say."""
    client = _dask_client(executor)
    if client is not None:
        n: Any = sum(client.nthreads().values())
    else:
        n = getattr(executor, "n_workers", None) or getattr(executor, "_max_workers", None)
    return int(n) if isinstance(n, int) and n > 0 else None


def place(executor: Executor, value: Any) -> Any:
    """Put an object where all workers of an executor find it.

    Returns
    -------
    object or None
        Argument for `submit` that the function sees as the object, and that keeps it there; None if the executor has
        no such place.
    """
    client = _dask_client(executor)
    if client is not None:
        # By its identity: a hash of the content would read all of it once more.
        return client.scatter(value, hash=False)
    put = getattr(executor, "put", None)
    return put(value) if callable(put) else None


def _is_of(executor: Executor, package: str) -> bool:
    return any(base.__module__.partition(".")[0] == package for base in type(executor).__mro__)


def _dask_client(executor: Executor) -> Any:
    return getattr(executor, "_client", None) if _is_of(executor, "distributed") else None


def _check_mpi() -> None:
    """Raise an error where MPI would look for mpiexec to start workers, and hang without it."""
    if any(name in os.environ for name in _STARTED_BY_MPI) or shutil.which("mpiexec") or shutil.which("mpirun"):
        return
    beside = Path(sys.executable).parent / "mpiexec"
    found = f" (add {beside.parent}, where it is, to PATH)" if beside.exists() else ""
    raise InvalidArgument(
        f"executor is an MPI pool, and this process was not started by mpiexec, which is not on PATH either{found}: "
        f"MPI could not start the workers. Run `mpiexec -n 3 python -m mpi4py.futures script.py` for 2 workers"
    )


def _nothing() -> None:
    return None
