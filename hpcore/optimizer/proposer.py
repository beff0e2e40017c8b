"""From suggestions to proposals: points that are new and allowed, with their parameters."""

from __future__ import annotations

import time

import numpy as np
import numpy.typing as npt

from hpcore.errors import InfeasibleParams, InfeasibleSpace, SearchSpaceExhausted
from hpcore.optimizer.suggestions import Suggestions
from hpcore.records.history import History
from hpcore.records.streams import FILL, Rng
from hpcore.records.unseen import Unseen
from hpcore.space.space import MAX_TRIES, Params, Space

__all__ = ["Proposer", "fill_in"]

FloatArray = npt.NDArray[np.float64]

# A proposal that repeats a point of a finite space is drawn again this often before the unseen ones are listed.
REPEATS = 50
# After so many refused proposals for one trial, random points: nothing that a model likes is allowed or new.
PATIENCE = 4


class Proposer:
    """Accepts a suggestion, or looks for another point.

    Parameters
    ----------
    space : Space
        Its constraints allow.
    suggestions : Suggestions
        Asked again where one was refused.
    unseen : Unseen
        Knows what is new.
    seed : int
        As for `suggestions`.
    """

    def __init__(self, space: Space, suggestions: Suggestions, unseen: Unseen, seed: int) -> None:
        self._space, self._suggestions, self._unseen, self._seed = space, suggestions, unseen, seed
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
        space, unseen, finite = self._space, self._unseen, self._unseen.finite
        repeats = 0
        for attempt in range(1, MAX_TRIES + 1):
            u = np.ascontiguousarray(u, dtype=np.float64)
            values = self._codec.settle(u)
            if finite and u not in unseen:
                repeats += 1
                if repeats >= REPEATS:
                    return *self._next_unseen(), step
            else:
                params = self._assemble(values)
                if not space.constraints or space.allows(params):
                    if finite:
                        unseen.discard(u)
                    return u, params, step
            if self._suggestions.learns and (attempt > PATIENCE or (end is not None and time.monotonic() >= end)):
                u = Rng(self._seed, history.n, attempt).uniform(len(space), FILL)
                step = "random"
            else:
                rows, step = self._suggestions.rows(history, 1, attempt, end)
                u = rows[0]
        if finite:
            return *self._next_unseen(), step
        raise InfeasibleSpace(f"constraints must allow some proposals; {MAX_TRIES} in a row were refused")

    def _next_unseen(self) -> tuple[FloatArray, Params]:
        """A point of a finite space that was not proposed yet, by looking through all of them."""
        found = self._unseen.next()
        if found is None:
            n = self._unseen.n_seen
            raise SearchSpaceExhausted(f"every allowed point of the space has been proposed ({n} points)")
        self._unseen.discard(found[0])
        return found


def fill_in(space: Space, given: Params, seed: int, number: int) -> tuple[FloatArray, Params]:
    """A point with the given parameters, those that were left out drawn at random for a trial's number.

    Raises
    ------
    InfeasibleParams
        `MAX_TRIES` draws were refused.
    ConstraintError
        A constraint raised.
    """
    for attempt in range(MAX_TRIES):
        u = Rng(seed, number, attempt).uniform(len(space), FILL)
        params = space.complete(given, u)
        # What is left out must not make inactive what was given.
        if given.keys() <= params.keys() and space.allows(params):
            return np.asarray(space.encode(params)), params
    raise InfeasibleParams(
        f"the space must have room for the enqueued {given!r}, but its constraints refused it in "
        f"{MAX_TRIES} tries; it has left the queue"
    )
