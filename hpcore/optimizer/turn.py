"""The turn at an optimizer: one thread at a time, but for a caller whose time is over while the owner computes."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["Turn"]

# Seconds of a proposal at once, before one was made, and the memory of longer ones.
AT_ONCE, MEMORY = 5e-4, 0.9
# Share of its time that a caller waits for its turn at least, before it goes without.
LEAST_WAIT = 0.5


class Turn:
    """Re-entrant lock whose owner can be away: then others may overtake it, and see all data as the owner left them.

    Notes
    -----
    The owner of the turn is away while a sampler computes, from a snapshot of the history. Whoever overtakes begins
    trials and does nothing else; results are told in turn.
    """

    def __init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        self._turn = threading.RLock()
        self._inside = threading.Lock()  # held by the owner unless it is away, and by a thread that overtakes
        self._depth = 0
        self._overtaker = 0  # identity of the thread that overtakes
        self._waiting = 0  # callers with a deadline
        self._at_once = AT_ONCE
        self.hurried = False
        """True once a caller had a deadline."""

    def after_fork(self) -> bool:
        """Free the turn in a forked child, which has no other threads; return True if none of the parent had it."""
        idle = self.acquire(blocking=False)
        if idle:
            self.release()
        else:
            self._begin()
        return idle

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        """Take the turn; return False if that takes longer than `timeout` seconds, or if it is not free at once."""
        if self._overtaker == threading.get_ident():  # a constraint that calls the optimizer
            raise RuntimeError("an optimizer cannot be called from a constraint that it checks under a deadline")
        if not self._turn.acquire(blocking, timeout):
            return False
        if self._depth == 0:
            self._inside.acquire()
        self._depth += 1
        return True

    def release(self) -> None:
        """Give the turn back."""
        self._depth -= 1
        if self._depth == 0:
            self._inside.release()
        self._turn.release()

    def __enter__(self) -> None:
        # `acquire` without its options: this is on the way of every ask and tell.
        if self._overtaker and self._overtaker == threading.get_ident():
            self.acquire()  # raises
        self._turn.acquire()
        if self._depth == 0:
            self._inside.acquire()
        self._depth += 1

    def __exit__(self, *error: Any) -> None:
        self.release()

    def take(self, end: float) -> float | None:
        """Take the turn before a deadline.

        Parameters
        ----------
        end : float
            Deadline on the monotonic clock.

        Returns
        -------
        float or None
            Deadline of the caller's own proposals, which leaves those who wait their share of the time; None if the
            turn was not to be had, and the caller has to overtake.
        """
        self.hurried = True
        if not self.acquire(blocking=False):
            self._waiting += 1
            try:
                left = end - time.monotonic()
                reserve = min(self._at_once * (1 + self._waiting), LEAST_WAIT * left)
                if not self.acquire(timeout=min(max(left - reserve, 0.0), threading.TIMEOUT_MAX)):
                    return None
            finally:
                self._waiting -= 1
        if not self._waiting:
            return end
        now = time.monotonic()
        return now + max(end - now, 0.0) / (1 + self._waiting)

    @contextmanager
    def away(self) -> Iterator[None]:
        """Let others overtake; only for the owner."""
        self._inside.release()
        try:
            yield
        finally:
            self._inside.acquire()

    @contextmanager
    def overtake(self) -> Iterator[None]:
        """Begin trials without the turn; wait until the owner is away or has given it back."""
        with self._inside:
            begin = time.monotonic()
            self._overtaker = threading.get_ident()
            try:
                yield
            finally:
                self._overtaker = 0
                self._at_once = max(time.monotonic() - begin, MEMORY * self._at_once)
