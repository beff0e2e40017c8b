"""Levels of candidates: a job of the optimizer's scheduler is the folds of a candidate at one level of the resource.

The value of a level is the mean over its folds. It is reported with the level as the step, and the scheduler decides
whether the candidate goes on. Folds are no reports then: their positions would be taken for levels.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

from hpcore.errors import InvalidArgument
from hpcore.evaluation.source import Candidate
from hpcore.evaluation.workload import FoldScore
from hpcore.optimizer import Optimizer
from hpcore.records.channel import Decision
from hpcore.records.trial import Trial
from hpcore.sklearn.fidelity import Fidelity
from hpcore.sklearn.results import Value
from hpcore.study.run import Run

__all__ = ["Rungs"]


class Rungs:
    """Levels of the candidates of one search.

    Parameters
    ----------
    fidelity : Fidelity
        Resource and scheduler.
    ordered : bool
        True in a deterministic order: then seconds are no part of a report, because no two runs take the same.
    """

    def __init__(self, fidelity: Fidelity, ordered: bool) -> None:
        self.fidelity = fidelity
        self._ordered = ordered
        self._levels: dict[int, tuple[int, ...]] = {}
        self._going_on: deque[Trial] = deque()

    def levels(self, number: int) -> tuple[int, ...]:
        """Return the levels that a candidate has behind it."""
        return self._levels.get(number, ())

    def next_going_on(self) -> Trial | None:
        """Return a trial whose job has further levels; None if there is none."""
        return self._going_on.popleft() if self._going_on else None

    def begin(self, trial: Trial, params: Mapping[str, Any], optimizer: Optimizer) -> Candidate:
        """Make the candidate of the next level of a trial.

        Raises
        ------
        InvalidArgument
            If the scheduler asks for a level that is not possible, or for a copy of another trial's model.
        """
        number = trial.number
        if "parent" in optimizer.history.notes.get(number, {}):
            raise InvalidArgument(
                f"scheduler={optimizer.scheduler!r} copies models from one trial to another, which a search of "
                "candidates by cross-validation does not do; run it in a hpcore.Study"
            )
        before = self.levels(number)
        level = self.fidelity.level(trial.until, before)
        levels = (*before, level)
        job = optimizer.history.job_of(number)
        return Candidate(trial, {**params, **self.fidelity.params(level)}, [], number, levels=levels, job=job)

    def conclude(
        self, candidate: Candidate, result: Value, scores: Sequence[FoldScore], run: Run
    ) -> tuple[Value, bool]:
        """Report the result of a level, and find what becomes of the candidate.

        Parameters
        ----------
        candidate : Candidate
            Candidate at a level.
        result : Value
            Its result there.
        scores : sequence of FoldScore
            Folds that were run.
        run : Run
            Run of the search.

        Returns
        -------
        result : Value
            Result to tell: that of the level if the candidate is complete, failed, or lost its race at the full level.
        goes_on : bool
            True if its job has further levels; nothing is told then.
        """
        trial: Trial = candidate.trial
        level = candidate.levels[-1]
        self._levels[candidate.number] = candidate.levels
        if result.value is None:
            return result, False
        cost = None if self._ordered else math.fsum(score.fit_time + score.score_time for score in scores)
        trial.report(result.value, level, cost=cost)
        decision = Decision.CONTINUE if trial.progress is None else trial.progress.decision
        if level >= self.fidelity.full:
            return result, False
        if decision is Decision.STOP:
            return Value(None, state="pruned"), False
        if decision is Decision.CONTINUE and run.may_go_on():
            self._going_on.append(trial)
            return result, True
        return Value(None, state="paused"), False
