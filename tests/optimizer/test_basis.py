"""Queue, remaining points and suggestions in step with the record."""

from __future__ import annotations

from collections import deque
from itertools import pairwise
from typing import Any

import pytest

import hpcore as hp
from hpcore.errors import InfeasibleSpace
from hpcore.optimizer.basis import Basis
from hpcore.optimizer.record import Record
from hpcore.optimizer.remaining import Remaining
from hpcore.optimizer.suggestions import Suggestions
from hpcore.samplers import resolve

SPACE = hp.Space({"k": hp.Int(0, 3)})


class Search:
    """Record of points of a finite space, each proposed once."""

    def __init__(self, n: int, sampler: str = "tpe") -> None:
        self.record, self.remaining = Record(SPACE, ("minimize",)), Remaining(SPACE, 0)
        self.suggestions = Suggestions(resolve(sampler), SPACE.columns, 1, 0, False)
        self.queue: deque[dict[str, Any]] = deque()
        self.basis = Basis(self.record, self.queue, self.remaining, self.suggestions)
        for k in range(n):
            self.begin(k)

    def begin(self, k: int) -> None:
        u, params = SPACE.encode({"k": k}), {"k": k}
        self.remaining.discard(u)
        self.record.begin(u, params)

    @property
    def free(self) -> list[int]:
        return [k for k in range(4) if SPACE.encode({"k": k}) in self.remaining]


def test_trials_that_nobody_has_are_taken_back() -> None:
    search = Search(3)
    bound = search.suggestions.suggester
    search.basis.take_back(1, None, ValueError())
    assert (search.record.history.n, search.free) == (1, [1, 2, 3])
    assert search.suggestions.suggester is not bound
    bound = search.suggestions.suggester
    search.basis.take_back(1, None, ValueError())
    assert search.suggestions.suggester is bound  # nothing was removed


def test_trials_of_those_who_overtook_stay() -> None:
    search = Search(3)
    search.basis.n_overtaken = 2
    search.basis.take_back(1, None, ValueError())
    assert (search.record.history.n, search.free) == (2, [2, 3])


@pytest.mark.parametrize(
    ("error", "left"), [(ValueError(), [0, 1, 2]), (InfeasibleSpace("no room"), [0, 2])], ids=["other", "no room"]
)
def test_the_queue_is_as_before_but_for_parameters_without_room(error: Exception, left: list[int]) -> None:
    search = Search(0)
    search.queue.extend({"k": k} for k in range(3))
    before = search.queue.copy()
    search.begin(search.queue.popleft()["k"])
    search.queue.popleft()  # no trial came of it
    search.basis.take_back(0, before, error)
    assert [params["k"] for params in search.queue] == left
    assert (search.record.history.n, search.free) == (0, [0, 1, 2, 3])


def test_the_point_of_a_withdrawn_trial_is_free_at_the_next_proposal() -> None:
    search = Search(4)
    search.basis.is_exhausted = True
    search.basis.withdraw(2)
    assert search.free == [] and search.basis.has_moved
    search.basis.see(None)
    assert search.free == [2] and not search.basis.has_moved and not search.basis.is_exhausted


def test_a_suggester_is_bound_anew_for_an_earlier_job_only() -> None:
    search = Search(3)
    bound = []
    for as_of in (1, 2, 2, 0, None, 2):
        search.basis.see(as_of)
        assert search.basis.in_order is (as_of is not None)
        bound.append(search.suggestions.suggester)
    assert [a is b for a, b in pairwise(bound)] == [True, True, False, True, False]
