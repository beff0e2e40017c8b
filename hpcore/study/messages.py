"""Log of a run: a line a finished trial at INFO, failures at WARNING, neither of them a flood."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

from hpcore.errors import NoCompletedTrial
from hpcore.records.history import FAILED, STATES
from hpcore.records.words import last_line, shorten, shown_params

if TYPE_CHECKING:
    from hpcore.optimizer import Optimizer
    from hpcore.records.outcome import Outcome
    from hpcore.records.trial import Trial

__all__ = ["Messages"]

log = logging.getLogger("hpcore")

# Failures that are shown one by one; after them only their number, when it has another digit.
SHOWN = 3
REASONS = 200  # kinds of failures that are counted
REASON, PARAMS = 300, 160  # characters


class Messages:
    """Messages about the finished trials of a run.

    Parameters
    ----------
    optimizer : Optimizer
        Optimizer with the trials.
    shown : callable, optional
        Function that gives a trial as the user sees it.
    """

    def __init__(self, optimizer: Optimizer, shown: Callable[[Trial], Trial] | None = None) -> None:
        self._optimizer, self._shown = optimizer, shown
        self._n = self._n_failed = 0
        self._reasons: Counter[str] = Counter()

    def ended(self, trial: Trial, outcome: Outcome) -> None:
        """Log the end of a trial."""
        self._n += 1
        if outcome.state == FAILED or outcome.error is not None:
            self._fail(trial, outcome)
        elif log.isEnabledFor(logging.INFO):
            values = outcome.values or ()
            told = ", ".join(f"{value:.6g}" for value in values) or "no value"
            state, about = STATES[outcome.state].value, self._about(trial)
            log.info("trial %d %s: %s; %s%s", trial.number, state, told, about, self._best())

    def _fail(self, trial: Trial, outcome: Outcome) -> None:
        self._n_failed += 1
        reason = shorten(last_line(outcome.error), REASON)
        if reason in self._reasons or len(self._reasons) < REASONS:
            self._reasons[reason] += 1
        level = logging.WARNING if self._n_failed <= SHOWN else logging.INFO
        if log.isEnabledFor(level):
            log.log(level, "trial %d failed: %s; %s", trial.number, reason, self._about(trial))
        if self._n_failed >= 10 and str(self._n_failed).strip("0") == "1":
            log.warning("%s", self._summary("have failed"))

    def _about(self, trial: Trial) -> str:
        params = (trial if self._shown is None else self._shown(trial)).params
        seconds = ""
        if trial.started is not None and trial.finished is not None:
            seconds = f", {max(trial.finished - trial.started, 0.0):.3g} s"
        return f"{shown_params(params, PARAMS) or 'no parameters'}{seconds}"

    def _best(self) -> str:
        if len(self._optimizer.directions) != 1:
            return ""
        try:
            best = self._optimizer.best_trial
        except NoCompletedTrial:  # or none keeps the limits
            return ""
        return f"; best {best.value:.6g} of trial {best.number}"

    def _summary(self, verb: str) -> str:
        reason, often = self._reasons.most_common(1)[0]
        return f"{self._n_failed} of {self._n} trials {verb}, most often, {often} times, with: {reason}"

    def close(self) -> None:
        """Log at the end of the run what failed, if not all of that was shown; also if every trial failed."""
        if self._n_failed and self._n_failed == self._n:
            reason, often = self._reasons.most_common(1)[0]
            mostly = "all" if often == self._n else f"most often, {often} times,"
            log.warning("no trial succeeded: %d of %d failed, %s with: %s", self._n, self._n, mostly, reason)
        elif self._n_failed > SHOWN:
            log.warning("%s", self._summary("failed"))
        self._n = self._n_failed = 0
