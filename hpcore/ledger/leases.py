"""Rules for starting a running trial again, and for one whose worker died. Results are taken from anybody."""

from __future__ import annotations

from dataclasses import replace

from hpcore.ledger.identity import Identity, Life, life_of
from hpcore.records.history import FAILED
from hpcore.storage.records import GIVEN_UP, TrialRecord

__all__ = ["Leases", "is_waiting"]

# A lease that ends later than this is no lease that anybody gave.
LONGEST_LEASE = 7 * 86400.0


def is_waiting(record: TrialRecord, now: float) -> bool:
    """Tell whether a running trial has no worker: given back, or lost by one that died; `now` is the store's time.

    A worker of this machine keeps its trials while it lives, however old its lease: it may be suspended, or in code
    that lets no other thread run. The lease decides for those of whom nobody here can know.
    """
    if record.worker is None or record.lease is None:
        return True
    life = life_of(record.worker)
    if life is Life.UNKNOWN:
        return not now <= record.lease <= now + LONGEST_LEASE
    return life is not Life.ALIVE


class Leases:
    """The rules, as one worker keeps them.

    Parameters
    ----------
    seconds : float
        After which a running trial that its worker did not renew may be given to another one, of another machine.
    retries : int
        How often a trial whose worker died is evaluated again before it counts as failed.
    """

    def __init__(self, seconds: float, retries: int) -> None:
        self.seconds, self._retries = seconds, retries
        self._identity = Identity()

    @property
    def worker(self) -> str:
        """The name of this worker."""
        return self._identity.name

    def is_kept(self, record: TrialRecord, now: float) -> bool:
        """Tell whether another worker is still entitled to a running trial; `now` is the store's time."""
        return record.worker != self.worker and not is_waiting(record, now)

    def take(self, record: TrialRecord, now: float) -> TrialRecord:
        """A trial that nobody keeps, given to this worker; or failed, if too many workers died of it."""
        died = record.worker is not None and record.worker != self.worker and life_of(record.worker) is not Life.GONE
        if not died or record.deaths < self._retries:
            return record.given_to(self.worker, now + self.seconds, died)
        n = record.deaths + 1
        error = f"WorkerDied: {n} worker{'s' if n > 1 else ''} {GIVEN_UP}"
        return replace(record.ended(FAILED, None, None, (None, None), error, None), deaths=n)
