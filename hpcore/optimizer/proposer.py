"""From suggestions to proposals: points that are new and allowed, with their parameters."""

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
# After so many refused proposals for one trial, random points: nothing that a model likes is allowed or new.
PATIENCE = 4
# After so many, walks in the allowed set, if points at random are hardly ever in it.
RARE_PATIENCE = 32
# A finite space up to this size is looked through for its last points; so many walks look for them in a larger one.
COUNTABLE, N_WALKS = 1_000_000, 500


class Proposer:
    """Accepts a suggestion, or looks for another point.

    Parameters
    ----------
    space : Space
        Its constraints allow.
    suggestions : Suggestions
        Asked again where one was refused.
    remaining : Remaining
        Knows what is new.
    seed : int
        As for `suggestions`.
    """

    def __init__(self, space: Space, suggestions: Suggestions, remaining: Remaining, seed: int) -> None:
        self._space, self._suggestions, self._remaining, self._seed = space, suggestions, remaining, seed
        self._codec, self._assemble = space.columns.codec, space.coder.assemble

    def accept(
        self, history: History, u: FloatArray, step: str | None, end: float | None
    ) -> tuple[FloatArray, Params, str | None]:
        """The point for trial number ``history.n``, its parameters, and the step that led to it; it is new no more.

        Raises
        ------
        SearchSpaceExhausted, InfeasibleSpace, ConstraintError
            See `Optimizer.ask`.
        """
        space, remaining = self._space, self._remaining
        repeats = 0
        for attempt in range(1, MAX_TRIES + 1):
            u = np.ascontiguousarray(u, dtype=np.float64)
            values = self._codec.settle(u)
            if u not in remaining:
                repeats += 1
                if remaining.finite and repeats >= REPEATS:
                    return *self._next_remaining(history.n), step
            else:
                params = self._assemble(values)
                if not space.constraints or space.allows(params):
                    remaining.discard(u)
                    return u, params, step
            if attempt >= RARE_PATIENCE and space.rare and (walked := self._walk(history.n, attempt)) is not None:
                u, step = walked, RANDOM
            elif self._suggestions.learns and (attempt > PATIENCE or (end is not None and time.monotonic() >= end)):
                u = Rng(self._seed, history.n, attempt).uniform(len(space), FILL)
                step = RANDOM
            else:
                rows, step = self._suggestions.rows(history, 1, attempt, end)
                u = rows[0]
        if remaining.finite:
            return *self._next_remaining(history.n), step
        if repeats:
            raise SearchSpaceExhausted(
                f"no new point was met in {MAX_TRIES} tries: {repeats} were among the {remaining.n_seen} that have "
                f"been proposed, {MAX_TRIES - repeats} were refused by the constraints"
            )
        raise InfeasibleSpace(f"constraints must allow some proposals; {MAX_TRIES} in a row were refused")

    def _walk(self, number: int, attempt: int) -> FloatArray | None:
        """A random point of a rare allowed set; None if none is known."""
        return self._space.allowed_set.draw(Rng(self._seed, number, attempt).generator(ALLOWED))

    def _next_remaining(self, number: int) -> tuple[FloatArray, Params]:
        """A point of a finite space that was not proposed yet, by looking through all of them.

        Of a rare allowed set in a space too large to be looked through, by walks: what they do not meet any more counts
        as proposed.
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


def fill_in(space: Space, given: Params, seed: int, number: int) -> tuple[FloatArray, Params]:
    """A point with the given parameters, those that were left out drawn at random for a trial's number.

    Raises
    ------
    InfeasibleParams
        All draws were refused, `MAX_TRIES` unless the allowed set is rare, and no way to an allowed point was found.
    ConstraintError
        A constraint raised.
    """

    def complete(u: FloatArray) -> Params | None:
        params = space.complete(given, u)
        # What is left out must not make inactive what was given.
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
