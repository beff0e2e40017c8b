"""One call of the user's function: its value or its error, and its times."""

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
        Its value; None if there is an error.
    error : str or None
        Traceback of the error that it raised.
    trial : Trial
        The trial, or the copy of it that the objective was given in another process.
    """

    value: Any
    error: str | None
    trial: Trial


def call(objective: Objective, trial: Trial) -> Evaluation:
    """Evaluate a trial in this thread; stamps its start and finish.

    KeyboardInterrupt and SystemExit pass through: they are not the objective's failure.
    """
    trial.started = time.time()
    begin = time.perf_counter()
    try:
        return Evaluation(objective(trial), None, trial)
    except Exception:
        return Evaluation(None, traceback.format_exc(), trial)
    finally:
        # A duration from a monotonic clock: the wall clock may have been set in between.
        trial.finished = trial.started + (time.perf_counter() - begin)
