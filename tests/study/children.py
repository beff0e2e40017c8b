"""Other processes for the tests of studies, forked, and so without the cost of a new interpreter."""

from __future__ import annotations

import os
import signal
import traceback
from collections.abc import Callable


def in_child(work: Callable[[], object]) -> int:
    """Do something in a child, which ends without any of this process's own; how it ended: 0 if all was well."""
    return os.waitpid(begin(work), 0)[1]


def begin(work: Callable[[], object]) -> int:
    """Begin to do something in a child; its process id."""
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
    """End this process as the kernel does when the memory is full."""
    os.kill(os.getpid(), signal.SIGKILL)
