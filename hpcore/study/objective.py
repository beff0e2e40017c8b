"""Calling the user's function once: what it returned, or how it failed, and when."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable
from typing import Any

from hpcore.records.trial import Trial

__all__ = ["Objective", "Outcome", "call"]

Objective = Callable[[Trial], Any]
# (value, error): the value is None if there is an error.
Outcome = tuple[Any, "str | None"]


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
