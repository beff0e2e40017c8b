"""Rules for the worker that has a running trial."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hpcore.ledger.identity import Identity, Life
from hpcore.ledger.leases import LONGEST_LEASE, Leases, is_waiting
from hpcore.records.history import FAILED, RUNNING
from hpcore.storage.records import TrialRecord

NOW = 1e9
ELSEWHERE = "another machine|1|2|3"  # its state is not known on this machine


def record(worker: str | None, lease: float | None, deaths: int = 0) -> TrialRecord:
    return TrialRecord(1, 0, 0, RUNNING, 0, b"", "{}", token=4, deaths=deaths, worker=worker, lease=lease)


@pytest.mark.parametrize(
    ("lease", "kept"),
    [(NOW - 1.0, False), (NOW, True), (NOW + 60.0, True), (NOW + LONGEST_LEASE + 1.0, False), (None, False)],
)
def test_a_lease_is_kept_until_it_runs_out(lease: float | None, kept: bool) -> None:
    assert Leases(60.0, 3).is_kept(record(ELSEWHERE, lease), NOW) is kept


def test_nobody_keeps_what_is_ones_own_or_given_back_or_a_dead_workers() -> None:
    leases, living = Leases(60.0, 3), Identity()
    assert leases.is_kept(record(living.name, NOW + 1.0), NOW)
    assert not leases.is_kept(record(leases.worker, NOW + 1.0), NOW)
    assert not leases.is_kept(record(None, NOW + 1.0), NOW)
    name = living.name
    del living
    assert not leases.is_kept(record(name, NOW + 1.0), NOW)


@pytest.mark.parametrize("lease", [NOW - 1e6, NOW - 1.0, NOW + 60.0, NOW + 1e9])
def test_a_worker_that_lives_keeps_its_trial_whatever_its_lease(lease: float) -> None:
    leases, living = Leases(60.0, 3), Identity()
    assert leases.is_kept(record(living.name, lease), NOW)
    assert not is_waiting(record(living.name, lease), NOW)
    assert not leases.is_kept(record(leases.worker, lease), NOW)


@pytest.mark.parametrize(("life", "deaths"), [(Life.DEAD, 1), (Life.UNKNOWN, 1), (Life.GONE, 0)])
def test_deaths_are_counted_and_nothing_else(life: Life, deaths: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hpcore.ledger.leases.life_of", lambda worker: life)
    stored = record("somebody", NOW - 1.0)
    assert is_waiting(stored, NOW)
    assert Leases(60.0, 1).take(stored, NOW).deaths == deaths
    assert (Leases(60.0, 0).take(stored, NOW).state == FAILED) == bool(deaths)


def test_a_trial_is_taken_under_a_new_token() -> None:
    leases = Leases(60.0, 3)
    taken = leases.take(record(ELSEWHERE, NOW - 1.0), NOW)
    assert taken == replace(record(ELSEWHERE, NOW - 1.0), worker=leases.worker, lease=NOW + 60.0, token=5, deaths=1)
    for given_back in (None, leases.worker):
        assert leases.take(record(given_back, None, deaths=3), NOW).deaths == 3


@pytest.mark.parametrize(("retries", "words"), [(0, "1 worker ended"), (2, "3 workers ended")])
def test_a_trial_that_kills_its_workers_fails(retries: int, words: str) -> None:
    leases = Leases(60.0, retries)
    if retries:
        assert leases.take(record(ELSEWHERE, NOW - 1.0, deaths=retries - 1), NOW).state == RUNNING
    failed = leases.take(record(ELSEWHERE, NOW - 1.0, deaths=retries), NOW)
    assert (failed.state, failed.deaths, failed.worker, failed.lease, failed.token) == (
        FAILED,
        retries + 1,
        None,
        None,
        4,
    )
    assert failed.error.startswith(f"WorkerDied: {words}, or let the lease run out")
