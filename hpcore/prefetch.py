"""The next suggestion, computed on a thread of its own while the caller is busy elsewhere."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor

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
        Used from the thread while a suggestion is computed; `wait` before using it elsewhere.

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

    def take(self, version: int) -> FloatArray | None:
        """The suggestion computed for `version`, waiting for it; None if it was for another one, or is taken."""
        future, self._future = self._future, None
        if future is None:
            return None
        if version != self._version:
            # Out of date. A running computation cannot be stopped, and the suggester is not free before its end.
            future.cancel()
            self.wait_for(future)
            return None
        return future.result()

    def wait(self) -> None:
        """Return when the suggester is free again."""
        future, self._future = self._future, None
        if future is not None:
            future.cancel()
            self.wait_for(future)

    @staticmethod
    def wait_for(future: Future[FloatArray]) -> None:
        """Wait for an end of any kind: the answer is not wanted, so neither is its error."""
        if not future.cancelled():
            future.exception()
