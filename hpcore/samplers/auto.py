"""The sampler that chooses among the others, by a rule that was measured."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import numpy.typing as npt

from hpcore.arguments import check_integer, check_number
from hpcore.records.history import History
from hpcore.records.streams import Rng
from hpcore.samplers.base import Sampler, Suggester
from hpcore.samplers.gp import GPSampler
from hpcore.samplers.grid import GridSampler
from hpcore.samplers.tpe import TPESampler
from hpcore.space.columns import Columns

__all__ = ["AutoSampler"]

FloatArray = npt.NDArray[np.float64]

# The rule's numbers: benchmarks/auto/rule.md.
GP_TRIALS = 200
SHARE = 0.1  # of a trial's time that a proposal may take
# A proposal of the Gaussian process takes about so many seconds with a hundred trials, and grows with the trials by
# this power.
GP_SECONDS, GP_POWER = 1e-3, 1.6


class _Auto(Suggester):
    """The Gaussian process first, then TPE, on the same history."""

    def __init__(self, columns: Columns, n_gp: int) -> None:
        self._codec = columns.codec
        self._gp = GPSampler().bind(columns)
        self._tpe = TPESampler().bind(columns)
        self._n_gp = n_gp

    def source(self, number: int, step: str | None = None) -> str:
        """See `Suggester.source`."""
        if step in ("random", "tpe"):
            return step
        return "gp" if number < self._n_gp else "tpe"

    def suggest(self, history: History, pending: FloatArray, n: int, rng: Rng) -> FloatArray:
        n_first = min(n, max(0, self._n_gp - rng.number))
        if n_first == n:
            return self._gp.suggest(history, pending, n, rng)
        if not n_first:
            return self._tpe.suggest(history, pending, n, rng)
        return self._add(self._gp.suggest(history, pending, n_first, rng), history, pending, n, rng)

    def suggest_within(
        self, history: History, pending: FloatArray, n: int, rng: Rng, deadline_ms: float
    ) -> tuple[FloatArray, str]:
        n_first = min(n, max(0, self._n_gp - rng.number))
        if not n_first:
            return self._tpe.suggest_within(history, pending, n, rng, deadline_ms)
        rows, step = self._gp.suggest_within(history, pending, n_first, rng, deadline_ms)
        if step == "sobol":
            # No time for the model that was due; the other one costs microseconds.
            return self._tpe.suggest(history, pending, n, rng), "tpe"
        return (rows if n_first == n else self._add(rows, history, pending, n, rng)), step

    def _add(self, rows: FloatArray, history: History, pending: FloatArray, n: int, rng: Rng) -> FloatArray:
        """The rest of a batch in which TPE takes over."""
        taken = rows.copy()
        self._codec.snap(taken)
        later = Rng(rng.seed, rng.number + len(rows), rng.attempt)
        more = self._tpe.suggest(history, np.concatenate([pending, taken]), n - len(rows), later)
        return np.concatenate([rows, more])


class _Whole(Suggester):
    """A grid that is walked from end to end."""

    uses_pending: ClassVar[bool] = False

    def __init__(self, columns: Columns) -> None:
        self._grid = GridSampler().bind(columns)

    def source(self, number: int, step: str | None = None) -> str:
        """See `Suggester.source`."""
        return "grid"

    def suggest(self, history: History, pending: FloatArray, n: int, rng: Rng) -> FloatArray:
        return self._grid.suggest(history, pending, n, rng)


class AutoSampler(Sampler):
    """Chooses the sampler, by what was measured to find the most in so many trials.

    Parameters
    ----------
    n_trials : int, optional
        How many trials will be run for certain, at least 1, where that is known. `hpcore.minimize` and
        `hpcore.sklearn.SearchCV` say it themselves to ``"auto"``, unless a timeout or a race may end the search or a
        trial before its time.
    trial_seconds : float, optional
        About how long an evaluation takes, where that is known; greater than 0.
    n_gp_trials : int, optional
        The trials that the Gaussian process proposes, instead of what the rule says; at least 0.

    Raises
    ------
    InvalidArgument, InvalidType
        An option outside what is said above.

    Notes
    -----
    The rule, in this order:

    1. A finite space of at most `n_trials` points is walked as a grid: all of it will be run whatever the order, and
       proposals that need no results cost nothing and wait for nobody.
    2. `GPSampler` proposes the first 200 trials; fewer if `trial_seconds` is below 0.03, so that it takes no more than
       about a tenth of that time for a proposal.
    3. `TPESampler` proposes all others, from the same history: it takes 0.1 ms, however long the history is.

    Conditions, categories, the number of parameters, of objectives or of workers change nothing: nowhere was TPE shown
    to be better early.

    ``trial.info["sampler"]`` says which one it was. What is counted are trials by their number, those that failed, are
    running or were added included, and never seconds by the clock: the choice is a function of space, options and
    number, and so a search is as repeatable as with the samplers themselves. Under a deadline that leaves no time for
    a first Gaussian process, a proposal by TPE is the last step of the ladder, in place of a Sobol point:
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
        return _Auto(columns, self._n_gp())

    def _n_gp(self) -> int:
        if self.n_gp_trials is not None:
            return self.n_gp_trials
        if self.trial_seconds is None:
            return GP_TRIALS
        n = 100 * (SHARE * self.trial_seconds / GP_SECONDS) ** (1 / GP_POWER)
        return int(min(n, GP_TRIALS))
