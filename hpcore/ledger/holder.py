"""Leases of a worker: renewed while their trials are evaluated, given back when the worker ends."""

from __future__ import annotations

import atexit
import logging
import os
import weakref
from dataclasses import replace
from functools import partial

from hpcore.errors import HpcoreError
from hpcore.ledger.heartbeat import BEATS_PER_LEASE, Heartbeat
from hpcore.ledger.leases import Leases
from hpcore.ledger.replica import Replica
from hpcore.storage.records import TrialRecord
from hpcore.storage.sql import Storage
from hpcore.storage.transaction import Transaction

__all__ = ["LeaseHolder"]

log = logging.getLogger("hpcore")

# Seconds for which giving trials back is tried at the end of a program or a study, if the store does not answer.
PATIENCE_AT_END = 2.0

# Holders of this process, which may have trials when the program ends or forks.
_ALIVE: weakref.WeakSet[LeaseHolder] = weakref.WeakSet()


class LeaseHolder:
    """Holder of the leases of the trials that this worker evaluates.

    Parameters
    ----------
    storage : Storage
        Store of the study.
    replica : Replica
        Replica of the study, which knows the trials of this worker.
    leases : Leases
        Rules with the duration of leases.
    """

    def __init__(self, storage: Storage, replica: Replica, leases: Leases) -> None:
        self._storage, self._replica, self._leases = storage, replica, leases
        self._heartbeat: Heartbeat | None = None
        if not storage.private:  # no other process sees a database in memory
            self._heartbeat = Heartbeat(self, leases.seconds / BEATS_PER_LEASE, partial(_give_back, storage, replica))
            _ALIVE.add(self)

    def holds_leases(self) -> bool:
        """Tell whether this worker evaluates a trial."""
        return any(held.is_running for held in self._replica.all_held())

    def keep(self) -> None:
        """Start to renew leases in the background, if there are any."""
        if self._heartbeat is not None and self.holds_leases():
            self._heartbeat.start()

    def rest(self) -> None:
        """End the thread that renews leases, if there are none."""
        if self._heartbeat is not None and not self.holds_leases():
            self._heartbeat.stop()

    def renew(self) -> None:
        """Renew all leases now."""
        mine = [held.record for held in self._replica.all_held() if held.is_running]

        def work(transaction: Transaction) -> list[TrialRecord]:
            until = transaction.now() + self._leases.seconds
            fresh = [replace(record, lease=until) for record in mine]
            return [record for record in fresh if transaction.replace(record, record.token)]

        if not mine:
            return
        renewed = self._storage.write(work)
        with self._replica.lock:
            for record in renewed:
                held = self._replica.held(record.number)
                if held is not None and held.is_running and held.record.token == record.token:
                    self._replica.hold(held.trial, record, held.out)

    def end(self) -> None:
        """Give all trials back at the end of the program."""
        if self._heartbeat is not None:
            self._heartbeat.stop()
        _give_back(self._storage, self._replica)

    def after_fork(self) -> None:
        """Become another worker without trials, in a child process."""
        self._replica.disown()
        if self._heartbeat is not None:
            self._heartbeat.after_fork()


def _give_back(storage: Storage, replica: Replica) -> None:
    """Store unsaved results, and give back the trials that a worker has not evaluated when it ends.

    The trials do not count as having lost a worker.
    """
    unsaved, check = replica.all_unsaved(), replica.checker()
    running = [held.record for held in replica.all_held() if held.is_running]

    def work(transaction: Transaction) -> None:
        for result, reports in unsaved:
            transaction.finish(result, reports, check)
        for record in running:
            transaction.replace(replace(record, worker=None, lease=None), record.token)

    if unsaved or running:
        try:
            storage.write(work, PATIENCE_AT_END)
        except HpcoreError as error:  # other workers find out that this one has ended
            log.log(
                logging.WARNING if unsaved else logging.DEBUG,
                "%d results could not be stored, and %d trials not be given back: %s",
                len(unsaved),
                len(running),
                error,
            )


def _at_exit() -> None:
    for holder in list(_ALIVE):
        holder.end()


def _after_fork() -> None:
    for holder in list(_ALIVE):
        holder.after_fork()


atexit.register(_at_exit)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
