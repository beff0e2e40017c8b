"""Results: the end of running trials, and evaluations that were made elsewhere."""

from __future__ import annotations

from collections import deque
from typing import Any

import numpy as np

from hpcore.optimizer.basis import Basis
from hpcore.optimizer.jobs import Jobs
from hpcore.optimizer.known import Known
from hpcore.optimizer.record import Record
from hpcore.optimizer.remaining import Remaining
from hpcore.optimizer.starting import Starter
from hpcore.optimizer.suggestions import Suggestions
from hpcore.records.history import WITHDRAWN
from hpcore.records.limits import Limits
from hpcore.records.outcome import Outcome
from hpcore.records.rows import Rows
from hpcore.records.trial import Trial
from hpcore.space.point import EncodedPoint
from hpcore.space.space import Params

__all__ = ["Telling"]


class Telling:
    """Records checked results, and lets the sampler know.

    Parameters
    ----------
    record : Record
        Record of the search.
    queue : deque of dict
        Parameters that come before suggestions.
    remaining : Remaining
        Points that may still be proposed.
    suggestions : Suggestions
        Suggestions of the sampler.
    basis : Basis
        Basis of proposals.
    starter : Starter
        Start of a single trial.
    jobs : Jobs
        Jobs of the search.
    """

    def __init__(
        self,
        record: Record,
        queue: deque[Params],
        remaining: Remaining,
        suggestions: Suggestions,
        basis: Basis,
        starter: Starter,
        jobs: Jobs,
    ) -> None:
        self._record, self._queue, self._remaining, self._suggestions = record, queue, remaining, suggestions
        self._basis, self._starter, self._jobs = basis, starter, jobs

    def finish(self, known: Trial, outcome: Outcome, told: Trial | int) -> None:
        """Record the outcome of a running trial, given the object or number that the caller told."""
        if known is not told and isinstance(told, Trial):
            # A copy, for instance from a worker process: its times, attributes and reports belong to the trial.
            known.adopt(told)
        if outcome.params is not None and self._record.move(known, outcome.params):
            self._basis.moved(known.number)
        if outcome.state == WITHDRAWN:
            self._basis.withdraw(known.number)
        else:
            self._record.finish(known, outcome)
        if self._suggestions.looks_ahead:
            self._basis.look_ahead(told=known.number)

    def add(self, point: EncodedPoint, outcome: Outcome, user_attrs: dict[str, Any] | None) -> Trial:
        """Record a single evaluation that was made elsewhere."""
        assert point.params is not None
        trial = self._starter.given(np.asarray(point), point.params)
        if user_attrs:
            trial.user_attrs.update(user_attrs)
        self.finish(trial, outcome, trial)
        return trial

    def restore(self, rows: Rows) -> None:
        """Append trials of another optimizer of the same space."""
        first = self._record.history.n
        self._record.restore(rows)
        self._jobs.restored(first)
        self._remaining.discard_all(self._record.history.X[first:][self._record.history.present[first:]])
        self._suggestions.changed()

    def take_known(self, known: Known, n_objectives: int, limits: Limits) -> list[Trial]:
        """Record many evaluations that were made elsewhere."""
        first = self._record.history.n
        if not len(known):
            return []
        self.restore(known.rows(first, self._record.history.n_jobs, n_objectives))
        for i, outcome in enumerate(known.outcomes):
            self._record.say_missing(first + i, outcome)
        if self._suggestions.looks_ahead and not self._basis.in_order:
            last = self._record.history.n - 1
            for number in range(first, last + 1):
                wanted = number == last and not self._queue
                self._suggestions.look_ahead(self._record.history, wanted, told=number)
        return known.trials(first, limits)
