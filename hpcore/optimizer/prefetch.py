"""The next suggestion, computed on a thread of its own while the caller is busy elsewhere."""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor, wait

import numpy as np
import numpy.typing as npt

from hpcore.records.history import History
from hpcore.records.streams import Rng
from hpcore.samplers.base import Suggester

__all__ = ["Prefetcher"]

FloatArray = npt.NDArray[np.float64]


class Prefetcher:
    """Computes one suggestion ahead.

    Parameters
    ----------
    suggester : Suggester
        Used from the thread while a suggestion is computed; `ready` says when it may be used elsewhere.

    Notes
    -----
    The thread works on a snapshot of the history, so the owner may go on telling. Native samplers let go of the GIL:
    the suggestion runs beside the caller's Python.
    """

    def __init__(self, suggester: Suggester) -> None:
        self._suggester = suggester
        self._thread: ThreadPoolExecutor | None = None
        self._future: Future[FloatArray] | None = None
        self._version = -1

    def start(self, version: int, history: History, rng: Rng) -> None:
        """Begin on the suggestion that follows from `history`; what was begun before and not taken is dropped."""
        if self._thread is None:
            self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="hpcore-prefetch")
        if self._future is not None:
            self._future.cancel()
        copy = history.snapshot()
        self._version = version
        self._future = self._thread.submit(self._suggester.suggest, copy, copy.running(), 1, rng)

    def ready(self, end: float | None) -> bool:
        """Wait for the suggester to be free, at most until `end` on the monotonic clock (None: as long as it takes)."""
        future = self._future
        if future is None or future.done():
            return True
        left = None if end is None else min(max(end - time.monotonic(), 0.0), threading.TIMEOUT_MAX)
        return not wait([future], left).not_done

    def take(self, version: int) -> FloatArray | None:
        """The suggestion computed for `version`, waiting for it; None if it was for another one, or is taken."""
        future, self._future = self._future, None
        if future is None:
            return None
        if version != self._version:
            # Out of date: neither the answer nor its error is wanted, but the suggester is not free before its end.
            wait([future])
            return None
        return future.result()
