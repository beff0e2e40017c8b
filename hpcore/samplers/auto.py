"""Sampler that chooses among the others, by a rule that was measured."""

from __future__ import annotations

import math
import time
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from hpcore._core import samplers as native
from hpcore.arguments import check_integer, check_number
from hpcore.records.history import History
from hpcore.records.streams import Rng
from hpcore.samplers.base import NO_TIME, Sampler, Suggester
from hpcore.samplers.gp import GPSampler
from hpcore.samplers.grid import GridSampler
from hpcore.samplers.ladder import AUTO_LADDER, DRAFT, FULL, RANDOM, SOBOL, TPE
from hpcore.samplers.tpe import TPESampler
from hpcore.space.columns import Columns

__all__ = ["AutoSampler"]

FloatArray = npt.NDArray[np.float64]


def _sampler(name: str) -> Sampler:
    if name == "gp":
        return GPSampler()
    if name == "tpe":
        return TPESampler()
    if name == "cmaes":
        from hpcore.samplers.cmaes import CMAESSampler

        return CMAESSampler()
    from hpcore.samplers.gradient import GradientSampler

    return GradientSampler()


class _Auto(Suggester):
    """The Gaussian process first, then samplers in turn, on the same history."""

    asks_around: ClassVar[bool] = True
    ladder: ClassVar[tuple[str, ...]] = AUTO_LADDER

    def __init__(self, columns: Columns, n_gp: int | None, trial_seconds: float) -> None:
        self._columns, self._codec = columns, columns.codec
        self._by_name: dict[str, Suggester] = {name: _sampler(name).bind(columns) for name in ("gp", "tpe")}
        self._rule = native.AutoRule(n_gp, trial_seconds, True, "continuous" in columns.kinds)
        self._repeats, self._per_cost = 1, False
        self._known_costs: tuple[FloatArray, FloatArray] | None = None
        # Samplers of the latest proposals, by number.
        self._chosen: dict[int, str] = {}

    def prepare(self, n_objectives: int) -> None:
        """See `Suggester.prepare`."""
        for suggester in self._by_name.values():
            suggester.prepare(n_objectives)

    def _suggester(self, name: str) -> Suggester:
        """Suggester by its name; those that few searches need are loaded and bound when they are first due."""
        if name not in self._by_name:
            suggester = _sampler(name).bind(self._columns)
            suggester.allow_repeats(self._repeats)
            suggester.use_cost(self._per_cost)
            if self._known_costs is not None:
                suggester.know_costs(*self._known_costs)
            self._by_name[name] = suggester
        return self._by_name[name]

    def proposed_by(self, number: int, step: str | None = None) -> str | None:
        """See `Suggester.proposed_by`."""
        if step in (RANDOM, TPE):
            return step
        if step == DRAFT:  # which may have come without the turn that `_chosen` notes
            return "gp"
        return self._chosen.get(number)

    def allow_repeats(self, n: int) -> None:
        """See `Suggester.allow_repeats`."""
        self._repeats = n
        for suggester in self._by_name.values():
            suggester.allow_repeats(n)

    def use_cost(self, on: bool) -> None:
        """See `Suggester.use_cost`."""
        self._per_cost = on
        for suggester in self._by_name.values():
            suggester.use_cost(on)

    def know_costs(self, rows: FloatArray, costs: FloatArray) -> None:
        """See `Suggester.know_costs`."""
        self._known_costs = rows, costs
        for suggester in self._by_name.values():
            suggester.know_costs(rows, costs)

    def revised(self) -> bool:
        """See `Suggester.revised`."""
        for name in [name for name, suggester in self._by_name.items() if not suggester.revised()]:
            del self._by_name[name]  # made anew when it is due
        return True

    def suggest(self, history: History, pending: FloatArray, n: int, rng: Rng) -> FloatArray:
        return self._suggest(history, pending, n, rng, None)[0]

    def suggest_within(
        self, history: History, pending: FloatArray, n: int, rng: Rng, deadline_ms: float
    ) -> tuple[FloatArray, str]:
        return self._suggest(history, pending, n, rng, time.monotonic() + deadline_ms / 1e3)

    def at_once(self, history: History, pending: FloatArray, n: int, rng: Rng) -> tuple[FloatArray, str] | None:
        """See `Suggester.at_once`."""
        return self._by_name["gp"].at_once(history, pending, n, rng)

    def _suggest(
        self, history: History, pending: FloatArray, n: int, rng: Rng, end: float | None
    ) -> tuple[FloatArray, str]:
        """Make proposals, a run of one sampler at a time; the earlier ones are pending to it."""
        rows, lowest, trials = pending[:0], FULL, history.trials
        while len(rows) < n:
            first = rng.number + len(rows)
            name = self._rule.choose(first, trials, self._per_cost)
            last = first + 1
            while last < rng.number + n and self._rule.choose(last, trials, self._per_cost) == name:
                last += 1
            earlier = pending
            if len(rows):
                taken = rows.copy()
                self._codec.snap(taken)
                earlier = np.concatenate([pending, taken])
            suggester = self._suggester(name)
            self._chosen = {k: v for k, v in self._chosen.items() if k >= history.n}
            self._chosen.update(dict.fromkeys(range(first, last), name))
            asked = (history, earlier, last - first, Rng(rng.seed, first, rng.attempt))
            if end is None:
                more, step = suggester.suggest(*asked), FULL
            else:
                more, step = suggester.suggest_within(*asked, max(1e3 * (end - time.monotonic()), NO_TIME))
            if step == SOBOL:
                # No time for the model that was due; the other one costs microseconds. Rows made so far stay:
                # the rest of a batch is asked for again, because each trial says which step was its own.
                return (rows, lowest) if len(rows) else (self._suggester("tpe").suggest(history, pending, n, rng), TPE)
            rows = np.concatenate([rows, more]) if len(rows) else more
            if step != FULL:
                lowest = step
        return rows, lowest


class _Whole(Suggester):
    """Grid that is visited from end to end."""

    uses_pending: ClassVar[bool] = False

    def __init__(self, columns: Columns) -> None:
        self._grid = GridSampler().bind(columns)

    def proposed_by(self, number: int, step: str | None = None) -> str:
        """See `Suggester.proposed_by`."""
        return "grid"

    def allow_repeats(self, n: int) -> None:
        """See `Suggester.allow_repeats`."""
        self._grid.allow_repeats(n)

    def suggest(self, history: History, pending: FloatArray, n: int, rng: Rng) -> FloatArray:
        return self._grid.suggest(history, pending, n, rng)


class AutoSampler(Sampler):
    """Choose among the samplers, by what was measured to find the most in so many trials.

    Parameters
    ----------
    n_trials : int, optional
        Number of trials that will be run for certain, at least 1, where that is known. `hpcore.minimize` and
        `hpcore.sklearn.SearchCV` give it to ``"auto"`` themselves, unless a timeout or a race may end the search or a
        trial before its time.
    trial_seconds : float, optional
        Approximate seconds of an evaluation, where that is known; greater than 0.
    n_gp_trials : int, optional
        Number of trials before other samplers take over from the Gaussian process, in place of the rule's; at least 0.

    Raises
    ------
    InvalidArgument, InvalidType
        An option outside what is said above.

    Notes
    -----
    The rule, in this order:

    1. A finite space of at most `n_trials` points is walked as a grid: all of it will be run whatever the order, and
       proposals that need no results cost nothing and wait for nobody.
    2. From the first gradient that is told on, `GradientSampler` proposes, for one objective of a space with continuous
       parameters.
    3. `GPSampler` proposes the first 200 trials, not counting those whose parameters a user gave: after 1,800 known
       points too the model finds more than others do. From trial 100 on every fourth is `TPESampler`'s, which finds
       what a Gaussian process is too smooth to see. With `trial_seconds`, only while a proposal takes no more than a
       tenth of that time.
    4. After that, in each round of 64 trials, `GPSampler` proposes 8 while this takes no more than 10 ms a trial of the
       round (to about 1,500 trials), or than a tenth of `trial_seconds` if that is less, `TPESampler` 24, and
       `CMAESSampler` 32, on the same history. `TPESampler` proposes the last ones too where there are several
       objectives, where standard errors are told, and where costs count.

    Conditions, categories, the number of parameters or of workers change nothing: nowhere was another sampler shown to
    be better early. `EvolutionSampler` and `AnnealingSampler` were better than these in no budget.

    ``trial.info["sampler"]`` says which one it was. What is counted are trials by their number, those that failed or
    are running included, and never seconds by the clock: the choice is a function of space, options and history, and so
    a search is as repeatable as with the samplers themselves. Under a deadline, a proposal by TPE is the last step of
    the ladder, in place of a Sobol point, where there is nothing to make a Gaussian process of:
    ``trial.info["step"]`` is ``"tpe"`` then.

    Why so: ``benchmarks/auto/rule.md``.

    Examples
    --------
    >>> import hpcore as hp
    >>> opt = hp.Optimizer({"x": hp.Float(0, 1)}, sampler="auto", seed=0)
    >>> opt.ask().info
    {'sampler': 'gp'}
    """

    def __init__(
        self, n_trials: int | None = None, trial_seconds: float | None = None, n_gp_trials: int | None = None
    ) -> None:
        self.n_trials = None if n_trials is None else check_integer("n_trials", n_trials, 1)
        self.trial_seconds = (
            None
            if trial_seconds is None
            else check_number("trial_seconds", trial_seconds, 0.0, open_low=True, unit=" of seconds")
        )
        self.n_gp_trials = None if n_gp_trials is None else check_integer("n_gp_trials", n_gp_trials, 0)

    def bind(self, columns: Columns) -> Suggester:
        """See `Sampler.bind`."""
        size = columns.finite_size
        if self.n_trials is not None and size is not None and size <= self.n_trials:
            return _Whole(columns)
        seconds = math.inf if self.trial_seconds is None else self.trial_seconds
        return _Auto(columns, self.n_gp_trials, seconds)
