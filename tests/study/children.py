"""Child processes for tests, forked to avoid the cost of a new interpreter."""

from __future__ import annotations

import os
import signal
import traceback
from collections.abc import Callable


def in_child(work: Callable[[], object]) -> int:
    """Call a function in a child, wait for it, and return its wait status: 0 if there was no error."""
    return os.waitpid(begin(work), 0)[1]


def begin(work: Callable[[], object]) -> int:
    """Start a function in a child, which runs no exit handlers of this process; return its process id."""
    child = os.fork()
    if not child:
        code = 1
        try:
            work()
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    return child


def kill_me() -> None:
    """Kill this process, as the kernel does if there is no memory."""
    os.kill(os.getpid(), signal.SIGKILL)
