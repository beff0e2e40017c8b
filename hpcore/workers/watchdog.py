"""Notes of workers on the fold they run and its start, and a watchdog that ends folds after their time limit.

A note is sixteen bytes in a file of the worker, in the folder of the shared workload; after a death it identifies the
fold at fault. The watchdog is a thread of the process of the search, so the limit also holds for code that never
releases the interpreter of its worker.
"""

from __future__ import annotations

import os
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

__all__ = ["Clock", "Watchdog", "clock_of"]

_NOTE = struct.Struct("dq")  # when the fold began, by the clock that all processes share; its serial, or -1 for none
_PREFIX = "clock-"
_SECONDS_BETWEEN_LOOKS = 0.1

_clocks: dict[tuple[int, str], Clock] = {}


class Clock:
    """Note of a worker on the fold that it runs.

    Parameters
    ----------
    folder : str
        Folder of the shared workload.
    """

    def __init__(self, folder: str) -> None:
        path = Path(folder) / f"{_PREFIX}{os.getpid()}"
        self._file = os.open(path, os.O_CREAT | os.O_WRONLY, 0o600)

    def timed(self, folds: Iterator[int], serial: int) -> Iterator[int]:
        """Yield the folds, and note the start of each and the end of the last."""
        try:
            for i, fold in enumerate(folds):
                os.pwrite(self._file, _NOTE.pack(time.monotonic(), serial + i), 0)
                yield fold
        finally:
            os.pwrite(self._file, _NOTE.pack(0.0, -1), 0)

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)


def clock_of(folder: str) -> Clock:
    """Return the clock of this process for a workload; that of an earlier workload is closed."""
    key = (os.getpid(), folder)
    if key not in _clocks:
        for old in list(_clocks):
            _clocks.pop(old).close()
        _clocks[key] = Clock(folder)
    return _clocks[key]


class Watchdog:
    """Thread that reads the notes of workers and ends folds that exceed a limit, while the context lasts.

    Parameters
    ----------
    folder : str
        Folder of the notes; empty if workers write none.
    limit : float or None
        Limit for a fold, in seconds; None for no limit.
    kill : callable
        Function of a process number that ends the process and all that it started.
    """

    def __init__(self, folder: str, limit: float | None, kill: Callable[[int], None]) -> None:
        self._folder = Path(folder) if folder else None
        self._limit, self._kill = limit, kill
        self._expired: set[int] = set()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="hpcore-watchdog", daemon=True)

    def __enter__(self) -> Watchdog:
        if self._limit is not None:
            self._thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._over.set()
        if self._limit is not None:
            self._thread.join()

    def expired(self, serial: int) -> float | None:
        """Return the limit in seconds if the fold exceeded it and was ended, otherwise None."""
        return self._limit if serial in self._expired else None

    def begun(self) -> set[int]:
        """Return the serial numbers of folds that workers run now, or did when they died."""
        return {serial for path in self._notes() if (serial := self._read(path)[1]) >= 0}

    def _notes(self) -> Iterator[Path]:
        return iter(()) if self._folder is None else self._folder.glob(f"{_PREFIX}*")

    def _watch(self) -> None:
        assert self._limit is not None
        while not self._over.wait(min(_SECONDS_BETWEEN_LOOKS, self._limit / 4)):
            for path in self._notes():
                start, serial = self._read(path)
                if serial < 0 or serial in self._expired or time.monotonic() - start <= self._limit:
                    continue
                if self._read(path) == (start, serial):
                    self._expired.add(serial)
                    self._kill(int(path.name.removeprefix(_PREFIX)))

    def _read(self, path: Path) -> tuple[float, int]:
        with suppress(OSError, struct.error):
            start, serial = _NOTE.unpack(path.read_bytes())
            return float(start), int(serial)
        return 0.0, -1
