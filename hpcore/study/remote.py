"""Evaluation of a trial inside a worker process."""

from __future__ import annotations

import os
import signal
import threading

from hpcore.records.trial import Trial
from hpcore.study.objective import Evaluation, Objective, call
from hpcore.workers.nesting import working
from hpcore.workers.packing import Cargo, Handle, Miss, OutOfReach, unpack

__all__ = ["call_in_worker"]

# Token and objective that this worker unpacked last; all tasks of a run have the same token.
_unpacked: tuple[str, Objective] | None = None
_unpacking = threading.Lock()


def call_in_worker(owner: int, handle: Handle, trial: Trial, cargo: Cargo | None = None) -> Evaluation | Miss:
    """Evaluate a trial in a worker process.

    Parameters
    ----------
    owner : int
        Process id of the search. An executor may run tasks in that process, where Ctrl-C must keep its effect.
    handle : Handle
        Packed objective, which is unpacked once per worker.
    trial : Trial
        Copy of the trial; the objective writes to it.
    cargo : Cargo, optional
        Packed objective for a worker that cannot read the files.

    Returns
    -------
    Evaluation or Miss
        Evaluation with the copy; `Miss` if this worker does not have the objective, which was not called then.
    """
    # Ctrl-C is sent to the whole process group; the parent decides which workers end.
    if owner != os.getpid() and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        objective = _objective(handle, cargo)
    except OutOfReach:
        return Miss.here()
    with working():
        return call(objective, trial)


def _objective(handle: Handle, cargo: Cargo | None) -> Objective:
    global _unpacked
    # A worker of a cluster may run several tasks on threads of one process.
    with _unpacking:
        if _unpacked is None or _unpacked[0] != handle.token:
            _unpacked = None  # frees the memory of the earlier one first
            _unpacked = (handle.token, unpack(handle) if cargo is None else cargo.unpack())
        return _unpacked[1]
