"""A fork waits for transactions of other threads.

SQLite keeps in memory which locks a process has. A child that was forked in the middle of another thread's transaction
would find the file locked for ever: by a connection that nobody in the child has.
"""

from __future__ import annotations

import os
import threading
import time

__all__ = ["in_transaction"]

# Seconds; a transaction that takes longer waits for the store and most likely has no lock.
LONGEST_WAIT = 2.0


class _Gate:
    """Counts transactions, and keeps new ones waiting while a fork is about to be."""

    def __init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        self._changed = threading.Condition(threading.Lock())
        self._forking = False
        self._n_active = 0
        self._mine = threading.local()

    def __enter__(self) -> None:
        depth = getattr(self._mine, "depth", 0)
        with self._changed:
            while self._forking and not depth:
                self._changed.wait()
            self._n_active += 1
        self._mine.depth = depth + 1

    def __exit__(self, *exc_info: object) -> None:
        self._mine.depth = max(0, getattr(self._mine, "depth", 0) - 1)
        with self._changed:
            self._n_active = max(0, self._n_active - 1)  # in a child that was forked inside, there are none
            self._changed.notify_all()

    def close(self) -> None:
        """Before a fork."""
        until = time.monotonic() + LONGEST_WAIT
        with self._changed:
            self._forking = True
            while self._n_active > getattr(self._mine, "depth", 0) and (left := until - time.monotonic()) > 0:
                self._changed.wait(left)

    def open(self) -> None:
        """After it, in the parent."""
        with self._changed:
            self._forking = False
            self._changed.notify_all()

    def renew(self) -> None:
        """After it, in the child, which has no other threads."""
        self._begin()


in_transaction = _Gate()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=in_transaction.close, after_in_parent=in_transaction.open, after_in_child=in_transaction.renew
    )
