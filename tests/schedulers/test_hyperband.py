"""Brackets of Hyperband against the table of the paper's algorithm."""

from __future__ import annotations

from collections import Counter

import pytest

from hpcore.records.history import COMPLETE
from hpcore.schedulers import Hyperband
from hpcore.schedulers.hyperband import bracket_size
from tests.schedulers.simulate import power_curves, simulate

# Li et al. (2018), algorithm 1 with R = 81 and eta = 3: per bracket, (trials, resource) of each rung.
TABLE = [
    [(81, 1), (27, 3), (9, 9), (3, 27), (1, 81)],
    [(34, 3), (11, 9), (3, 27), (1, 81)],
    [(15, 9), (5, 27), (1, 81)],
    [(8, 27), (2, 81)],
    [(5, 81)],
]


def test_the_brackets_are_those_of_the_paper() -> None:
    assert [bracket_size(s, 5, 3) for s in (4, 3, 2, 1, 0)] == [rungs[0][0] for rungs in TABLE]
    n_jobs = sum(n for rungs in TABLE for n, _ in rungs)
    for offset in range(2):  # the second turn is like the first
        played = simulate(Hyperband(max_resource=81), power_curves(0), n_jobs * (offset + 1)).orders
        orders = iter(played[n_jobs * offset :])
        begun = sum(rungs[0][0] for rungs in TABLE) * offset
        for rungs in TABLE:
            members = set(range(begun, begun + rungs[0][0]))
            begun += rungs[0][0]
            for n, resource in rungs:
                jobs = [next(orders) for _ in range(n)]
                assert {order.until for _, order in jobs} == {resource}
                assert {number for number, _ in jobs} <= members
                members = {number for number, _ in jobs}
                assert len(members) == n


@pytest.mark.parametrize("workers", [1, 8])
def test_each_promotion_happens_once(workers: int) -> None:
    play = simulate(Hyperband(max_resource=27), power_curves(1), 400, workers=workers)
    jobs = Counter((number, order.until) for number, order in play.orders)
    assert max(jobs.values()) == 1
    assert play.n_waits == 0
    assert (play.history.state == COMPLETE).sum() > 20
