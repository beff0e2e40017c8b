"""Freeze-thaw: one model of all curves decides which trial goes on, how far, and when a new one begins."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from hpcore.arguments import check_flag, check_number
from hpcore.errors import InvalidArgument, InvalidType
from hpcore.records.curves import Curves
from hpcore.records.history import History
from hpcore.records.streams import Rng
from hpcore.schedulers.base import Judge, Resume, Scheduler, Start
from hpcore.schedulers.curve_model import CurveModel, Posterior
from hpcore.schedulers.curve_rows import CurveRows, read_rows
from hpcore.schedulers.fidelities import REPEATED, RESUMED, fidelities
from hpcore.schedulers.recipe import RECIPE, Recipe
from hpcore.schedulers.resources import ResourceJudge, Resources, check_resources
from hpcore.schedulers.rungs import Rungs
from hpcore.space.columns import Columns

__all__ = ["FreezeThaw"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
StateArray = npt.NDArray[np.uint8]

FEWEST = 3  # rows from which the model decides
NARROWEST = 0.3  # standard deviation of a guess at a full value that knows other full values only


class _Judge(ResourceJudge):
    def __init__(
        self, resources: Resources, levels: tuple[float, ...] | None, columns: Columns, recipe: Recipe = RECIPE
    ) -> None:
        super().__init__(resources)
        self._options = (resources, levels, columns, recipe)
        self._columns, self._recipe = columns, recipe
        self._n_start = max(6, min(10, columns.d + 2))
        children = np.zeros(columns.d)
        for parents in columns.parents:
            np.add.at(children, list(parents), 1)
        # The column on which most others depend: its values are branches of the space.
        self._branch = int(np.argmax(children)) if children.any() else None
        self._full = math.inf

    def __reduce__(self) -> tuple[Any, ...]:
        # What is derived from the history is left out.
        return type(self), self._options

    def levels(self, curves: Curves, state: StateArray) -> tuple[float, ...]:
        """See `Judge.levels`; none, since samplers propose the start design only, which should be even."""
        return ()

    def next(self, history: History, rng: Rng) -> Start | Resume | None:
        """See `Judge.next`."""
        full = self.full_resource(history.curves, history.state)
        if math.isinf(full):
            return Start()
        rows = self._read(history, full)
        return self._interrupted(rows) or self._begin(rows) or self._choose(history, rows, rng)

    def _read(self, history: History, full: float) -> CurveRows:
        if full != self._full:
            self._full = full
            self._levels = fidelities(self._resources, full, self._options[1])
            self._first = self._levels.nearest(self._recipe.start_share)
            self._rungs = Rungs(self._levels.rungs)
            self._model = CurveModel(self._columns, self._recipe, self._n_start)
            # By row of a full value: what its forecast gained; None if there was none.
            self._gains: dict[int, float | None] = {}
            self._seen: tuple[CurveRows, FloatArray] | None = None
        rows = read_rows(history, self._rungs, self._levels)
        if self._seen is not None:
            # What was computed from rows that this history does not have, or not yet, is forgotten.
            seen, X = self._seen
            n = min(len(X), history.n)
            same = rows.common(seen) if np.array_equal(X[:n], history.X[:n], equal_nan=True) else 0
            self._model.forget(same)
            self._gains = {row: gain for row, gain in self._gains.items() if row < same}
        self._seen = rows, history.X.copy()
        return rows

    def _interrupted(self, rows: CurveRows) -> Resume | None:
        """Choose a trial that paused before the resource that its job went to."""
        short = np.flatnonzero(rows.paused & (rows.reached < rows.until))
        return Resume(int(short[0]), float(rows.until[short[0]])) if len(short) else None

    def _begin(self, rows: CurveRows) -> Start | Resume | None:
        """Order the start design and successive halving among it; None when the model decides."""
        start = Start(self._levels.rungs[self._first])
        began = np.flatnonzero(~np.isnan(rows.until))
        if len(began) < self._n_start:
            return start
        design, below = began[: self._n_start], self._first
        for k, share in self._recipe.halving:
            rung = self._levels.nearest(share)
            if rung <= below:
                continue
            below, goal = rung, self._levels.rungs[rung]
            there = (rows.reached[design] >= goal) | (rows.running[design] & (rows.until[design] >= goal))
            if there.sum() >= k:
                continue
            if (rows.running[design] & ~there).sum() > len(design) // 2:
                return start  # too little is known to compare
            waiting = design[rows.paused[design] & ~there]
            if len(waiting):
                return Resume(int(waiting[np.argmin(rows.last[waiting])]), goal)
        return start if len(rows.number) < FEWEST else None

    def _choose(self, history: History, rows: CurveRows, rng: Rng) -> Start | Resume:
        """Order what promises the largest improvement at full fidelity: another job of a trial, or a new one."""
        recipe, X = self._recipe, history.X
        gains = self._forecast_gains(X, rows)
        misled = self._are_misled(gains)
        going = np.flatnonzero(rows.running)
        running = list(zip(going.tolist(), self._levels.of(rows.until[going]).tolist(), strict=True))
        if misled:
            running = [job for job in running if job[1] >= 1.0]
        posterior = self._model.posterior(X, rows, len(rows.number), running, only_full=misled)
        waiting = np.flatnonzero(self._may_go_on(rows)[posterior.numbers])
        if not misled and len(waiting) and self._is_audit_due(rows, gains):
            return Resume(self._audited(X, rows, posterior, waiting), self._levels.full)
        found = self._model.propose(posterior, X, rng)
        promise = posterior.log_improvement(posterior.mean[waiting], posterior.std[waiting])
        if found is not None:
            new = float(posterior.log_improvement(np.array(found[1:2]), np.array(found[2:]))[0])
            if not len(waiting) or not promise.max() > new - recipe.margin:
                if history.n < recipe.explore_first or history.n % recipe.explore_every == 0:
                    found = self._model.propose(posterior, X, rng, explore=True) or found
                return Start(self._levels.full if misled else self._levels.rungs[self._first], found[0])
        if not len(waiting):
            return Start(self._levels.rungs[self._first])
        number = int(posterior.numbers[waiting[np.argmax(promise)]])
        return Resume(number, self._levels.above(float(rows.reached[number])))

    def _may_go_on(self, rows: CurveRows) -> BoolArray:
        may: BoolArray = rows.paused & (rows.reached < self._levels.full)
        return may

    def _in_full(self, rows: CurveRows) -> BoolArray:
        """Trials that were trained in full, or are being."""
        full: BoolArray = (rows.reached >= self._levels.full) | (rows.running & (rows.until >= self._levels.full))
        return full

    def _is_audit_due(self, rows: CurveRows, gains: list[float]) -> bool:
        recipe, in_full = self._recipe, self._in_full(rows)
        n_full, every = int(in_full.sum()), recipe.audit_after + 1
        if n_full >= recipe.audit_first and n_full % every == every - 1:
            return True
        if len(gains) >= recipe.trust_from and np.mean(gains) > recipe.trust_gain:
            return False
        # Low fidelities that mislead keep trials from full trainings, which would show it.
        if (in_full & rows.running).any():
            return False
        ends = np.flatnonzero(rows.fidelity[: rows.n_reported] >= 1.0)
        spent = rows.added[int(ends[-1]) + 1 if len(ends) else 0 : rows.n_reported]
        return float(spent.sum()) > recipe.audit_cost * self._levels.full

    def _audited(self, X: FloatArray, rows: CurveRows, posterior: Posterior, waiting: IntArray) -> int:
        """Choose a trial for a full training that low fidelities need not favour.

        Branches of the space that have hardly been trained in full come first: at low fidelity one branch may lead that
        another overtakes.
        """
        bound = posterior.mean[waiting] - posterior.std[waiting]
        numbers = posterior.numbers[waiting]
        if self._branch is not None:
            in_full, branch = self._in_full(rows), X[:, self._branch]
            branches = np.unique(branch[numbers])
            counts = np.array([(in_full & (branch == b)).sum() for b in branches])
            if counts.min(initial=2) < 2:
                among = branch[numbers] == branches[np.argmin(counts)]
                numbers, bound = numbers[among], bound[among]
        return int(numbers[np.argmin(bound)])

    def _forecast_gains(self, X: FloatArray, rows: CurveRows) -> list[float]:
        """Gains of the forecasts of full values from lower fidelities, oldest first, each cut to a few units."""
        for row in np.flatnonzero(rows.is_report & (rows.fidelity >= 1.0)).tolist():
            if row not in self._gains:
                self._gains[row] = self._gain(X, rows, row)
        most = self._recipe.largest_gain
        return [min(max(gain, -most), most) for _, gain in sorted(self._gains.items()) if gain is not None]

    def _are_misled(self, gains: list[float]) -> bool:
        """True if forecasts of full values from lower fidelities were worse than guesses without them."""
        return len(gains) >= 2 and sum(gains[-self._recipe.check_last :]) < self._recipe.check_gain

    def _gain(self, X: FloatArray, rows: CurveRows, row: int) -> float | None:
        """Logarithm of the density of a full value by the rows before it, over that by the full values among them."""
        number = rows.number[row]
        if row < FEWEST or not (rows.number[:row] == number).any() or (rows.fidelity[:row] >= 1.0).sum() < 2:
            return None
        posterior = self._model.posterior(X, rows, row)
        at = np.searchsorted(posterior.numbers, number)
        if at == len(posterior.numbers) or posterior.numbers[at] != number:
            return None
        z = float(posterior.targets(rows.value[row]))
        std = max(math.hypot(posterior.std[at], math.sqrt(posterior.noise)), self._recipe.sharpest)
        blind = max(float(posterior.full.std()), NARROWEST)
        return _log_normal(z, float(posterior.mean[at]), std) - _log_normal(z, float(posterior.full.mean()), blind)


def _log_normal(x: float, mean: float, std: float) -> float:
    return -0.5 * ((x - mean) / std) ** 2 - math.log(std)


class FreezeThaw(Scheduler):
    """Freeze-thaw Bayesian optimisation: a model of all curves decides which trial goes on, and proposes new points.

    Parameters
    ----------
    min_resource : float
        Smallest resource at which trials are compared.
    max_resource : float, optional
        Resource of a full evaluation. None takes the largest step that the first complete trial reports; until then
        trials run as far as they will.
    levels : sequence of float, optional
        Resources that are allowed, if there are few: trials are sent to these only. At most five are all rungs. By
        default any resource is allowed, and rungs are ``max_resource / 1.6**k``, rounded if both bounds are integers.
    resumable : bool
        False if a trial that goes on begins its training again, from a subset of the rows, say: the rungs are then
        ``max_resource / 3**k``.

    Notes
    -----
    A start design of 6 to 10 trials, which the sampler proposes, runs to about 4 % of the full resource; successive
    halving takes one of them to the end. After that each job is chosen by the expected improvement at full fidelity:
    the best paused trial goes on to its next rung, or, if a new point promises clearly more, that begins. Every other
    new point is where the model knows least, a bound of three standard deviations. Costs do not enter.

    The model is a Gaussian process over points and fidelities whose drift along the fidelity vanishes at the full one:
    ``csrc/hpcore/fidelity/covariance.hpp``. Values enter as their logarithm from just below the best. Running jobs
    enter at their posterior mean, so that nobody waits. From the fifth on, every third full training is of a trial that
    low fidelities do not favour; so is one after each 1.25 full resources without a full training, until forecasts from
    low fidelities have been good. Where they turn out worse than guesses without them, only values of the full resource
    count from then on.

    With several objectives the first one counts. NaN, infinities and failures count as the worst value so far. Results
    from elsewhere are data, but trials that another scheduler or a user began are not resumed.

    References
    ----------
    Swersky, Snoek & Adams (2014), "Freeze-thaw Bayesian optimization".

    Examples
    --------
    >>> from hpcore.schedulers import FreezeThaw
    >>> scheduler = FreezeThaw(max_resource=50)
    """

    def __init__(
        self,
        min_resource: float = 1,
        max_resource: float | None = None,
        *,
        levels: Sequence[float] | None = None,
        resumable: bool = True,
    ) -> None:
        check_resources(min_resource, max_resource, RESUMED)
        self.min_resource, self.max_resource = min_resource, max_resource
        self.levels = None if levels is None else _check_levels(levels)
        self.resumable = check_flag("resumable", resumable)

    def bind(self, columns: Columns, directions: tuple[str, ...], seed: int) -> Judge:
        """See `Scheduler.bind`."""
        eta = RESUMED if self.resumable else REPEATED
        return _Judge(check_resources(self.min_resource, self.max_resource, eta), self.levels, columns, RECIPE)


def _check_levels(levels: Any) -> tuple[float, ...]:
    if isinstance(levels, str) or not isinstance(levels, Sequence | np.ndarray):
        raise InvalidType(f"levels must be a sequence of numbers or None, got {levels!r}")
    checked = tuple(check_number("levels", level, 0.0, open_low=True) for level in levels)
    if not checked or any(a >= b for a, b in pairwise(checked)):
        raise InvalidArgument(f"levels must be increasing numbers, at least one, got {levels!r}")
    return checked
