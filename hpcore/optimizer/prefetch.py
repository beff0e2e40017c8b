"""Computation of the next suggestion on a thread, while the caller is busy."""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any

import numpy as np
import numpy.typing as npt

from hpcore.errors import InvalidArgument
from hpcore.records.history import History
from hpcore.records.streams import Rng
from hpcore.samplers.base import Suggester

__all__ = ["Prefetcher", "check_prefetch"]

FloatArray = npt.NDArray[np.float64]


class Prefetcher:
    """Computes one suggestion ahead.

    Parameters
    ----------
    suggester : Suggester
        Suggester that the thread uses while it computes; after `ready` returned True others may use it.

    Notes
    -----
    The thread works on a snapshot of the history, so results may be told meanwhile. Native samplers release the GIL, so
    that the caller's Python runs at the same time.
    """

    def __init__(self, suggester: Suggester) -> None:
        self._suggester = suggester
        self._thread: ThreadPoolExecutor | None = None
        self._future: Future[FloatArray] | None = None
        self._version = -1

    def start(self, version: int, history: History, rng: Rng, per_cost: bool = False) -> None:
        """Start to compute the suggestion for `history`, labelled `version`, and `per_cost` if costs count; an earlier
        one that was not taken is dropped."""
        if self._thread is None:
            self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="hpcore-prefetch")
        if self._future is not None:
            self._future.cancel()
        copy = history.snapshot()
        self._version = version
        self._future = self._thread.submit(self._suggest, copy, rng, per_cost)

    def _suggest(self, history: History, rng: Rng, per_cost: bool) -> FloatArray:
        self._suggester.use_cost(per_cost)  # on the thread, as an earlier suggestion may be under way before
        return self._suggester.suggest(history, history.running(), 1, rng)

    def ready(self, end: float | None) -> bool:
        """Wait until the suggester is free, at most until `end` on the monotonic clock (None: without a limit), and
        tell whether it is."""
        future = self._future
        if future is None or future.done():
            return True
        left = None if end is None else min(max(end - time.monotonic(), 0.0), threading.TIMEOUT_MAX)
        return not wait([future], left).not_done

    def take(self, version: int) -> FloatArray | None:
        """Wait for the suggestion (1, d) and return it; None if it has another version or was taken before."""
        future, self._future = self._future, None
        if future is None:
            return None
        if version != self._version:
            # Out of date: result and error are ignored, but the suggester is not free before the computation ends.
            wait([future])
            return None
        return future.result()


def check_prefetch(prefetch: Any, scheduler: Any) -> None:
    """Check the argument `prefetch` of `Optimizer`; with a scheduler it must be False.

    Raises
    ------
    InvalidArgument
        It is not allowed.
    """
    if not isinstance(prefetch, bool) and prefetch != "delayed":
        raise InvalidArgument(f"prefetch must be True, False or 'delayed', got {prefetch!r}")
    if scheduler is not None and prefetch:
        raise InvalidArgument("prefetch must be False with a scheduler, whose reports change the next proposal")
