"""Evaluation of a trial inside a worker process."""

from __future__ import annotations

import os
import signal
import threading

from hpcore.records.trial import Trial
from hpcore.study.objective import Evaluation, Objective, call
from hpcore.workers.nesting import working
from hpcore.workers.packing import Cargo, Handle, Kept, Miss, OutOfReach, unpack

__all__ = ["call_in_worker"]

_unpacked: Kept[Objective] = Kept()


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
        objective = _unpacked.get(handle.token, lambda: unpack(handle) if cargo is None else cargo.unpack())
    except OutOfReach:
        return Miss.here()
    with working():
        return call(objective, trial)
