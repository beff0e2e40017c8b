"""Trials whose numbers come from outside, and trials with given values."""

from __future__ import annotations

from typing import Any

import numpy as np

from hpcore.arguments import check_integer
from hpcore.errors import InvalidArgument, SearchSpaceExhausted
from hpcore.optimizer.basis import Basis
from hpcore.optimizer.copied import CopiedTrial
from hpcore.optimizer.proposer import Proposer
from hpcore.optimizer.record import Record
from hpcore.optimizer.remaining import Remaining
from hpcore.optimizer.suggestions import Suggestions
from hpcore.records.history import WITHDRAWN
from hpcore.records.trial import Trial
from hpcore.space.columns import Columns
from hpcore.space.space import Params

__all__ = ["Numbered", "check_number_given"]

# The largest number of trials whose numbers come from outside, each of which takes a row: a larger one is a mistake.
MOST_TRIALS = 10_000_000


class Numbered:
    """Begins and copies trials that are known by their number.

    Parameters
    ----------
    columns : Columns
        Columns of the space.
    repeats : int or None
        Number of times that a point may be proposed; None if points come again without an end.
    record : Record
        Record of the search.
    remaining : Remaining
        Points that may still be proposed.
    suggestions : Suggestions
        Suggestions of the sampler.
    proposer : Proposer
        Choice of a point that is new and allowed.
    basis : Basis
        Basis of proposals.
    """

    def __init__(
        self,
        columns: Columns,
        repeats: int | None,
        record: Record,
        remaining: Remaining,
        suggestions: Suggestions,
        proposer: Proposer,
        basis: Basis,
    ) -> None:
        self._columns, self._repeats, self._record, self._remaining = columns, repeats, record, remaining
        self._suggestions, self._proposer, self._basis = suggestions, proposer, basis

    def ask(self, n: int | None, number: int | None, given: Params | None) -> Trial | list[Trial]:
        """Begin the trial of a number, or trials with given values, as `Optimizer.ask` says."""
        if number is not None:
            return self._ask_number(number, given)
        assert given is not None
        return self._ask_given(n, given)

    def _ask_number(self, number: int, given: Params | None) -> Trial:
        history = self._record.history
        if number < history.n and history.state[number] != WITHDRAWN:
            known = self._record.find(number)
            if given is not None and not (given.items() <= known.params.items()):
                raise InvalidArgument(f"given must agree with trial {number}, which is running with {known.params!r}")
            return known
        self._basis.see(None)
        self._record.skip(number)
        return self._propose_at(number) if given is None else self._complete_at(number, given)

    def _ask_given(self, n: int | None, given: Params) -> Trial | list[Trial]:
        many = 1 if n is None else check_integer("n", n, 1)
        self._basis.see(None)
        first, trials = self._record.history.n, []
        try:
            for _ in range(many):
                trials.append(self._complete_at(self._record.history.n, given))
        except BaseException as error:
            self._basis.take_back(first, None, error)
            raise
        return trials[0] if n is None else trials

    def _complete_at(self, number: int, given: Params) -> Trial:
        """Begin the trial of a number, which must not be beyond the next one, with some given values."""
        history = self._record.history
        u, params, proposed_by = self._proposer.complete(history, given, number)
        self._remaining.discard(u)
        if number < history.n:
            self._suggestions.revised(number)
        else:
            self._suggestions.changed()
        trial = self._record.begin_at(number, u, params)
        self._record.keep_params(number)
        if proposed_by is not None:
            self._record.explain(trial, None, proposed_by)
        return trial

    def _propose_at(self, number: int) -> Trial:
        """Begin the trial of a number, which must not be beyond the next one, at a point that follows from it."""
        history, suggestions = self._record.history, self._suggestions
        info: dict[str, Any] | None = None
        try:
            if self._basis.is_exhausted:
                raise SearchSpaceExhausted("every point has been proposed")
            rows, _ = suggestions.rows(history, 1, number=number)
            u, params, _ = self._proposer.accept(history, rows[0], None, None, number)
            proposed_by = suggestions.proposed_by(number, None)
        except SearchSpaceExhausted:
            if self._repeats is not None or not history.present.any():
                raise
            self._basis.is_exhausted = True
            from hpcore.optimizer.replication import most_telling

            again = most_telling(history, self._columns)
            u, params = history.X[again].copy(), dict(self._record.trials[again].params)
            self._remaining.discard(u)
            info, proposed_by = {"repeat_of": again}, None
        if number < history.n:
            suggestions.revised(number)
        trial = self._record.begin_at(number, u, params)
        if info is not None or proposed_by is not None:
            self._record.explain(trial, info, proposed_by)
        return trial

    def put(self, number: int, copied: CopiedTrial) -> None:
        """Copy a checked trial of another record; see `Optimizer.put`."""
        history, record = self._record.history, self._record
        first = history.n
        if copied.point is None:
            if number >= first:
                record.skip(number + 1)
            elif history.state[number] != WITHDRAWN:
                self._basis.withdraw(number)
            return
        assert copied.point.params is not None
        u = np.asarray(copied.point)
        if number >= first or history.state[number] == WITHDRAWN:
            self._remaining.discard(u)
        elif history.X[number].tobytes() != u.tobytes():
            self._basis.has_moved = True
        if record.put(number, u, copied.point.params, copied.outcome, copied.reports):
            self._suggestions.revised(number)
        else:
            self._suggestions.changed()


def check_number_given(name: str, number: Any, has_scheduler: bool) -> int:
    """Check the number of a trial that was given from outside.

    Raises
    ------
    InvalidArgument, InvalidType
        It is not allowed, or there is a scheduler.
    """
    if has_scheduler:
        raise InvalidArgument("trials cannot be given numbers with a scheduler, which begins trials by itself")
    return check_integer(name, number, 0, MOST_TRIALS - 1)
