"""Renewal of the leases of running trials in the background."""

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

# Renewals per lease, so that a lease survives a late beat.
BEATS_PER_LEASE = 3
# Seconds for which the thread lives on without a lease, so that a fast loop of ask and tell needs only one thread.
LONGEST_IDLE = 1.0
# Seconds to wait for the end of the thread: a store that does not answer must not prevent the end of a run.
LONGEST_WAIT = 2.0


def keeping_leases(trial_log: TrialLog) -> AbstractContextManager[Any]:
    """Return a context at whose end the thread that renews leases ends, unless there still are leases."""
    # Not a generator: errors are thrown into a generator and changed there, which some classes of errors do not permit.
    return closing(SimpleNamespace(close=trial_log.rest))


class Holder(Protocol):
    """Object that has leases."""

    def holds_leases(self) -> bool:
        """Tell whether there are leases."""
        ...

    def renew(self) -> None:
        """Renew the leases."""
        ...


class Heartbeat:
    """Daemon thread that renews the leases of a holder, and ends by itself when there are none.

    The thread keeps neither the interpreter nor the holder alive. A child process starts its own thread.

    Parameters
    ----------
    holder : Holder
        Holder of the leases. Its hpcore errors are logged, and it is called again at the next beat.
    every : float
        Seconds between two beats.
    orphaned : callable
        Function without arguments that the thread calls when the holder does not exist any more; it must not refer to
        the holder.
    """

    def __init__(self, holder: Holder, every: float, orphaned: Callable[[], object]) -> None:
        self._every, self._orphaned = every, orphaned
        # In a list, which the callback refers to instead of the heartbeat, to keep neither alive.
        self._wake = wake = [threading.Event()]
        self._holder = weakref.ref(holder, lambda _: wake[0].set())
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def after_fork(self) -> None:
        """Re-create the lock in a child process, which has no thread."""
        self._lock, self._thread = threading.Lock(), None
        self._wake[0] = threading.Event()

    def start(self) -> None:
        """Start the thread, if it does not run."""
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
        """End the thread, if it runs."""
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
