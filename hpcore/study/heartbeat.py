"""Renews the leases of running trials while a run lasts."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from hpcore.errors import HpcoreError

__all__ = ["Heartbeat"]

log = logging.getLogger("hpcore")


class Heartbeat:
    """Calls a function at intervals, in a thread of its own, while the context lasts.

    Parameters
    ----------
    beat : callable
        Called without arguments. hpcore's own errors are logged, and it is called again.
    every : float
        Seconds between two calls.
    """

    def __init__(self, beat: Callable[[], object], every: float) -> None:
        self._beat, self._every = beat, every
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="hpcore-heartbeat", daemon=True)

    def __enter__(self) -> Heartbeat:
        self._thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ended.wait(self._every):
            try:
                self._beat()
            except HpcoreError as error:
                log.warning("leases could not be renewed, and will be tried again: %s", error)
