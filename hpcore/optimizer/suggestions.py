"""Suggestions of a sampler for one search: on demand or ahead, within a deadline, and after a fork."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hpcore.optimizer.costs import Costs
from hpcore.optimizer.prefetch import Prefetcher
from hpcore.optimizer.turn import AT_ONCE, MEMORY
from hpcore.records.history import History
from hpcore.records.streams import FILL, Rng
from hpcore.samplers.base import NO_TIME, Sampler, Suggester
from hpcore.samplers.ladder import FULL, RANDOM
from hpcore.space.columns import Columns

if TYPE_CHECKING:
    from hpcore.optimizer.at_rungs import AtRungs
    from hpcore.optimizer.given import GivenColumns
    from hpcore.schedulers.base import Judge
    from hpcore.space.space import Space

__all__ = ["Suggestions"]

FloatArray = npt.NDArray[np.float64]

# Suggesters that a thread of the parent process was using at a fork. They can be neither used nor destroyed.
_HALF_WAY: list[Suggester] = []


class Suggestions:
    """Points of the unit cube that a sampler suggests; they may be neither new nor allowed.

    Parameters
    ----------
    sampler : Sampler
        Sampler that suggests.
    columns : Columns
        Columns of the space.
    n_objectives : int
        Number of objectives, at least 1.
    seed : int
        Seed; random numbers depend on it and on the number of trials.
    prefetch : bool or "delayed"
        Computation of suggestions ahead, see `Optimizer`.
    repeats : int
        Number of times that a point may be suggested, for samplers that count.
    costs : Costs, optional
        Use of what trials cost.

    Attributes
    ----------
    looks_ahead : bool
        True if suggestions are computed ahead, where the sampler learns.
    """

    def __init__(
        self,
        sampler: Sampler,
        columns: Columns,
        n_objectives: int,
        seed: int,
        prefetch: bool | str,
        repeats: int = 1,
        costs: Costs | None = None,
    ) -> None:
        self._sampler, self._columns, self._n_objectives, self._seed = sampler, columns, n_objectives, seed
        self._repeats, self._costs = repeats, Costs() if costs is None else costs
        self.looks_ahead, self._delayed = bool(prefetch), prefetch == "delayed"
        self._version = 0  # counts changes of the data that a suggestion depends on
        self._told: list[int] = []  # trials told since the last computation ahead began
        # Trials that the suggester may have learnt from, running ones included; True if one of them has changed since.
        self._n_seen, self._is_outdated = 0, False
        self._at_once = AT_ONCE
        self._at_rungs: AtRungs | None = None
        self.begin_anew()

    def _new_suggester(self, columns: Columns | None = None) -> Suggester:
        suggester = self._sampler.bind(self._columns if columns is None else columns)
        suggester.prepare(self._n_objectives)
        if self._repeats > 1:
            suggester.allow_repeats(self._repeats)
        if self._costs.known is not None:
            suggester.know_costs(*self._costs.known)
        return suggester

    def use_costs(self, costs: Costs) -> None:
        """Replace the use of costs; a suggestion that was computed ahead is stale then."""
        self._costs = costs
        self.changed()

    def learn_at_rungs(self, judge: Judge) -> None:
        """Learn from the values at a rung of the scheduler, where it has rungs."""
        # Imported here: most searches have no scheduler.
        from hpcore.optimizer.at_rungs import AtRungs

        if self.learns:
            self._at_rungs = AtRungs(judge, self._new_suggester)

    def begin_anew(self) -> None:
        """Bind a new suggester, which learns from the history when it is asked.

        Needed after trials were removed from the history: a suggester does not forget a trial.
        """
        self.suggester = self._new_suggester()
        self._n_seen, self._is_outdated = 0, False
        self._by_given: tuple[GivenColumns, Suggester] | None = None
        if self._at_rungs is not None:
            self._at_rungs.forget()
        self._prefetcher = Prefetcher(self.suggester) if self.looks_ahead and self.learns else None
        self._orphaned = False

    @property
    def learns(self) -> bool:
        """True if suggestions depend on the results that were told."""
        return self.suggester.uses_pending

    def proposed_by(self, number: int, step: str | None) -> str | None:
        """See `Suggester.proposed_by`."""
        return self.suggester.proposed_by(number, step)

    # --- on demand -----------------------------------------------------------------------------------------------

    def first(self, history: History, end: float | None) -> tuple[FloatArray, str | None, dict[str, Any] | None]:
        """Suggest one point: the one computed ahead if it is valid.

        Parameters
        ----------
        history : History
            Trials so far.
        end : float or None
            Deadline on the monotonic clock.

        Returns
        -------
        u : ndarray of shape (d,)
            Suggestion.
        step : str or None
            Level of the sampler's ladder; may be None without a deadline.
        info : dict or None
            Facts for ``trial.info``.
        """
        if self._orphaned:
            self.begin_anew()
        info = None
        if self._prefetcher is not None and self._prefetcher.ready(self._before(end)):
            # A delayed suggestion is valid whatever was told since, but only for the trial number it was made for.
            rows = self._prefetcher.take(history.n if self._delayed else self._version)
            if rows is not None:
                info = {"prefetched": True, "unseen": self._told} if self._delayed else {"prefetched": True}
                return rows[0], FULL, info
            info = {"prefetched": False}
        rows, step = self.rows(history, 1, end=end)
        return rows[0], step, info

    def rows(
        self, history: History, n: int, attempt: int = 0, end: float | None = None, number: int | None = None
    ) -> tuple[FloatArray, str | None]:
        """Suggest up to `n` points (k, d), and return them with the level of the sampler's ladder.

        If the suggester is still busy at `end`, the points are what it has at once. Each `attempt` gives other points.
        Without a deadline the level is None. They are for the trials from `number` on, or from the next one.
        """
        if self._orphaned:
            self.begin_anew()
        first = history.n
        rng = Rng(self._seed, first if number is None else number, attempt)
        if self._prefetcher is not None and not self._prefetcher.ready(self._before(end)):
            return self.at_once(history, n, attempt)
        if self._is_outdated:
            self._renew()
        if first + n > self._n_seen:
            self._n_seen = first + n
        suggester = self.suggester
        at_rung = None if self._at_rungs is None else self._at_rungs.view(history)
        if at_rung is not None:
            suggester, history, pending = at_rung
        else:
            pending = history.running() if suggester.uses_pending else history.X[:0]
        suggester.use_cost(self._costs.count(history))
        if end is None:
            return suggester.suggest(history, pending, n, rng), None
        left_ms = max(1e3 * (end - time.monotonic()), NO_TIME)
        return suggester.suggest_within(history, pending, n, rng, left_ms)

    def row_given(
        self, space: Space, history: History, given: Mapping[str, Any], number: int, attempt: int
    ) -> tuple[FloatArray | None, str | None]:
        """Suggest a point for a trial with some given values, which need not have them.

        Returns
        -------
        u : ndarray of shape (d,), or None
            Point, whose other values are the sampler's; None from a sampler that does not learn.
        proposed_by : str or None
            See `Suggester.proposed_by`.
        """
        if self._orphaned:
            self.begin_anew()
        if not self.learns:
            return None, None
        if self._prefetcher is not None:
            self._prefetcher.ready(None)
        if self._is_outdated:
            self._renew()
        self._n_seen = max(self._n_seen, history.n, number + 1)
        suggester = self.suggester
        if suggester.asks_around:
            # A suggester of its own, because samplers take constraints when they are bound.
            if self._by_given is None:
                # Imported here: few searches have given values.
                from hpcore.optimizer.given import GivenColumns

                columns = GivenColumns(space)
                self._by_given = columns, self._new_suggester(columns.columns)
            columns, suggester = self._by_given
            columns.fix(given)
        suggester.use_cost(self._costs.count(history))
        u = suggester.suggest(history, history.running(), 1, Rng(self._seed, number, attempt))[0]
        return u, suggester.proposed_by(number)

    def at_once(self, history: History, n: int, attempt: int = 0) -> tuple[FloatArray, str]:
        """Suggest up to `n` points (k, d), and return them with their level, while the suggester may be busy.

        The points are random if the sampler has nothing at once.
        """
        begin = time.monotonic()
        rng = Rng(self._seed, history.n, attempt)
        made = self.suggester.at_once(history, history.running(), n, rng)
        self._at_once = max(time.monotonic() - begin, MEMORY * self._at_once)
        if made is not None:
            return made
        return np.array([rng.uniform(history.X.shape[1], FILL, offset) for offset in range(n)]), RANDOM

    def _before(self, end: float | None) -> float | None:
        """Return the moment at which a suggestion at once has to begin, for a deadline."""
        return None if end is None else end - 1.5 * self._at_once

    # --- ahead ---------------------------------------------------------------------------------------------------

    def look_ahead(self, history: History, wanted: bool, told: int | None = None) -> None:
        """Start to compute the next suggestion after an `ask`, or after the `tell` of trial `told`.

        Nothing starts if no suggestion is `wanted`, because queued parameters come next, or, depending on the kind of
        prefetching, after an `ask` (exact) or a `tell` (delayed).
        """
        if self._orphaned:
            self.begin_anew()
        if self._prefetcher is None:
            return
        if told is not None:
            self._told.append(told)
        self.changed()
        # Exact prefetching starts after a tell, because a tell makes an earlier suggestion stale; delayed prefetching
        # starts after an ask.
        if not wanted or (told is None) is not self._delayed:
            return
        self._told = []
        key = history.n if self._delayed else self._version
        if self._is_outdated:
            self._prefetcher.ready(None)
            self._renew()
        self._n_seen = max(self._n_seen, history.n + 1)
        self._prefetcher.start(key, history, Rng(self._seed, history.n), self._costs.count(history))

    def changed(self) -> None:
        """Mark a suggestion that was computed ahead as stale: the history has changed."""
        self._version += 1

    def revised(self, number: int) -> None:
        """Note that a trial has changed in another way than by an end, so that the suggester may have to learn anew."""
        self.changed()
        self._is_outdated = self._is_outdated or number < self._n_seen

    def _renew(self) -> None:
        """Let the suggester, or a new one, follow trials that have changed."""
        if not self.suggester.revised():
            self.begin_anew()
        if self._by_given is not None and not self._by_given[1].revised():
            self._by_given = None
        if self._at_rungs is not None:
            self._at_rungs.forget()
        self._n_seen, self._is_outdated = 0, False

    # --- a fork --------------------------------------------------------------------------------------------------

    def after_fork(self, idle: bool) -> None:
        """Prepare for use in a forked child, which has no other threads; `idle` if no thread of the parent was in a
        call."""
        # A suggester that another thread was using stays in an undefined state. A new one is bound on demand, because
        # few children ask.
        if not idle or self._prefetcher is not None:
            self._orphaned = True
            _HALF_WAY.append(self.suggester)
