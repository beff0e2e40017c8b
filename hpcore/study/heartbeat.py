"""Renews the leases of running trials while a run lasts."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from hpcore.errors import HpcoreError
from hpcore.study.book import Book

__all__ = ["Heartbeat", "keeping_leases"]

log = logging.getLogger("hpcore")

# Renewed so often while it lasts, a lease survives a beat that comes late.
BEATS_PER_LEASE = 3


def keeping_leases(book: Book) -> AbstractContextManager[Any]:
    """A context in which the leases of a book's running trials are renewed, if it gives any."""
    every = book.beat_every
    return nullcontext() if every is None else Heartbeat(book.renew, every / BEATS_PER_LEASE)


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
