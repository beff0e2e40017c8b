"""Pauses between two looks grow to a limit, and a long wait is logged once."""

from __future__ import annotations

from itertools import pairwise

import pytest

from hpcore.workers import waiting
from hpcore.workers.waiting import FIRST_NAP, LONG, LONGEST_NAP, Patience


@pytest.fixture
def naps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    taken: list[float] = []
    monkeypatch.setattr(waiting.time, "sleep", taken.append)
    return taken


def test_naps_double_up_to_the_longest_and_begin_again(naps: list[float]) -> None:
    patience = Patience()
    for _ in range(10):
        patience.wait()
    assert naps[0] == FIRST_NAP and naps[-1] == LONGEST_NAP
    assert all(after in (2 * before, LONGEST_NAP) for before, after in pairwise(naps))
    patience.reset()
    patience.wait()
    assert naps[-1] == FIRST_NAP


def test_a_long_wait_is_logged_once(naps: list[float], caplog: pytest.LogCaptureFixture) -> None:
    patience = Patience()
    while sum(naps) < LONG - LONGEST_NAP:
        patience.wait()
    assert not caplog.records
    for _ in range(100):
        patience.wait()
    assert len(caplog.records) == 1 and "depends on results" in caplog.text
