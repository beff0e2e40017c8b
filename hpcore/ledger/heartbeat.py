"""Renews the leases of running trials, in the background, while there are any."""

from __future__ import annotations

import logging
import threading
import time
import weakref
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from types import SimpleNamespace
from typing import Any, Protocol

from hpcore.errors import HpcoreError
from hpcore.ledger.trial_log import TrialLog

__all__ = ["Heartbeat", "keeping_leases"]

log = logging.getLogger("hpcore")

# Renewed so often while it lasts, a lease survives a beat that comes late.
BEATS_PER_LEASE = 3
# Seconds for which the thread stays when nothing is held: of a quick loop of ask and tell it is one and the same.
LONGEST_IDLE = 1.0
# Seconds; a store that does not answer must not keep a run from its end.
LONGEST_WAIT = 2.0


def keeping_leases(trial_log: TrialLog) -> AbstractContextManager[Any]:
    """A context in which the leases of the running trials are renewed; its threads end with it."""
    # Not a generator: an error is thrown into that and written on, which not every class of errors permits.
    return closing(SimpleNamespace(close=trial_log.rest))


class Holder(Protocol):
    """An object that has leases."""

    def holds_leases(self) -> bool:
        """Whether there are any."""
        ...

    def renew(self) -> None:
        """Renew them."""
        ...


class Heartbeat:
    """Renews the leases of a holder from a daemon thread, which ends by itself when there are none.

    The thread keeps neither the interpreter nor the holder alive, and a child process begins one of its own.

    Parameters
    ----------
    holder : Holder
        Its hpcore errors are logged, and it is called again at the next beat.
    every : float
        Seconds between two beats.
    orphaned : callable
        Called without arguments in the thread when the holder does not exist any more; must not refer to it.
    """

    def __init__(self, holder: Holder, every: float, orphaned: Callable[[], object]) -> None:
        self._every, self._orphaned = every, orphaned
        # In a list, for the callback to find without the heartbeat, which it must not keep.
        self._wake = wake = [threading.Event()]
        self._holder = weakref.ref(holder, lambda _: wake[0].set())
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def after_fork(self) -> None:
        """In a child process, which has none of its parent's threads."""
        self._lock, self._thread = threading.Lock(), None
        self._wake[0] = threading.Event()

    def start(self) -> None:
        """Beat from now on, if it does not yet."""
        with self._lock:
            if self._thread is None:
                self._wake[0] = threading.Event()
                thread = threading.Thread(target=self._run, args=(self._wake[0],), name="hpcore-heartbeat", daemon=True)
                try:
                    thread.start()
                except RuntimeError as error:  # no more threads, for instance while the interpreter ends
                    log.debug("leases are not renewed: %s", error)
                else:
                    self._thread = thread

    def stop(self) -> None:
        """Beat no more, until it starts again."""
        with self._lock:
            thread, self._thread = self._thread, None
            self._wake[0].set()
        if thread is not None:
            thread.join(LONGEST_WAIT)

    def _run(self, wake: threading.Event) -> None:
        next_beat = time.monotonic() + self._every
        while not wake.wait(min(self._every, LONGEST_IDLE)):
            holder = self._holder()
            if holder is None:
                break
            with self._lock:
                if not holder.holds_leases():
                    if self._thread is threading.current_thread():
                        self._thread = None
                    return
            if time.monotonic() >= next_beat:
                try:
                    holder.renew()
                except HpcoreError as error:
                    log.warning("leases could not be renewed, and will be tried again: %s", error)
                next_beat = time.monotonic() + self._every
            del holder
        if self._holder() is None:
            self._orphaned()
