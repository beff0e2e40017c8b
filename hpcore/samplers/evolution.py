"""Differential evolution, trial by trial: no generation is waited for; NSGA-II selection for several objectives."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from hpcore._core import rng as native
from hpcore.arguments import check_integer, check_number
from hpcore.errors import InvalidArgument
from hpcore.records.history import History
from hpcore.records.streams import SUGGEST, Rng
from hpcore.samplers.base import Sampler, Suggester
from hpcore.samplers.moves import N_TRIES, Moves
from hpcore.samplers.replay import Replay, losses_of
from hpcore.space.columns import Columns

__all__ = ["EvolutionSampler"]

FloatArray = npt.NDArray[np.float64]
Member = tuple[float, int]  # loss and number of a trial

# The numbers below: benchmarks/quality/evolution_ablation.md.
LEAST_POPULATION, MOST_POPULATION = 4, 10_000  # a parent, one of the best, and two others whose difference is added
POPULATION, POPULATION_OF_MANY = 15, 20  # members by default, with one objective and with several
BEST_SHARE = 0.2  # of the population that a parent moves towards one of
SPREAD = 0.5  # share by which the factor of a child varies
# A category comes from the member that the parent moves to, from another member, or else from the prior.
FROM_BEST, FROM_OTHER = 0.4, 0.4
PATIENCE = 12  # results per member without any replacement after which all members but the best are given up


class _Population(NamedTuple):
    """Members after the results so far."""

    members: tuple[Member | None, ...]
    """Member of each place; None where it is still to be filled."""
    former: int
    """Number of the trial that was replaced last, -1 if none was."""
    idle: int
    """Results since the last replacement."""
    restarts: int
    """Restarts so far."""


class _Evolution(Suggester):
    def __init__(self, columns: Columns, sampler: EvolutionSampler) -> None:
        self._d = columns.d
        self._sampler = sampler
        self._moves = Moves(columns)
        self._n_uniform = 3 * self._d + 7
        self._varies = min(sampler.crossover, 1.0 - sampler.crossover)
        self._size = sampler.population_size or POPULATION
        self._size_of_many = sampler.population_size or POPULATION_OF_MANY
        self._replay = Replay(_Population((None,) * self._size, -1, 0, 0), self._after)

    def _after(self, population: _Population, number: int, loss: float) -> _Population:
        members, former, idle, restarts = population
        place = number % self._size
        old = members[place]
        if old is None or loss <= old[0]:
            members = (*members[:place], (loss, number), *members[place + 1 :])
            return _Population(members, former if old is None else old[1], 0, restarts)
        idle += 1
        if idle < PATIENCE * self._size:
            return _Population(members, former, idle, restarts)
        best = min(member for member in members if member is not None)
        return _Population(tuple(m if m == best else None for m in members), -1, 0, restarts + 1)

    def revised(self) -> bool:
        # Losses are compared with those before, and points are read when they are needed.
        return True

    def suggest(self, history: History, pending: FloatArray, n: int, rng: Rng) -> FloatArray:
        losses = losses_of(history, True, self._size_of_many)
        many = history.values.shape[1] > 1
        population = self._selected(losses) if many else self._replay.state(losses)
        size = len(population.members)
        known = sorted(member for member in population.members if member is not None and member[0] < np.inf)
        rows = np.empty((n, self._d))
        for offset in range(n):
            number = rng.number + offset
            parent = population.members[number % size]
            if number < size and not rng.attempt:
                rows[offset] = native.sobol(rng.seed_low, rng.seed_high, number, 1, self._d)[0]
            elif parent is None or len(known) < LEAST_POPULATION:
                rows[offset] = rng.uniform(self._d, SUGGEST, offset)
            else:
                rows[offset] = self._child(history, population, known, parent, rng, offset)
        return rows

    def _selected(self, losses: FloatArray) -> _Population:
        """The best of all trials, each of which is a member."""
        order = np.argsort(losses, kind="stable")[: self._size_of_many]  # NaN comes last
        members = [(float(losses[i]), int(i)) for i in order if losses[i] < np.inf]
        return _Population((*members, *(None,) * (self._size_of_many - len(members))), -1, 0, 0)

    def _child(
        self, history: History, population: _Population, known: list[Member], parent: Member, rng: Rng, offset: int
    ) -> FloatArray:
        size = self._n_uniform
        u = rng.uniform(size * (1 if self._moves.feasible is None else N_TRIES), native.EVOLUTION, offset)
        if parent[0] == np.inf:  # no trial of this place succeeded
            parent = known[int(u[3 * self._d] * len(known))]
        x = history.X[parent[1]]
        return self._moves.allowed(
            lambda k: self._varied(history, population, known, parent, u[k * size : (k + 1) * size], rng.attempt),
            x,
            rng,
            offset,
        )

    def _varied(
        self,
        history: History,
        population: _Population,
        known: list[Member],
        parent: Member,
        u: FloatArray,
        attempt: int,
    ) -> FloatArray:
        """Child (d,) of a parent: mutation of one of the best and binomial crossover, by the uniform numbers `u`.

        Where children have repeated known points, all columns come from the mutation, and then one from the prior.
        """
        d, moves, sampler = self._d, self._moves, self._sampler
        which, source, fresh = u[:d], u[d : 2 * d], u[2 * d : 3 * d]
        to_best, first, second, spread, mixed, always = u[3 * d + 1 :].tolist()
        best = known[int(to_best * max(2, round(BEST_SHARE * len(known))))]
        others = [number for _, number in known if number != parent[1]]
        a = others.pop(int(first * len(others)))
        if population.former >= 0:
            others.append(population.former)
        b = others[int(second * len(others))]
        points = history.X[[parent[1], best[1], a, b]]
        missing = points != points
        active = ~missing[0]
        if missing.any():
            points = np.where(missing, fresh, points)
        x, to, y, z = points
        factor = sampler.factor * (1.0 + SPREAD * (2.0 * spread - 1.0))
        v = to + factor * (y - z)
        # Beyond a bound: half the way from the parent to it.
        v = np.where(v < 0.0, 0.5 * x, np.where(v > 1.0, 0.5 * (x + 1.0), v))
        if moves.categorical is not None:
            category = np.where(source < FROM_BEST, to, np.where(source < FROM_BEST + FROM_OTHER, y, fresh))
            v = np.where(moves.categorical, category, v)
        crossed = which < (2.0 if attempt else sampler.crossover + self._varies * (2.0 * mixed - 1.0))
        places = np.flatnonzero(active)
        column = places[int(always * len(places))]
        crossed[column] = True
        if attempt > 1:
            v[column] = fresh[column]
        out: FloatArray = np.where(crossed, v, x)
        return out


class EvolutionSampler(Sampler):
    """Differential evolution for mixed and conditional spaces, and NSGA-II selection for several objectives.

    Parameters
    ----------
    population_size : int, optional
        Number of members, 4 .. 10,000; by default 15 with one objective and 20 with several.
    factor : float
        Mean factor of the difference that a child adds, in (0, 2]; that of a child lies within half of it.
    crossover : float
        Mean probability that a column of a child comes from the mutation rather than from its parent, in [0, 1]; that
        of a child lies as far around it as 0 and 1 allow.

    Raises
    ------
    InvalidArgument, InvalidType
        An option outside what is said above.

    Notes
    -----
    Storn & Price (1997), "Differential evolution"; for hyperparameters Awad, Mallik & Hutter (2021), "DEHB". The first
    trials are points of a scrambled Sobol sequence, one a member. Trial number k is a child of member k modulo the
    population's size, and replaces it if it is not worse: the member is its best trial since the last restart. So no
    generation is waited for, a late result counts as soon as it is there, and proposals are a function of seed and
    history. A mutation adds the difference of two members, or of a member and the one that was replaced last, to one of
    the best fifth (Zhang & Sanderson 2009, "JADE"). Factor and crossover are drawn anew for each child. Success
    histories, as in JADE and SHADE, were not found to pay within 1,000 trials; a child's place beyond a bound is half
    the way from its parent to the bound. After 12 results per member in a row that replaced none, all members but the
    best one are given up and random points take their places.

    A category comes from the best member, from another one, or from its prior; a parameter that is not active in a
    member has a random value there. After proposals that repeat known points, as in a space of few points, all columns
    come from the mutation, and from the third one on one of them from its prior.

    Several objectives: members are the best of all trials by non-dominated fronts, then by crowding distance (Deb et
    al. 2002, "NSGA-II"). Limits: feasible trials come first, then the others by their total violation. Failed trials
    come last, and no child is made of them. With limits a proposal costs time in proportion to the number of trials.
    Costs, standard errors and gradients are not used.

    Figures and what was tried: ``benchmarks/quality/evolution_ablation.md``.

    Examples
    --------
    >>> import hpcore as hp
    >>> opt = hp.Optimizer({"x": hp.Float(-5, 5), "y": hp.Float(-5, 5)}, sampler="evolution", seed=0)
    >>> for _ in range(300):
    ...     trial = opt.ask()
    ...     opt.tell(trial, (trial["x"] - 1) ** 2 + trial["y"] ** 2)
    >>> opt.best_value < 1e-4
    True
    """

    def __init__(self, population_size: int | None = None, factor: float = 0.6, crossover: float = 0.5) -> None:
        if population_size is not None:
            population_size = check_integer("population_size", population_size, -(2**31), 2**31 - 1)
            if population_size < LEAST_POPULATION:
                raise InvalidArgument(
                    f"population_size must be >= {LEAST_POPULATION}, because a child is made from a parent and three "
                    f"other members, got {population_size!r}"
                )
            # The place of each member is copied with each result.
            check_integer("population_size", population_size, LEAST_POPULATION, MOST_POPULATION)
        self.population_size = population_size
        self.factor = check_number("factor", factor, 0.0, 2.0, open_low=True)
        self.crossover = check_number("crossover", crossover, 0.0, 1.0)

    def bind(self, columns: Columns) -> Suggester:
        """See `Sampler.bind`."""
        return _Evolution(columns, self)
