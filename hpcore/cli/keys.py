"""Keys that are pressed on a terminal, one by one, without Enter."""

from __future__ import annotations

import os
import signal
import sys
import time
from types import FrameType
from typing import Any

__all__ = ["Keys"]

SECONDS_BETWEEN_LOOKS = 0.05


class Keys:
    """Context in which keys are read from stdin as they are pressed; the terminal is given back as it was.

    It is given back after SIGTERM and SIGHUP too, which end the program by SystemExit. Ctrl-C is a signal as ever. If
    stdin is no terminal, no key is pressed.
    """

    def __init__(self) -> None:
        self._before: Any = None
        self._handlers: dict[int, Any] = {}

    def __enter__(self) -> Keys:
        if sys.platform != "win32" and sys.stdin is not None and sys.stdin.isatty():
            import termios
            import tty

            for number in (signal.SIGTERM, signal.SIGHUP):
                if signal.getsignal(number) is signal.SIG_DFL:
                    self._handlers[number] = signal.signal(number, _leave)
            self._before = termios.tcgetattr(sys.stdin)
            tty.setcbreak(sys.stdin, termios.TCSADRAIN)
        return self

    def __exit__(self, *exc_info: object) -> None:
        if sys.platform != "win32" and self._before is not None:
            import termios

            try:
                termios.tcsetattr(sys.stdin, termios.TCSADRAIN, self._before)
            except termios.error:  # the terminal was closed
                return
            finally:
                for number, handler in self._handlers.items():
                    signal.signal(number, handler)

    def wait(self, seconds: float) -> str:
        """Wait for a key, and return it; empty if none was pressed in this time, or the terminal was closed."""
        if sys.platform == "win32":
            import msvcrt

            until = time.monotonic() + seconds
            while time.monotonic() < until:
                if msvcrt.kbhit():
                    return msvcrt.getwch()
                time.sleep(SECONDS_BETWEEN_LOOKS)
            return ""
        if self._before is None:
            time.sleep(seconds)
            return ""
        import select

        if not select.select([sys.stdin], [], [], seconds)[0]:
            return ""
        pressed = os.read(sys.stdin.fileno(), 64)
        if not pressed:
            raise EOFError  # the terminal was closed
        return pressed.decode(errors="replace")


def _leave(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)
