"""Rules for running trials that have lost their worker. Leases do not restrict results, which any worker may tell."""

from __future__ import annotations

import json
from dataclasses import replace

from hpcore.ledger.identity import Identity, Life, life_of
from hpcore.ledger.reading import order_of
from hpcore.records.history import FAILED
from hpcore.storage.records import GIVEN_UP, TrialRecord

__all__ = ["Leases", "is_waiting"]

# Seconds; a lease that ends later than this from now is damaged, and ignored.
LONGEST_LEASE = 7 * 86400.0


def is_waiting(record: TrialRecord, now: float) -> bool:
    """Tell whether a running trial has no worker, because it was given back or its worker died.

    A worker of this machine keeps its trials as long as it is alive, whatever the age of its lease: it may be
    suspended, or in code that lets no other thread run. The lease decides for workers whose state is not known here.

    Parameters
    ----------
    record : TrialRecord
        Record of a running trial.
    now : float
        Time of the store, unix time in seconds.
    """
    if record.worker is None or record.lease is None:
        return True
    life = life_of(record.worker)
    if life is Life.UNKNOWN:
        return not now <= record.lease <= now + LONGEST_LEASE
    return life is not Life.ALIVE


class Leases:
    """Rules of leases for one worker.

    Parameters
    ----------
    seconds : float
        Duration of a lease. A trial whose lease was not renewed for so long may be given to a worker of another
        machine.
    retries : int
        Number of times that a trial whose worker died is evaluated again before it counts as failed.
    """

    def __init__(self, seconds: float, retries: int) -> None:
        self.seconds, self._retries = seconds, retries
        self._identity = Identity()

    @property
    def worker(self) -> str:
        """Name of this worker."""
        return self._identity.name

    def is_kept(self, record: TrialRecord, now: float) -> bool:
        """Tell whether another worker still has a running trial; `now` is the time of the store."""
        return record.worker != self.worker and not is_waiting(record, now)

    def take(self, record: TrialRecord, now: float) -> TrialRecord:
        """Give a trial without a worker to this one; or mark it as failed, if too many workers died of it."""
        died = record.worker is not None and record.worker != self.worker and life_of(record.worker) is not Life.GONE
        if not died or record.deaths < self._retries:
            return record.given_to(self.worker, now + self.seconds, died)
        n = record.deaths + 1
        error = f"WorkerDied: {n} worker{'s' if n > 1 else ''} {GIVEN_UP}"
        notes = json.dumps(order) if (order := order_of(record.notes)) else None
        return replace(record.ended(FAILED, None, None, (None, None), error, notes), deaths=n)
