"""Log of the trials of a search in memory; the log of a stored study is `hpcore.ledger.stored_trial_log`."""

from __future__ import annotations

import copy
import logging
import math
import os
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeGuard

import numpy as np

from hpcore.arguments import shown
from hpcore.errors import (
    InfeasibleSpace,
    InvalidArgument,
    InvalidType,
    ResultsNeeded,
    SearchSpaceExhausted,
    TrialAlreadyTold,
    UnknownTrial,
)
from hpcore.optimizer import Optimizer
from hpcore.optimizer.known import Known
from hpcore.optimizer.search_view import SearchView
from hpcore.records.channel import Decision, Direct
from hpcore.records.history import WITHDRAWN
from hpcore.records.outcome import Outcome
from hpcore.records.rows import Report
from hpcore.records.trial import Trial
from hpcore.space.space import Space
from hpcore.workers.waiting import WAIT, Wait

if TYPE_CHECKING:
    from hpcore.schedulers.base import Resume, Start

__all__ = ["DEFAULT_STALENESS", "Finished", "Terms", "TrialLog", "is_resume", "number_of", "out_of_order"]

log = logging.getLogger("hpcore")


DEFAULT_STALENESS = 4
"""Staleness q of ``deterministic=True``: at most q jobs run at a time, enough for the cores of a small machine, and a
proposal misses at most the last q - 1 results."""


class Terms(NamedTuple):
    """Conditions under which a run asks for its next trial.

    Attributes
    ----------
    most : int or None
        Largest number of trials of the study.
    staleness : int or None
        Staleness q of the deterministic order, in which job j is proposed from the results of the jobs up to j - q;
        None proposes from all known results.
    only_resumed : bool
        True if paused trials may go on, but no new trial begins.
    reached : callable or None
        Rule ``reached(view) -> bool`` that ends the run; asked in a deterministic order only, with the `SearchView` of
        the results that the proposal sees.
    """

    most: int | None = None
    staleness: int | None = None
    reached: Callable[[SearchView], bool] | None = None
    only_resumed: bool = False


class Finished(NamedTuple):
    """Return of `TrialLog.finish`.

    Attributes
    ----------
    outcome : Outcome
        Recorded result; that of another worker if it was first.
    following : Trial, Wait or None
        Next trial, if one was asked for, as `TrialLog.ask` returns it.
    end : Exception or None
        Error of asking for the next trial.
    """

    outcome: Outcome
    following: Trial | Wait | None = None
    end: Exception | None = None


def number_of(trial: Any) -> int:
    """Return the number of a trial, given itself, a copy or its number.

    Raises
    ------
    InvalidType
        The argument is neither a trial nor an integer.
    """
    if isinstance(trial, Trial):
        return trial.number
    if isinstance(trial, bool) or not isinstance(trial, int | np.integer):
        raise InvalidType(f"trial must be a Trial of ask or its number, got {shown(trial)}")
    return int(trial)


class TrialLog:
    """Log of trials in the memory of an optimizer.

    Parameters
    ----------
    optimizer : Optimizer
        Optimizer that proposes trials and learns from results.

    Attributes
    ----------
    shown : Optimizer
        Optimizer that users see.
    watchers : list of callable
        Functions called as ``watcher(number, step, values)`` with each partial result, after it was recorded.
    """

    durable = False

    def __init__(self, optimizer: Optimizer) -> None:
        self.optimizer = self.shown = optimizer
        self._mode = ""
        self._given_back: deque[int] = deque()  # numbers of trials to evaluate again, lowest first
        self._attributes: dict[str, Any] = {}
        self.watchers: list[Callable[[int, float, Sequence[float]], None]] = []
        self._identity = ""
        self._receive()

    def _receive(self) -> None:
        """Receive the reports of the optimizer's trials."""
        self._channel = Direct(self.report)
        self.optimizer.jobs.set_channel(self._channel)

    def __getstate__(self) -> dict[str, Any]:
        return {**{name: value for name, value in vars(self).items() if name != "_channel"}, "watchers": []}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._receive()

    @property
    def mode(self) -> str:
        """See `Study.mode`."""
        return self._mode

    @property
    def identity(self) -> str:
        """Text that tells this study from all others, the same for every process that continues it."""
        if not self._identity:
            self._identity = os.urandom(16).hex()
        return self._identity

    def _tell_watchers(self, number: int, step: float, values: Sequence[float]) -> None:
        for watcher in self.watchers:
            watcher(number, step, values)

    # --- asking --------------------------------------------------------------------------------------------------

    def ask(self, terms: Terms | None = None) -> Trial | Wait | None:
        """Return the next trial to evaluate: one that was given back, or a new proposal.

        Returns
        -------
        Trial, Wait or None
            `WAIT` if results that the proposal depends on are missing; None if the terms allow no more trials.

        Raises
        ------
        SearchSpaceExhausted, InfeasibleSpace, ConstraintError
            See `Optimizer.ask`.
        """
        if self._given_back:
            again = self._next_given_back(None if terms is None else terms.staleness)
            if again is not None:
                return again
        return self.optimizer.ask() if terms is None else self._propose(terms, self._begin_job)

    def _propose(
        self, terms: Terms, begin: Callable[[Start | Resume | None, int | None, bool], Trial]
    ) -> Trial | Wait | None:
        """Begin a job by ``begin(order, as_of, is_late)``, if the terms allow one; see `ask`.

        The job sees the results up to the job `as_of`; `is_late` says that these are more than its number tells.
        """
        optimizer = self.optimizer
        only_resumed = terms.only_resumed or (terms.most is not None and _n_new(optimizer) >= terms.most)
        if only_resumed and optimizer.scheduler is None:
            return None
        as_of = None
        if terms.staleness is not None:
            as_of = self.as_of(terms.staleness)
            if self._oldest_job() <= as_of:
                return WAIT
            if terms.reached is not None and terms.reached(optimizer.view(as_of)):
                return None
        if optimizer.scheduler is None:
            return begin(None, as_of, False)
        first, order = as_of, optimizer.jobs.next(as_of)
        while as_of is not None and not _is_allowed(order, only_resumed) and as_of < optimizer.history.n_jobs - 1:
            # No new job makes further results visible, so they become visible one by one, as soon as they are in.
            as_of += 1
            if self._oldest_job() <= as_of:
                return WAIT
            order = optimizer.jobs.next(as_of)
        if not _is_allowed(order, only_resumed):
            if only_resumed:
                return None
            if not optimizer.running():
                raise ResultsNeeded("the scheduler begins no job, and there is no running trial whose result it needs")
            return WAIT
        trial = begin(order, as_of, as_of != first)
        if as_of is not None:
            optimizer.jobs.decide_there(trial, as_of)
        return trial

    def _begin_job(self, order: Start | Resume | None, as_of: int | None, is_late: bool) -> Trial:
        """Begin the job of an order, or without a scheduler a trial."""
        if order is None:
            return self.optimizer.ask(as_of=as_of)
        return self.optimizer.begin_job(order, as_of, is_late=is_late)

    def as_of(self, staleness: int | None) -> int:
        """Return the last job whose result the next proposal, or decision, may see; without staleness all are seen."""
        history = self.optimizer.history
        return history.n_jobs if staleness is None else max(-1, history.n_jobs - staleness)

    def _oldest_job(self) -> float:
        """Return the oldest job that is running; infinity if there is none."""
        history = self.optimizer.history
        return min(map(history.job_of, self.optimizer.running()), default=math.inf)

    def hand_out(self, n: int, deadline_ms: float | None, *, alone: bool) -> list[Trial]:
        """Return up to `n` trials for a caller of `Study.ask`; fewer only if the space has no more points.

        Parameters
        ----------
        n : int
            Number of trials, at least 1.
        deadline_ms : float or None
            Deadline, see `Optimizer.ask`.
        alone : bool
            Propose one trial by `Optimizer.ask` without a number, which may use a suggestion computed ahead; `n` is 1.
        """
        if self._mode not in ("", "lag 1"):  # these see all that is known
            self._mode = "fast"
        again: list[Trial] = []
        while len(again) < n and (trial := self._next_given_back(None)) is not None:
            again.append(trial)
        if len(again) == n:
            return again
        if alone:
            return [self.optimizer.ask(deadline_ms=deadline_ms)]
        try:
            return again + self.optimizer.ask(n - len(again), deadline_ms=deadline_ms)
        except BaseException as error:
            if again and isinstance(error, SearchSpaceExhausted | InfeasibleSpace | ResultsNeeded):
                return again
            self.give_back(again)
            raise

    def hand_out_again(self, n: int, repeat: Trial | int) -> list[Trial]:
        """Begin `n` other trials at the point of a trial, for a caller of `Study.ask`."""
        if self._mode not in ("", "lag 1"):  # the order of later proposals depends on when this was called
            self._mode = "fast"
        return self.optimizer.ask(n, repeat=repeat)

    def hand_out_given(self, n: int, given: Mapping[str, Any]) -> list[Trial]:
        """Begin `n` trials with some given values, for a caller of `Study.ask`."""
        if self._mode not in ("", "lag 1"):  # the order of later proposals depends on when this was called
            self._mode = "fast"
        return self.optimizer.ask(n, given=given)

    def _next_given_back(self, staleness: int | None) -> Trial | None:
        """Return the first trial that was given back and has no result; None if there is none."""
        while self._given_back:
            number = self._given_back.popleft()
            if number in self.optimizer.running():  # it may have been told by its number in the meantime
                return self._restarted(number, staleness)
        return None

    def _restarted(self, number: int, staleness: int | None) -> Trial:
        """Make a new object for a running trial that is evaluated again; in a deterministic order its reports are
        decided on from what was known when its job began."""
        if staleness is None:
            return self.optimizer.restart(number)
        as_of = self._seen_by(number, staleness)
        trial = self.optimizer.restart(number, as_of)
        self.optimizer.jobs.decide_there(trial, as_of)
        return trial

    def _seen_by(self, number: int, staleness: int) -> int:
        """Return the last job whose result the last job of a trial may see."""
        history = self.optimizer.history
        noted: int | None = history.notes.get(number, {}).get("as_of")
        return max(-1, history.job_of(number) - staleness) if noted is None else noted

    # --- telling -------------------------------------------------------------------------------------------------

    def conclude(self, trial: Trial, outcome: Outcome, pruned: bool = False) -> Outcome:
        """Return the outcome of a job from the checked return of its objective; see `Jobs.conclude`."""
        if trial.progress is None or not (pruned or trial.progress.should_stop):
            return outcome
        return self.optimizer.jobs.conclude(trial, trial, outcome, pruned)

    def decide_there(self, trial: Trial) -> None:
        """Let the scheduler decide on the reports of a trial that another process evaluates, from what is known now.

        In a deterministic order the trial has the scheduler as of an earlier job already.
        """
        if trial.progress is not None and trial.progress.channel is self._channel:
            self.optimizer.jobs.decide_there(trial, None)

    def judge(
        self,
        value: Any,
        std_error: float | None,
        error: str | None,
        state: str | None = None,
        gradient: Mapping[str, float] | None = None,
        params: Mapping[str, Any] | None = None,
    ) -> Outcome:
        """Check the return of an objective; a value that is not allowed is a failure with the reason."""
        try:
            return self.optimizer.outcome(value, std_error, error, gradient=gradient, state=state, params=params)
        except Exception as wrong:
            return Outcome.failed(_useless(value, wrong))

    def finish(self, trial: Trial, outcome: Outcome, *, then: Terms | None = None) -> Finished:
        """Record a result, in a store first, and ask for the next trial in the same commit.

        Parameters
        ----------
        trial : Trial
            Trial that `ask` returned.
        outcome : Outcome
            Result, checked by `judge`.
        then : Terms, optional
            Terms of the next trial; without them none is begun.

        Raises
        ------
        LeaseExpired, TrialAlreadyTold
            The trial of a stored study is not this worker's any more, and has a result.
        StorageError
            The result could not be stored; the next transaction tries again.
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
        """Return the recorded result of a trial that is not running."""
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
        """Record the result of any running trial, given itself, its number or a copy; or that it is withdrawn."""
        self.optimizer.finish(trial, outcome)

    def add_report(
        self, number: int, step: float, values: Sequence[float], data: Any = None, cost: float | None = None
    ) -> None:
        """Record a partial result of a running trial.

        Parameters
        ----------
        number : int
            Number of the trial.
        step : float
            Resource used so far: a fold, an epoch or another number.
        values : sequence of float
            One value per objective in the user's own sign, NaN for a missing one.
        data : plain data, optional
            Further data, which only a store keeps.
        cost : float, optional
            Cost of reaching the step.
        """
        self.optimizer.report(number, values, step, cost)
        if self.watchers:
            self._tell_watchers(number, step, values)

    def report(self, number: int, step: float, values: Sequence[float], cost: float | None = None) -> Decision:
        """Record a report of a running trial, and decide; see `hpcore.records.channel.Channel.report`."""
        decision = self.optimizer.jobs.receive(number, step, values, cost)
        if self.watchers:
            self._tell_watchers(number, step, values)
        return decision

    def take_reports(self, reports: Sequence[Report]) -> None:
        """Record reports ``(number, step, values, cost, job)`` of jobs that run in worker processes; those that are
        known, or whose job has ended, are ignored."""
        for number, step, values, cost, job in reports:
            if number in self.optimizer.running() and self.optimizer.history.job_of(number) == job:
                taken = self.optimizer.jobs.take_report(number, step, values, cost)
                if taken and self.watchers:
                    self._tell_watchers(number, step, values)

    def reports(self, numbers: Sequence[int]) -> dict[tuple[int, float], Any]:
        """Return the data of the stored reports of some trials by (trial, step); empty in memory."""
        return {}

    def give_back(self, trials: Sequence[Trial]) -> None:
        """Give trials back: they stay running, and the next call of `ask` returns them. They are no failures."""
        running = self.optimizer.running()
        numbers = {*self._given_back, *(trial.number for trial in trials if trial.number in running)}
        self._given_back = deque(sorted(numbers))

    def drop(self, trial: Trial) -> None:
        """Leave a running trial to another worker; in memory there is none."""

    def resume(self, trial: Trial | int) -> Trial:
        """Begin another job of a paused trial; see `Optimizer.resume`. If several workers try, one succeeds."""
        return self.optimizer.resume(trial)

    # --- runs ----------------------------------------------------------------------------------------------------

    def begin(self, mode: str, staleness: int | None = None) -> None:
        """Begin a run in a mode, in a deterministic order if `staleness` is given.

        Raises
        ------
        InvalidArgument
            An order is wanted, but a caller has a trial without a result, or prefetching is delayed.
        """
        if self.optimizer.prefetch == "delayed":
            if staleness is not None:
                raise InvalidArgument("deterministic=True needs prefetch=False or True, got prefetch='delayed'")
            mode = "fast"
        if staleness is not None:
            self.check_order()
        self._mode = mode if self._mode in ("", mode) else "fast"

    def check_order(self, why: str = "deterministic=True") -> None:
        """Check that no caller of `hand_out` has a running trial, which a deterministic order would wait for.

        Only for a run without running trials of its own: one that begins, or that waits.

        Parameters
        ----------
        why : str
            Reason of the wait, for the error.

        Raises
        ------
        InvalidArgument
            A caller has a running trial.
        """
        taken = self.optimizer.running().keys() - set(self._given_back)
        if taken:
            raise out_of_order(min(taken), why)

    def add(self, params: Mapping[str, Any], value: Any, facts: Mapping[str, Any]) -> Trial:
        """Record an evaluation made elsewhere, with the further arguments `facts`; see `Optimizer.add`."""
        return self.optimizer.add(params, value, **facts)

    def add_known(self, known: Known) -> list[Trial]:
        """Record checked results of evaluations made elsewhere."""
        return self.optimizer.take_known(known)

    def enqueue(self, params: Mapping[str, Any]) -> None:
        """Add parameters to the queue; see `Optimizer.enqueue`."""
        self.optimizer.enqueue(params)

    def begin_with(self, points: Sequence[Mapping[str, Any]]) -> None:
        """Add points to the queue, each with some or all parameters, unless the study has begun."""
        if not self.optimizer.n_trials:
            for point in points:
                self.enqueue(point)

    def extend(self, space: Space | Mapping[str, Any], defaults: Mapping[str, Any] | None) -> None:
        """Go on in a larger space; see `Study.extend`."""
        self.optimizer.extend(space, defaults=defaults)
        self.optimizer.jobs.set_channel(self._channel)

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
        """End the thread that renews leases, unless there still are leases; nothing to do in memory."""

    def refresh(self) -> None:
        """Read the changes of other workers; nothing to do in memory."""

    # --- attributes ----------------------------------------------------------------------------------------------

    def attributes(self) -> dict[str, Any]:
        """Return a copy of the attributes of the study."""
        return copy.deepcopy(self._attributes)

    def set_attribute(self, name: str, value: Any) -> None:
        """Set an attribute, or remove it if the value is None."""
        if value is None:
            self._attributes.pop(name, None)
        else:
            self._attributes[name] = value


def _is_allowed(order: Start | Resume | None, only_resumed: bool) -> bool:
    if order is None or not only_resumed:
        return order is not None
    # A copy of a trial goes on from that one's checkpoint.
    return is_resume(order) or order.parent is not None  # type: ignore[union-attr]


def is_resume(order: Start | Resume | None) -> TypeGuard[Resume]:
    """Tell whether a scheduler orders another job of a paused trial."""
    # `Resume` and `Start` are loaded by schedulers only.
    return order is not None and hasattr(order, "number")


def _n_new(optimizer: Optimizer) -> int:
    """Count the trials that do not go on from another one's checkpoint, without withdrawn ones."""
    history = optimizer.history
    n = history.n - history.n_withdrawn
    if optimizer.scheduler is None:
        return n
    state = history.state
    return n - sum(1 for i, note in history.notes.items() if "parent" in note and state[i] != WITHDRAWN)


def out_of_order(number: int, why: str) -> InvalidArgument:
    """Make the error of a run that cannot begin, or go on, while a caller has a trial without a result."""
    order = " in their order" if why.startswith("deterministic") else ""
    return InvalidArgument(
        f"{why} needs the results of all trials{order}, and trial {number} is still running; tell it first"
    )


def _useless(value: Any, wrong: Exception) -> str:
    """Return the reason for which a value is refused: its type, or an error of its own code, such as ``__float__``."""
    said = f"{wrong}" if isinstance(wrong, InvalidArgument | InvalidType) else f"{type(wrong).__name__}: {wrong}"
    return f"the objective returned {shown(value)}: {said}"
