"""The space of a define-by-run objective, read off its trials.

It follows from the trials that have ended, in the order of their numbers: each is compared with the space that was
learnt from those before it, and where it contradicts, another space is learnt. A study that is resumed in another
process so has the space of one that was never stopped.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from hpcore.integrations.optuna.distributions import parameter_of, place_of
from hpcore.space.parameter import Parameter
from hpcore.space.space import Params, Space

__all__ = ["Row", "Tree"]


class Row(NamedTuple):
    """A trial in the parameters of a space.

    Attributes
    ----------
    params : dict
        Values by name, in the order in which they were asked for.
    whole : bool
        True if the trial asked for all its parameters, and has none with a value outside of its range.
    """

    params: Params
    whole: bool


class Tree:
    """Space of the trials of a study.

    The range of a parameter is the one that the last of the trials asked for; values outside of it count as missing.

    Parameters
    ----------
    name, distribution : optional
        Parameter that is active always, in a given range.

    Attributes
    ----------
    distributions : dict
        Range of each parameter, in the order in which they were first asked for. Those of a single value are left out.
    space : Space or None
        Space with the conditions that were found; None before the first trial with a parameter.
    version : int
        Number that changes with the space.
    """

    def __init__(self, name: str | None = None, distribution: Any = None) -> None:
        self._fixed: dict[str, Any] = {} if name is None else {name: distribution}
        self.version = 0
        self._trials: dict[int, Any] = {}
        self._begin()

    def _begin(self) -> None:
        self.distributions: dict[str, Any] = {}
        self.space: Space | None = None
        self._has_conditions = False
        self._parameters: dict[str, Parameter] = {}
        self._rows: dict[int, Row] = {}
        self._last = self._learnt = -1

    def follow(self, trials: Iterable[Any]) -> None:
        """Take further trials that have ended."""
        for trial in trials:
            self._trials[trial.number] = trial
            if trial.number > self._last:
                self._add(trial)
            elif not self._fits(trial):
                self._begin_anew()

    def row(self, trial: Any) -> Row:
        """A trial in the parameters of the space."""
        params: Params = {}
        whole = trial.state.name == "COMPLETE"
        for name, value in trial.params.items():
            distribution = self.distributions.get(name)
            if distribution is None:
                continue
            place = place_of(distribution, value)
            if place is None:
                whole = False
            else:
                params[name] = place
        return Row(params, whole)

    def row_of(self, number: int) -> Row:
        """The row of a trial that was taken; it must not be changed."""
        return self._rows[number]

    def known(self, params: Mapping[str, Any]) -> Params:
        """Those of a trial's parameters, given in the values of Optuna, that agree with the space."""
        if not params:
            return {}
        assert self.space is not None
        ranges = self.distributions
        places = {name: place_of(ranges[name], value) for name, value in params.items() if name in ranges}
        found = {name: place for name, place in places.items() if place is not None}
        if self.space.explains(found, complete=False):
            return found
        return {name: place for name, place in found.items() if not self.space[name].when}

    # --- trials in the order of their numbers ---------------------------------------------------------------------

    def _add(self, trial: Any) -> None:
        """Take a trial with a larger number than all before."""
        self._last = trial.number
        is_new = self._extend(trial)
        self._rows[trial.number] = row = self.row(trial)
        if is_new or (self.space is not None and not self._explains(row)):
            self._learn(trial.number)

    def _extend(self, trial: Any) -> bool:
        """Take the ranges of a trial; True if one is new."""
        is_new = False
        for name, distribution in trial.distributions.items():
            known = self.distributions.get(name)
            if known is distribution:
                continue
            if known is None or known != distribution:
                if distribution.single():
                    continue
                distribution = self._fixed.get(name, distribution)
                if known is None or known != distribution:
                    self._parameters[name] = parameter_of(name, distribution)
                    self.distributions[name] = distribution
                    is_new = True
        return is_new

    def _explains(self, row: Row) -> bool:
        assert self.space is not None
        if not self._has_conditions:  # all values are legal
            return not row.whole or len(row.params) == len(self.space) or self.space.explains(*row)
        return self.space.explains(*row)

    def _learn(self, number: int) -> None:
        trials = [self._trials[i] for i in sorted(self._rows)]
        self._rows = {trial.number: self.row(trial) for trial in trials}
        space = Space.learn(self._parameters, self._rows.values())
        if any(space[name].when for name in self._fixed if name in space):
            space = _always(space, self._fixed)
        self.space, self._has_conditions = space, any(parameter.when for parameter in space.values())
        self._learnt = number
        self.version += 1

    def _fits(self, trial: Any) -> bool:
        """True if a trial with a smaller number than the last one changes nothing; it is taken then."""
        row = self.row(trial)
        if trial.number < self._learnt or self.space is None or not self._explains(row):
            return False
        known = self.distributions
        if any(known.get(n) != self._fixed.get(n, d) for n, d in trial.distributions.items() if not d.single()):
            return False
        self._rows[trial.number] = row
        return True

    def _begin_anew(self) -> None:
        space, version = self.space, self.version
        self._begin()
        for number in sorted(self._trials):
            self._add(self._trials[number])
        if space is not None and self.space == space and self.space.unexplained == space.unexplained:
            self.version = version  # and rows are those of the same ranges


def _always(space: Space, names: Iterable[str]) -> Space:
    """The same space, in which some parameters are active always, though trials lack them."""
    parameters = dict(space)
    for name in names:
        if name in parameters:
            parameters[name] = copy.copy(parameters[name])
            parameters[name].when = {}
    made = Space(parameters)
    made.unexplained = (*space.unexplained, *(name for name in names if name not in space.unexplained))
    return made
