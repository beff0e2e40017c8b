"""Simulated annealing: variations of the best points so far, ever smaller ones until a restart."""

from __future__ import annotations

import math
from bisect import insort
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from hpcore._core import rng as native
from hpcore.arguments import check_choice, check_integer, check_number
from hpcore.records.history import History
from hpcore.records.streams import SUGGEST, Rng
from hpcore.samplers.base import Sampler, Suggester
from hpcore.samplers.moves import N_TRIES, Moves, reflected
from hpcore.samplers.replay import Replay, losses_of
from hpcore.space.columns import Columns

__all__ = ["AnnealingSampler"]

FloatArray = npt.NDArray[np.float64]

# The numbers below: benchmarks/quality/annealing_ablation.md.
KEPT = 8  # best points that a state of the chain is drawn from
PLACES = 64  # of the order of several objectives that matter, more than are kept
N_MOVED = 2.0  # expected number of columns that a step moves
# The width after an improvement and after any other result: it stays where one in five improves (Rechenberg 1973), and
# changes by a power of 1 / sqrt(d), since a step of many columns learns less about each.
GROWTH, FAILURES = 0.8, 4.0
WIDER = 2.0  # factor of the width after a refused proposal: a smaller step would repeat a point again


class _Chain(NamedTuple):
    """State after the results so far."""

    best: tuple[tuple[float, int], ...]
    """Losses and numbers of the best trials, at most `KEPT`, the best first; after a restart from a new point those
    since then."""
    width: float
    """Width of the neighbourhood."""
    n: int
    """Results so far."""
    restarts: int
    """Restarts so far."""


class _Annealing(Suggester):
    def __init__(self, columns: Columns, sampler: AnnealingSampler) -> None:
        self._d = columns.d
        self._sampler = sampler
        self._moves = Moves(columns)
        self._log_growth = GROWTH / math.sqrt(self._d)
        # A column is moved with this probability; the first that is drawn always is.
        self._share = min(1.0, N_MOVED / self._d)
        self._n_uniform = 3 * self._d + 2
        self._replay = Replay(_Chain((), sampler.neighbourhood, 0, 0), self._after)

    def _after(self, chain: _Chain, number: int, loss: float) -> _Chain:
        best, width, n, restarts = chain
        improves = loss < (best[0][0] if best else math.inf)
        if loss < (best[-1][0] if len(best) == KEPT else math.inf):
            ordered = list(best)
            insort(ordered, (loss, number))
            best = tuple(ordered[:KEPT])
        if n >= self._sampler.n_startup_trials and best:
            if improves:
                width = min(width * math.exp(self._log_growth), self._sampler.neighbourhood)
            else:
                width *= math.exp(-self._log_growth / FAILURES)
            if width < self._sampler.min_neighbourhood:
                width, restarts = self._sampler.neighbourhood, restarts + 1
                best = best if self._sampler.restart_from == "best" else ()
        return _Chain(best, width, n + 1, restarts)

    def revised(self) -> bool:
        # Losses are compared with those before, and points are read when they are needed.
        return True

    def suggest(self, history: History, pending: FloatArray, n: int, rng: Rng) -> FloatArray:
        chain = self._replay.state(losses_of(history, first=PLACES))
        rows = np.empty((n, self._d))
        for offset in range(n):
            number = rng.number + offset
            if number < self._sampler.n_startup_trials and not rng.attempt:
                rows[offset] = native.sobol(rng.seed_low, rng.seed_high, number, 1, self._d)[0]
            elif not chain.best:
                rows[offset] = rng.uniform(self._d, SUGGEST, offset)
            else:
                rows[offset] = self._step(history, chain, rng, offset)
        return rows

    def _step(self, history: History, chain: _Chain, rng: Rng, offset: int) -> FloatArray:
        size = self._n_uniform
        u = rng.uniform(size * (1 if self._moves.feasible is None else N_TRIES), native.ANNEALING, offset)
        heat = self._sampler.temperature * chain.width / self._sampler.neighbourhood
        # A high temperature may make the product infinite, which no integer is.
        place = int(min(-heat * math.log1p(-u[size - 1]), len(chain.best) - 1.0))
        x = history.X[chain.best[place][1]]
        width = chain.width * WIDER ** min(rng.attempt, 8)
        return self._moves.allowed(lambda k: self._moved(x, width, u[k * size : (k + 1) * size]), x, rng, offset)

    def _moved(self, x: FloatArray, width: float, u: FloatArray) -> FloatArray:
        """Move `x` (d,) by a step of a width, or to a new point where it is NaN, by the uniform numbers `u`."""
        d, moves = self._d, self._moves
        which, how_far, fresh = u[:d], u[d : 2 * d], u[2 * d : 3 * d]
        active = x == x
        moved = (which < self._share) & active
        if not moved.any():
            places = np.flatnonzero(active)
            moved[places[int(u[3 * d] * len(places))]] = True
        step = width * np.tan(np.pi * (how_far - 0.5))
        step = np.copysign(np.maximum(np.abs(step), moves.least), step)
        y = np.where(active, x, fresh)
        ahead = reflected(y + step)
        if moves.categorical is not None:
            ahead = np.where(moves.categorical, moves.other_category(y, fresh), ahead)
        out: FloatArray = np.where(moved, ahead, y)
        return out


class AnnealingSampler(Sampler):
    """Simulated annealing: steps from one of the best points so far, by a neighbourhood that shrinks until a restart.

    Parameters
    ----------
    n_startup_trials : int
        Points of a scrambled Sobol sequence that come first, 1 .. 10,000.
    temperature : float
        Temperature at the widest neighbourhood, in places of the order of the results, at least 0: a step starts from
        the best point, or from the one `k` places after it with a probability that falls as ``exp(-k / temperature)``.
        0 always starts from the best.
    neighbourhood : float
        Width of the neighbourhood at first and after a restart, as a share of each range, in (0, 1].
    min_neighbourhood : float
        Width below which the search restarts, in (0, 1] and at most `neighbourhood`.
    restart_from : {"best", "new"}
        Where a restart begins: at the best points, with wide steps again, or at a new random point. ``"new"`` finds
        more in searches of 300 trials and longer.

    Raises
    ------
    InvalidArgument, InvalidType
        An option outside what is said above.

    Notes
    -----
    Kirkpatrick, Gelatt & Vecchi (1983), "Optimization by simulated annealing", with the Cauchy steps of Szu & Hartley
    (1987), "Fast simulated annealing". The energy of a trial is its place in the order of the results, so that neither
    the unit of the values nor a few that are huge matter. In place of a chain that accepts or refuses each result, a
    step starts from one of the best trials, drawn by the distribution that such a chain tends to; so a trial that is
    still running is not waited for, a late result counts as soon as it is there, and proposals are a function of seed
    and history. A step moves two columns on average: a number by a Cauchy step of the neighbourhood's width, one level
    of a grid at least, and a category to another one; a parameter that becomes active gets a random value.

    The neighbourhood grows by ``exp(0.8 / sqrt(d))`` after a result that is the best so far, up to its first width, and
    shrinks by the fourth root of it after any other: it stays where one step in five improves. The temperature is in
    proportion to the width. When the width falls below `min_neighbourhood`, it returns to the first one, and so does
    the temperature: a search that is stuck restarts, from the best points or from a new one.

    Limits: feasible trials come first, then the others by their total violation; several objectives are ordered by
    non-dominated fronts, then by hypervolume contribution; failed trials come last. In both cases a proposal costs time
    in proportion to the number of trials. After a proposal that repeats a known point the next one goes twice as far.
    Costs, standard errors and gradients are not used.

    Figures and what was tried: ``benchmarks/quality/annealing_ablation.md``.

    Examples
    --------
    >>> import hpcore as hp
    >>> opt = hp.Optimizer({"x": hp.Float(-5, 5), "y": hp.Float(-5, 5)}, sampler="annealing", seed=0)
    >>> for _ in range(100):
    ...     trial = opt.ask()
    ...     opt.tell(trial, (trial["x"] - 1) ** 2 + trial["y"] ** 2)
    >>> opt.best_value < 0.01
    True
    """

    def __init__(
        self,
        n_startup_trials: int = 6,
        temperature: float = 0.3,
        neighbourhood: float = 0.3,
        min_neighbourhood: float = 0.005,
        restart_from: str = "best",
    ) -> None:
        self.n_startup_trials = check_integer("n_startup_trials", n_startup_trials, 1, 10_000)
        self.temperature = check_number("temperature", temperature, 0.0)
        self.neighbourhood = check_number("neighbourhood", neighbourhood, 0.0, 1.0, open_low=True)
        self.min_neighbourhood = check_number(
            "min_neighbourhood", min_neighbourhood, 0.0, self.neighbourhood, open_low=True
        )
        self.restart_from = check_choice("restart_from", restart_from, ("best", "new"))

    def bind(self, columns: Columns) -> Suggester:
        """See `Sampler.bind`."""
        return _Annealing(columns, self)
