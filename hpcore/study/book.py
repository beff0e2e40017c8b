"""Where a study's trials are written down: here in memory alone; `hpcore.study.ledger` has the durable one."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from hpcore.arguments import shown
from hpcore.errors import InvalidArgument, InvalidType, SearchSpaceExhausted
from hpcore.optimizer import Optimizer
from hpcore.optimizer.known import Known
from hpcore.records.trial import Trial

__all__ = ["Book", "Outcome"]

log = logging.getLogger("hpcore")

# (values, standard error, error): values if the trial is complete, otherwise an error.
Outcome = tuple["tuple[float, ...] | None", "float | None", "str | None"]


class Book:
    """Trials in the optimizer's memory.

    Parameters
    ----------
    optimizer : Optimizer
        Proposes and learns.
    """

    durable = False

    def __init__(self, optimizer: Optimizer) -> None:
        self.optimizer = optimizer
        self._mode = ""
        self._attributes: dict[str, Any] = {}

    @property
    def mode(self) -> str:
        """See `Study.mode`."""
        return self._mode

    def ask(self) -> Trial:
        """The next trial to evaluate."""
        return self.optimizer.ask()

    def ask_within(self, most: int | None) -> Trial | None:
        """The next trial to evaluate; None if it would be more than so many in all."""
        return None if most is not None and self.optimizer.n_trials >= most else self.ask()

    def add_fold(self, number: int, fold: int, score: Any) -> None:
        """Make the score of one fold durable, as plain data."""

    def folds(self, numbers: Sequence[int]) -> dict[tuple[int, int], Any]:
        """Durable scores of folds by (trial, fold)."""
        return {}

    def conclude(self, trial: Trial, value: Any, error: str | None) -> Outcome:
        """Judge, save and tell a result at once."""
        if error is None:
            try:
                self.optimizer.tell(trial, value)
                return trial.values, None, trial.error
            except (InvalidArgument, InvalidType) as wrong:
                error = f"the objective returned {shown(value)}: {wrong}"
        self.optimizer.tell(trial, None, error=error)
        return None, None, error

    def judge(self, value: Any, std_error: float | None, error: str | None) -> Outcome:
        """What a result comes to; a useless one is a failure with the reason."""
        try:
            return self.optimizer.outcome(value, std_error, error)
        except (InvalidArgument, InvalidType) as wrong:
            return None, None, f"the objective returned {shown(value)}: {wrong}"

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
        values, std_error, error = outcome
        self.optimizer.tell(trial, values, std_error=std_error, error=error)

    def give_up(self, trials: Sequence[Trial]) -> None:
        """Say that these will not be finished."""
        for trial in trials:
            self.optimizer.tell(trial, None, error="interrupted")

    def begin(self, mode: str, alone: bool) -> list[Trial]:
        """Begin a run of a mode; the trials that an earlier run left unfinished and that come first."""
        self._mode = mode if self._mode in ("", mode) else "fast"
        return []

    def rewind(self, lag: int) -> dict[int, tuple[Trial, Outcome]]:
        """Take back the last `lag` results, so that they can be handed on again in order.

        The optimizer then knows those trials as running. Trials that really are running are not among them.
        """
        known: dict[int, tuple[Trial, Outcome]] = {}
        for trial in self.optimizer.trials[max(0, self.optimizer.n_trials - lag) :]:
            if trial.state != "running":
                std_error = self.optimizer.history.std_error(trial.number)
                known[trial.number] = (trial, (trial.values, std_error, trial.error))
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

    @property
    def beat_every(self) -> float | None:
        """The length of a lease in seconds; None where nobody else could take a trial."""
        return None

    def renew(self) -> None:
        """Renew the leases of running trials."""

    def refresh(self) -> None:
        """Learn what others stored."""

    def attributes(self) -> dict[str, Any]:
        """The study's attributes."""
        return dict(self._attributes)

    def set_attribute(self, name: str, value: Any) -> None:
        """Set or, with None, remove an attribute."""
        if value is None:
            self._attributes.pop(name, None)
        else:
            self._attributes[name] = value
