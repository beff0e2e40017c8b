"""The record of one search: a row a trial, the trials that run, and which one is best. The sign turns here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from hpcore.errors import InvalidArgument, InvalidType, NoCompletedTrial, TrialAlreadyTold, UnknownTrial
from hpcore.records.history import COMPLETE, FAILED, RUNNING, STATES, History
from hpcore.records.pareto import non_dominated
from hpcore.records.trial import Trial
from hpcore.space.space import Params, Space

__all__ = ["Record"]

FloatArray = npt.NDArray[np.float64]


class Record:
    """What became of each trial.

    Parameters
    ----------
    space : Space
        Reads the rows.
    directions : sequence of {"minimize", "maximize"}
        One per objective.

    Attributes
    ----------
    history : History
        All trials; lower values are better whatever the directions.
    running : dict of int to Trial
        Those that are being evaluated: the very objects that were given out.
    """

    def __init__(self, space: Space, directions: Sequence[str]) -> None:
        self._space = space
        # The sign turns here and nowhere else: below this line lower is better.
        self._signs = tuple(-1.0 if way == "maximize" else 1.0 for way in directions)
        self.clear()

    def clear(self) -> None:
        """Forget all trials."""
        self.history = History(len(self._space), len(self._signs))
        self.running: dict[int, Trial] = {}
        self._best: int | None = None

    # --- a trial's life ------------------------------------------------------------------------------------------

    def begin(self, u: FloatArray, params: Params, exact: bool = False) -> Trial:
        """Give out a trial; `exact` if the cube's point may not tell its parameters from others."""
        number = self.history.append(u)
        if exact:
            self.history.notes[number] = {"params": dict(params)}
        trial = Trial(number, params)
        self.running[number] = trial
        return trial

    def explain(self, trial: Trial, info: dict[str, Any] | None, source: str | None) -> None:
        """Note how a trial came about: what is to be said of it, and which sampler a rule chose."""
        if info is not None:
            trial.info = info if source is None else {**info, "sampler": source}
            self.history.notes.setdefault(trial.number, {})["info"] = trial.info
        elif source is not None:
            trial.info = {"sampler": source}
            self.history.came_from(trial.number, source)

    def find(self, trial: Trial | int) -> Trial:
        """The running trial that a caller means by it, its number or a copy.

        Raises
        ------
        UnknownTrial, TrialAlreadyTold, InvalidType
            There is none.
        """
        if isinstance(trial, Trial):
            number = trial.number
            known = self.running.get(number)
            if known is trial:
                return trial
        elif isinstance(trial, bool) or not isinstance(trial, int | np.integer):
            raise InvalidType(f"trial must be a Trial or its number, got {trial!r}")
        else:
            number = int(trial)
            known = self.running.get(number)
        if known is None:
            if 0 <= number < self.history.n:
                state = STATES[self.history.state[number]].value
                raise TrialAlreadyTold(f"trial {number} has been told already, it is {state}")
            raise UnknownTrial(f"trial must be one that was asked for (0 .. {self.history.n - 1}), got {number}")
        if isinstance(trial, Trial):
            known.check_copy(trial)
        return known

    def finish(
        self, trial: Trial, values: tuple[float, ...] | None, std_error: float | None, error: str | None
    ) -> None:
        """End a running trial: complete with values, otherwise failed."""
        number, state = trial.number, FAILED if values is None else COMPLETE
        signed = None if values is None else tuple(map(float.__mul__, values, self._signs))
        trial.values, trial.state, trial.error = values, STATES[state], error
        self.history.finish(number, state, signed, std_error, (trial.started, trial.finished))
        del self.running[number]
        user_attrs, reports = trial.settle()
        if error is not None or user_attrs or reports:
            notes = self.history.notes.setdefault(number, {})
            notes.update(error=error, user_attrs=user_attrs, reports=reports)
        if signed is not None and len(signed) == 1:
            best = self._best
            if best is None or (signed[0], number) < (self.history.values[best, 0], best):
                self._best = number

    # --- back and forth ------------------------------------------------------------------------------------------

    def take_back(self, first: int) -> None:
        """Forget the trials from number `first` on, all of them running."""
        for number in range(first, self.history.n):
            del self.running[number]
        self.history.truncate(first)

    def restore(
        self,
        X: FloatArray,
        state: npt.NDArray[np.uint8],
        values: FloatArray,
        std_errors: FloatArray | None,
        times: FloatArray,
        notes: Mapping[int, dict[str, Any]],
    ) -> None:
        """Append trials of another record; see `Optimizer.restore`."""
        first = self.history.n
        self.history.extend(X, state, values * np.array(self._signs), std_errors, times)
        self.history.notes.update(notes)
        running = np.flatnonzero(state == RUNNING)
        for i, params in zip(running.tolist(), self._space.decode(X[running]), strict=True):
            params = dict(notes.get(first + i, {}).get("params", params))
            self.running[first + i] = Trial(first + i, params)
        self._find_best()

    def restart(self, number: int) -> Trial:
        """See `Optimizer.restart`."""
        before = self.running[number]
        params = self.history.notes.get(number, {}).get("params")
        if params is None:
            (params,) = self._space.decode(self.history.X[number : number + 1])
        trial = Trial(number, dict(params))
        trial.info = before.info
        self.running[number] = trial
        return trial

    def mask(self, numbers: Sequence[int]) -> None:
        """Take back the results of some trials that ended: they run again, as new objects."""
        for number in numbers:
            ended = self.trials[number]
            trial = Trial(number, ended.params)
            trial.info = ended.info
            self.running[number] = trial
        self.history.reopen(numbers)
        self._find_best()

    def _find_best(self) -> None:
        found = len(self._signs) == 1 and self.history.n_complete > 0
        self._best = int(np.nanargmin(self.history.values[:, 0])) if found else None

    # --- what is known -------------------------------------------------------------------------------------------

    @property
    def trials(self) -> Sequence[Trial]:
        """All trials by number; a live view."""
        from hpcore.records.view import TrialsView

        return TrialsView(self.history, self.running, self._space.decode, self._signs)

    @property
    def best(self) -> Trial:
        """See `Optimizer.best_trial`."""
        if len(self._signs) != 1:
            raise InvalidArgument("best_trial needs a single objective; of several, pareto_front holds the best")
        if self._best is None:
            raise NoCompletedTrial(f"no trial has completed yet{self._why()}")
        return self.trials[self._best]

    def _why(self) -> str:
        failed = np.flatnonzero(self.history.state == FAILED)
        if not len(failed):
            return f" ({self.history.n} asked for, none failed)"
        error = self.trials[int(failed[-1])].error or ""
        last = error.strip().splitlines()[-1] if error.strip() else "no reason given"
        return f" ({self.history.n} asked for, {len(failed)} failed; the last failure: {last})"

    @property
    def front(self) -> list[Trial]:
        """See `Optimizer.pareto_front`."""
        numbers = np.flatnonzero(self.history.complete)
        trials = self.trials
        return [trials[int(i)] for i in numbers[non_dominated(self.history.values[numbers])]]
