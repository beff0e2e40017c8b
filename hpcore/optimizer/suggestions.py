"""A sampler at work on one search: when it is asked or a step ahead, within a time, and across a fork."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import numpy.typing as npt

from hpcore.optimizer.prefetch import Prefetcher
from hpcore.records.history import History
from hpcore.records.streams import FILL, Rng
from hpcore.samplers.base import NO_TIME, Sampler, Suggester
from hpcore.samplers.ladder import FULL, RANDOM
from hpcore.space.columns import Columns

__all__ = ["Suggestions"]

FloatArray = npt.NDArray[np.float64]

# Suggesters that a thread of the parent process was at work with: not fit for use, nor to be taken apart.
_HALF_WAY: list[Suggester] = []


class Suggestions:
    """Rows of the unit cube that a sampler suggests, whether they are new and allowed or not.

    Parameters
    ----------
    sampler : Sampler
        Suggests.
    columns : Columns
        What it sees of the space.
    n_objectives : int
        At least 1.
    seed : int
        With a history's length, what the random numbers depend on.
    prefetch : bool or "delayed"
        See `Optimizer`.
    repeats : int
        How often a point may be suggested, for samplers that keep count.
    """

    def __init__(
        self,
        sampler: Sampler,
        columns: Columns,
        n_objectives: int,
        seed: int,
        prefetch: bool | str,
        repeats: int = 1,
    ) -> None:
        self._sampler, self._columns, self._n_objectives, self._seed = sampler, columns, n_objectives, seed
        self._repeats = repeats
        self._ahead, self._delayed = bool(prefetch), prefetch == "delayed"
        self._version = 0  # counts what a suggestion depends on
        self._told: list[int] = []  # since the last look ahead
        self.begin_anew()

    def begin_anew(self) -> None:
        """A suggester that knows nothing yet; it learns from the history when it is asked.

        For a history that lost trials: what suggesters know of a trial they do not forget.
        """
        self.suggester = self._sampler.bind(self._columns)
        self.suggester.prepare(self._n_objectives)
        if self._repeats > 1:
            self.suggester.allow_repeats(self._repeats)
        self._prefetcher = Prefetcher(self.suggester) if self._ahead and self.learns else None
        self._orphaned = False

    @property
    def learns(self) -> bool:
        """Whether suggestions depend on what was told."""
        return self.suggester.uses_pending

    def proposed_by(self, number: int, step: str | None) -> str | None:
        """See `Suggester.proposed_by`."""
        return self.suggester.proposed_by(number, step)

    # --- when it is asked ----------------------------------------------------------------------------------------

    def first(self, history: History, end: float | None) -> tuple[FloatArray, str | None, dict[str, Any] | None]:
        """One suggestion, that of the step ahead if it may be given: a row, the sampler's step, and what to say of it.

        `end` is on the monotonic clock; without it there is no step.
        """
        if self._orphaned:
            self.begin_anew()
        info = None
        if self._prefetcher is not None and self._prefetcher.ready(end):
            # Delayed, it may be given whatever was told since, but not under another trial's number.
            rows = self._prefetcher.take(history.n if self._delayed else self._version)
            if rows is not None:
                info = {"prefetched": True, "unseen": self._told} if self._delayed else {"prefetched": True}
                return rows[0], FULL, info
            info = {"prefetched": False}
        rows, step = self.rows(history, 1, end=end)
        return rows[0], step, info

    def rows(
        self, history: History, n: int, attempt: int = 0, end: float | None = None
    ) -> tuple[FloatArray, str | None]:
        """Suggestions and the sampler's step, at random if it is still busy at `end`; other ones at each attempt."""
        if self._orphaned:
            self.begin_anew()
        rng = Rng(self._seed, history.n, attempt)
        if self._prefetcher is not None and not self._prefetcher.ready(end):
            return np.array([rng.uniform(history.X.shape[1], FILL, offset) for offset in range(n)]), RANDOM
        suggester = self.suggester
        pending = history.running() if suggester.uses_pending else history.X[:0]
        if end is None:
            return suggester.suggest(history, pending, n, rng), None
        left_ms = max(1e3 * (end - time.monotonic()), NO_TIME)
        return suggester.suggest_within(history, pending, n, rng, left_ms)

    # --- a step ahead --------------------------------------------------------------------------------------------

    def look_ahead(self, history: History, wanted: bool, told: int | None = None) -> None:
        """Begin on the next suggestion after an ask or, of trial `told`, a tell.

        Not if it is not `wanted` because something else will be asked for next, nor if the one begun will do.
        """
        if self._orphaned:
            self.begin_anew()
        if self._prefetcher is None:
            return
        if told is not None:
            self._told.append(told)
        self.changed()
        # Exact, what follows an ask is mostly a tell, which would make the work stale; delayed, that does not matter.
        if not wanted or (told is None) is not self._delayed:
            return
        self._told = []
        key = history.n if self._delayed else self._version
        self._prefetcher.start(key, history, Rng(self._seed, history.n))

    def changed(self) -> None:
        """What was suggested ahead does not follow from the history any more."""
        self._version += 1

    # --- a fork --------------------------------------------------------------------------------------------------

    def after_fork(self, idle: bool) -> None:
        """In a child process, which has none of its parent's other threads; `idle` if none of them was in a call."""
        # A suggester that a thread was at work with is left half-way for good; another one is bound when it is needed,
        # because few children ask.
        if not idle or self._prefetcher is not None:
            self._orphaned = True
            _HALF_WAY.append(self.suggester)
