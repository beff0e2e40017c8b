"""Ctrl-C that nobody can swallow: some estimators take it as the end of one fit, and a search would go on."""

from __future__ import annotations

import signal
import threading
from types import FrameType

__all__ = ["Interrupts"]


class Interrupts:
    """Remembers Ctrl-C while the context lasts, so that it can be raised again.

    Notes
    -----
    scikit-learn's MLPs catch it and keep what they have learnt so far. Does nothing outside the main thread, which
    alone gets signals, and where Ctrl-C has a handler that is not Python's own: that one decides what it means.
    """

    def __init__(self) -> None:
        self._seen = False

    def __enter__(self) -> Interrupts:
        main = threading.current_thread() is threading.main_thread()
        if main and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, self._notice)
        return self

    def __exit__(self, *exc_info: object) -> None:
        if signal.getsignal(signal.SIGINT) == self._notice:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    def check(self) -> None:
        """Raise KeyboardInterrupt if there was one."""
        if self._seen:
            raise KeyboardInterrupt

    def _notice(self, number: int, frame: FrameType | None) -> None:
        self._seen = True
        signal.default_int_handler(number, frame)
