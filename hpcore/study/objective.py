"""Evaluation of a user's objective: value or error, and times."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable
from typing import Any, NamedTuple

from hpcore.records.trial import Trial

__all__ = ["Evaluation", "Objective", "call"]

Objective = Callable[[Trial], Any]


class Evaluation(NamedTuple):
    """Return of an objective.

    Attributes
    ----------
    value : object
        Returned value; None if there is an error.
    error : str or None
        Traceback of the error that the objective raised.
    trial : Trial
        Trial, or the copy of it that the objective had in another process.
    """

    value: Any
    error: str | None
    trial: Trial


def call(objective: Objective, trial: Trial) -> Evaluation:
    """Evaluate a trial in this thread, and set its times.

    KeyboardInterrupt and SystemExit are raised: they are no failures of the objective.
    """
    trial.started = time.time()
    begin = time.perf_counter()
    try:
        return Evaluation(objective(trial), None, trial)
    except Exception:
        return Evaluation(None, traceback.format_exc(), trial)
    finally:
        # The duration is that of a monotonic clock, because the wall clock may be set in between.
        trial.finished = trial.started + (time.perf_counter() - begin)
