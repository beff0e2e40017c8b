"""Run of a study or a search: it begins trials, records their results, and decides when to end."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from hpcore.errors import InfeasibleParams, InfeasibleSpace, LeaseExpired, SearchSpaceExhausted, StorageError
from hpcore.ledger.trial_log import Terms, TrialLog
from hpcore.optimizer.search_view import SearchView
from hpcore.records.history import PAUSED, WITHDRAWN, History
from hpcore.records.outcome import Outcome
from hpcore.records.trial import Trial
from hpcore.study.checkpoints import Checkpoints
from hpcore.study.messages import Messages
from hpcore.study.stopping import StoppingRule
from hpcore.study.tracking import TrackerQueue
from hpcore.workers.interrupts import interruptible
from hpcore.workers.waiting import WAIT, Wait

__all__ = ["Run"]

log = logging.getLogger("hpcore")


class Run:
    """Run of a study or a search.

    A number of trials, a deadline, the space, a rule or the user ends it.

    Parameters
    ----------
    trial_log : TrialLog
        Log of the trials.
    hooks : sequence of callable
        Functions called as ``hook(trial)`` after each result was recorded.
    n_trials : int or None
        Largest number of trials to begin; paused trials go on after that, as long as a scheduler wants no new one.
    most : int or None
        Largest number of trials in all, including those of earlier runs and other workers.
    deadline : float, callable or None
        Time of the monotonic clock after which no trial begins, or a function that gives it.
    rules : sequence of StoppingRule
        Rules, any of which ends the run.
    staleness : int or None
        Staleness q of the deterministic order, see `hpcore.ledger.trial_log.Terms`; None proposes from all known
        results.
    mode : str
        Mode of the run, for the record of the study.
    eager : bool
        True if the next trial may begin in the transaction of a result, because no callback is called in between. It
        has no effect in memory, or with rules.
    at_least_one : callable, optional
        Function that tells whether a trial begins after the deadline; by default none does.
    say_why : callable, optional
        Function called as ``say_why(error)`` when the space has no more trials; by default the error is logged.
    checkpoints : Checkpoints, optional
        Checkpoints of the study.
    shown : callable, optional
        Function that gives a trial as the user sees it, for the log.
    display : callable, optional
        Function called as ``display(trial)`` after the hooks, also with paused and withdrawn trials.
    trackers : sequence of TrackerQueue
        Queues of the trackers, which get each result before the hooks are called.
    """

    def __init__(
        self,
        trial_log: TrialLog,
        hooks: Sequence[Callable[[Trial], Any]] = (),
        *,
        n_trials: int | None = None,
        most: int | None = None,
        deadline: float | Callable[[], float] | None = None,
        rules: Sequence[StoppingRule] = (),
        staleness: int | None = None,
        mode: str = "",
        eager: bool = False,
        at_least_one: Callable[[], bool] | None = None,
        say_why: Callable[[Exception], None] | None = None,
        checkpoints: Checkpoints | None = None,
        shown: Callable[[Trial], Trial] | None = None,
        display: Callable[[Trial], Any] | None = None,
        trackers: Sequence[TrackerQueue] = (),
    ) -> None:
        self._messages, self._display = Messages(trial_log.optimizer, shown), display
        self._log, self._hooks, self._checkpoints, self._trackers = trial_log, hooks, checkpoints, trackers
        self._n_trials, self._deadline, self._rules = n_trials, deadline, rules
        self._terms = Terms(most, staleness, self._ask_rules if rules and staleness is not None else None)
        self._eager = eager and trial_log.durable and not rules
        self._at_least_one, self._reason_hook = at_least_one, say_why
        self._counted: set[int] = set()  # numbers of the trials that count in n_trials
        self._over_by_number = False  # True if the run is over because these are all
        self._scheduled = trial_log.optimizer.scheduler is not None
        self._measures = not _has_told_costs(trial_log.optimizer.history)
        self._open: dict[int, Trial] = {}
        self._following: Trial | None = None
        self._late: list[tuple[Trial, Outcome]] = []
        self._stopped = self._exhausted = self._over = self._no_more = False
        self._news = True
        # Rules start before trials are claimed, which an error would have to give back; they see the trials of others.
        if rules:
            trial_log.refresh()
        for rule in rules:
            rule.start(trial_log.optimizer.view())
        trial_log.begin(mode, staleness)

    @property
    def n_begun(self) -> int:
        """Number of trials that this run began, without those that were withdrawn since."""
        return len(self._counted)

    def stop(self) -> None:
        """Begin no more trials."""
        self._stopped = True

    @property
    def stopping(self) -> bool:
        """True after `stop` was called."""
        return self._stopped

    @property
    def over(self) -> bool:
        """True if no more trials will begin."""
        return self._over

    # --- before a trial ------------------------------------------------------------------------------------------

    def next_trial(self) -> Trial | Wait | None:
        """Begin the next trial; trials that an earlier run left unfinished come first.

        Returns
        -------
        Trial, Wait or None
            `WAIT` if results that the proposal depends on are missing; None if no more trials will begin.
        """
        trial = self._next()
        if isinstance(trial, Trial):
            if trial.progress is None or not trial.progress.is_resumed:
                self._counted.add(trial.number)
            else:
                for tracker in self._trackers:
                    tracker.resumed(trial.number)
            self._open[trial.number] = trial
            if self._scheduled and self._checkpoints is not None:
                self._checkpoints.copy_parent(trial)
        return trial

    def _next(self) -> Trial | Wait | None:
        if self._following is not None:  # it was begun with the last result
            following, self._following = self._following, None
            return following
        if self._ended():
            return None
        trial = self._ask()
        if trial is None and self._scheduled and self._open:
            return WAIT  # a result may let a paused trial go on
        if trial is None:
            self.end()
        return trial

    def _terms_now(self) -> Terms:
        return self._terms._replace(only_resumed=True) if self._scheduled and self._is_full() else self._terms

    def _is_full(self) -> bool:
        return self._no_more or self.n_begun == self._n_trials

    def _ask(self) -> Trial | Wait | None:
        """Ask for the next trial; None if the space has no more. The error is raised if the study has no trial."""
        while True:
            try:
                return self._log.ask(self._terms_now())
            except (SearchSpaceExhausted, InfeasibleSpace) as error:
                if not self._log.optimizer.n_trials:
                    raise
                self._say_why(error)
                if isinstance(error, InfeasibleParams):
                    continue
                if not self._scheduled or self._no_more:
                    return None
                self._no_more = True  # paused trials may go on

    def _say_why(self, error: Exception) -> None:
        """Log the reason for which the space has no more trials."""
        if self._reason_hook is not None:
            self._reason_hook(error)
        elif isinstance(error, SearchSpaceExhausted):
            log.warning(
                "every point of the space, or of the grid, has been proposed: %s; with a larger repeats, points are "
                "evaluated again",
                self._end_shown(),
            )
        elif isinstance(error, InfeasibleParams):
            log.warning("%s", error)
        else:
            log.warning("%s, which are kept: %s", self._end_shown(), error)

    def _end_shown(self) -> str:
        total = f"{self._log.optimizer.n_trials} trials in the study"
        if self._n_trials is None:
            return f"the run ends with {total}"
        return f"the run ends after {self.n_begun} of n_trials={self._n_trials}, with {total}"

    def _ended(self) -> bool:
        if not self._over:
            by_number = self._is_full() and not self._scheduled
            if (
                self._stopped
                or by_number
                or self._exhausted
                or (self._deadline is not None and self._out_of_time(self._deadline))
                or (self._rules and self._satisfied())
            ):
                self.end()
                self._over_by_number = by_number
        self._news = False
        return self._over

    def _out_of_time(self, deadline: float | Callable[[], float]) -> bool:
        if time.monotonic() < (deadline() if callable(deadline) else deadline):
            return False
        return self._at_least_one is None or not self._at_least_one()

    def _satisfied(self) -> bool:
        """Tell whether a rule ends the run.

        In a deterministic order only rules `by_time` are asked here; the others are asked with the view of the
        proposal, see `Terms`.
        """
        due = [rule for rule in self._rules if rule.by_time or (self._news and self._terms.staleness is None)]
        if not due:
            return False
        if self._news:
            self._log.refresh()
        view = self._log.optimizer.view()
        with interruptible():
            return any(rule.reached(view) for rule in due)

    def _ask_rules(self, view: SearchView) -> bool:
        return any(rule.reached(view) for rule in self._rules if not rule.by_time)

    def refresh(self) -> None:
        """Read the changes of other workers, while the next trial waits for them.

        Raises
        ------
        InvalidArgument
            A caller has a trial without a result, see `TrialLog.check_order`.
        """
        self._log.refresh()
        self._log.check_order("the scheduler" if self._terms.staleness is None else "deterministic=True")

    def may_go_on(self) -> bool:
        """Tell whether a trial that is open may go on, and that neither a deadline nor a rule ends the run."""
        return not self._ended()

    def end(self) -> None:
        """Begin no more trials."""
        self._over = True
        following, self._following = self._following, None
        if following is not None:  # it was begun with the last result, and will not be evaluated
            self._log.give_back([following])

    # --- after it ------------------------------------------------------------------------------------------------

    def judge(
        self,
        value: Any,
        std_error: float | None,
        error: str | None,
        state: str | None = None,
        gradient: Mapping[str, float] | None = None,
        params: Mapping[str, Any] | None = None,
    ) -> Outcome:
        """Check a result; see `TrialLog.judge`."""
        return self._log.judge(value, std_error, error, state, gradient, params)

    def conclude(self, trial: Trial, outcome: Outcome, pruned: bool) -> Outcome:
        """Return the outcome of a job from the checked return of its objective; see `Jobs.conclude`."""
        return self._log.conclude(trial, outcome, pruned)

    def with_cost(self, trial: Trial, outcome: Outcome) -> Outcome:
        """Return the outcome of an evaluation with its cost: what the objective told, or else the seconds that it took.

        The costs of a trial's jobs add up. Once an objective told a cost, seconds, of another unit, are not measured
        any more: a trial that fails without a cost has none.
        """
        cost = outcome.cost
        if cost is not None:
            self._measures = False
        elif self._measures and trial.started is not None and trial.finished is not None:
            cost = max(trial.finished - trial.started, 0.0)
        if cost is None:
            return outcome
        earlier = trial.cost or 0.0 if self._scheduled else 0.0
        return outcome._replace(cost=min(earlier + cost, sys.float_info.max))

    def decide_there(self, trial: Trial) -> None:
        """Let the scheduler decide on the reports of a trial that another process evaluates; see `TrialLog`."""
        self._log.decide_there(trial)

    def finish(self, trial: Trial, outcome: Outcome) -> Outcome | None:
        """Record a result, first in the store, then in the optimizer.

        Returns
        -------
        Outcome or None
            Recorded result; None if another worker has the trial and this result was too late.
        """
        self._open.pop(trial.number, None)
        try:
            then = self._terms_now() if self._eager and self._begins_another() else None
            finished = self._log.finish(trial, outcome, then=then)
        except LeaseExpired as late:
            log.warning("%s", late)
            return None
        except BaseException:
            self._open[trial.number] = trial  # given back at the end, unless its result is stored later
            raise
        if finished.outcome.state == WITHDRAWN:
            self._replace(trial)
        if self._scheduled and self._checkpoints is not None:
            self._checkpoints.ended(trial.number)
        if isinstance(finished.following, Trial):
            self._following = finished.following
        if finished.end is not None:
            if not isinstance(finished.end, SearchSpaceExhausted | InfeasibleSpace):
                raise finished.end
            self._exhausted = not isinstance(finished.end, InfeasibleParams)
            self._say_why(finished.end)
        return finished.outcome

    def _replace(self, trial: Trial) -> None:
        """Let another trial begin in place of one that somebody withdrew."""
        if trial.number not in self._counted:
            return
        self._counted.remove(trial.number)
        if self._over_by_number:
            self._over = self._over_by_number = False

    def drop(self, trial: Trial) -> None:
        """Leave a trial to the worker that has it now."""
        log.warning("trial %d is left to the worker that has it now", trial.number)
        self._open.pop(trial.number, None)
        self._log.drop(trial)

    def _begins_another(self) -> bool:
        """Tell whether the next trial begins in the transaction of the result."""
        return self._following is None and not self._ended()

    def tell_hooks(self, trial: Trial, outcome: Outcome) -> None:
        """Call the hooks with a result that is recorded; a paused trial has none yet, and a withdrawn one has none."""
        self._news = True
        if outcome.state not in (PAUSED, WITHDRAWN):
            self._messages.ended(trial, outcome)
            for tracker in self._trackers:  # a Ctrl-C in a hook does not cost them the result
                tracker.ended(trial)
            for hook in self._hooks:
                with interruptible():
                    hook(trial)
        elif outcome.state == PAUSED:
            for tracker in self._trackers:
                tracker.paused(trial)
        if self._display is not None:
            self._display(trial)

    def say_failures(self) -> None:
        """Log at the end of the run what failed."""
        self._messages.close()

    # --- after an error or Ctrl-C --------------------------------------------------------------------------------

    def finish_late(self, trial: Trial, outcome: Outcome) -> None:
        """Record a result that arrived after an error, or Ctrl-C, ended the run; `give_up` calls the hooks with it."""
        if trial.number not in self._open:
            return
        try:
            recorded = self._log.finish(trial, outcome).outcome
        except StorageError as wrong:  # too late, or kept in memory for a later transaction
            log.warning("%s", wrong)
            return
        self._late.append((trial, recorded))
        del self._open[trial.number]

    @property
    def open_trials(self) -> list[Trial]:
        """Trials that this run began and that have no result."""
        return list(self._open.values())

    def give_up(self) -> None:
        """End the run early: give back the trials without a result, and call the hooks with late results."""
        left, self._open = list(self._open.values()), {}
        if left:
            self._log.give_back(left)
        self.end()
        late, self._late = self._late, []
        for trial, outcome in late:
            self.tell_hooks(trial, outcome)


def _has_told_costs(history: History) -> bool:
    """Tell whether a trial of one job has a cost other than the seconds that it took."""
    if history.cost is None:
        return False
    seconds, own = history.times[:, 1] - history.times[:, 0], history.job == np.arange(history.n)
    known = own & ~np.isnan(history.cost)
    return bool((history.cost[known] != np.maximum(seconds[known], 0.0)).any())
