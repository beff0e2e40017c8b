"""Which fold a worker is at, and since when: its note says whose fault its death was, and when a fold is late.

The note is sixteen bytes in a file of the worker's own, in the folder of the shared workload. A thread beside the
search ends folds that are late; the limit holds for code that never lets go of the interpreter, because the worker
takes no part in its own end.
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
    """A worker's note of what it does.

    Parameters
    ----------
    folder : str
        Folder of the shared workload.
    """

    def __init__(self, folder: str) -> None:
        path = Path(folder) / f"{_PREFIX}{os.getpid()}"
        self._file = os.open(path, os.O_CREAT | os.O_WRONLY, 0o600)

    def timed(self, folds: Iterator[int], serial: int) -> Iterator[int]:
        """The folds, with a note before and after the work on each."""
        try:
            for i, fold in enumerate(folds):
                os.pwrite(self._file, _NOTE.pack(time.monotonic(), serial + i), 0)
                yield fold
        finally:
            os.pwrite(self._file, _NOTE.pack(0.0, -1), 0)

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._file)


def clock_of(folder: str) -> Clock:
    """The clock of this process for a workload; that of an earlier one is closed."""
    key = (os.getpid(), folder)
    if key not in _clocks:
        for old in list(_clocks):
            _clocks.pop(old).close()
        _clocks[key] = Clock(folder)
    return _clocks[key]


class Watchdog:
    """Reads the notes of workers, and ends folds that take too long, while the context lasts.

    Parameters
    ----------
    folder : str
        Where workers leave their notes; empty if they leave none.
    limit : float or None
        Seconds a fold may take; None ends nothing.
    kill : callable
        Ends the process of this number and all that it started.
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
        """The limit that this fold was ended for, if it was."""
        return self._limit if serial in self._expired else None

    def begun(self) -> set[int]:
        """The folds that workers are at, those of dead workers included."""
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
