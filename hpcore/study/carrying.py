"""Errors that end a run or a search and carry its results."""

from __future__ import annotations

import sys
from typing import Any

from hpcore.errors import RunEnded

__all__ = ["carry"]


def carry(error: BaseException, result: Any, sendable: bool, *others: type) -> None:
    """Set a study, or a search, as the attribute `result` of the error that ended it.

    An error that refuses the attribute, or has another attribute `result`, is not changed; then a `RunEnded` at the end
    of its chain has the result.

    Parameters
    ----------
    error : BaseException
        Error that the caller raises again.
    result : Study or SearchCV
        Study or search with all results so far.
    sendable : bool
        True if the result can be pickled. Errors of worker processes are pickled; in a worker process an error does not
        get a result that cannot be pickled.
    *others : type
        Further classes whose instances, set by inner runs, are replaced; instances of the class of `result` are too.
    """
    if not sendable and _is_child():
        return
    if not _attach(error, result, (*others, type(result))):
        last = error
        seen = {id(last)}
        while (before := last.__cause__ or last.__context__) is not None and id(before) not in seen:
            last = before
            seen.add(id(last))
        if isinstance(last, RunEnded):  # set by an inner run that the same error ended
            last.result = result
            return
        end = RunEnded("what ended here is known up to this error: the attribute result of this exception", result)
        object.__setattr__(last, "__context__", end)  # the error may have its own __setattr__


def _attach(error: BaseException, result: Any, kinds: tuple[type, ...]) -> bool:
    try:
        own = getattr(error, "result", None)
        if own is not None and not isinstance(own, kinds):  # a result of an inner run is replaced
            return False
        error.result = result  # type: ignore[attr-defined]
        return getattr(error, "result", None) is result
    except Exception:  # its own __getattr__, __setattr__ or property
        return False


def _is_child() -> bool:
    processes = sys.modules.get("multiprocessing.process")
    return processes is not None and processes.parent_process() is not None
