"""Ctrl-C that cannot be suppressed by user code, and that does not interrupt a step that must be completed.

Some estimators treat KeyboardInterrupt as the end of one fit, after which a search would continue. And an interrupt
between storing a trial and knowing it here, or between receiving a result and recording it, would leave a trial that
nobody evaluates.
"""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from types import FrameType
from typing import Any

__all__ = ["Interrupts", "interruptible", "uninterrupted"]


class Interrupts:
    """Handler of Ctrl-C while the context lasts: remembers it, so that it can be raised again, and delays it in steps.

    Notes
    -----
    scikit-learn's MLPs catch KeyboardInterrupt and keep the model fitted so far. The context does nothing outside the
    main thread, which alone gets signals, and where the handler of Ctrl-C is neither Python's own nor that of an
    enclosing context: such a handler decides for itself.
    """

    # A second Ctrl-C within this time is the first one's echo: raised while that one leaves the locks of the standard
    # library, it would come out as another error.
    seconds_of_one = 0.1

    def __init__(self) -> None:
        self.seen = False
        self._held = False
        self._last = -math.inf
        self._holding = _Holding(self)
        self._before: tuple[Any, Interrupts | None] = (signal.default_int_handler, None)

    def __enter__(self) -> Interrupts:
        global _active
        if not _in_main_thread():
            return self
        handler = signal.getsignal(signal.SIGINT)
        if handler is signal.default_int_handler or (_active is not None and handler == _active._notice):
            self._before = handler, _active
            signal.signal(signal.SIGINT, self._notice)
            _active = self
        return self

    def __exit__(self, *exc_info: object) -> None:
        global _active
        handler, around = self._before
        if signal.getsignal(signal.SIGINT) == self._notice:
            signal.signal(signal.SIGINT, handler)
        if _active is self:
            _active = around

    def check(self) -> None:
        """Raise KeyboardInterrupt if there was one."""
        if self.seen:
            raise KeyboardInterrupt

    def held(self) -> AbstractContextManager[None]:
        """Return a context that delays Ctrl-C to the end of a short step; a second Ctrl-C is not delayed."""
        return self._holding

    def _notice(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        soon, self._last = now - self._last < self.seconds_of_one, now
        again, self.seen = self.seen, True
        around = self._before[1]
        while around is not None:  # an inner search ends early as if nothing had been; the outer one must know
            around.seen, around = True, around._before[1]
        if soon and again:
            return
        if again or not self._held:
            signal.default_int_handler(number, frame)


# Classes and not generators, which would add as much to a trial as all the rest of a run.


class _Holding(AbstractContextManager[None]):
    def __init__(self, owner: Interrupts) -> None:
        self._owner = owner

    def __enter__(self) -> None:
        self._owner._held = True

    def __exit__(self, kind: object, *exc_info: object) -> None:
        self._owner._held = False
        if kind is None:
            self._owner.check()


class _Opening(AbstractContextManager[None]):
    def __init__(self, owner: Interrupts) -> None:
        self._owner = owner
        self._before = False

    def __enter__(self) -> None:
        self._before, self._owner._held = self._owner._held, False

    def __exit__(self, *exc_info: object) -> None:
        self._owner._held = self._before


_active: Interrupts | None = None  # the one with the handler that is set; one for each process


def interruptible() -> AbstractContextManager[None]:
    """Return a context that permits Ctrl-C inside a step, for a function of the user that may take long."""
    return nullcontext() if _active is None or not _in_main_thread() else _Opening(_active)


def uninterrupted(function: Callable[..., Any], *args: Any) -> None:
    """Call ``function(*args)``, which takes a bounded time, to its end; Ctrl-C is raised after it.

    The call runs in a thread, because a signal interrupts the main thread whatever its handler does.
    """
    failures: list[BaseException] = []

    def call() -> None:
        try:
            function(*args)
        except BaseException as failure:
            failures.append(failure)

    thread = threading.Thread(target=call, name="hpcore-uninterrupted", daemon=True)
    thread.start()
    while thread.is_alive():
        try:
            thread.join()
        except KeyboardInterrupt as interrupt:
            failures.append(interrupt)
    if failures:
        raise failures[0]


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()
