"""Errors that end a run and carry what is known."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from hpcore.errors import RunEnded

if TYPE_CHECKING:
    from hpcore.study.study import Study

__all__ = ["carry"]


def carry(error: BaseException, study: Study, durable: bool) -> None:
    """Make a study the `result` of the error that ended its run.

    An error that refuses the attribute, or has a `result` of its own, keeps what it is; the study is then the `result`
    of a `RunEnded` at the end of its chain. Errors of worker processes travel by pickle, which a stored study refuses:
    there its errors carry nothing, and whoever gets them opens the study again.
    """
    if durable and _is_child():
        return
    if not _attach(error, study):
        last = error
        seen = {id(last)}
        while (before := last.__cause__ or last.__context__) is not None and id(before) not in seen:
            last = before
            seen.add(id(last))
        if isinstance(last, RunEnded):  # of an earlier run that the same error ended
            last.result = study
            return
        n = len(study.trials)
        end = RunEnded(f"the run ended with {n} trials in the study, which this error has as its result", study)
        object.__setattr__(last, "__context__", end)  # past a __setattr__ of the error's own


def _attach(error: BaseException, study: Study) -> bool:
    from hpcore.study.study import Study

    try:
        own = getattr(error, "result", None)
        if own is not None and not isinstance(own, Study):  # a study of an inner run is this one's to replace
            return False
        error.result = study  # type: ignore[attr-defined]
        return getattr(error, "result", None) is study
    except Exception:  # its own __getattr__, __setattr__ or property
        return False


def _is_child() -> bool:
    processes = sys.modules.get("multiprocessing.process")
    return processes is not None and processes.parent_process() is not None
