"""Transfer of the workload to each worker once.

All arrays of the workload are written to a temporary file that workers map into memory, so that they share one copy;
tasks carry its token and path only. Everything is pickled by cloudpickle, because estimators, rows, metadata and
arguments of scorers may be of classes and functions of a script or notebook. Files are in their own folder, which only
this user may enter and which is removed with the search. They are messages between processes of hpcore, not records:
nothing else is ever unpickled. A worker on another machine, which does not reach them, gets the workload once with a
task, see `hpcore.workers.packing`.
"""

from __future__ import annotations

import mmap
import os
import pickle
import tempfile
import uuid
import warnings
from pathlib import Path
from typing import Any, NamedTuple

import cloudpickle
import numpy as np
import sklearn

from hpcore.errors import InvalidArgument
from hpcore.evaluation.models import Models
from hpcore.evaluation.workload import Workload
from hpcore.workers.interrupts import uninterrupted
from hpcore.workers.packing import Cargo, Kept, OutOfReach, Packed

__all__ = ["Handle", "Surroundings", "SharedWorkload", "fetch", "live_warning_filters", "owns"]

_OBJECTS, _ARRAYS, _PLACES = "objects.pickle", "arrays", "places.pickle"
_MODELS = "models"

# Smaller arrays stay in the pickle.
_SMALL_BYTES = 4096
_ALIGNMENT = 64

_owned: dict[str, tuple[Workload, Surroundings]] = {}
_fetched: Kept[tuple[Workload, Surroundings]] = Kept()


class Surroundings(NamedTuple):
    """State of the calling process that a worker must see: scikit-learn's configuration and the warning filters."""

    config: dict[str, Any]
    warning_filters: list[Any]


class Handle(NamedTuple):
    """Reference that a task carries in place of the data.

    Attributes
    ----------
    token : str
        Identifier of the workload.
    owner : int
        Number of the process that owns it; a task that runs there uses the owner's objects.
    path : str
        Folder of its files; empty if every worker is a thread of the owner.
    n_threads : int
        Threads that the worker may use.
    timed : bool
        True if workers note when they begin a fold, for the watchdog.
    """

    token: str
    owner: int
    path: str
    n_threads: int
    timed: bool = False


class SharedWorkload:
    """Workload that workers can reach while the context lasts.

    Parameters
    ----------
    workload : Workload
        Workload to share.
    n_threads : int
        Threads that each worker may use.
    by_file : bool
        True if workers are other processes.
    timed : bool
        True if workers note when they begin a fold.
    """

    def __init__(self, workload: Workload, n_threads: int, by_file: bool, *, timed: bool = False) -> None:
        self._workload = workload
        self._timed = timed
        self._by_file = by_file
        self._n_threads = n_threads
        self._token = uuid.uuid4().hex
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def __enter__(self) -> Handle:
        surroundings = _current_surroundings()
        if self._by_file:
            # Where a mapped file cannot be removed (Windows), the folder goes when the interpreter exits.
            self._folder = tempfile.TemporaryDirectory(prefix="hpcore-", ignore_cleanup_errors=True)
            try:
                _write(Path(self._folder.name), self._workload, surroundings)
            except BaseException:
                self._folder.cleanup()
                raise
            self._workload.models = Models(Path(self._folder.name) / _MODELS)
        _owned[self._token] = (self._workload, surroundings)
        path = self._folder.name if self._folder is not None else ""
        return Handle(self._token, os.getpid(), path, self._n_threads, self._timed)

    def pack(self) -> Packed:
        """Pack the workload for a worker that does not reach the files."""
        surroundings = _owned[self._token][1]
        return Packed((_parts(self._workload), surroundings))

    def __exit__(self, *exc_info: object) -> None:
        _owned.pop(self._token, None)
        if self._folder is not None:
            uninterrupted(self._folder.cleanup)


def live_warning_filters() -> list[Any]:
    """Return the list of warning filters that is in force; from Python 3.14 on it may live in a context variable."""
    current: Any = getattr(warnings, "_get_filters", lambda: warnings.filters)()
    filters: list[Any] = current
    return filters


def fetch(handle: Handle, cargo: Cargo | None = None) -> tuple[Workload, Surroundings]:
    """Return the workload behind a handle: the owner's, one kept from an earlier task, `cargo` or that in the files.

    Raises
    ------
    OutOfReach
        If the files are not there.
    """
    if owns(handle):
        return _owned[handle.token]

    def read() -> tuple[Workload, Surroundings]:
        if cargo is None:
            return _read(Path(handle.path))
        parts, surroundings = cargo.unpack(read_only=True)
        return Workload(**parts), surroundings

    return _fetched.get(handle.token, read)


def owns(handle: Handle) -> bool:
    """Return True in the process that owns a workload: a fork has its table, another machine may have its number."""
    return handle.owner == os.getpid() and handle.token in _owned


def _current_surroundings() -> Surroundings:
    return Surroundings(sklearn.get_config(), list(live_warning_filters()))


def _parts(workload: Workload) -> dict[str, Any]:
    return {
        "X": _contiguous(workload.X),
        "y": _contiguous(workload.y),
        "splits": workload.splits,
        "fit_params": dict(workload.fit_params),
        "score_params": dict(workload.score_params),
        "estimator": workload.estimator,
        "scorer": workload.scorer,
        "error_score": workload.error_score,
        "return_train_score": workload.return_train_score,
        "caching": workload.caching,
        "resource": workload.resource,
        "differentiator": workload.differentiator,
        "responding": workload.responding,
    }


def _write(folder: Path, workload: Workload, surroundings: Surroundings) -> None:
    parts = _parts(workload)
    places: list[tuple[int, int]] = []
    with (folder / _ARRAYS).open("wb") as arrays, (folder / _OBJECTS).open("wb") as objects:

        def set_aside(buffer: pickle.PickleBuffer) -> bool:
            """Write a large buffer to the file of arrays; True leaves a small one among the objects."""
            raw = buffer.raw()
            if raw.nbytes < _SMALL_BYTES:
                return True
            arrays.seek(-arrays.tell() % _ALIGNMENT, os.SEEK_CUR)
            places.append((arrays.tell(), raw.nbytes))
            arrays.write(raw)
            return False

        try:
            cloudpickle.Pickler(objects, protocol=5, buffer_callback=set_aside).dump((parts, surroundings))
        except OSError:
            raise
        except Exception as error:
            raise InvalidArgument(_why_not(parts, error)) from error
    (folder / _PLACES).write_bytes(pickle.dumps(places))


def _read(folder: Path) -> tuple[Workload, Surroundings]:
    try:
        written = (folder / _PLACES).read_bytes()
    except FileNotFoundError as error:
        raise OutOfReach(str(error)) from error
    places = pickle.loads(written)  # noqa: S301 - written by the process that sent us here
    buffers: list[memoryview] = []
    if places:
        with (folder / _ARRAYS).open("rb") as file:
            whole = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        buffers = [whole[start : start + size] for start, size in places]
    with (folder / _OBJECTS).open("rb") as file:
        parts, surroundings = pickle.load(file, buffers=buffers)  # noqa: S301 - likewise
    workload = Workload(**parts)
    workload.models = Models(folder / _MODELS)
    return workload, surroundings


def _contiguous(value: Any) -> Any:
    """Copy an array with gaps to one without, which workers can share; return other values as they are."""
    if type(value) is np.memmap:
        value = np.asarray(value)  # the same pages: numpy.memmap is a Python subclass, slower to index
    return value.copy(order="K") if type(value) is np.ndarray and not value.flags.forc else value


def _why_not(parts: dict[str, Any], error: Exception) -> str:
    """Write the message that names the part that cannot be sent."""
    for name, part in parts.items():
        try:
            cloudpickle.dumps(part)
        except Exception as own:
            return _cannot_be_sent(name, own)
    return _cannot_be_sent("the search", error)


def _cannot_be_sent(name: str, error: Exception) -> str:
    return (
        f"{name} cannot be sent to worker processes: {type(error).__name__}: {error}; n_jobs=1 or an executor of "
        f"threads keeps everything in this process"
    )
