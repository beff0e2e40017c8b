"""A copy of the trials of a study in an optimizer, which proposes parameters for a trial by its number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hpcore.errors import InfeasibleSpace, InvalidArgument, SearchSpaceExhausted
from hpcore.integrations.optuna.outcomes import limits_of, outcome_of
from hpcore.integrations.optuna.tree import Tree
from hpcore.optimizer import Optimizer
from hpcore.samplers import Sampler
from hpcore.space.space import Params

__all__ = ["Copy"]


class Copy:
    """Copy of the trials of a study, in the space that was learnt from them.

    What is proposed for a trial follows from the seed, the trials that have ended, those that run and its number alone.

    Parameters
    ----------
    sampler : Sampler
        Sampler that proposes.
    seed : int
        Seed of the proposals.
    directions : tuple of str
        Direction of each objective.
    name, distribution : optional
        Parameter that is active always, in a given range.
    """

    def __init__(
        self,
        sampler: Sampler,
        seed: int,
        directions: tuple[str, ...],
        name: str | None = None,
        distribution: Any = None,
    ) -> None:
        self._sampler, self._seed, self._directions = sampler, seed, directions
        self.tree = Tree(name, distribution)
        self._n_read = 0
        self._limited: list[str] = []
        self._made_for: tuple[int, int] | None = None
        self._optimizer: Optimizer | None = None
        # Parameters of running trials, as they are copied.
        self._running: dict[int, Params] = {}

    def follow(self, ended: Sequence[Any], constraints: Sequence[str]) -> None:
        """Read the trials that have ended since the last call.

        Parameters
        ----------
        ended : sequence of FrozenTrial
            Trials that have ended; a list that only grows.
        constraints : sequence of str
            Names of all constraints that they have.
        """
        new = ended[self._n_read :]
        self.tree.follow(new)
        self._n_read = len(ended)
        made_for = self.tree.version, len(constraints)
        if self.tree.space is None:
            return
        if made_for != self._made_for:
            self._made_for, self._running = made_for, {}
            self._optimizer = Optimizer(
                self.tree.space,
                self._sampler,
                directions=self._directions,
                seed=self._seed,
                repeats=None,
                limits=limits_of(constraints) if constraints else None,
            )
            new = ended
        assert self._optimizer is not None
        for trial in new:
            row = self.tree.row_of(trial.number)
            if row.params:
                self._running.pop(trial.number, None)
                missing = "error" if row.whole and not self.tree.space.unexplained else "inactive"
                self._optimizer.put(trial.number, row.params, missing=missing, **outcome_of(trial))

    def propose(self, number: int, given: Mapping[str, Any], running: Mapping[int, Mapping[str, Any]]) -> Params:
        """Propose parameters for a trial.

        Parameters
        ----------
        number : int
            Number of the trial.
        given : mapping of str to value
            Parameters that the trial has already, in the values of Optuna.
        running : mapping of int to mapping
            Known parameters of the other running trials, in the values of Optuna.

        Returns
        -------
        dict
            Parameters of the space, active ones only; empty if there is no proposal.
        """
        optimizer = self._optimizer
        if optimizer is None:
            return {}
        self._copy_running(optimizer, number, running)
        fixed = self.tree.known(given)
        try:
            proposed = self._running[number] = dict(self._ask(optimizer, number, fixed))
        except (SearchSpaceExhausted, InfeasibleSpace):
            return {}
        return dict(proposed)

    def _ask(self, optimizer: Optimizer, number: int, fixed: Params) -> Params:
        if not fixed:
            return optimizer.ask(number=number).params
        try:
            return optimizer.ask(number=number, given=fixed).params
        except InvalidArgument:
            # The objective has asked for what the conditions do not have together.
            always = {name: value for name, value in fixed.items() if not optimizer.space[name].when}
            return optimizer.ask(number=number, given=always or None).params

    def _copy_running(self, optimizer: Optimizer, number: int, running: Mapping[int, Mapping[str, Any]]) -> None:
        points = {other: self.tree.known(params) for other, params in running.items() if other != number}
        for other in [other for other in self._running if not points.get(other)]:
            optimizer.put(other, None, "withdrawn")
            del self._running[other]
        for other, params in points.items():
            if params and self._running.get(other) != params:
                optimizer.put(other, params, "running", missing="inactive")
                self._running[other] = params
