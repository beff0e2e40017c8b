"""Proposals: suggested points that are new and allowed, with their parameters."""

from __future__ import annotations

import time

import numpy as np
import numpy.typing as npt

from hpcore.errors import InfeasibleParams, InfeasibleSpace, SearchSpaceExhausted
from hpcore.optimizer.remaining import Remaining
from hpcore.optimizer.suggestions import Suggestions
from hpcore.records.history import History
from hpcore.records.streams import ALLOWED, FILL, Rng
from hpcore.samplers.ladder import RANDOM
from hpcore.space.space import MAX_TRIES, Params, Space

__all__ = ["Proposer", "fill_in"]

FloatArray = npt.NDArray[np.float64]

# A proposal that repeats a point is drawn again this often before the remaining ones of a finite space are listed.
REPEATS = 50
# Refused proposals for one trial after which points are random: the model prefers points that are not allowed or new.
PATIENCE = 4
# Refused proposals after which points come from walks in the allowed set, if random points are hardly ever in it.
RARE_PATIENCE = 32
# Size up to which a finite space is enumerated for its last points; number of walks that search a larger one for them.
COUNTABLE, N_WALKS = 1_000_000, 500


class Proposer:
    """Accepts a suggestion, or finds another point.

    Parameters
    ----------
    space : Space
        Space with its constraints.
    suggestions : Suggestions
        Source of further suggestions after a refused one.
    remaining : Remaining
        Points that were not proposed yet.
    seed : int
        Seed of the search.
    """

    def __init__(self, space: Space, suggestions: Suggestions, remaining: Remaining, seed: int) -> None:
        self._space, self._suggestions, self._remaining, self._seed = space, suggestions, remaining, seed
        self._codec, self._assemble = space.columns.codec, space.coder.assemble

    def accept(
        self, history: History, u: FloatArray, step: str | None, end: float | None, number: int | None = None
    ) -> tuple[FloatArray, Params, str | None]:
        """Choose the point for a trial, and count it as proposed.

        Parameters
        ----------
        history : History
            Trials so far.
        u : ndarray of shape (d,)
            Suggestion.
        step : str or None
            Level of the sampler's ladder that led to the suggestion, under a deadline.
        end : float or None
            Deadline on the monotonic clock.
        number : int, optional
            Number of the trial; the next one, ``history.n``, by default.

        Returns
        -------
        u : ndarray of shape (d,)
            Point, settled.
        params : dict
            Parameters of the point.
        step : str or None
            Level that led to the point.

        Raises
        ------
        SearchSpaceExhausted, InfeasibleSpace, ConstraintError
            See `Optimizer.ask`.
        """
        space, remaining = self._space, self._remaining
        of = history.n if number is None else number
        repeats = 0
        for attempt in range(1, MAX_TRIES + 1):
            u = np.ascontiguousarray(u, dtype=np.float64)
            values = self._codec.settle(u)
            if u not in remaining:
                repeats += 1
                if remaining.finite and repeats >= REPEATS:
                    return *self._next_remaining(of), step
            else:
                params = self._assemble(values)
                if not space.constraints or space.allows(params):
                    remaining.discard(u)
                    return u, params, step
            if attempt >= RARE_PATIENCE and space.rare and (walked := self._walk(of, attempt)) is not None:
                u, step = walked, RANDOM
            elif self._suggestions.learns and (attempt > PATIENCE or (end is not None and time.monotonic() >= end)):
                u = Rng(self._seed, of, attempt).uniform(len(space), FILL)
                step = RANDOM
            else:
                rows, step = self._suggestions.rows(history, 1, attempt, end, number)
                u = rows[0]
        if remaining.finite:
            return *self._next_remaining(of), step
        if repeats:
            raise SearchSpaceExhausted(
                f"no new point was met in {MAX_TRIES} tries: {repeats} were among the {remaining.n_seen} that have "
                f"been proposed, {MAX_TRIES - repeats} were refused by the constraints"
            )
        raise InfeasibleSpace(f"constraints must allow some proposals; {MAX_TRIES} in a row were refused")

    def _walk(self, number: int, attempt: int) -> FloatArray | None:
        """Draw a random point of a rare allowed set; None if no point of it is known."""
        return self._space.allowed_set.draw(Rng(self._seed, number, attempt).generator(ALLOWED))

    def _next_remaining(self, number: int) -> tuple[FloatArray, Params]:
        """Enumerate a finite space for a point that was not proposed yet, and count it as proposed.

        A rare allowed set in a space too large to enumerate is searched by walks; points that these do not find count
        as proposed.

        Raises
        ------
        SearchSpaceExhausted
            There is no such point.
        """
        space, remaining = self._space, self._remaining
        found: tuple[FloatArray, Params] | None = None
        size = space.columns.finite_size
        if remaining.finite and (size is None or size > COUNTABLE) and space.rare:
            for attempt in range(MAX_TRIES, MAX_TRIES + N_WALKS):
                u = self._walk(number, attempt)
                if u is None:
                    break
                params = space.coder.settle(u)
                if u in remaining:
                    found = u, params
                    break
        else:
            found = remaining.next()
        if found is None:
            n = remaining.n_seen
            raise SearchSpaceExhausted(f"every allowed point of the space has been proposed ({n} points)")
        remaining.discard(found[0])
        return found

    def complete(self, history: History, given: Params, number: int) -> tuple[FloatArray, Params, str | None]:
        """Complete given values for a trial, so that the point is allowed and, if one is found, new.

        Returns
        -------
        u : ndarray of shape (d,)
            Point.
        params : dict
            All parameters.
        proposed_by : str or None
            See `Suggester.proposed_by`.

        Raises
        ------
        InfeasibleParams, ConstraintError
            See `fill_in`.
        """
        space = self._space
        for attempt in range(REPEATS):
            row, proposed_by = None, None
            if attempt <= PATIENCE:
                row, proposed_by = self._suggestions.row_given(space, history, given, number, attempt)
            free = Rng(self._seed, number, attempt).uniform(len(space), FILL)
            params = space.complete(given, free if row is None else np.where(np.isnan(row), free, row))
            # Values that were drawn must not make given ones inactive.
            if given.keys() <= params.keys():
                u = np.asarray(space.encode(params))
                if u in self._remaining and space.allows(params):
                    return u, params, proposed_by
        try:
            return *fill_in(space, given, self._seed, number), None
        except InfeasibleParams:
            raise InfeasibleParams(
                f"the space must have room for given={given!r}, but no allowed point with these values was found"
            ) from None


def fill_in(space: Space, given: Params, seed: int, number: int) -> tuple[FloatArray, Params]:
    """Complete parameters at random, for trial `number`; return the point (d,) and all parameters.

    Raises
    ------
    InfeasibleParams
        The constraints refused all draws (`MAX_TRIES`, fewer if the allowed set is rare), and no walk reached an
        allowed point.
    ConstraintError
        A constraint raised an exception.
    """

    def complete(u: FloatArray) -> Params | None:
        params = space.complete(given, u)
        # Drawn parameters must not make given ones inactive.
        return params if given.keys() <= params.keys() else None

    tries = RARE_PATIENCE if space.rare else MAX_TRIES
    for attempt in range(tries):
        params = complete(Rng(seed, number, attempt).uniform(len(space), FILL))
        if params is not None and space.allows(params):
            return np.asarray(space.encode(params)), params
    if space.constraints:
        u = space.make_allowed_set(complete).draw(Rng(seed, number).generator(ALLOWED))
        if u is not None and (params := complete(u)) is not None:
            return np.asarray(space.encode(params)), params
    raise InfeasibleParams(
        f"the space must have room for the enqueued {given!r}, but its constraints refused it in {tries} tries, and no "
        "way to an allowed point was found; it has left the queue"
    )
