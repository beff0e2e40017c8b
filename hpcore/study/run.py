"""One run of a study: which trial is next, when there is none any more, and how results are taken in."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from hpcore.errors import (
    InfeasibleParams,
    InfeasibleSpace,
    InvalidArgument,
    LeaseExpired,
    SearchSpaceExhausted,
    StorageError,
)
from hpcore.ledger.trial_log import Outcome, TrialLog
from hpcore.records.trial import Trial, TrialState
from hpcore.study.objective import Objective, call
from hpcore.study.stopping import StoppingRule
from hpcore.workers.interrupts import Interrupts, interruptible
from hpcore.workers.lockstep import Lockstep

if TYPE_CHECKING:
    from hpcore.study.study import Study

__all__ = ["Run"]

log = logging.getLogger("hpcore")


class Run:
    """Gives trials until the count, the clock, the space, a rule or the user says stop; takes in their results.

    Parameters
    ----------
    study : Study
        Which runs.
    trial_log : TrialLog
        Where its trials are written down.
    callbacks : sequence of callable
        Called as ``callback(study, trial)`` with each result that the optimizer has learnt; may stop the run.
    shown : callable
        Called so after them; only shows.
    n_trials : int or None
        The most trials to begin.
    deadline : float or None
        On the monotonic clock.
    rules : sequence of StoppingRule
        Any of them ends the run.
    lag : int or None
        Of the deterministic order, see `Lockstep`; None takes results in as they come.
    mode : str
        What the run is called in the study's record.

    Attributes
    ----------
    interrupts : Interrupts
        Holds Ctrl-C back while a trial changes hands; entered by whoever drives the run.
    """

    def __init__(
        self,
        study: Study,
        trial_log: TrialLog,
        callbacks: Sequence[Callable[[Study, Trial], Any]],
        shown: Callable[[Study, Trial], Any],
        n_trials: int | None,
        deadline: float | None,
        rules: Sequence[StoppingRule],
        lag: int | None,
        mode: str,
    ) -> None:
        self._study, self._trial_log, self._durable = study, trial_log, trial_log.durable
        self._callbacks, self._hooks = callbacks, [*callbacks, shown]
        self._n_trials, self._left, self._deadline, self._rules = n_trials, n_trials, deadline, rules
        self._following: Trial | None = None
        self._exhausted = False
        self._news = True
        self._over = False
        self._order: Lockstep[tuple[Trial, Outcome]] | None = None
        self._replayed: frozenset[int] = frozenset()
        self._again: deque[Trial] = deque()
        self.interrupts = Interrupts()
        # Before anything is taken up that would have to be given back; they look at what others did as well.
        if rules:
            trial_log.refresh()
        for rule in rules:
            rule.start(study)
        try:
            with self.interrupts, self.interrupts.held():
                self._again.extend(trial_log.begin(mode, alone=lag is not None))
                if lag is not None:
                    self._begin_order(lag)
        except BaseException:
            self.give_up([])
            raise

    def _begin_order(self, lag: int) -> None:
        n = len(self._study.trials)
        ours = {trial.number for trial in self._again}
        for number in range(max(0, n - lag), n):
            if self._study.trials[number].state is TrialState.RUNNING and number not in ours:
                raise InvalidArgument(
                    f"deterministic=True needs the results of all trials in their order, and trial {number} is still "
                    f"running; tell it first"
                )
        # As if the earlier run had never ended: the last results are handed on again, each when its turn comes.
        known = self._trial_log.rewind(lag)
        self._order = Lockstep(lag, max(0, n - lag))
        while self._order.n_proposed < n:
            self._order.propose()
        self._replayed = frozenset(known)
        for number, result in known.items():
            self._order.finish(number, result)
        self._hand_on()

    # --- before a trial ------------------------------------------------------------------------------------------

    def next_trial(self) -> Trial | None:
        """The next trial; None if none is to begin now. If none is running either, none ever is."""
        if self._following is not None:  # begun already, when the run had not ended
            following, self._following = self._following, None
            self._count()
            return following
        if self._ended():
            return None
        if self._order is not None and not self._again and not self._order.may_propose:
            return None
        if self._again:
            self._count()
            return self._again.popleft()
        trial = self._ask()
        if trial is None:
            self._end()
            return None
        self._count()
        if self._order is not None:
            index = self._order.propose()
            if index != trial.number:
                self._trial_log.give_up([trial])
                raise LeaseExpired(
                    f"another worker began trial {index} of a study that deterministic=True needs for itself"
                )
            # A result that was waiting for this proposal may make the next one due.
            try:
                self._hand_on()
            except BaseException:  # a callback's: nobody will evaluate this one
                self._trial_log.give_up([trial])
                raise
        return trial

    def _count(self) -> None:
        if self._left is not None:
            self._left -= 1

    def _ask(self) -> Trial | None:
        """The next trial, None if there will be none; what ends a study that has no trial at all is raised."""
        while True:
            try:
                return self._trial_log.ask()
            except (SearchSpaceExhausted, InfeasibleSpace) as end:
                if not self._study.optimizer.n_trials:
                    raise
                if isinstance(end, SearchSpaceExhausted):
                    self._say_exhausted()
                else:
                    self._say_refused(end)
                if not isinstance(end, InfeasibleParams):
                    return None

    def _say_exhausted(self) -> None:
        log.warning(
            "every point of the space, or of the grid, has been proposed: %s; with a larger repeats, points are "
            "evaluated again",
            self._end_shown(),
        )

    def _say_refused(self, error: InfeasibleSpace) -> None:
        if isinstance(error, InfeasibleParams):
            log.warning("%s", error)
        else:
            log.warning("%s, which are kept: %s", self._end_shown(), error)

    def _end_shown(self) -> str:
        total = f"{self._study.optimizer.n_trials} trials in the study"
        if self._left is None or self._n_trials is None:
            return f"the run ends with {total}"
        return f"the run ends after {self._n_trials - self._left} of n_trials={self._n_trials}, with {total}"

    def _ended(self) -> bool:
        if self._over:
            return True
        if (
            self._study.stopping
            or self._left == 0
            or self._exhausted
            or (self._deadline is not None and time.monotonic() >= self._deadline)
            or self._satisfied()
        ):
            self._end()
        self._news = False
        return self._over

    def _satisfied(self) -> bool:
        if not self._rules:
            return False
        with interruptible():
            return any(rule.reached(self._study) for rule in self._rules if self._news or rule.by_time)

    def _end(self) -> None:
        self._over = True
        # What was begun already, or by an earlier run, and is not evaluated any more.
        left = [*self._again, *([] if self._following is None else [self._following])]
        self._following = None
        self._again.clear()
        if left:
            self._trial_log.give_up(left)
        if self._order is not None and not self._order.closed:
            self._order.close()
            self._hand_on()

    # --- after it ------------------------------------------------------------------------------------------------

    def finish(self, trial: Trial, value: Any, error: str | None) -> None:
        """Take in what an objective came to: first into the store, then into the optimizer, in its order."""
        try:
            if self._order is not None and trial.number >= self._order.n_handed_on:
                outcome = self._trial_log.save(trial, self._trial_log.judge(value, None, error))
                self._order.finish(trial.number, (trial, outcome))
                self._hand_on()
                return
            if self._begins_another():
                outcome = self._trial_log.judge(value, None, error)
                try:
                    outcome, self._following = self._trial_log.save_and_ask(trial, outcome)
                    if self._following is None:
                        self._exhausted = True
                        self._say_exhausted()
                except InfeasibleSpace as end:  # the result is stored all the same
                    self._exhausted = not isinstance(end, InfeasibleParams)
                    self._say_refused(end)
            else:
                outcome = self._trial_log.conclude(trial, value, error)
        except LeaseExpired as late:
            if self._order is not None:
                raise
            log.warning("%s", late)
            return
        self._learnt(trial, outcome[2])

    def _hand_on(self) -> None:
        while self._order is not None and (due := self._order.take()) is not None:
            self._learn(*due[1])

    def _begins_another(self) -> bool:
        """Whether the next trial begins whatever the result is, so that one commit does for both."""
        if not self._durable or self._order is not None or self._rules or self._callbacks:
            return False
        if self._again or self._following is not None:
            return False
        return not self._ended()

    def _learn(self, trial: Trial, outcome: Outcome) -> None:
        self._trial_log.tell(trial, outcome)
        self._learnt(trial, outcome[2])

    def _learnt(self, trial: Trial, error: str | None) -> None:
        self._news = True
        if trial.number in self._replayed:
            return
        if error is not None:
            log.info("trial %d failed: %s", trial.number, (error.strip().splitlines() or [""])[-1])
        for hook in self._hooks:
            with interruptible():
                hook(self._study, trial)

    def give_up(self, trials: Sequence[Trial], known: Sequence[tuple[Trial, Any, str | None]] = ()) -> None:
        """End the run before its time.

        Parameters
        ----------
        trials : sequence of Trial
            Trials without a result, given back to whoever asks next.
        known : sequence of (Trial, value, error)
            Results that came in and were not taken in yet; they are kept.
        """
        kept = []
        for trial, value, error in known:
            try:
                if self._order is not None and trial.number >= self._order.n_handed_on:
                    outcome = self._trial_log.save(trial, self._trial_log.judge(value, None, error))
                    self._order.finish(trial.number, (trial, outcome))
                else:
                    kept.append((trial, self._trial_log.conclude(trial, value, error)[2]))
            except StorageError as wrong:  # too late, or kept until the store takes it
                log.warning("%s", wrong)
        if trials:
            self._trial_log.give_up(trials)
        try:
            self._end()
        finally:  # whatever a callback raises, perhaps once more
            if self._order is not None:
                for _, (trial, outcome) in self._order.drain():
                    self._trial_log.tell(trial, outcome)
        for trial, failure in kept:
            self._learnt(trial, failure)

    def close(self) -> None:
        """End a run of which nothing is running any more: hand on what waited for a result that will not come."""
        if self._order is not None:
            for _, result in self._order.drain():
                self._learn(*result)

    # --- in this process -----------------------------------------------------------------------------------------

    def here(self, objective: Objective) -> None:
        """Evaluate trials one by one in this thread."""
        running: list[Trial] = []
        with self.interrupts as interrupts:
            try:
                while True:
                    with interrupts.held():
                        running = [] if (trial := self.next_trial()) is None else [trial]
                    if trial is None:
                        break
                    value, error = call(objective, trial)
                    interrupts.check()
                    with interrupts.held():
                        running = []
                        self.finish(trial, value, error)
                with interrupts.held():
                    self.close()
            except BaseException:
                self.give_up(running)
                raise
