"""Answers to `Optimizer.ask`: one trial or several, under a deadline, ordered by a scheduler, as of a job."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from hpcore.arguments import check_integer, check_number
from hpcore.errors import HpcoreError, InvalidArgument, ResultsNeeded, SearchSpaceExhausted
from hpcore.optimizer.basis import Basis
from hpcore.optimizer.by_number import check_number_given
from hpcore.optimizer.jobs import Jobs
from hpcore.optimizer.record import Record
from hpcore.optimizer.starting import Starter
from hpcore.optimizer.suggestions import Suggestions
from hpcore.optimizer.turn import Turn
from hpcore.records.history import History
from hpcore.records.trial import Trial
from hpcore.samplers.ladder import FULL
from hpcore.space.columns import Columns
from hpcore.space.space import Params

if TYPE_CHECKING:
    from hpcore.schedulers.base import Resume, Start

__all__ = ["Asking", "check_question"]

# Numbers of a history that is copied for any caller that might overtake; a longer one only once there was a deadline.
SMALL = 20_000


class Asking:
    """Begins the trials that are asked for, for the thread whose turn it is.

    Parameters
    ----------
    columns : Columns
        Columns of the space.
    repeats : int or None
        Number of times that a point may be proposed; None if points come again without an end.
    record : Record
        Record of the search.
    queue : deque of dict
        Parameters that come before suggestions.
    suggestions : Suggestions
        Suggestions of the sampler.
    basis : Basis
        Basis of proposals.
    starter : Starter
        Start of a single trial.
    jobs : Jobs
        Jobs, with the scheduler.
    turn : Turn
        Turn of the optimizer, which others may overtake while the sampler computes.
    """

    def __init__(
        self,
        columns: Columns,
        repeats: int | None,
        record: Record,
        queue: deque[Params],
        suggestions: Suggestions,
        basis: Basis,
        starter: Starter,
        jobs: Jobs,
        turn: Turn,
    ) -> None:
        self._columns, self._repeats, self._record, self._queue = columns, repeats, record, queue
        self._suggestions, self._basis, self._starter = suggestions, basis, starter
        self._jobs, self._turn = jobs, turn
        self._has_scheduler = jobs.has_scheduler

    def ask(
        self, n: int | None, end: float | None, as_of: int | None, repeat: Trial | int | None
    ) -> Trial | list[Trial]:
        """Begin a trial, or a list of up to `n`; see `Optimizer.ask`. The deadline `end` is on the monotonic clock."""
        self._basis.see(as_of)
        asked: Trial | list[Trial]
        if repeat is not None:
            asked = self._again(n, repeat)
        elif n is None:
            asked = self._one(end, as_of)
        else:
            asked = self._many(check_integer("n", n, 1), end)
        if self._suggestions.looks_ahead:
            self._basis.look_ahead()
        return asked

    def at_once(self, n: int | None) -> Trial | list[Trial]:
        """Begin trials that take no time, for a caller whose time is over while another thread has its turn."""
        history, end = self._record.history, time.monotonic()
        many = 1 if n is None else n
        trials: list[Trial] = []
        try:
            while len(trials) < many and self._queue:
                trials.append(self._starter.queued())
            while len(trials) < many:
                rows, step = self._suggestions.at_once(history, many - len(trials))
                for u in rows:
                    trials.append(self._starter.propose(history, history.n, u, step, None, end))
        except HpcoreError:
            if not trials:
                raise
        self._basis.n_overtaken = history.n
        self._suggestions.changed()
        return trials[0] if n is None else trials

    @contextmanager
    def _away(self, history: History) -> Iterator[History]:
        """Let callers whose time is over overtake while the sampler computes; yield what it computes from."""
        seen = history.snapshot()
        with self._turn.away():
            yield seen

    def _stays(self, history: History) -> bool:
        """True if nobody can overtake, or hardly anybody would, so that the turn is kept while the sampler computes."""
        if not self._suggestions.learns or self._has_scheduler or threading.active_count() == 1:
            return True
        return history.X.size > SMALL and not self._turn.hurried

    def _one(self, end: float | None, as_of: int | None = None) -> Trial:
        if self._has_scheduler:
            order = self._jobs.next(as_of)
            if order is None:
                raise ResultsNeeded("the scheduler needs results of running trials first, tell one of them")
            return self._job(order, end, as_of)
        return self._new(end, as_of)

    def _new(self, end: float | None, as_of: int | None) -> Trial:
        if self._queue:
            return self._starter.queued()
        history = self._record.history
        # A suggestion computed ahead is not used in a deterministic order: it may have seen later results.
        seen = history if as_of is None else history.as_of(as_of)
        if not self._basis.is_exhausted:
            try:
                if as_of is None:
                    number = history.n
                    if self._stays(history):
                        u, step, info = self._suggestions.first(history, end)
                    else:
                        with self._away(history) as seen:
                            u, step, info = self._suggestions.first(seen, end)
                    return self._starter.propose(history, number, u, step, info, end)
                rows, step = self._suggestions.rows(seen, 1, end=end)
                return self._starter.propose(seen, history.n, rows[0], step, None, end)
            except SearchSpaceExhausted:
                if self._repeats is not None or not history.n:
                    raise
                self._basis.is_exhausted = True
        # Imported here: most searches do not come to the end of their space.
        from hpcore.optimizer.replication import most_telling

        return self._starter.again(most_telling(seen, self._columns), None if end is None else FULL)

    def _many(self, n: int, end: float | None) -> list[Trial]:
        """Propose `n` trials, fewer if the space has no more points; after an error no trial begins."""
        if self._has_scheduler or self._basis.is_exhausted:
            return self._ordered(n, end)
        history, queue = self._record.history, self._queue.copy()
        first = history.n
        trials: list[Trial] = []
        try:
            while len(trials) < n and self._queue:
                trials.append(self._starter.queued())
            if len(trials) < n:
                number = history.n
                if self._stays(history):
                    rows, step = self._suggestions.rows(history, n - len(trials), end=end)
                else:
                    with self._away(history) as seen:
                        rows, step = self._suggestions.rows(seen, n - len(trials), end=end)
                for k, u in enumerate(rows):
                    trials.append(self._starter.propose(history, number + k, u, step, None, end))
            while len(trials) < n:
                trials.append(self._one(end))
        except SearchSpaceExhausted:
            if self._repeats is None and history.n:
                self._basis.is_exhausted = True
                return trials + self._ordered(n - len(trials), end)
            if not trials:
                raise
        except BaseException as error:
            self._basis.take_back(first, queue, error)
            raise
        return trials

    def _ordered(self, n: int, end: float | None) -> list[Trial]:
        """Begin up to `n` jobs that the scheduler orders; an error after the first one waits for the next call."""
        trials: list[Trial] = []
        while len(trials) < n:
            try:
                trials.append(self._one(end))
            except HpcoreError:
                if trials:
                    break
                raise
        return trials

    def _again(self, n: int | None, trial: Trial | int) -> Trial | list[Trial]:
        """Begin other evaluations of a trial's point."""
        if self._has_scheduler:
            raise InvalidArgument("repeat cannot be given with a scheduler, which begins trials by itself")
        number = self._record.number_of(trial)
        if n is None:
            return self._starter.again(number)
        return [self._starter.again(number) for _ in range(check_integer("n", n, 1))]

    def begin_job(self, order: Start | Resume, as_of: int | None, end: float | None, is_late: bool) -> Trial:
        """See `Optimizer.begin_job`."""
        self._basis.see(as_of)
        trial = self._job(order, end, as_of)
        self._record.note_view(trial.number, as_of if is_late else None)
        return trial

    def _job(self, order: Start | Resume, end: float | None, as_of: int | None) -> Trial:
        from hpcore.schedulers.base import Resume

        if isinstance(order, Resume):
            return self._jobs.resume(order.number, None, order.until)
        if order.point is None or self._queue:
            trial = self._new(end, as_of)
        elif order.parent is None and order.replaces is None:
            history = self._record.history
            seen = history if as_of is None else history.as_of(as_of)
            trial = self._starter.propose(seen, history.n, order.point, None, None, None)
        else:
            trial = self._starter.ordered(order)
        self._record.order(trial, order)
        return trial


def check_question(
    n: Any, deadline_ms: Any, as_of: Any, repeat: Any, number: Any, given: Any, has_scheduler: bool
) -> tuple[float | None, int | None, int | None]:
    """Check the arguments of `Optimizer.ask`, and return the deadline on the monotonic clock, `as_of` and `number`.

    Raises
    ------
    InvalidArgument, InvalidType
        An argument is not allowed, or two of them do not go together.
    """
    end = None
    if deadline_ms is not None:
        deadline_ms = check_number("deadline_ms", deadline_ms, 0.0, open_low=True, unit=" of milliseconds")
        end = time.monotonic() + min(deadline_ms / 1e3, threading.TIMEOUT_MAX)
    if as_of is not None:
        as_of = check_integer("as_of", as_of, -1)
        if n is not None:
            raise InvalidArgument("as_of needs one trial at a time, leave n out")
    if repeat is not None and (deadline_ms is not None or as_of is not None):
        raise InvalidArgument("repeat needs no proposal: leave deadline_ms and as_of out")
    if number is not None:
        if not (n is None and deadline_ms is None and as_of is None and repeat is None):
            raise InvalidArgument("number stands for one trial, leave n, deadline_ms, as_of and repeat out")
        number = check_number_given("number", number, has_scheduler)
    elif given is not None and not (deadline_ms is None and as_of is None and repeat is None and not has_scheduler):
        raise InvalidArgument("given values are completed from all results: leave deadline_ms, as_of and "
                              "repeat out, and have no scheduler")  # fmt: skip
    return end, as_of, number
