"""End of a run for its callbacks: those that hold a file, a connection or a queue are closed."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

from hpcore.study.tracking import TrackerQueue

__all__ = ["closing"]

log = logging.getLogger("hpcore")


class closing:
    """Context that closes callbacks at the end of a run, also after an error.

    Parameters
    ----------
    callbacks : sequence of callable or TrackerQueue
        Functions of a run, and queues of its trackers. The method ``close()`` of each one that has it is called once,
        in their order, after all queues know that the run has ended, so that they end at the same time.

    Notes
    -----
    All of them are closed. An error of one is raised at the end; after another error, which comes first, it is logged.
    No generator: that would set attributes of an error, which some do not let.
    """

    def __init__(self, callbacks: Sequence[Callable[..., Any] | TrackerQueue]) -> None:
        self._callbacks = callbacks

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, *error: Any) -> None:
        for callback in self._callbacks:
            if isinstance(callback, TrackerQueue):
                callback.end(_state(kind))
        errors = _close(self._callbacks)
        for later in errors if kind is not None else errors[1:]:
            log.warning("a callback could not be closed: %s: %s", type(later).__name__, later)
        if errors and kind is None:
            raise errors[0]


def _state(kind: type[BaseException] | None) -> str:
    """Return the state of a run that an error, or none, ended; see `TrackedStudy`."""
    if kind is None:
        return "finished"
    return "interrupted" if issubclass(kind, KeyboardInterrupt) else "failed"


def _close(callbacks: Sequence[Callable[..., Any] | TrackerQueue]) -> list[Exception]:
    """Close callbacks; return the errors."""
    errors: list[Exception] = []
    for callback in {id(callback): callback for callback in callbacks}.values():
        # A class is a callback too; its `close` is one of its objects'.
        close = None if isinstance(callback, type) else getattr(callback, "close", None)
        if not callable(close):
            continue
        try:
            close()
        except Exception as error:
            errors.append(error)
    return errors
