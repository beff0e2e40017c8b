"""The trials of a search in Ray Tune, as they are known to an optimizer."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hpcore.integrations.ray.fidelity import median_changes
from hpcore.optimizer import Optimizer
from hpcore.samplers import Sampler
from hpcore.space import Space

__all__ = ["SearchTrials"]

Params = dict[str, Any]
Values = tuple[float, ...]


@dataclass(slots=True)
class _Trial:
    """A trial with an identifier of Ray.

    Attributes
    ----------
    number : int
        Its number.
    params : dict
        Its parameters.
    reports : dict of float to tuple of float
        Its values by training iteration.
    last : float
        Last training iteration of one that was stopped from outside.
    is_estimated : bool
        True if what it would have come to was estimated then.
    """

    number: int
    params: Params
    reports: dict[float, Values] = field(default_factory=dict)
    last: float = math.inf
    is_estimated: bool = False


class SearchTrials:
    """An optimizer that knows the trials of a search.

    Parameters
    ----------
    searched : Space
        Space of the search.
    sampler : Sampler
        Sampler that proposes.
    seed : int
        Seed of the proposals.
    directions : sequence of str
        Direction of each objective.

    Attributes
    ----------
    optimizer : Optimizer
        The optimizer, whose trials have the numbers in which Ray asked for them.

    Notes
    -----
    Ray does not say of a trial that it was stopped early. It passes on the reports of a running trial but the one at
    which the trial is stopped, so that a trial whose last training iteration is new at its end did not end by itself,
    or is a class that says ``done``. If other trials have got further, its value is of a lower fidelity: the trial is
    pruned, so that it is never best, and samplers learn from an estimate, its value plus the median change of others
    from there to the furthest iteration.
    """

    def __init__(self, searched: Space, sampler: Sampler, seed: int, directions: Sequence[str]) -> None:
        self.optimizer = Optimizer(searched, sampler, directions=directions, seed=seed)
        self._n = 0  # the next number
        self._running: dict[str, _Trial] = {}
        self._ended: dict[str, _Trial] = {}
        self._stopped: list[_Trial] = []
        # Furthest iteration, and how many trials have got there, now and when all estimates were made.
        self._full, self._n_full, self._n_estimated = -math.inf, 0, 0

    def begin(self, identifier: str, given: Mapping[str, Any]) -> Params:
        """Propose the parameters of a new trial, some of which may be given.

        Raises
        ------
        SearchSpaceExhausted
            The space has no more points.
        """
        asked = self.optimizer.ask(number=self._n, given=given or None)
        assert not isinstance(asked, list)
        params = dict(asked.params)
        self._running[identifier] = _Trial(self._n, params)
        self._n += 1
        return params

    def params_of(self, identifier: str) -> Params | None:
        """Parameters of a trial; None if nothing was proposed for it."""
        known = self._running.get(identifier) or self._ended.get(identifier)
        return None if known is None else known.params

    def is_running(self, identifier: str) -> bool:
        """True if a trial was proposed and has not ended."""
        return identifier in self._running

    def report(self, identifier: str, step: float, values: Values) -> None:
        """Note the values of a running trial at a training iteration."""
        self._note(self._running[identifier], step, values)

    def end(self, identifier: str, step: float | None, values: Values | None, failed: bool) -> None:
        """Record the end of a running trial.

        Parameters
        ----------
        identifier : str
            Its identifier.
        step : float or None
            Its last training iteration, if it is known.
        values : tuple of float, or None
            Its last values. If there are none, a trial that did not fail was taken from the queue, or while it paused.
        failed : bool
            True if it failed.
        """
        trial = self._ended[identifier] = self._running.pop(identifier)
        if failed:
            self._put(trial, "failed", None)
            return
        if values is None:
            if not trial.reports:
                self.optimizer.put(trial.number, None, "withdrawn")
                return
            step = max(trial.reports)
            values = trial.reports[step]
            was_stopped = True
        else:
            was_stopped = step is not None and step != max(trial.reports, default=None)
            if step is not None:
                self._note(trial, step, values)
        if was_stopped and all(map(math.isfinite, values)):
            assert step is not None
            trial.last = step
            self._stopped.append(trial)
        self._estimate()
        if not trial.last < self._full:
            self._put(trial, "complete", values)

    def add(self, params: Params, state: str, values: Values | None, reports: Mapping[float, Values]) -> None:
        """Record a trial that was evaluated elsewhere."""
        self.optimizer.put(self._n, params, state, values, reports=reports)
        self._n += 1

    def _put(self, trial: _Trial, state: str, values: Values | None) -> None:
        self.optimizer.put(trial.number, trial.params, state, values, reports=trial.reports)

    def _note(self, trial: _Trial, step: float, values: Values) -> None:
        """Note the values of a trial at a training iteration.

        Reports from there on are of a run that crashed, after which Ray began the trial again.
        """
        for later in [known for known in trial.reports if known >= step]:
            was_finite = all(map(math.isfinite, trial.reports.pop(later)))
            self._n_full -= later == self._full and was_finite
        if all(map(math.isfinite, values)):
            if step > self._full:
                self._full, self._n_full, self._n_estimated = step, 0, 0
            self._n_full += step == self._full
        trial.reports[step] = values

    def _estimate(self) -> None:
        """Estimate the values of trials that were stopped early.

        Those of all such trials change when a trial gets further than all before, and when twice as many as at the
        last time have got so far: not at each result, because samplers learn anew from values that change.
        """
        again = self._n_full >= 2 * self._n_estimated
        due = [trial for trial in self._stopped if again or not trial.is_estimated]
        if not due:
            return
        if again:
            self._n_estimated = self._n_full
        curves = [trial.reports for trial in (*self._ended.values(), *self._running.values())]
        changes = median_changes(curves, self._full, {trial.last for trial in due if trial.last < self._full})
        for trial in due:
            trial.is_estimated = True
            if trial.last < self._full:
                self._put(trial, "pruned", _sum(trial.reports[trial.last], changes.get(trial.last)))


def _sum(values: Values, change: Values | None) -> Values | None:
    total = values if change is None else tuple(v + c for v, c in zip(values, change, strict=True))
    return total if all(map(math.isfinite, total)) else None
