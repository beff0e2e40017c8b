"""Ctrl-C of the command, from its first import to its last exit handler."""

from __future__ import annotations

import _thread
import atexit
import math
import os
import signal
import sys
import threading
from contextlib import suppress
from typing import Any

from hpcore.workers.interrupts import Interrupts

__all__ = ["INTERRUPTED", "CtrlC"]

INTERRUPTED = 130

_SECONDS_UNTIL_AGAIN = 0.05  # outside the finalizer


class CtrlC(Interrupts):
    """Ends the command once, wherever it comes: a search inside takes it over and keeps what is finished.

    Notes
    -----
    Python swallows what is raised in a finalizer or a callback of the import system, with a message: it comes again a
    moment later. Python also ends itself by SIGINT, whatever the exit code, when Ctrl-C has once been raised below
    ``exec`` of a text, as when a named tuple is made: an interrupted command leaves before that.
    """

    seconds_of_one = 1.0  # the way out is long where it begins in the middle of an import

    def __init__(self) -> None:
        super().__init__()
        self._quiet = False
        # Before those of what is imported later, and therefore called after them.
        atexit.register(self._leave)

    def __enter__(self) -> CtrlC:
        super().__enter__()
        self._hook = sys.unraisablehook
        sys.unraisablehook = self._swallowed
        return self

    def __exit__(self, *exc_info: object) -> None:
        sys.unraisablehook = self._hook
        if not self._quiet:
            super().__exit__(*exc_info)

    def end_quietly(self) -> None:
        """Take no notice of a Ctrl-C after the one that ended the command: nothing long is left to stop.

        It would break into the exit of the interpreter, with tracebacks of whatever runs then, and change its code.
        """
        self._quiet = True
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, _ignore)

    def _swallowed(self, unraisable: Any) -> None:
        if not issubclass(unraisable.exc_type, KeyboardInterrupt):
            self._hook(unraisable)
        elif not self._quiet:
            self._last = -math.inf
            again = threading.Timer(_SECONDS_UNTIL_AGAIN, _press)
            again.daemon = True
            again.start()

    def _leave(self) -> None:
        if self._quiet:
            for stream in (sys.stdout, sys.stderr):
                with suppress(OSError, ValueError, AttributeError):
                    stream.flush()
            os._exit(INTERRUPTED)


def _press() -> None:
    if hasattr(signal, "pthread_kill"):
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)  # breaks into its waits as well
    else:
        _thread.interrupt_main()


def _ignore(number: int, frame: Any) -> None:
    """Do nothing. Not SIG_IGN: Python complains of a signal that came just before that was set."""
