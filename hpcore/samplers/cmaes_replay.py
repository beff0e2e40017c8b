"""Generations and restarts of CMA-ES as a function of the history."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from hpcore._core import rng as native
from hpcore._core.rng import CMAES_CHOICE, CMAES_RESTART, CMAES_SAMPLE
from hpcore.records.history import FAILED, PRUNED, History
from hpcore.records.streams import Rng
from hpcore.records.tradeoff import order_by_limits
from hpcore.samplers.cmaes_columns import Coordinates, Points
from hpcore.samplers.cmaes_distribution import N_TRIES, Distribution
from hpcore.samplers.cmaes_model import lowest_point
from hpcore.samplers.cmaes_start import WarmStart

__all__ = ["Generation", "Replay"]

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

N_ATTEMPTS = 5  # proposals for a trial that are compared with its point, where they may have been refused
CHUNK = 64  # known trials that are looked through at a time
TOLERANCE = 0.02  # largest standard deviation at which a run ends
IDLE = (10, 30)  # generations without a lower value after which a run ends: the first, plus the second * D / L
ALL_FAILED = 2  # generations in a row without a success after which a run ends
N_FAR = 64  # places for a restart, of which that far from all trials is taken
LARGER = 2  # ratio of the populations of two runs
MOST_POPULATION = 10_000
# Place of the minimum of a model in a generation: not the first, which shows whether a generation was proposed here.
MINIMUM = 1


@dataclass(frozen=True)
class Run:
    """Position in the run since the last restart.

    Attributes
    ----------
    first : int
        First trial.
    is_large : bool
        False for the short runs of BIPOP with a small population.
    n_large : int
        Number of earlier runs with a growing population.
    used : tuple of int
        Trials of earlier runs with a small population, and with a large one.
    best : float
        Lowest value in the run.
    n_idle, n_failed : int
        Generations in a row without a lower value, and without a success.
    """

    first: int
    is_large: bool = True
    n_large: int = 0
    used: tuple[int, int] = (0, 0)
    best: float = math.inf
    n_idle: int = 0
    n_failed: int = 0


@dataclass(frozen=True)
class Generation:
    """Trials ``first .. end - 1``, proposed from one distribution."""

    first: int
    distribution: Distribution
    run: Run
    points: Points
    rows: FloatArray  # proposals
    snapped: FloatArray  # proposals, as a history holds them
    has_minimum: bool  # True if one point is not drawn, but the minimum of a model

    @property
    def end(self) -> int:
        """The first trial of the next generation."""
        return self.first + len(self.rows)


class Replay:
    """Generations that follow from a history; those that still do are kept from call to call.

    Parameters
    ----------
    coordinates : Coordinates
        Coordinates of the space, at least one.
    sigma0 : float
        Standard deviation at a start.
    population : int
        Number of points of a generation in the first run.
    restart : {"bipop", "ipop"} or None
        Rule of the restarts.
    may_refuse : bool
        True if proposals may be refused, because of constraints or in a finite space.

    Notes
    -----
    The generations of a run follow each other without gaps, and an update happens as soon as a trial of the next
    generation is asked for. Trials that have no result by then count as the centre of the distribution, which says
    nothing; so do failed ones where there are too few results for all places that count as good. With results of less
    than half as many trials as there are such places the distribution stays as it is. A result that comes late changes
    the history: the generations from its own on are made again with it, and trials that were proposed meanwhile are
    used as points from elsewhere.
    """

    def __init__(
        self, coordinates: Coordinates, sigma0: float, population: int, restart: str | None, may_refuse: bool
    ) -> None:
        self._coordinates, self._sigma0, self._population, self._restart = coordinates, sigma0, population, restart
        self._n_attempts = N_ATTEMPTS if may_refuse else 1
        self._dimension = coordinates.n_numeric + coordinates.n_choices
        self._seed = -1
        self._begin_anew()

    def _begin_anew(self) -> None:
        self._generations: list[Generation] = []
        self._known = WarmStart(self._coordinates, self._sigma0, self._population)
        self._n_known = 0
        self._seen = _Seen()

    # --- the current generation ----------------------------------------------------------------------------------

    def current(self, history: History, rng: Rng) -> Generation:
        """Generation of the next trial of a history."""
        self._forget(history, rng.seed)
        generations = self._generations
        if len(generations) == 1 and history.n > generations[0].first:
            begin = generations[0]
            if self._own(begin.distribution, history, begin.first, begin.first + 1) is None:
                generations.clear()
        if not generations:
            generations.append(self._begin(history))
        while history.n >= generations[-1].end:
            generations.append(self._next(generations[-1], history))
        self._seen.follow(history, generations[-1].first)
        return generations[-1]

    def propose(self, generation: Generation, number: int, attempt: int) -> FloatArray:
        """Row (d,) for a trial of a generation, or of a batch that goes on beyond it."""
        if attempt == 0 and number < generation.end:
            row: FloatArray = generation.rows[number - generation.first]
            return row
        other: FloatArray = self._coordinates.rows(self._sample(generation.distribution, number, 1, attempt))[0]
        return other

    def _forget(self, history: History, seed: int) -> None:
        """Forget what does not follow from this history."""
        if seed != self._seed:
            self._seed = seed
            self._begin_anew()
        n = self._seen.keep(history)
        if n < self._n_known:
            self._begin_anew()
        while self._generations and self._generations[-1].first > n:
            self._generations.pop()

    def _sample(self, distribution: Distribution, first: int, n: int, attempt: int = 0) -> Points:
        p, c = self._coordinates.n_numeric, self._coordinates.n_choices
        rng = Rng(self._seed, first, attempt)
        low, high, purpose = rng.seed_low, rng.seed_high, CMAES_SAMPLE + (attempt << 32)
        normals, uniforms = np.empty((n, N_TRIES, p)), np.empty((n, c))
        for i in range(n):
            if p:
                normals[i] = native.normal(low, high, first + i, purpose, N_TRIES * p).reshape(N_TRIES, p)
            if c:
                uniforms[i] = rng.uniform(c, CMAES_CHOICE, i)
        return distribution.sample(normals, uniforms)

    def _is_own(self, distribution: Distribution, rows: FloatArray, first: int, attempt: int) -> BoolArray:
        """Mask of rows, of the trials from number `first` on, that are proposals of the distribution."""
        proposed = self._coordinates.rows(self._sample(distribution, first, len(rows), attempt))
        return _equal(self._coordinates.snapped(proposed), rows)

    # --- the first generation ------------------------------------------------------------------------------------

    def _begin(self, history: History) -> Generation:
        """First generation: it begins with the first trial that it would have proposed itself, or with the next one.

        Earlier trials are known ones, for a warm start.
        """
        while self._n_known < history.n:
            first, distribution = self._n_known, self._known.distribution(history)
            end, is_other = first, False
            while end < min(history.n, first + CHUNK) and not is_other:
                is_other = self._known.learn(history, end)
                end += 1
            own = self._own(distribution, history, first, end)
            if own is not None:
                self._known.forget(own)
                self._n_known = own
                return self._make(own, distribution, Run(own), history)
            self._n_known = end
        return self._make(history.n, self._known.distribution(history), Run(history.n), history)

    def _own(self, distribution: Distribution, history: History, first: int, end: int) -> int | None:
        """The first trial of first .. end - 1 whose point is a proposal of the distribution."""
        own = np.zeros(end - first, dtype=np.bool_)
        for attempt in range(self._n_attempts):
            own |= self._is_own(distribution, history.X[first:end], first, attempt)
        return first + int(own.argmax()) if own.any() else None

    # --- the next generation -------------------------------------------------------------------------------------

    def _next(self, last: Generation, history: History) -> Generation:
        """Generation after one whose trials have all begun."""
        first, end, run, distribution = last.first, last.end, last.run, last.distribution
        success = history.observed_in(first, end)
        state = history.state[first:end]
        failed = ~success & ((state == FAILED) | (state == PRUNED))
        n_success = int(success.sum())
        if failed.all():
            run = replace(run, n_failed=run.n_failed + 1)
        elif n_success:
            lowest = self._lowest(history, first, end, success)
            is_lower = lowest < run.best
            run = replace(run, n_failed=0, best=min(lowest, run.best), n_idle=0 if is_lower else run.n_idle + 1)
        if n_success and 2 * n_success >= distribution.n_parents:
            points, foreign = self._points(last, history)
            order = np.concatenate([
                np.flatnonzero(success)[np.argsort(self._places(history, first, end, success), kind="stable")],
                np.flatnonzero(~success & ~failed),
                np.flatnonzero(failed),
            ])  # fmt: skip
            is_good = np.arange(end - first) < distribution.n_parents
            neutral = ~success[order] & (is_good | ~failed[order])
            points = Points(points.numeric[order], points.choices[order])
            updated = distribution.updated(points, foreign[order], neutral)
            if updated.is_degenerate and self._restart is None:
                updated = distribution
            distribution = updated
        if self._restart is not None and self._has_ended(run, distribution):
            return self._restarted(run, distribution, end, history)
        return self._make(end, distribution, run, history)

    def _points(self, generation: Generation, history: History) -> tuple[Points, BoolArray]:
        """Points of a generation's trials, and a mask of those that are not drawn from its distribution.

        A proposal's own coordinates, before rounding and where a column is inactive, say more than its row.
        """
        first, end = generation.first, generation.end
        X = history.X[first:end]
        foreign = ~_equal(generation.snapped, X)
        if not foreign.any():
            foreign[MINIMUM] = generation.has_minimum
            return generation.points, foreign
        told = self._coordinates.points(X)
        numeric = np.where(foreign[:, None], told.numeric, generation.points.numeric)
        choices = np.where(foreign[:, None], told.choices, generation.points.choices)
        for attempt in range(1, self._n_attempts):
            for i in np.flatnonzero(foreign):
                if self._is_own(generation.distribution, X[i : i + 1], first + i, attempt)[0]:
                    own = self._sample(generation.distribution, first + i, 1, attempt)
                    numeric[i], choices[i], foreign[i] = own.numeric[0], own.choices[0], False
        foreign[MINIMUM] |= generation.has_minimum
        return Points(numeric, choices), foreign

    def _places(self, history: History, first: int, end: int, success: BoolArray) -> FloatArray:
        values = history.values[first:end][success]
        if history.n_limits:
            return order_by_limits(values, history.violations[first:end][success])
        return values[:, 0]

    def _lowest(self, history: History, first: int, end: int, success: BoolArray) -> float:
        """Lowest value of the trials first .. end - 1 that keep all limits; infinite if none does."""
        if history.n_limits:
            success = success & (history.violations[first:end] <= 0.0).all(axis=1)
        return float(history.values[first:end, 0][success].min(initial=math.inf))

    def _make(self, first: int, distribution: Distribution, run: Run, history: History) -> Generation:
        points = self._sample(distribution, first, distribution.population)
        lowest = self._lowest_point(first, distribution, history)
        if lowest is not None:
            points.numeric[MINIMUM] = lowest
        rows = self._coordinates.rows(points)
        return Generation(first, distribution, run, points, rows, self._coordinates.snapped(rows), lowest is not None)

    def _lowest_point(self, first: int, distribution: Distribution, history: History) -> FloatArray | None:
        """Minimum of a quadratic model of the earlier values."""
        if not self._coordinates.is_plain:
            return None
        success = history.observed_in(0, first)
        if history.n_limits:
            success &= (history.violations[:first] <= 0.0).all(axis=1)
        numeric = self._coordinates.points(history.X[:first][success]).numeric
        with np.errstate(all="ignore"):
            z = lowest_point(
                distribution.normalised(numeric), history.values[:first, 0][success], distribution.population
            )
            return None if z is None else np.clip(distribution.restored(z), 0.0, 1.0)

    # --- restarts ------------------------------------------------------------------------------------------------

    def _has_ended(self, run: Run, distribution: Distribution) -> bool:
        idle = IDLE[0] + IDLE[1] * self._dimension / distribution.population
        return (
            run.n_failed >= ALL_FAILED
            or run.n_idle > idle
            or distribution.spread < TOLERANCE
            or distribution.is_degenerate
        )

    def _restarted(self, run: Run, last: Distribution, first: int, history: History) -> Generation:
        """First generation of another run.

        Hansen 2009, "Benchmarking a BI-population CMA-ES on the BBOB-2009 function testbed"; Auger & Hansen 2005, "A
        restart CMA evolution strategy with increasing population size".
        """
        rng = Rng(self._seed, first)
        p = self._coordinates.n_numeric
        draws = rng.uniform(2 + N_FAR * p, CMAES_RESTART)
        small, large = run.used
        if run.is_large:
            large += first - run.first
        else:
            small += first - run.first
        largest = self._population * LARGER**run.n_large
        if self._restart == "bipop" and small < large:
            ratio = max(0.5 * largest / self._population, 1.0)
            population = int(self._population * ratio ** (draws[0] ** 2))
            sigma = self._sigma0 * 10 ** (-2 * draws[1])
            following = Run(first, False, run.n_large, (small, large))
        else:
            population = min(LARGER * largest, MOST_POPULATION)
            sigma = self._sigma0
            following = Run(first, True, run.n_large + 1, (small, large))
        mean = self._far(draws[2:].reshape(N_FAR, p), history.X[:first][history.present[:first]]) if p else np.empty(0)
        return self._make(first, Distribution(self._coordinates, mean, sigma, population), following, history)

    def _far(self, places: FloatArray, X: FloatArray) -> FloatArray:
        """The place that is farthest from all trials."""
        known = np.nan_to_num(self._coordinates.points(X).numeric, nan=0.5)
        squared = (places**2).sum(axis=1)[:, None] - 2.0 * places @ known.T + (known**2).sum(axis=1)
        place: FloatArray = places[int(squared.min(axis=1).argmax())]
        return place


class _Seen:
    """Copy of the first trials of a history, as the generations were made from them."""

    def __init__(self) -> None:
        self._columns: tuple[npt.NDArray[np.generic], ...] = ()
        self._n = 0

    def keep(self, history: History) -> int:
        """Keep the trials that are as they were, and return their number."""
        n = min(self._n, history.n)
        for seen, now in zip(self._columns, _columns_of(history), strict=False):
            if not np.array_equal(seen[:n], now[:n]):
                n = int((seen[:n] != now[:n]).reshape(n, -1).any(axis=1).argmax())
        self._n = n
        return n

    def follow(self, history: History, n: int) -> None:
        """Copy the first n trials."""
        if n != self._n:
            self._columns, self._n = tuple(column[:n].copy() for column in _columns_of(history)), n


def _columns_of(history: History) -> tuple[npt.NDArray[np.generic], ...]:
    # Bits rather than numbers, so that NaN equals NaN.
    return history.state, *(_bits(column) for column in (history.values, history.X, history.violations))


def _bits(column: FloatArray) -> npt.NDArray[np.uint64]:
    return np.ascontiguousarray(column).view(np.uint64)


def _equal(a: FloatArray, b: FloatArray) -> BoolArray:
    """Mask of equal rows; NaN equals NaN."""
    same: BoolArray = ((a == b) | (np.isnan(a) & np.isnan(b))).all(axis=1)
    return same
