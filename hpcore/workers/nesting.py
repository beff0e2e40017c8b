"""Mark of threads that run a task of a search."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["inside_worker", "working"]

_state = threading.local()


def inside_worker() -> bool:
    """Tell whether the calling thread runs a task; a search that starts there should not use more workers."""
    return bool(getattr(_state, "depth", 0))


@contextmanager
def working() -> Iterator[None]:
    """Mark the calling thread as one that runs a task."""
    _state.depth = getattr(_state, "depth", 0) + 1
    try:
        yield
    finally:
        _state.depth -= 1
