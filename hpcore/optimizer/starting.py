"""Start of a single trial: at a suggestion, with a user's parameters, by order of a scheduler, or at a known point."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hpcore.errors import InfeasibleSpace
from hpcore.optimizer.proposer import Proposer, fill_in
from hpcore.optimizer.record import Record
from hpcore.optimizer.remaining import Remaining
from hpcore.optimizer.suggestions import Suggestions
from hpcore.records.history import History
from hpcore.records.trial import Trial
from hpcore.space.space import Params, Space

if TYPE_CHECKING:
    from hpcore.schedulers.base import Start

__all__ = ["Starter"]

FloatArray = npt.NDArray[np.float64]


class Starter:
    """Begins trials with the next number, and counts their points as proposed.

    Parameters
    ----------
    space : Space
        Space of the search.
    seed : int
        Seed of the search.
    record : Record
        Record, which gets the trials.
    queue : deque of dict
        Parameters that a user enqueued.
    remaining : Remaining
        Points that may still be proposed.
    suggestions : Suggestions
        Suggestions of the sampler, which say what proposed a point.
    proposer : Proposer
        Choice of a point that is new and allowed.
    """

    def __init__(
        self,
        space: Space,
        seed: int,
        record: Record,
        queue: deque[Params],
        remaining: Remaining,
        suggestions: Suggestions,
        proposer: Proposer,
    ) -> None:
        self._space, self._seed, self._record, self._queue = space, seed, record, queue
        self._remaining, self._suggestions, self._proposer = remaining, suggestions, proposer

    def propose(
        self,
        history: History,
        number: int,
        u: FloatArray,
        step: str | None,
        info: dict[str, Any] | None,
        end: float | None,
    ) -> Trial:
        """Begin a trial at a point that was suggested for trial `number`, or at another one if that repeats or is not
        allowed."""
        u, params, step = self._proposer.accept(history, u, step, end)
        trial = self._record.begin(u, params)
        proposed_by = self._suggestions.proposed_by(number, step if end is not None else None)
        if end is not None:
            info = {**(info or {}), "step": step}
        if info is not None or proposed_by is not None:
            self._record.explain(trial, info, proposed_by)
        return trial

    def queued(self) -> Trial:
        """Begin the first trial of the queue; missing parameters are drawn at random."""
        try:
            u, params = fill_in(self._space, self._queue[0], self._seed, self._record.history.n)
        except InfeasibleSpace:
            self._queue.popleft()  # otherwise every later ask would fail
            raise
        self._queue.popleft()
        return self.given(u, params)

    def given(self, u: FloatArray, params: Params) -> Trial:
        """Begin a trial with a user's own parameters."""
        self._remaining.discard(u)
        return self._record.begin(u, params, exact=True)

    def ordered(self, order: Start) -> Trial:
        """Begin a trial at the point of an order, also if it is known: it comes with another checkpoint, or in place of
        another trial."""
        u = np.ascontiguousarray(order.point, dtype=np.float64)
        params = self._space.coder.settle(u)
        if order.parent is not None and self._space.constraints and not self._space.allows(params):
            u = self._record.history.X[order.parent].copy()
            params = self._space.coder.settle(u)
        self._remaining.discard(u)
        return self._record.begin(u, params)

    def again(self, number: int, step: str | None = None) -> Trial:
        """Begin another trial at the point of trial `number`."""
        history = self._record.history
        u, params = history.X[number].copy(), dict(self._record.trials[number].params)
        self._remaining.discard(u)
        trial = self._record.begin(u, params, exact="params" in history.notes.get(number, ()))
        info: dict[str, Any] = {"repeat_of": number}
        self._record.explain(trial, info if step is None else {**info, "step": step}, None)
        return trial
