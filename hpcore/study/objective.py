"""Evaluation of a user's objective: value or error, and times."""

from __future__ import annotations

import math
import time
import traceback
from collections.abc import Callable
from typing import Any, NamedTuple

from hpcore.arguments import check_values
from hpcore.errors import HpcoreError, Pruned
from hpcore.records.channel import Decision
from hpcore.records.returned import Outcome
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
    pruned : bool
        True if the objective raised `hpcore.Pruned`.
    """

    value: Any
    error: str | None
    trial: Trial
    pruned: bool = False


def call(objective: Objective, trial: Trial) -> Evaluation:
    """Evaluate a trial in this thread, and set its times.

    KeyboardInterrupt and SystemExit are raised: they are no failures of the objective.
    """
    trial.started = time.time()
    begin = time.perf_counter()
    try:
        value = objective(trial)
        _report_return(trial, value)
        return Evaluation(value, None, trial)
    except Pruned:
        return Evaluation(None, None, trial, True)
    except Exception:
        return Evaluation(None, traceback.format_exc(), trial)
    finally:
        # The duration is that of a monotonic clock, because the wall clock may be set in between.
        trial.finished = trial.started + (time.perf_counter() - begin)


def _report_return(trial: Trial, value: Any) -> None:
    """Report the return of an objective that reported nothing, but whose job has a limited resource, at that resource.

    Such an objective evaluates with ``trial.until`` and returns the value.
    """
    progress = trial.progress
    if isinstance(value, Outcome):
        if value.error is not None:
            return
        value = value.value
    if progress is None or progress.has_reported or not math.isfinite(progress.until):
        return
    if value is None and progress.has_reached:
        # All was done and reported before.
        progress.step, progress.decision = max(progress.step, progress.until), Decision.PAUSE
        return
    try:
        values = check_values(value, progress.m)
    except HpcoreError:  # a value that is not allowed is a failure, which `judge` explains
        return
    # So is one that is not finite: a training that diverged has nothing to go on from.
    if values is not None and all(map(math.isfinite, values)):
        trial.report(values, progress.until)
