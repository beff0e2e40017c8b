"""Calling the user's function once: what it returned, or how it failed, and when."""

from __future__ import annotations

import os
import signal
import threading
import time
import traceback
from collections.abc import Callable
from typing import Any

from hpcore.evaluation.nesting import working
from hpcore.records.trial import Trial

__all__ = ["Objective", "Outcome", "call", "call_in_worker"]

Objective = Callable[[Trial], Any]
# (value, error): the value is None if there is an error.
Outcome = tuple[Any, "str | None"]

# The last function that this worker unpacked, by its key: a study's tasks all carry the same one.
_unpacked: tuple[str, Objective] | None = None


def call(objective: Objective, trial: Trial) -> Outcome:
    """Evaluate a trial in this thread; stamps its start and finish.

    KeyboardInterrupt and SystemExit pass through: they are not the objective's failure.
    """
    trial.started = time.time()
    begin = time.perf_counter()
    try:
        return objective(trial), None
    except Exception:
        return None, traceback.format_exc()
    finally:
        # A duration from a monotonic clock: the wall clock may have been set in between.
        trial.finished = trial.started + (time.perf_counter() - begin)


def call_in_worker(owner: int, key: str, packed: bytes, trial: Trial) -> tuple[Outcome, Trial]:
    """Evaluate a trial in a worker process.

    Parameters
    ----------
    owner : int
        Process id of the search: an executor may also run tasks right there, whose Ctrl-C is not ours to silence.
    key : str
        Names the objective, so that it is unpacked once a worker.
    packed : bytes
        The objective, pickled by our own parent process.
    trial : Trial
        A copy; comes back with what the objective wrote on it.
    """
    import cloudpickle

    global _unpacked
    # Ctrl-C reaches the whole process group; the parent decides what stops.
    if owner != os.getpid() and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    if _unpacked is None or _unpacked[0] != key:
        _unpacked = (key, cloudpickle.loads(packed))  # from our own parent, through the pool's own pipe
    with working():
        return call(_unpacked[1], trial), trial
