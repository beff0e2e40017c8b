"""Transfer of one object, a function with all that it refers to, to each worker once.

It is pickled without its large arrays, which are written to a file of their own beside the pickle and mapped into each
worker's memory from there: all workers of a machine share one copy, whether the arrays belong to a frame, a sparse
matrix, a list, a closure or an object whose method is called. The mapping is private: code that writes into its data
changes the pages of its own worker only, as it did when each worker had a copy.

The file is a message between our own processes, not a record: nothing else is ever unpickled.
"""

from __future__ import annotations

import io
import logging
import mmap
import pickle
import tempfile
import uuid
from pathlib import Path
from typing import Any, NamedTuple

import cloudpickle
import numpy as np

from hpcore.workers.interrupts import uninterrupted

__all__ = ["Handle", "OutOfReach", "Packed", "Shared", "unpack"]

log = logging.getLogger("hpcore")

# Arrays of so many bytes are mapped: a page of memory.
_LARGE = 4096
# An object of fewer bytes is sent with each task, without a file.
_SMALL = 4096
# Alignment in bytes for the widest vector instructions.
_ALIGNMENT = 64


class OutOfReach(Exception):
    """Files of an object are missing: this worker shares no disk with the process that wrote them."""


class Handle(NamedTuple):
    """Reference that a task carries in place of the object.

    Attributes
    ----------
    token : str
        Identifier of the object.
    folder : str
        Folder of its files; empty if `packed` is all.
    packed : bytes
        Pickle of the whole object, if there are no files.
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
            self._send_all(packed.stream, [])
            return self
        try:
            # Where a mapped file cannot be removed (Windows), the folder goes when the interpreter exits.
            self._folder = tempfile.TemporaryDirectory(prefix="hpcore-", ignore_cleanup_errors=True)
            self._write(Path(self._folder.name), packed)
        except OSError as error:
            self.__exit__()
            log.warning("no temporary file for the data behind the objective, which goes with every trial: %s", error)
            self.send_along(packed)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exc_info: object) -> None:
        folder, self._folder = self._folder, None
        if folder is not None:
            uninterrupted(folder.cleanup)

    def send_along(self, packed: Packed) -> None:
        """Put the whole object into the handle from now on, for workers that do not reach the files."""
        self._send_all(packed.stream, list(map(bytearray, packed.buffers)))

    def _send_all(self, stream: bytes, buffers: list[bytearray]) -> None:
        self.handle = Handle(self.handle.token, "", pickle.dumps((stream, buffers), protocol=5))

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
        If its files are not there.
    """
    buffers: list[Any]
    if not handle.folder:
        stream, buffers = pickle.loads(handle.packed)  # noqa: S301 - pickled by our own parent process
        return pickle.loads(stream, buffers=buffers)  # noqa: S301 - the same
    folder, buffers = Path(handle.folder), []
    try:
        stream, extents = pickle.loads((folder / f"{handle.token}.pickle").read_bytes())  # noqa: S301 - the same
        if extents:
            with (folder / f"{handle.token}.data").open("rb") as file:
                pages = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY))
            buffers = [pages[start : start + size] for start, size in extents]
    except FileNotFoundError as error:
        raise OutOfReach(str(error)) from error
    return pickle.loads(stream, buffers=buffers)  # noqa: S301 - the same
