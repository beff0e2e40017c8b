"""Sampler that chooses among the others, by a rule that was measured."""

from __future__ import annotations

import math
import time
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from hpcore.arguments import check_integer, check_number
from hpcore.records.history import History
from hpcore.records.streams import Rng
from hpcore.samplers.base import NO_TIME, Sampler, Suggester
from hpcore.samplers.cmaes import CMAESSampler
from hpcore.samplers.gp import GPSampler
from hpcore.samplers.gradient import GradientSampler
from hpcore.samplers.grid import GridSampler
from hpcore.samplers.ladder import AUTO_LADDER, DRAFT, FULL, RANDOM, SOBOL, TPE
from hpcore.samplers.tpe import TPESampler
from hpcore.space.columns import Columns

__all__ = ["AutoSampler"]

FloatArray = npt.NDArray[np.float64]

# The rule's numbers: benchmarks/auto/rule.md.
GP_TRIALS = 200  # of the search's own, before others take turns
MIXED_FROM, TURNS = 100, 4  # from which on every fourth trial is TPE's
ROUND, N_LATE_GP = 64, 8  # trials of a round after them, and those that are the Gaussian process's again
LATE_SECONDS = 0.01  # that proposals of a round may take on average
SHARE = 0.1  # a proposal may take this share of a trial's time
# Seconds of a proposal of the Gaussian process with a hundred trials, and the power by which they grow with the trials.
GP_SECONDS, GP_POWER = 1e-3, 1.6


class _Auto(Suggester):
    """The Gaussian process first, then samplers in turn, on the same history."""

    ladder: ClassVar[tuple[str, ...]] = AUTO_LADDER

    def __init__(self, columns: Columns, n_gp: int | None, seconds: float) -> None:
        self._codec = columns.codec
        self._by_name = {"gp": GPSampler().bind(columns), "tpe": TPESampler().bind(columns)}
        self._for_one: dict[str, Suggester] = {"cmaes": CMAESSampler().bind(columns)}
        if "continuous" in columns.kinds:
            self._for_one["gradient"] = GradientSampler().bind(columns)
        self._n_gp, self._seconds, self._per_cost = n_gp, seconds, False
        self._late_seconds = min(seconds, LATE_SECONDS)
        # Samplers of the latest proposals, by number.
        self._chosen: dict[int, str] = {}

    def prepare(self, n_objectives: int) -> None:
        """See `Suggester.prepare`."""
        for suggester in self._by_name.values():
            suggester.prepare(n_objectives)
        if n_objectives == 1:
            # Not prepared: the package that CMA-ES needs is loaded when it is first due, if it ever is.
            self._by_name |= self._for_one

    def _choose(self, number: int, history: History) -> str:
        """Choose the sampler of a trial; see `AutoSampler`."""
        if history.gradients is not None and "gradient" in self._by_name:
            return "gradient"
        own = number - history.n_given
        price = GP_SECONDS * (number / 100) ** GP_POWER
        if own < (GP_TRIALS if self._n_gp is None else self._n_gp) and price <= self._seconds:
            mixed = self._n_gp is None and number >= MIXED_FROM and number % TURNS == TURNS - 1
            return "tpe" if mixed else "gp"
        by_value_alone = "cmaes" in self._by_name and history.std_errors is None and not self._per_cost
        place = number % ROUND
        if place < N_LATE_GP and price * N_LATE_GP <= ROUND * self._late_seconds:
            return "gp"
        return "cmaes" if by_value_alone and place >= ROUND // 2 else "tpe"

    def proposed_by(self, number: int, step: str | None = None) -> str | None:
        """See `Suggester.proposed_by`."""
        if step in (RANDOM, TPE):
            return step
        if step == DRAFT:  # which may have come without the turn that `_chosen` notes
            return "gp"
        return self._chosen.get(number)

    def allow_repeats(self, n: int) -> None:
        """See `Suggester.allow_repeats`."""
        for suggester in self._by_name.values():
            suggester.allow_repeats(n)

    def use_cost(self, on: bool) -> None:
        """See `Suggester.use_cost`."""
        self._per_cost = on
        for suggester in self._by_name.values():
            suggester.use_cost(on)

    def know_costs(self, rows: FloatArray, costs: FloatArray) -> None:
        """See `Suggester.know_costs`."""
        for suggester in self._by_name.values():
            suggester.know_costs(rows, costs)

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
        rows, lowest = pending[:0], FULL
        while len(rows) < n:
            first = rng.number + len(rows)
            name = self._choose(first, history)
            last = first + 1
            while last < rng.number + n and self._choose(last, history) == name:
                last += 1
            earlier = pending
            if len(rows):
                taken = rows.copy()
                self._codec.snap(taken)
                earlier = np.concatenate([pending, taken])
            suggester = self._by_name[name]
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
                return (rows, lowest) if len(rows) else (self._by_name["tpe"].suggest(history, pending, n, rng), TPE)
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
        seconds = math.inf if self.trial_seconds is None else SHARE * self.trial_seconds
        return _Auto(columns, self.n_gp_trials, seconds)
