"""Answer to Ctrl-C at once: handlers in Python wait for the end of what C code the main thread is in."""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Callable

from hpcore.workers.interrupts import Interrupts

__all__ = ["Acknowledging"]


class Acknowledging:
    """Context in which a function is called, once, in another thread, as soon as Ctrl-C is pressed.

    Nothing is done outside of the main thread, which alone gets signals, where another library is woken up by signals
    (asyncio), and where the handler of Ctrl-C is not that of a search, see `hpcore.workers.interrupts`.

    Parameters
    ----------
    answer : callable
        Function without arguments.

    Notes
    -----
    The interpreter writes the number of a signal to a socket from its C handler, and a thread waits for it there.
    """

    def __init__(self, answer: Callable[[], None]) -> None:
        self._answer = answer
        self._ours: tuple[socket.socket, socket.socket] | None = None
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Acknowledging:
        if threading.current_thread() is not threading.main_thread():
            return self
        reading, writing = socket.socketpair()
        writing.setblocking(False)
        self._ours = reading, writing
        before = signal.set_wakeup_fd(writing.fileno(), warn_on_full_buffer=False)
        if before != -1:
            signal.set_wakeup_fd(before)
            reading.close()
            writing.close()
            self._ours = None
            return self
        self._thread = threading.Thread(target=self._wait, args=(reading,), name="hpcore-ctrl-c", daemon=True)
        self._thread.start()
        return self

    def _wait(self, reading: socket.socket) -> None:
        while numbers := reading.recv(64):
            if signal.SIGINT in numbers and _is_search(signal.getsignal(signal.SIGINT)):
                self._answer()
                return

    def __exit__(self, *exc_info: object) -> None:
        if self._ours is None or self._thread is None:
            return
        reading, writing = self._ours
        now = signal.set_wakeup_fd(-1)
        if now not in (writing.fileno(), -1):  # somebody else's since
            signal.set_wakeup_fd(now)
        writing.close()
        self._thread.join()
        reading.close()
        self._ours = self._thread = None


def _is_search(handler: object) -> bool:
    return isinstance(getattr(handler, "__self__", None), Interrupts)
