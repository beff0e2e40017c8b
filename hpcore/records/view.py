"""Trials as a sequence over the history's columns."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, overload

import numpy as np
import numpy.typing as npt

from hpcore.records.history import STATES, History
from hpcore.records.limits import Limits
from hpcore.records.trial import Trial

__all__ = ["TrialsView"]

FloatArray = npt.NDArray[np.float64]


class TrialsView(Sequence[Trial]):
    """Trials by number. A running trial is the object that `ask` returned; other trials are made on access.

    Parameters
    ----------
    history : History
        History of the search.
    running : dict of int to Trial
        Trials that are being evaluated.
    decode : callable
        Function from points (n, d) to a list of n dicts of parameters.
    signs : tuple of float
        1 or -1 per objective, to return values in the user's own sign.
    limits : Limits, optional
        Limits of metrics.
    """

    def __init__(
        self,
        history: History,
        running: dict[int, Trial],
        decode: Callable[[Any], list[dict[str, Any]]],
        signs: tuple[float, ...],
        limits: Limits | None = None,
    ) -> None:
        self._limits = limits
        self._history, self._running, self._decode, self._signs = history, running, decode, signs

    def __len__(self) -> int:
        return self._history.n

    @overload
    def __getitem__(self, index: int) -> Trial: ...
    @overload
    def __getitem__(self, index: slice) -> list[Trial]: ...
    def __getitem__(self, index: int | slice) -> Trial | list[Trial]:
        if isinstance(index, slice):
            numbers = range(*index.indices(len(self)))
            params = self._params(self._history.X[index])
            return [self._trial(i, p) for i, p in zip(numbers, params, strict=True)]
        number = range(len(self))[index]
        running = self._running.get(number)
        return running if running is not None else self._trial(number, self._params(self._history.X[[number]])[0])

    def _params(self, X: FloatArray) -> list[dict[str, Any]]:
        """Parameters at points (n, d) of the history; empty where no trial has the number."""
        if not self._history.n_withdrawn:
            return self._decode(X)
        known = np.logical_not(np.isnan(X).all(axis=1))
        decoded = iter(self._decode(X[known]))
        return [next(decoded) if is_known else {} for is_known in known]

    def _trial(self, number: int, params: dict[str, Any]) -> Trial:
        running = self._running.get(number)  # read once: another thread may tell it in between
        if running is not None:
            return running
        history = self._history
        notes = history.notes.get(number, {})
        trial = Trial(number, dict(notes.get("params", params)), STATES[history.state[number]])
        values = history.values[number].tolist()
        if not math.isnan(values[0]):
            trial.values = tuple(value * sign for value, sign in zip(values, self._signs, strict=True))
        trial.started, trial.finished = history.times_of(number)
        trial.error, trial.info = notes.get("error"), notes.get("info")
        if trial.info is None and (proposed_by := history.proposed_by(number)) is not None:
            trial.info = {"sampler": proposed_by}
        trial.set_facts(history.cost_of(number), notes.get("metrics"), notes.get("gradient"))
        if self._limits:
            trial.set_violations(self._limits.by_name(history.violations[number].tolist()))
        trial.extras = notes.get("user_attrs"), self._reports(number)
        return trial

    def _reports(self, number: int) -> dict[int, float] | None:
        curves, sign = self._history.curves, self._signs[0]
        reports: dict[int, float] = {}
        for i in curves.of(number):
            step = float(curves.step[i])
            reports[int(step) if step.is_integer() else step] = float(curves.values[i, 0]) * sign  # type: ignore[index]
        return reports or None

    def __repr__(self) -> str:
        return f"<{len(self)} trials>"
