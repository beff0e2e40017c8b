"""The log of a search's trials in memory; `hpcore.ledger.stored_trial_log` is the durable one."""

from __future__ import annotations

import copy
import logging
import math
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from hpcore.arguments import shown
from hpcore.errors import (
    InfeasibleSpace,
    InvalidArgument,
    InvalidType,
    SearchSpaceExhausted,
    TrialAlreadyTold,
    UnknownTrial,
)
from hpcore.optimizer import Optimizer
from hpcore.optimizer.known import Known
from hpcore.optimizer.search_view import SearchView
from hpcore.records.outcome import Outcome
from hpcore.records.trial import Trial
from hpcore.workers.waiting import WAIT, Wait

__all__ = ["DEFAULT_STALENESS", "Finished", "Terms", "TrialLog", "number_of", "out_of_order"]

log = logging.getLogger("hpcore")


DEFAULT_STALENESS = 4
"""The q of ``deterministic=True``: at most so many jobs are open at a time, enough for the cores of a small machine and
few enough that a sampler which learns misses only the last three results."""


class Terms(NamedTuple):
    """Terms on which a run asks for its next trial.

    Attributes
    ----------
    most : int or None
        Trials that the study may have in all.
    staleness : int or None
        The q of the deterministic order, in which job j is proposed from the results of the jobs up to j - q; None
        proposes from all that is known.
    reached : callable or None
        ``reached(view) -> bool`` ends the run, where it is to decide from the very results that the proposal sees.
    """

    most: int | None = None
    staleness: int | None = None
    reached: Callable[[SearchView], bool] | None = None


class Finished(NamedTuple):
    """Answer to a result.

    Attributes
    ----------
    outcome : Outcome
        Recorded result, which is another one if somebody else was first.
    following : Trial, Wait or None
        Next trial, where it was asked for.
    end : Exception or None
        Reason for which there is no next trial.
    """

    outcome: Outcome
    following: Trial | Wait | None = None
    end: Exception | None = None


def number_of(trial: Any) -> int:
    """The number of a trial that is given as itself, as a copy or as its number.

    Raises
    ------
    InvalidType
        It is neither.
    """
    if isinstance(trial, Trial):
        return trial.number
    if isinstance(trial, bool) or not isinstance(trial, int | np.integer):
        raise InvalidType(f"trial must be a Trial of ask or its number, got {shown(trial)}")
    return int(trial)


class TrialLog:
    """Trials in the optimizer's memory.

    Parameters
    ----------
    optimizer : Optimizer
        Proposes and learns.

    Attributes
    ----------
    shown : Optimizer
        Optimizer as users get it.
    """

    durable = False

    def __init__(self, optimizer: Optimizer) -> None:
        self.optimizer = self.shown = optimizer
        self._mode = ""
        self._given_back: deque[int] = deque()  # numbers of trials to evaluate again, lowest first
        self._attributes: dict[str, Any] = {}

    @property
    def mode(self) -> str:
        """See `Study.mode`."""
        return self._mode

    # --- asking --------------------------------------------------------------------------------------------------

    def ask(self, terms: Terms | None = None) -> Trial | Wait | None:
        """The next trial to evaluate: one that was given back, or a new proposal.

        Returns
        -------
        Trial, Wait or None
            `WAIT` if results that the proposal depends on are missing; None if the terms allow no more trials.

        Raises
        ------
        SearchSpaceExhausted, InfeasibleSpace, ConstraintError
            As for `Optimizer.ask`.
        """
        if self._given_back and (again := self._take_up()) is not None:
            return again
        return self.optimizer.ask() if terms is None else self._propose(terms, self.optimizer.ask)

    def _propose(self, terms: Terms, new: Callable[..., Trial]) -> Trial | Wait | None:
        """A trial that ``new(as_of=job)`` begins from the results up to a job, where the terms allow one."""
        optimizer = self.optimizer
        if terms.most is not None and optimizer.n_trials >= terms.most:
            return None
        if terms.staleness is None:
            return new()
        as_of = self.as_of(terms.staleness)
        if self._oldest_job() <= as_of:
            return WAIT
        if terms.reached is not None and terms.reached(optimizer.view(as_of)):
            return None
        return new(as_of=as_of)

    def as_of(self, staleness: int | None) -> int:
        """The last job of which the next proposal, or decision, may see the result."""
        history = self.optimizer.history
        return history.n_jobs if staleness is None else max(-1, history.n_jobs - staleness)

    def _oldest_job(self) -> float:
        """The oldest job that is still running; infinity if none is."""
        history = self.optimizer.history
        return min(map(history.job_of, self.optimizer.running()), default=math.inf)

    def hand_out(self, n: int, deadline_ms: float | None, *, alone: bool) -> list[Trial]:
        """Trials for a caller who has them evaluated wherever they like: at most `n`, fewer when the space ends.

        `alone` is one trial as `Optimizer.ask` gives it without a number of them.
        """
        if self._mode not in ("", "lag 1"):  # these see all that is known
            self._mode = "fast"
        again: list[Trial] = []
        while len(again) < n and (trial := self._take_up()) is not None:
            again.append(trial)
        if len(again) == n:
            return again
        if alone:
            return [self.optimizer.ask(deadline_ms=deadline_ms)]
        try:
            return again + self.optimizer.ask(n - len(again), deadline_ms=deadline_ms)
        except BaseException as error:
            if again and isinstance(error, SearchSpaceExhausted | InfeasibleSpace):
                return again
            self.give_back(again)
            raise

    def _take_up(self) -> Trial | None:
        """The first trial that was given back and has no result; None if there is none."""
        while self._given_back:
            number = self._given_back.popleft()
            if number in self.optimizer.running():  # and was not told by its number in the meantime
                return self.optimizer.restart(number)
        return None

    # --- telling -------------------------------------------------------------------------------------------------

    def judge(self, value: Any, std_error: float | None, error: str | None, state: str | None = None) -> Outcome:
        """Check a result; a value that is not allowed is a failure with the reason."""
        try:
            return self.optimizer.outcome(value, std_error, error, state=state)
        except Exception as wrong:
            return Outcome.failed(_useless(value, wrong))

    def finish(self, trial: Trial, outcome: Outcome, *, then: Terms | None = None) -> Finished:
        """Record a result, in a store first, and ask for the next trial in the same commit.

        Parameters
        ----------
        trial : Trial
            One that `ask` gave.
        outcome : Outcome
            Its result, checked by `judge`.
        then : Terms, optional
            Terms of the next trial; without them none is begun.

        Raises
        ------
        LeaseExpired, TrialAlreadyTold
            Of a store: the trial is not this worker's any more, and its result is known.
        StorageError
            The store did not take it; it is tried again with the next transaction.
        """
        if trial.number in self.optimizer.running():
            self.optimizer.finish(trial, outcome)
        else:  # a callback, or another thread, told it before its run did
            log.warning("the result of trial %d came too late: it has another one", trial.number)
            outcome = self.outcome_of(trial.number)
        if then is None:
            return Finished(outcome)
        try:
            return Finished(outcome, self.ask(then))
        except Exception as end:
            return Finished(outcome, None, end)

    def outcome_of(self, number: int) -> Outcome:
        """The recorded result of a trial that ended."""
        history, trial = self.optimizer.history, self.optimizer.trials[number]
        return Outcome(
            tuple(trial.values) or None,
            int(history.state[number]),
            history.std_error(number),
            trial.error,
            trial.cost,
            trial.metrics or None,
            trial.gradient or None,
        )

    def tell(self, trial: Trial | int, outcome: Outcome) -> None:
        """Record the result of any running trial, whoever asked for it; given itself, its number or a copy."""
        self.optimizer.finish(trial, outcome)

    def add_report(
        self, number: int, step: float, values: Sequence[float], data: Any = None, cost: float | None = None
    ) -> None:
        """Record a partial result of a running trial.

        Parameters
        ----------
        number : int
            The trial's.
        step : float
            Fold, epoch or other resource used so far.
        values : sequence of float
            One per objective in the user's own sign, NaN where there is none.
        data : plain data, optional
            Further facts, which a store keeps.
        cost : float, optional
            Cost of reaching the step.
        """
        self.optimizer.report(number, values, step, cost)

    def reports(self, numbers: Sequence[int]) -> dict[tuple[int, float], Any]:
        """Data of stored reports by (trial, step)."""
        return {}

    def give_back(self, trials: Sequence[Trial]) -> None:
        """Give trials back: they go on running, and whoever asks next evaluates them. No model sees a failure."""
        running = self.optimizer.running()
        numbers = {*self._given_back, *(trial.number for trial in trials if trial.number in running)}
        self._given_back = deque(sorted(numbers))

    def resume(self, trial: Trial | int) -> Trial:
        """Begin another job of a paused trial; see `Optimizer.resume`. One of several who try is given it."""
        return self.optimizer.resume(trial)

    # --- runs ----------------------------------------------------------------------------------------------------

    def begin(self, mode: str, staleness: int | None = None) -> None:
        """Begin a run of a mode, in a deterministic order if it has a staleness.

        Raises
        ------
        InvalidArgument
            An order is wanted, and a caller has a trial without a result, or the optimizer proposes from results as
            they were some time before.
        """
        if self.optimizer.prefetch == "delayed":
            if staleness is not None:
                raise InvalidArgument("deterministic=True needs prefetch=False or True, got prefetch='delayed'")
            mode = "fast"
        if staleness is not None:
            self.check_order()
        self._mode = mode if self._mode in ("", mode) else "fast"

    def check_order(self) -> None:
        """Look for a trial that stands in the way of a deterministic order: a caller of `hand_out` has it.

        Raises
        ------
        InvalidArgument
            There is one. Only a run that waits, or begins, may ask: its own trials are running as well.
        """
        taken = self.optimizer.running().keys() - set(self._given_back)
        if taken:
            raise out_of_order(min(taken))

    def add(
        self, params: Mapping[str, Any], value: Any, std_error: float | None, user_attrs: Mapping[str, Any] | None
    ) -> Trial:
        """Record an evaluation made elsewhere."""
        return self.optimizer.add(params, value, std_error=std_error, user_attrs=user_attrs)

    def add_known(self, known: Known) -> list[Trial]:
        """Record many evaluations made elsewhere."""
        return self.optimizer.take_known(known)

    def enqueue(self, params: Mapping[str, Any]) -> None:
        """Have parameters evaluated next."""
        self.optimizer.enqueue(params)

    def renew(self, trial: Trial | int | None = None) -> None:
        """See `Study.renew`."""
        if trial is None:
            return
        number, n = number_of(trial), self.optimizer.n_trials
        known = self.optimizer.running().get(number)
        if known is None:
            if 0 <= number < n:
                raise TrialAlreadyTold(f"trial {number} has been told already")
            raise UnknownTrial(f"trial must be one that was asked for (0 .. {n - 1}), got {number}")
        if isinstance(trial, Trial):
            known.check_copy(trial)

    def rest(self) -> None:
        """End what runs in the background, if it is not needed."""

    def refresh(self) -> None:
        """Learn what others stored."""

    # --- attributes ----------------------------------------------------------------------------------------------

    def attributes(self) -> dict[str, Any]:
        """The study's attributes."""
        return copy.deepcopy(self._attributes)

    def set_attribute(self, name: str, value: Any) -> None:
        """Set or, with None, remove an attribute."""
        if value is None:
            self._attributes.pop(name, None)
        else:
            self._attributes[name] = value


def out_of_order(number: int) -> InvalidArgument:
    """Error of a deterministic run that a trial without a result stands in the way of."""
    return InvalidArgument(
        f"deterministic=True needs the results of all trials in their order, and trial {number} is still running; "
        "tell it first"
    )


def _useless(value: Any, wrong: Exception) -> str:
    """Why a value is none: of a type that is not allowed, or its own code (an iterator's, ``__float__``) raised."""
    said = f"{wrong}" if isinstance(wrong, InvalidArgument | InvalidType) else f"{type(wrong).__name__}: {wrong}"
    return f"the objective returned {shown(value)}: {said}"
