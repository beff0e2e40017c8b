"""Who is entitled to a running trial, and what becomes of one whose worker died."""

from __future__ import annotations

from dataclasses import replace

from hpcore.records.history import FAILED
from hpcore.storage.identity import Identity, is_dead
from hpcore.storage.records import TrialRecord

__all__ = ["Leases"]

# A lease that ends later than this is no lease that anybody gave.
LONGEST_LEASE = 7 * 86400.0


class Leases:
    """The rules, as one worker keeps them.

    Parameters
    ----------
    seconds : float
        After which a running trial that its worker did not renew may be given to another one.
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
        """Whether another worker is still entitled to a running trial; `now` is the store's time."""
        if record.worker is None or record.lease is None or record.worker == self.worker:
            return False
        return now <= record.lease <= now + LONGEST_LEASE and not is_dead(record.worker)

    def take(self, record: TrialRecord, now: float) -> TrialRecord:
        """A trial that nobody keeps, given to this worker; or failed, if too many workers died of it."""
        died = record.worker is not None and record.worker != self.worker
        if not died or record.deaths < self._retries:
            return record.given_to(self.worker, now + self.seconds, died)
        n = record.deaths + 1
        error = f"WorkerDied: {n} worker{'s' if n > 1 else ''} ended, or let the lease run out, while evaluating it"
        return replace(record.ended(FAILED, None, None, (None, None), error, None), deaths=n)
