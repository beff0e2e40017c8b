"""State that follows from the results of a search, trial by trial, and is kept between suggestions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt

from hpcore.records.history import FAILED, PRUNED, History
from hpcore.records.tradeoff import order_by_crowding, order_by_front, order_by_limits

__all__ = ["Replay", "losses_of"]

FloatArray = npt.NDArray[np.float64]
S = TypeVar("S")

# Results between two states that are kept: what a change of an earlier result costs at most, beyond the results after.
EVERY = 32


def losses_of(history: History, crowding: bool = False, first: int | None = None) -> FloatArray:
    """Loss of each trial as one number whose order counts: lower is better.

    Parameters
    ----------
    history : History
        Trials in all states.
    crowding : bool
        Order several objectives as `order_by_crowding` does, and not as `order_by_front`.
    first : int, optional
        Number of places that matter with several objectives, which takes less time.

    Returns
    -------
    ndarray of shape (n,)
        Value of a trial with one objective and no limits; otherwise its place among all, by
        `hpcore.records.tradeoff`. Infinite for a failed trial, NaN for one without a result yet.
    """
    many = history.values.shape[1] > 1 or history.n_limits > 0
    if not many and history.n_complete == history.n_ended:
        return history.values[:, 0]
    losses = np.full(history.n, np.nan)
    observed = history.observed
    losses[(history.state == FAILED) | ((history.state == PRUNED) & ~observed)] = np.inf
    values = history.values[observed]
    if not many:
        losses[observed] = values[:, 0]
    elif len(values):
        limited = history.n_limits > 0
        violations = history.violations[observed]
        if limited:
            losses[observed] = order_by_limits(values, violations, first, crowding)
        else:
            losses[observed] = (order_by_crowding if crowding else order_by_front)(values, first)
    return losses


class Replay(Generic[S]):
    """State after the results of a search in the order of the trials, whatever the order of their arrival.

    The state is a function of the losses alone. What was computed from losses that are still the same is kept; where
    one has changed, was hidden or came late, the state is computed again from there.

    Parameters
    ----------
    first : object
        State before any result; states are immutable.
    after : callable
        Function ``after(state, number, loss)`` that returns the state after one more result. Trials without a result
        are passed over.
    """

    def __init__(self, first: S, after: Callable[[S, int, float], S]) -> None:
        self._after = after
        self._losses = np.empty(0)
        # (number, state before that trial), ascending; the first is never dropped.
        self._kept: list[tuple[int, S]] = [(0, first)]
        # State before the first trial without a result, which is where the next change is to be expected; and the last.
        self._waiting = self._last = self._kept[0]

    def state(self, losses: FloatArray) -> S:
        """Return the state after all results.

        Parameters
        ----------
        losses : ndarray of shape (n,)
            Losses as from `losses_of`.

        Notes
        -----
        O(n) for a comparison with the losses before, and a call of `after` per new or changed result and per result
        after it.
        """
        first = self._first_change(losses)
        if first < len(self._losses):
            while self._kept[-1][0] > first:
                self._kept.pop()
            begin = self._waiting if self._kept[-1][0] <= self._waiting[0] <= first else self._kept[-1]
        else:
            begin = self._last
        number, state = begin
        waiting = self._waiting if self._waiting[0] < number else None
        for number, loss in enumerate(losses[begin[0] :].tolist(), begin[0]):
            if number % EVERY == 0 and number > self._kept[-1][0]:
                self._kept.append((number, state))
            if loss == loss:
                state = self._after(state, number, loss)
            elif waiting is None:
                waiting = number, state
        self._losses = losses.copy()
        self._last = len(losses), state
        self._waiting = self._last if waiting is None else waiting
        return state

    def _first_change(self, losses: FloatArray) -> int:
        """Number of the first trial whose loss is not what it was."""
        n = min(len(losses), len(self._losses))
        same = losses[:n].view(np.int64) == self._losses[:n].view(np.int64)
        return n if same.all() else int(np.argmin(same))
