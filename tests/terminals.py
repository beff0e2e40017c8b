"""Programs on a pseudo-terminal."""

from __future__ import annotations

import os
import select
import signal
import struct
import subprocess
import time
from collections.abc import Sequence


class Terminal:
    """Pseudo-terminal on which a program runs, with its keys and all that it wrote.

    Parameters
    ----------
    command : sequence of str
        Program and arguments.
    width, height : int
        Size of the terminal.
    """

    def __init__(self, command: Sequence[str], width: int, height: int = 24) -> None:
        import fcntl
        import pty
        import termios

        self.main, other = pty.openpty()
        self.before = termios.tcgetattr(other)
        fcntl.ioctl(other, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
        environment = {**os.environ, "TERM": "xterm-256color"}
        for name in ("COLUMNS", "LINES", "NO_COLOR"):
            environment.pop(name, None)

        def own() -> None:
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)  # Ctrl-C becomes a signal
            signal.signal(signal.SIGINT, signal.SIG_DFL)

        self.process = subprocess.Popen(
            command, stdin=other, stdout=other, stderr=other, env=environment, start_new_session=True, preexec_fn=own
        )
        self.other = other  # open, so that its state can be asked for at the end
        self.out = ""

    def read(self, seconds: float = 0.05) -> None:
        """Take what the program wrote."""
        if select.select([self.main], [], [], seconds)[0]:
            self.out += os.read(self.main, 65536).decode("utf-8", "replace")

    def wait_for(self, text: str, seconds: float = 60.0) -> None:
        """Wait until the program has written a text."""
        until = time.monotonic() + seconds
        while text not in self.out:
            assert time.monotonic() < until and self.process.poll() is None, self.out
            self.read()

    def press(self, keys: bytes) -> None:
        """Press keys."""
        os.write(self.main, keys)

    def settings(self) -> list[object]:
        """Return the state of the terminal."""
        import termios

        return termios.tcgetattr(self.other)

    def finish(self, seconds: float = 60.0) -> tuple[int, str]:
        """Wait for the end of the program; return its exit code and all that it wrote."""
        until = time.monotonic() + seconds
        while self.process.poll() is None:
            assert time.monotonic() < until, self.out
            self.read()
        while select.select([self.main], [], [], 0.1)[0]:
            self.read()
        os.close(self.other)
        os.close(self.main)
        return self.process.returncode, self.out
