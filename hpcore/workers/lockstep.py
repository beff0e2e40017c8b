"""The order of proposals and results that makes a search the same for any number of workers.

With workers, results come in an order that depends on timing, and so would every proposal that learns from them. Here
proposal k is made when exactly the results 0 .. k - lag were handed on: the search is one fixed sequence of proposals
and results, and the workers only decide how fast it goes by.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, TypeVar

from hpcore.arguments import check_integer

__all__ = ["DEFAULT_LAG", "Lockstep"]

DEFAULT_LAG = 4
"""Proposals that are open at a time: enough for the cores of a small machine, few enough that a sampler which learns
misses only the last three results."""

Result = TypeVar("Result")


class Lockstep(Generic[Result]):
    """Says when the next proposal may be made and holds results back until they may be handed on.

    Parameters
    ----------
    lag : int
        The q of "proposal k sees results 0 .. k - q", at least 1. At most `lag` proposals are open at a time, so
        workers beyond what they can use stay idle; 1 is strictly one after the other. Another lag is another search.
    first : int
        Index of the first proposal; all results before it count as handed on.

    Attributes
    ----------
    lag : int
        As given.
    n_proposed, n_handed_on : int
        The index that the next proposal and the next result to be handed on will have.
    closed : bool
        Whether the last proposal was made.

    Notes
    -----
    Until it is closed, at every moment either a proposal is due (`may_propose`) or the result `n_handed_on` is, never
    both: with q = 2 the sequence is P0 P1 T0 P2 T1 P3 T2 ... A driver therefore may propose as soon as it is allowed
    to, or only once it has a free worker: both give the same search. Not thread-safe: meant for the one thread that
    asks and tells.

    Examples
    --------
    >>> order = Lockstep(lag=2)
    >>> order.propose(), order.propose(), order.may_propose
    (0, 1, False)
    >>> order.finish(1, "late trial, done first")
    >>> order.take() is None
    True
    >>> order.finish(0, "first trial")
    >>> order.take(), order.may_propose, order.take()
    ((0, 'first trial'), True, None)
    >>> order.close()
    >>> order.take()
    (1, 'late trial, done first')
    """

    def __init__(self, lag: int = DEFAULT_LAG, first: int = 0) -> None:
        self.lag = check_integer("lag", lag, 1)
        self.n_proposed = self.n_handed_on = check_integer("first", first, 0)
        self.closed = False
        self._first = self.n_proposed
        self._held: dict[int, Result] = {}

    @property
    def may_propose(self) -> bool:
        """Whether the next proposal is due: what it may see was handed on, and nothing more."""
        return not self.closed and self.n_proposed < self.n_handed_on + self.lag

    def propose(self) -> int:
        """Count a proposal, made just now; its index.

        Raises
        ------
        RuntimeError
            If none is due, see `may_propose`: it would see less or more than it should.
        """
        if not self.may_propose:
            raise RuntimeError(f"proposal {self.n_proposed} is not due: {self!r}")
        self.n_proposed += 1
        return self.n_proposed - 1

    def finish(self, index: int, result: Result) -> None:
        """Hold the result of a proposal until `take` gives it out.

        Raises
        ------
        ValueError
            If there is no such open proposal, or its result is known.
        """
        if not self.n_handed_on <= index < self.n_proposed or index in self._held:
            raise ValueError(f"proposal {index} is not open: {self!r}")
        self._held[index] = result

    def take(self) -> tuple[int, Result] | None:
        """The next result, to be handed on at once, with its index; None if it is not known or not yet due."""
        if self.may_propose or self.n_handed_on not in self._held:
            return None
        index = self.n_handed_on
        self.n_handed_on += 1
        return index, self._held.pop(index)

    def close(self) -> None:
        """Say that no more proposals will be made: the results that are still to come are due as they come in order."""
        self.closed = True

    def drain(self) -> Iterator[tuple[int, Result]]:
        """All results that are held, by index and without regard to those that are missing; for the end by Ctrl-C."""
        self.close()
        for index in sorted(self._held):
            yield index, self._held.pop(index)

    def __repr__(self) -> str:
        held = sorted(self._held)
        return (
            f"Lockstep(lag={self.lag}, proposed {self._first} .. {self.n_proposed - 1}, "
            f"handed on {self._first} .. {self.n_handed_on - 1}, held {held}{', closed' if self.closed else ''})"
        )
