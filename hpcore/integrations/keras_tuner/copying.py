"""A copy of the trials of an oracle in an optimizer, which proposes values for a trial by its number."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from hpcore.errors import SearchSpaceExhausted
from hpcore.integrations.keras_tuner.tree import Tree
from hpcore.optimizer import Optimizer
from hpcore.samplers import Sampler

__all__ = ["Copy"]

# What becomes of a trial by its status; others say nothing of the values. An invalid trial waits to be run again.
_STATES = {"RUNNING": "running", "INVALID": "running", "COMPLETED": "complete", "FAILED": "failed"}


class Copy:
    """Copy of the trials of an oracle.

    What is proposed for a trial follows from the seed, the trials as they are and its number alone.

    Parameters
    ----------
    tree : Tree
        Hyperparameters, of which some vary.
    sampler : Sampler
        Sampler that proposes.
    direction : {"minimize", "maximize"}
        Direction of the scores.
    seed : int
        Seed of the proposals.
    """

    def __init__(self, tree: Tree, sampler: Sampler, direction: str, seed: int) -> None:
        assert tree.space is not None
        self._tree = tree
        self._optimizer = Optimizer(tree.space, sampler, direction, seed=seed)
        # What was copied of each trial, by its number; None for one that was only proposed.
        self._copied: dict[int, tuple[Any, ...] | None] = {}

    def follow(self, trials: Sequence[Any]) -> None:
        """Copy what has changed since the last call.

        Parameters
        ----------
        trials : sequence of Trial
            Trials in the order of their numbers.
        """
        for number, trial in enumerate(trials):
            facts = trial.status, trial.score, dict(trial.hyperparameters.values)
            if self._copied.get(number) != facts:
                self._put(number, *facts)
                self._copied[number] = facts
        for number in [number for number in self._copied if number >= len(trials)]:
            self._optimizer.put(number, None, "withdrawn")
            del self._copied[number]

    def _put(self, number: int, status: str, score: Any, values: dict[str, Any]) -> None:
        state = _STATES.get(status, "withdrawn")
        if state == "withdrawn":
            self._optimizer.put(number, None, state)
            return
        value = None
        if state == "complete":
            value = math.nan if score is None else float(score)  # NaN and infinities make a failed trial
        self._optimizer.put(number, self._tree.row(values), state, value, missing="inactive")

    def propose(self, number: int) -> dict[str, Any] | None:
        """Propose the values of a trial, whose number no other one has; None if the space has no more points."""
        try:
            params = self._optimizer.ask(number=number).params
        except SearchSpaceExhausted:
            return None
        self._copied[number] = None
        return self._tree.values(params)
