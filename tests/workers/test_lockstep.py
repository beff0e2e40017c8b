"""The order that makes a search the same for any number of workers."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpcore.errors import InvalidArgument, InvalidType
from hpcore.workers.lockstep import DEFAULT_LAG, Lockstep


def drive(lag: int, n_trials: int, n_workers: int, seed: int, lazy: bool, first: int = 0) -> list[tuple[str, int]]:
    """A run with workers that finish in a random order: what was proposed and handed on, in order."""
    rng = random.Random(seed)
    order: Lockstep[int] = Lockstep(lag, first)
    log: list[tuple[str, int]] = []
    waiting: list[int] = []
    running: list[int] = []
    while True:
        while (item := order.take()) is not None:
            assert item[1] == 10 * item[0]
            log.append(("tell", item[0]))
        has_room = len(running) < n_workers or not lazy
        if order.n_proposed == first + n_trials:
            order.close()
        if order.may_propose and has_room:
            waiting.append(order.propose())
            log.append(("ask", waiting[-1]))
            continue
        while waiting and len(running) < n_workers:
            running.append(waiting.pop(0))
        if not running:
            if order.n_handed_on == first + n_trials:
                return log
            continue
        done = running.pop(rng.randrange(len(running)))
        order.finish(done, 10 * done)


@given(
    lag=st.integers(1, 7),
    n_trials=st.integers(1, 20),
    n_workers=st.integers(1, 9),
    seed=st.integers(0, 2**32),
    lazy=st.booleans(),
    first=st.sampled_from([0, 5]),
)
def test_one_sequence_for_any_workers(
    lag: int, n_trials: int, n_workers: int, seed: int, lazy: bool, first: int
) -> None:
    log = drive(lag, n_trials, n_workers, seed, lazy, first)
    # The definition, word by word: when k is proposed, exactly first .. k - lag have been told.
    for k in range(first, first + n_trials):
        before = log[: log.index(("ask", k))]
        assert [i for what, i in before if what == "tell"] == list(range(first, k - lag + 1))
        assert [i for what, i in before if what == "ask"] == list(range(first, k))
    assert [i for what, i in log if what == "tell"] == list(range(first, first + n_trials))
    assert log == drive(lag, n_trials, 1, 0, False, first)


def test_misuse_is_an_error() -> None:
    order: Lockstep[str] = Lockstep(2)
    with pytest.raises(ValueError, match="proposal 0 is not open"):
        order.finish(0, "nobody asked")
    order.propose()
    order.propose()
    with pytest.raises(RuntimeError, match="proposal 2 is not due"):
        order.propose()
    order.finish(0, "a")
    with pytest.raises(ValueError, match="proposal 0 is not open"):
        order.finish(0, "again")
    assert order.take() == (0, "a")
    with pytest.raises(ValueError, match="proposal 0 is not open"):
        order.finish(0, "told already")
    order.close()
    with pytest.raises(RuntimeError, match="closed"):
        order.propose()


def test_a_result_waits_for_the_proposal_that_must_not_see_it() -> None:
    order: Lockstep[str] = Lockstep(3)
    order.finish(order.propose(), "a")
    assert order.take() is None
    order.propose()
    order.propose()
    assert order.take() == (0, "a")


def test_drain_gives_what_is_known_after_an_interruption() -> None:
    order: Lockstep[str] = Lockstep(4)
    for _ in range(4):
        order.propose()
    order.finish(3, "d")
    order.finish(1, "b")
    assert list(order.drain()) == [(1, "b"), (3, "d")]
    assert order.closed and not order.may_propose


@pytest.mark.parametrize(
    ("arguments", "error"),
    [({"lag": 0}, InvalidArgument), ({"lag": 1.5}, InvalidType), ({"first": -1}, InvalidArgument)],
)
def test_bad_arguments(arguments: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error, match=next(iter(arguments))):
        Lockstep(**arguments)


def test_default_lag_is_part_of_the_promise() -> None:
    # Another default would change every deterministic search of a user.
    assert Lockstep().lag == DEFAULT_LAG == 4
