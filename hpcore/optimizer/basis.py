"""Basis of proposals: the results that count for them, and the points that may still be proposed."""

from __future__ import annotations

import math
from collections import deque

from hpcore.errors import InfeasibleSpace
from hpcore.optimizer.record import Record
from hpcore.optimizer.remaining import Remaining
from hpcore.optimizer.suggestions import Suggestions
from hpcore.space.space import Params

__all__ = ["Basis"]


class Basis:
    """Keeps suggestions and remaining points in step with the record.

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
    has_moved : bool
        Initial value of the attribute.

    Attributes
    ----------
    has_moved : bool
        True if a trial's point has changed, or may be proposed again, which the remaining points do not know yet.
    is_exhausted : bool
        True once no new point was found, if points may be evaluated again without an end.
    in_order : bool
        True if the last proposal was made from the results up to a job.
    n_overtaken : int
        Number after the last trial that began while another thread had its turn.
    """

    def __init__(
        self,
        record: Record,
        queue: deque[Params],
        remaining: Remaining,
        suggestions: Suggestions,
        has_moved: bool = False,
    ) -> None:
        self._record, self._queue, self._remaining, self._suggestions = record, queue, remaining, suggestions
        self.has_moved, self.is_exhausted, self.in_order = has_moved, False, False
        self.n_overtaken = 0
        # Last job whose result the sampler may have learnt from.
        self._learnt_job = math.inf

    def see(self, as_of: int | None) -> None:
        """Prepare for proposals from the results of the jobs up to `as_of`, or from all."""
        if self.has_moved:
            self.has_moved = self.is_exhausted = False
            self._remaining.begin_anew(self._record.history.X[self._record.history.present])
        self.in_order = as_of is not None
        if as_of is None:
            self._learnt_job = math.inf
        else:
            if as_of < self._learnt_job:  # a suggester does not forget
                self._suggestions.begin_anew()
            self._learnt_job = as_of

    def look_ahead(self, told: int | None = None) -> None:
        """Start to compute the next suggestion, if that is wanted: after an `ask`, or after the `tell` of a trial."""
        # Wanted if the next trial is a sampler's suggestion, from all results.
        wanted = not (self._queue or self.in_order or self.is_exhausted)
        self._suggestions.look_ahead(self._record.history, wanted, told=told)

    def moved(self, number: int) -> None:
        """Note that the point of a trial has changed, or may be proposed again."""
        self.has_moved = True
        self._suggestions.revised(number)

    def withdraw(self, number: int) -> None:
        """Record that a trial says nothing of its point."""
        self._record.withdraw(number)
        self.moved(number)

    def take_back(self, first: int, queue: deque[Params] | None, error: BaseException) -> None:
        """Undo a call that failed: remove the trials from number `first` on, which no caller has, and restore the
        queue as it was before the call, if that has taken from it."""
        if queue is not None:
            n_queued = len(queue) - len(self._queue)
            if isinstance(error, InfeasibleSpace) and n_queued > self._record.history.n - first:
                # Parameters that the constraints refuse leave the queue: otherwise every later ask would fail.
                del queue[n_queued - 1]
            self._queue.clear()
            self._queue.extend(queue)
        first = max(first, self.n_overtaken)
        if self._record.history.n > first:
            self._record.take_back(first)
            self.begin_anew()

    def begin_anew(self) -> None:
        """Re-create the state that is derived from the record, after trials were removed."""
        self.has_moved = self.is_exhausted = False
        self._remaining.begin_anew(self._record.history.X[self._record.history.present])
        self._suggestions.begin_anew()
