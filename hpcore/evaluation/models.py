"""Store of fitted estimators between two rungs of a candidate, from which the next rung continues.

Pickles, in memory or in a folder that all workers see: the next rung may run in another worker. They are messages of
one search to itself, in a folder that only this user may enter, and nobody else's pickles are ever read.
"""

from __future__ import annotations

import logging
import os
import pickle
import threading
from collections import OrderedDict
from contextlib import suppress
from pathlib import Path
from typing import Any

import cloudpickle

__all__ = ["Models"]

log = logging.getLogger("hpcore")

# Largest size of the models that one process keeps: in memory, where they compete with the fits, and in files.
_MOST_IN_MEMORY, _MOST_IN_FILES = 2**29, 2**32

Key = tuple[int, int, int]


class Models:
    """Fitted estimators by candidate, fold and rung; the oldest are dropped first.

    Parameters
    ----------
    folder : Path, optional
        Folder of the files; in memory without one.
    most_bytes : int, optional
        Bound on the size of what this object has put there.

    Notes
    -----
    A model that is not kept (too large, a full disk, an estimator that cannot be pickled) is no error: the rung that
    needs it repeats the ones before, and has the same score.
    """

    def __init__(self, folder: Path | None = None, most_bytes: int | None = None) -> None:
        self._folder = folder
        self._most_bytes = most_bytes or (_MOST_IN_MEMORY if folder is None else _MOST_IN_FILES)
        self._sizes: OrderedDict[Key, int] = OrderedDict()
        self._n_bytes = 0
        self._kept: dict[Key, bytes] = {}
        self._lock = threading.Lock()

    def latest(self, number: int, fold: int, n_levels: int) -> tuple[int, Any]:
        """Find the model of the highest of the first `n_levels` rungs that is kept.

        Returns
        -------
        n_done : int
            Number of rungs that the model has behind it; 0 without a model.
        model : estimator or None
            Copy of the model.
        """
        for n_done in range(n_levels, 0, -1):
            packed = self._read((number, fold, n_done))
            if packed is not None:
                return n_done, pickle.loads(packed)  # noqa: S301 - by this search, see above
        return 0, None

    def put(self, number: int, fold: int, n_done: int, model: Any) -> None:
        """Keep a model that has `n_done` rungs behind it."""
        try:
            packed = cloudpickle.dumps(model, protocol=5)
        except Exception as error:  # whatever the attributes of a fitted estimator do when they are pickled
            log.debug("a fitted %s cannot be pickled and is not kept: %r", type(model).__name__, error)
            return
        if len(packed) > self._most_bytes:
            return
        key = (number, fold, n_done)
        with self._lock:
            self._drop(key)
            # A rung continues from the last one only; the one before is needed no more.
            self._drop((number, fold, n_done - 1))
            while self._sizes and self._n_bytes + len(packed) > self._most_bytes:
                self._drop(next(iter(self._sizes)))
            if self._write(key, packed):
                self._sizes[key] = len(packed)
                self._n_bytes += len(packed)

    def _path(self, key: Key) -> Path:
        assert self._folder is not None
        return self._folder / "{}-{}-{}.model".format(*key)

    def _read(self, key: Key) -> bytes | None:
        if self._folder is None:
            return self._kept.get(key)
        try:
            return self._path(key).read_bytes()
        except OSError:  # there is none, or the folder could not be made
            return None

    def _write(self, key: Key, packed: bytes) -> bool:
        if self._folder is None:
            self._kept[key] = packed
            return True
        path = self._path(key)
        part = path.with_suffix(f".{os.getpid()}-{threading.get_ident()}")
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            part.write_bytes(packed)
            part.replace(path)  # whole or not at all: a worker may die here
        except OSError as error:
            log.debug("the model of trial %d is not kept: %s", key[0], error)
            with suppress(OSError):
                part.unlink()
            return False
        return True

    def _drop(self, key: Key) -> None:
        self._n_bytes -= self._sizes.pop(key, 0)
        if self._folder is None:
            self._kept.pop(key, None)
            return
        with suppress(OSError):  # another worker has dropped it, or there is no folder
            self._path(key).unlink()
