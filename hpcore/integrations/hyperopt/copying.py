"""The trials of Hyperopt as they are known to an optimizer."""

from __future__ import annotations

import math
import threading
import warnings
from typing import Any

from hpcore.errors import HpcoreError, SearchSpaceExhausted, require
from hpcore.integrations.distributions import nearest
from hpcore.optimizer import Optimizer
from hpcore.samplers.base import Sampler
from hpcore.space import Space

__all__ = ["CopiedTrials"]

_base: Any = require("hyperopt.base", "hyperopt")

# What becomes of a document by its state, where that alone says it.
_STATES = {
    _base.JOB_STATE_NEW: "running",
    _base.JOB_STATE_RUNNING: "running",
    _base.JOB_STATE_ERROR: "failed",
    _base.JOB_STATE_CANCEL: "withdrawn",
}


class CopiedTrials:
    """An optimizer that knows the trials of a Trials object.

    Parameters
    ----------
    searched : Space
        Space of the trials.
    sampler, seed, repeats
        Options of the optimizer.
    """

    def __init__(self, searched: Space, sampler: str | Sampler, seed: int, repeats: int | None) -> None:
        self.space = searched
        self._optimizer = Optimizer(searched, sampler, seed=seed, repeats=repeats)
        self._lock = threading.Lock()
        # What was copied of each trial, by its number; None for one that is not of this space.
        self._copied: dict[int, tuple[Any, ...]] = {}

    def propose(self, trials: Any, numbers: list[int]) -> list[dict[str, Any]]:
        """Propose the parameters of new trials; fewer than asked for if the space has no more points."""
        found: list[dict[str, Any]] = []
        with self._lock:
            self._follow(trials)
            for number in numbers:
                try:
                    trial = self._optimizer.ask(number=number)
                except SearchSpaceExhausted:
                    break
                self._copied[number] = ("running", None, None)
                found.append(dict(trial.params))
        return found

    def _follow(self, trials: Any) -> None:
        """Copy what has changed since the last time."""
        seen = set()
        for document in _documents(trials):
            number, facts = document["tid"], _facts(document)
            seen.add(number)
            if self._copied.get(number) != facts:
                self._copy(number, facts, document)
        for number in self._copied.keys() - seen:  # proposed and never inserted, or deleted
            self._optimizer.put(number, None, "withdrawn")
            del self._copied[number]

    def _copy(self, number: int, facts: tuple[Any, ...], document: Any) -> None:
        state, loss, variance = facts
        values = {label: held[0] for label, held in document["misc"]["vals"].items() if len(held)}
        try:
            params = nearest(self.space, values)
            if state == "complete":
                std_error = None if variance is None else math.sqrt(variance)
                self._optimizer.put(number, params, state, loss, std_error=std_error)
            else:
                self._optimizer.put(number, None if state == "withdrawn" else params, state)
        except HpcoreError as error:
            if number not in self._copied:
                warnings.warn(f"trial {number} is not used, because it is not of this space: {error}", stacklevel=5)
        self._copied[number] = facts


def _documents(trials: Any) -> list[Any]:
    """All documents of a Trials object: `trials.trials` lacks those with errors."""
    documents = getattr(trials, "_dynamic_trials", None) or trials.trials
    key = getattr(trials, "_exp_key", None)
    return [document for document in documents if key is None or document["exp_key"] == key]


def _facts(document: Any) -> tuple[str, float | None, float | None]:
    """State, loss and variance of the loss; neither of the numbers if the trial has none."""
    state = _STATES.get(document["state"])
    if state is not None:
        return state, None, None
    result = document["result"]
    status = result.get("status")
    if status in (_base.STATUS_NEW, _base.STATUS_RUNNING, _base.STATUS_SUSPENDED):
        return "running", None, None
    loss = _number(result.get("loss"))
    if status != _base.STATUS_OK or loss is None:
        return "failed", None, None
    variance = _number(result.get("loss_variance"))
    return "complete", loss, variance if variance is not None and variance > 0 else None


def _number(value: Any) -> float | None:
    """A finite number, or None."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None
