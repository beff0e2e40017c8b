"""Errors that end a run, or a search, and carry what is known."""

from __future__ import annotations

import sys
from typing import Any

from hpcore.errors import RunEnded

__all__ = ["carry"]


def carry(error: BaseException, result: Any, sendable: bool, *others: type) -> None:
    """Make a study, or a search, the `result` of the error that ended it.

    An error that refuses the attribute, or has a `result` of its own, keeps what it is; then a `RunEnded` at the end of
    its chain has the result.

    Parameters
    ----------
    error : BaseException
        Error that the caller raises again.
    result : Study or SearchCV
        Holder of all that is known.
    sendable : bool
        Whether the result can be pickled. Errors of worker processes travel by pickle: there, one with a result that
        cannot would not arrive, and is left as it is.
    *others : type
        Classes of results of inner runs, beside that of `result`, which give way to it.
    """
    if not sendable and _is_child():
        return
    if not _attach(error, result, (*others, type(result))):
        last = error
        seen = {id(last)}
        while (before := last.__cause__ or last.__context__) is not None and id(before) not in seen:
            last = before
            seen.add(id(last))
        if isinstance(last, RunEnded):  # of an inner run that the same error ended
            last.result = result
            return
        end = RunEnded("what ended here is known up to this error: the attribute result of this exception", result)
        object.__setattr__(last, "__context__", end)  # past a __setattr__ of the error's own


def _attach(error: BaseException, result: Any, kinds: tuple[type, ...]) -> bool:
    try:
        own = getattr(error, "result", None)
        if own is not None and not isinstance(own, kinds):  # that of an inner run gives way
            return False
        error.result = result  # type: ignore[attr-defined]
        return getattr(error, "result", None) is result
    except Exception:  # its own __getattr__, __setattr__ or property
        return False


def _is_child() -> bool:
    processes = sys.modules.get("multiprocessing.process")
    return processes is not None and processes.parent_process() is not None
