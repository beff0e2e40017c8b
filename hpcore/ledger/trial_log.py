"""The log of a search's trials in memory; `hpcore.ledger.stored_trial_log` is the durable one."""

from __future__ import annotations

import copy
import logging
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

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
from hpcore.records.trial import Trial

__all__ = ["TrialLog", "Outcome", "number_of"]

log = logging.getLogger("hpcore")

# (values, standard error, error): values if the trial is complete, otherwise an error.
Outcome = tuple["tuple[float, ...] | None", "float | None", "str | None"]


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
        As users get it.
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

    def ask(self) -> Trial:
        """The next trial to evaluate: one that was given back, or a new proposal."""
        trial = self.ask_within(None)
        assert trial is not None
        return trial

    def hand_out(self, n: int, deadline_ms: float | None, *, alone: bool) -> list[Trial]:
        """Trials for a caller who has them evaluated wherever they like: at most `n`, fewer when the space ends.

        `alone` is one trial as `Optimizer.ask` gives it without a number of them.
        """
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
            self.give_up(again)
            raise

    def ask_within(self, most: int | None) -> Trial | None:
        """As `ask`; None if a new trial would be more than so many in all."""
        again = self._take_up() if self._given_back else None
        if again is not None:
            return again
        return None if most is not None and self.optimizer.n_trials >= most else self.optimizer.ask()

    def _take_up(self) -> Trial | None:
        """The first trial that was given back and has no result; None if there is none."""
        while self._given_back:
            number = self._given_back.popleft()
            if number in self.optimizer.running():  # and was not told by its number in the meantime
                return self.optimizer.restart(number)
        return None

    def add_report(
        self, number: int, step: float, values: Sequence[float], data: Any = None, cost: float | None = None
    ) -> None:
        """Make a partial result durable; a second one of the same step takes the place of the first.

        Parameters
        ----------
        number : int
            Number of the trial.
        step : float
            Resource used up to the report: the index of a fold, an epoch.
        values : sequence of float
            One per objective in the user's own sign, NaN allowed.
        data : plain data, optional
            Whatever else is to be found again, such as a fold's scores.
        cost : float, optional
            Cost of reaching the step.
        """

    def reports(self, numbers: Sequence[int]) -> dict[tuple[int, float], Any]:
        """Read the data of durable partial results by (trial, step)."""
        return {}

    def conclude(self, trial: Trial, value: Any, error: str | None) -> Outcome:
        """Judge, save and tell a result at once."""
        if trial.number not in self.optimizer.running():
            return self._first(trial.number)
        if error is None:
            try:
                self.optimizer.tell(trial, value)
                return tuple(trial.values) or None, None, trial.error
            except Exception as wrong:
                error = _useless(value, wrong)
        self.optimizer.tell(trial, None, error=error)
        return None, None, error

    def judge(self, value: Any, std_error: float | None, error: str | None) -> Outcome:
        """What a result comes to; a useless one is a failure with the reason."""
        try:
            return self.optimizer.outcome(value, std_error, error)
        except Exception as wrong:
            return None, None, _useless(value, wrong)

    def save(self, trial: Trial, outcome: Outcome) -> Outcome:
        """Make a result durable; gives what was stored."""
        return outcome

    def save_and_ask(self, trial: Trial, outcome: Outcome) -> tuple[Outcome, Trial | None]:
        """Save a result, let the optimizer learn from it, and begin the next trial, in one commit.

        The next trial is None if the space is exhausted.
        """
        outcome = self.save(trial, outcome)
        self.tell(trial, outcome)
        try:
            return outcome, self.ask()
        except SearchSpaceExhausted as end:
            log.info("%s", end)
            return outcome, None

    def tell(self, trial: Trial, outcome: Outcome) -> None:
        """Let the optimizer learn from a saved result."""
        if trial.number not in self.optimizer.running():
            self._first(trial.number)
            return
        values, std_error, error = outcome
        self.optimizer.tell(trial, values, std_error=std_error, error=error)

    def _first(self, number: int) -> Outcome:
        """The result of a trial that a callback, or another thread, told before its run did: the first one counts."""
        log.warning("the result of trial %d came too late: it has another one", number)
        told = self.optimizer.trials[number]
        return told.values, self.optimizer.history.std_error(number), told.error

    def report(self, trial: Trial | int, outcome: Outcome) -> None:
        """Save and learn the result of any running trial, whoever asked for it; given itself, its number or a copy."""
        values, std_error, error = outcome
        self.optimizer.tell(trial, values, std_error=std_error, error=error)

    def give_up(self, trials: Sequence[Trial]) -> None:
        """Give trials back: they go on running, and whoever asks next evaluates them. No model sees a failure."""
        running = self.optimizer.running()
        numbers = {*self._given_back, *(trial.number for trial in trials if trial.number in running)}
        self._given_back = deque(sorted(numbers))

    def begin(self, mode: str, alone: bool) -> list[Trial]:
        """Begin a run of a mode; if it must be alone, with the trials that an earlier run left unfinished.

        Raises
        ------
        InvalidArgument
            It must be alone, and the optimizer proposes from results as they were some time before.
        """
        if self.optimizer.prefetch == "delayed":
            if alone:
                raise InvalidArgument("deterministic=True needs prefetch=False or True, got prefetch='delayed'")
            mode = "fast"
        self._mode = mode if self._mode in ("", mode) else "fast"
        lost: list[Trial] = []
        while alone and (trial := self._take_up()) is not None:
            lost.append(trial)
        return lost

    def rewind(self, lag: int) -> dict[int, tuple[Trial, Outcome]]:
        """Take back the last `lag` results, so that they can be handed on again in order.

        The optimizer then knows those trials as running. Trials that really are running are not among them.
        """
        known: dict[int, tuple[Trial, Outcome]] = {}
        for trial in self.optimizer.trials[max(0, self.optimizer.n_trials - lag) :]:
            if trial.state != "running":
                std_error = self.optimizer.history.std_error(trial.number)
                known[trial.number] = (trial, (tuple(trial.values) or None, std_error, trial.error))
        if known:
            self.optimizer.mask(sorted(known))
        return known

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

    def attributes(self) -> dict[str, Any]:
        """The study's attributes."""
        return copy.deepcopy(self._attributes)

    def set_attribute(self, name: str, value: Any) -> None:
        """Set or, with None, remove an attribute."""
        if value is None:
            self._attributes.pop(name, None)
        else:
            self._attributes[name] = value


def _useless(value: Any, wrong: Exception) -> str:
    """Why a value is none: of a type that is not allowed, or its own code (an iterator's, ``__float__``) raised."""
    said = f"{wrong}" if isinstance(wrong, InvalidArgument | InvalidType) else f"{type(wrong).__name__}: {wrong}"
    return f"the objective returned {shown(value)}: {said}"
