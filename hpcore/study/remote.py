"""Evaluation of a trial inside a worker process."""

from __future__ import annotations

import os
import signal
import threading

from hpcore.records.trial import Trial
from hpcore.study.objective import Evaluation, Objective, call
from hpcore.workers.nesting import working
from hpcore.workers.packing import Handle, OutOfReach, unpack

__all__ = ["call_in_worker"]

# The last function that this worker unpacked, by its token: a study's tasks all carry the same one.
_unpacked: tuple[str, Objective] | None = None
_unpacking = threading.Lock()


def call_in_worker(owner: int, handle: Handle, trial: Trial) -> Evaluation | None:
    """Evaluate a trial in a worker process.

    Parameters
    ----------
    owner : int
        Process id of the search: an executor may also run tasks right there, whose Ctrl-C is not ours to silence.
    handle : Handle
        The objective, which is unpacked once a worker.
    trial : Trial
        A copy; comes back with what the objective wrote on it.

    Returns
    -------
    Evaluation
        None if the objective's files are out of reach from here; the trial was not begun.
    """
    # Ctrl-C reaches the whole process group; the parent decides what stops.
    if owner != os.getpid() and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        objective = _objective(handle)
    except OutOfReach:
        return None
    with working():
        return call(objective, trial)


def _objective(handle: Handle) -> Objective:
    global _unpacked
    # A cluster's worker may run several tasks on threads of one process.
    with _unpacking:
        if _unpacked is None or _unpacked[0] != handle.token:
            _unpacked = None  # the earlier one makes room first
            _unpacked = (handle.token, unpack(handle))
        return _unpacked[1]
