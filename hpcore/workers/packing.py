"""Transfer of one object, a function with all that it refers to, to each worker once.

It is pickled without its large arrays, which are written to a file of their own beside the pickle and mapped into each
worker's memory from there: all workers of a machine share one copy, whether the arrays belong to a frame, a sparse
matrix, a list, a closure or an object whose method is called. The mapping is private: code that writes into its data
changes the pages of its own worker only, as it did when each worker had a copy.

A worker that does not reach the file, on another machine, says so, and the object travels with the task as a `Cargo`
when that is sent again; the worker keeps it for its other tasks.

The file is a message between our own processes, not a record: nothing else is ever unpickled.
"""

from __future__ import annotations

import io
import logging
import mmap
import os
import pickle
import platform
import tempfile
import threading
import uuid
from collections import OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

import cloudpickle
import numpy as np

from hpcore.workers.interrupts import uninterrupted

if TYPE_CHECKING:
    from hpcore.workers.engine import Piece
    from hpcore.workers.pools import Pool

__all__ = ["Cargo", "Handle", "Kept", "Miss", "Missed", "OutOfReach", "Packed", "Shared", "unpack"]

log = logging.getLogger("hpcore")

T = TypeVar("T")

# Arrays of so many bytes are mapped: a page of memory.
_LARGE = 4096
# An object of fewer bytes is sent with each task, without a file.
_SMALL = 4096
# Alignment in bytes for the widest vector instructions.
_ALIGNMENT = 64
_KEPT = 2


class OutOfReach(Exception):
    """This worker has no object: it shares no disk with the process that wrote the files, or there are none."""


class Handle(NamedTuple):
    """Reference that a task carries in place of the object.

    Attributes
    ----------
    token : str
        Identifier of the object.
    folder : str
        Folder of its files; empty if there are none.
    packed : bytes
        Pickle of a whole small object; empty for a large one.
    """

    token: str
    folder: str
    packed: bytes


class _Pickler(cloudpickle.Pickler):  # type: ignore[misc]
    """Pickler that passes every large array of plain values as a buffer.

    NumPy itself does not for views that are not contiguous, for dates and for arrays that are mapped already.
    """

    def reducer_override(self, obj: Any) -> Any:
        if type(obj) in (np.ndarray, np.memmap) and obj.nbytes >= _LARGE and not obj.dtype.hasobject:
            plain = np.asarray(obj)
            if not (plain.flags.c_contiguous or plain.flags.f_contiguous):
                plain = np.ascontiguousarray(plain)
            if plain.dtype.kind in "mM":
                return _viewed, (plain.view(np.int64), plain.dtype)
            if plain is not obj:
                return np.asarray, (plain,)
        return super().reducer_override(obj)


def _viewed(array: Any, dtype: np.dtype[Any]) -> Any:
    return array.view(dtype)


class Packed:
    """A pickled object: a stream of bytes, and the large arrays that are not in it, which are not copied.

    Parameters
    ----------
    value : object
        Object that cloudpickle can pickle, classes and functions of scripts and notebooks included.
    """

    def __init__(self, value: Any) -> None:
        self.buffers: list[memoryview] = []
        stream = io.BytesIO()
        _Pickler(stream, protocol=5, buffer_callback=self._keeps).dump(value)
        self.stream = stream.getvalue()

    def _keeps(self, buffer: pickle.PickleBuffer) -> bool:
        """Tell whether a buffer stays in the stream."""
        try:
            view = buffer.raw()
        except BufferError:  # not contiguous
            return True
        if view.nbytes < _LARGE:
            return True
        self.buffers.append(view)
        return False


class Cargo:
    """Packed object on its way to a worker that does not reach the files.

    Parameters
    ----------
    stream : bytes
        Pickle of the object without its large arrays.
    buffers : sequence of buffer
        Its large arrays.

    Notes
    -----
    The buffers become arrays of bytes, which clusters know how to store and to send without copies.
    """

    def __init__(self, stream: bytes, buffers: Sequence[Any]) -> None:
        self._stream = stream
        self._arrays = [np.frombuffer(buffer, np.uint8) for buffer in buffers]

    def unpack(self, *, read_only: bool = False) -> Any:
        """Return the object; its arrays are read-only or, by default, this process's own."""
        views = [array.data for array in self._arrays]
        if read_only:
            buffers: list[Any] = [view.toreadonly() for view in views]
        else:  # the shared memory of a cluster is read-only
            buffers = [bytearray(view) if view.readonly else view for view in views]
        return pickle.loads(self._stream, buffers=buffers)  # noqa: S301 - pickled by our own parent process


class Kept(Generic[T]):
    """Objects of the latest searches that a worker unpacked: of two, as two searches may share its executor."""

    def __init__(self) -> None:
        self._objects: OrderedDict[str, T] = OrderedDict()
        # A worker of a cluster may run several tasks on threads of one process.
        self._lock = threading.Lock()

    def get(self, token: str, unpack: Callable[[], T]) -> T:
        """Return the object with a token, which is unpacked if it is not there."""
        with self._lock:
            if token not in self._objects:
                while len(self._objects) >= _KEPT:  # frees the memory of an earlier one first
                    self._objects.popitem(last=False)
                self._objects[token] = unpack()
            self._objects.move_to_end(token)
            return self._objects[token]


class Miss(NamedTuple):
    """Answer of a worker that does not have the object.

    Attributes
    ----------
    worker : str
        Machine and process of the worker.
    """

    worker: str

    @classmethod
    def here(cls) -> Miss:
        """Return the answer of this process."""
        return cls(f"{platform.node()}:{os.getpid()}")


class Missed:
    """Pieces whose worker did not have the object, and the way by which it reaches them.

    Parameters
    ----------
    pack : callable
        Function that packs the object.

    Notes
    -----
    A pool that keeps objects for its workers (`Pool.place`) gets the object once, and all tasks refer to it from then
    on. Otherwise the object goes with one task for each worker that missed it. No task can be sent to a certain worker,
    so that one that has the object already may get it again; pieces that missed it twice always take it with them.
    """

    def __init__(self, pack: Callable[[], Packed]) -> None:
        self._pack = pack
        self._cargo: Cargo | None = None
        self._placed: Any = None
        self._workers: set[str] = set()
        self._n_sent = 0
        self._n_missed: dict[int, int] = {}  # by the serial number of a bundle

    def note(self, miss: Miss, bundle: Sequence[Piece]) -> None:
        """Note that the worker of some pieces has no object; they are sent again."""
        self._workers.add(miss.worker)
        serial = bundle[0].serial
        self._n_missed[serial] = self._n_missed.get(serial, 0) + 1

    def along(self, pool: Pool, bundle: Sequence[Piece]) -> Any:
        """Return what is sent along with some pieces: the object or a reference to it, which a task sees as a `Cargo`;
        None where the worker is expected to have it.
        """
        if self._placed is not None:
            return self._placed
        n_missed = self._n_missed.get(bundle[0].serial, 0)
        if n_missed == 0 or (n_missed == 1 and self._n_sent >= len(self._workers)):
            return None
        if self._cargo is None:
            packed = self._pack()
            self._cargo = Cargo(packed.stream, packed.buffers)
            self._placed = pool.place(self._cargo)
        if self._placed is not None:
            self._cargo = None
            return self._placed
        self._n_sent += 1
        return self._cargo

    def lost(self) -> None:
        """Note that a task was lost: the place may have been the memory of its worker, and is looked for no more."""
        self._placed = None

    def clear(self) -> None:
        """Forget the object, which a cluster may then drop."""
        self._cargo = self._placed = None


class Shared:
    """Packed object that workers can reach while the context lasts.

    Parameters
    ----------
    packed : Packed
        Object to share. The references to its arrays are dropped when the context begins.

    Attributes
    ----------
    handle : Handle
        Reference for the tasks.
    """

    def __init__(self, packed: Packed) -> None:
        self._packed: Packed | None = packed
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self.handle = Handle(uuid.uuid4().hex, "", b"")

    def __enter__(self) -> Shared:
        packed, self._packed = self._packed, None
        assert packed is not None
        if not packed.buffers and len(packed.stream) <= _SMALL:
            self.handle = self.handle._replace(packed=packed.stream)
            return self
        try:
            # Where a mapped file cannot be removed (Windows), the folder goes when the interpreter exits.
            self._folder = tempfile.TemporaryDirectory(prefix="hpcore-", ignore_cleanup_errors=True)
            self._write(Path(self._folder.name), packed)
        except OSError as error:
            self.__exit__()
            log.warning("no temporary file for the data behind the objective, which is sent to each worker: %s", error)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exc_info: object) -> None:
        folder, self._folder = self._folder, None
        if folder is not None:
            uninterrupted(folder.cleanup)

    def _write(self, folder: Path, packed: Packed) -> None:
        handle = Handle(self.handle.token, str(folder), b"")
        extents = []
        with (folder / f"{handle.token}.data").open("wb") as file:
            for view in packed.buffers:
                file.write(bytes(-file.tell() % _ALIGNMENT))
                extents.append((file.tell(), view.nbytes))
                file.write(view)
        (folder / f"{handle.token}.pickle").write_bytes(pickle.dumps((packed.stream, extents), protocol=5))
        self.handle = handle


def unpack(handle: Handle) -> Any:
    """Return the object that a handle refers to.

    Raises
    ------
    OutOfReach
        If there are no files, or they are not there.
    """
    if handle.packed:
        return pickle.loads(handle.packed)  # noqa: S301 - pickled by our own parent process
    if not handle.folder:
        raise OutOfReach("no files")
    folder = Path(handle.folder)
    buffers: list[Any] = []
    try:
        stream, extents = pickle.loads((folder / f"{handle.token}.pickle").read_bytes())  # noqa: S301 - the same
        if extents:
            with (folder / f"{handle.token}.data").open("rb") as file:
                pages = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY))
            buffers = [pages[start : start + size] for start, size in extents]
    except FileNotFoundError as error:
        raise OutOfReach(str(error)) from error
    return pickle.loads(stream, buffers=buffers)  # noqa: S301 - the same
