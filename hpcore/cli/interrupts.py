"""Handling of Ctrl-C by the command, from its first import to its last exit handler."""

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

_SECONDS_UNTIL_AGAIN = 0.05  # by then the finalizer has ended


class CtrlC(Interrupts):
    """Context in which Ctrl-C ends the command once; a search inside handles it and keeps the finished trials.

    Notes
    -----
    Python ignores exceptions in a finalizer or in a callback of the import system, with a message; therefore the signal
    is sent again a moment later. Python also ends itself by SIGINT, whatever the exit code, if Ctrl-C was raised below
    ``exec`` of a string, for instance while a named tuple is defined; therefore an interrupted command exits before.
    """

    seconds_of_one = 1.0  # an exit from the middle of an import takes long

    def __init__(self) -> None:
        super().__init__()
        self._quiet = False
        # Registered before the handlers of later imports, and therefore called after them.
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
        """Ignore further Ctrl-C after the one that ended the command.

        It would interrupt the exit of the interpreter, with a traceback and another exit code.
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
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)  # interrupts blocking calls as well
    else:
        _thread.interrupt_main()


def _ignore(number: int, frame: Any) -> None:
    """Do nothing. SIG_IGN is not used, because Python reports an error for a signal just before it is set."""
