"""A stored study as one process knows it: the optimizer's memory follows what is stored."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np

from hpcore.optimizer import Optimizer
from hpcore.records.history import RUNNING
from hpcore.records.trial import Trial, TrialState
from hpcore.storage.records import StudyRecord, TrialRecord
from hpcore.storage.sql import Storage
from hpcore.storage.transaction import Transaction
from hpcore.study.recall import Rows, read_result, read_rows

__all__ = ["Mirror"]

log = logging.getLogger("hpcore")

T = TypeVar("T")


class Mirror:
    """Keeps an optimizer as a store has it, and knows which of the running trials are this worker's.

    Parameters
    ----------
    optimizer : Optimizer
        New; filled with what is stored.
    storage : Storage
        The store.
    record : StudyRecord
        The study in it.

    Attributes
    ----------
    record : StudyRecord
        As stored, when it was last looked at.
    lock : RLock
        Held while the memory is brought up to date; for steps between which it must not be.
    shared : bool
        Whether another worker began a trial since this was last set to False.
    """

    def __init__(self, optimizer: Optimizer, storage: Storage, record: StudyRecord) -> None:
        self.record = record
        self.lock = threading.RLock()
        self.shared = False
        self._optimizer, self._storage = optimizer, storage
        # Given to this worker: being evaluated here, or with a result that is not handed on yet.
        self._held: dict[int, tuple[Trial, TrialRecord]] = {}
        # Running elsewhere, or given back.
        self._others: dict[int, TrialRecord] = {}
        # Results that the store would not take; they go with the next transaction.
        self._unsaved: dict[int, TrialRecord] = {}
        # Of the storage, when it was last read.
        self._generation = storage.generation
        # Whether the memory may be ahead of the store, because a transaction did not end.
        self._stale = True

    # --- bringing it up to date ----------------------------------------------------------------------------------

    def inside(self, work: Callable[[Transaction], T], reading: bool = False) -> T:
        """Do something in a transaction that brings the memory up to date first."""

        def attempt(transaction: Transaction) -> T:
            stale, self._stale = self._stale or self._generation != self._storage.generation, True
            self._generation = self._storage.generation
            shared = self.shared
            if stale:
                self._optimizer.forget()
                self._others.clear()
                self._held = dict(held)
            self._synchronise(transaction, reading)
            if stale:
                self.shared = shared
            return work(transaction)

        with self.lock:
            held = dict(self._held)
            try:
                result = self._storage.read(attempt) if reading else self._storage.write(attempt)
            except BaseException:
                # What this transaction gave to this worker, if it was stored after all, has its name and is taken up.
                self._held = held
                raise
            self._stale = False
            if not reading:
                self._unsaved.clear()
            return result

    def refresh(self) -> None:
        """Learn what others stored, and store what could not be."""
        self.inside(lambda transaction: None, reading=not self._unsaved or self._storage.read_only)

    def doubt(self) -> None:
        """Read all of the study again next time: the memory may be ahead of the store."""
        self._stale = True

    def change(self, transaction: Transaction, **fields: Any) -> None:
        """Store what the study's record says from now on."""
        self.record = replace(self.record, **fields)
        transaction.change(self.record)

    def _synchronise(self, transaction: Transaction, reading: bool) -> None:
        self.record = transaction.current(self.record.id, lock=not reading)
        if not reading:
            self._flush(transaction)
        open_elsewhere = sorted(number for number in self._optimizer.running() if number not in self._held)
        known = self._optimizer.n_trials
        rows = transaction.trials(self.record, known, open_elsewhere)
        for fields in rows[: len(open_elsewhere)]:
            self.take_in(TrialRecord.from_fields(fields))
        self._append(rows[len(open_elsewhere) :], known)

    def _flush(self, transaction: Transaction) -> None:
        for number, record in list(self._unsaved.items()):
            if not transaction.replace(record, record.token):
                log.warning("the result of trial %d came too late: another worker has it", number)
            self._held.pop(number, None)
        # What became of them is taken in from the store, by what follows.

    def _append(self, fields: list[tuple[Any, ...]], first: int) -> None:
        """Trials that this optimizer did not ask for."""
        if not fields:
            return
        self.shared = True
        rows: Rows = read_rows(fields, self._optimizer.space, len(self._optimizer.directions), self.record.name)
        for i in np.flatnonzero(rows.state == RUNNING).tolist():
            self._others[first + i] = TrialRecord.from_fields(fields[i])
        mine = [number for number in self._held if number >= first]
        for number in mine:
            # Ours, whatever is stored: its result is handed on when its turn comes.
            self._others.pop(number, None)
            rows.hide(number - first)
        self._optimizer.restore(rows.X, rows.state, rows.values, rows.std_errors, rows.times, rows.notes)
        for number in mine:
            trial = self._held[number][0]
            # It may have been told in a transaction that did not end.
            trial.state, trial.values, trial.error = TrialState.RUNNING, None, None
            self._optimizer.reopen(trial)

    def take_in(self, record: TrialRecord) -> None:
        """Learn what a trial that ran elsewhere is now."""
        if record.state == RUNNING:
            self._others[record.number] = record
            return
        self._others.pop(record.number, None)
        trial = self._optimizer.running()[record.number]
        trial.started, trial.finished = record.started, record.finished
        values, trial.extras = read_result(record, len(self._optimizer.directions), self.record.name)
        self._optimizer.tell(trial, values, std_error=record.std_error, error=record.error)

    # --- whose a running trial is --------------------------------------------------------------------------------

    def held(self, number: int) -> tuple[Trial, TrialRecord] | None:
        """A trial of this worker and what is stored of it; None if it is not this worker's."""
        return self._held.get(number)

    def all_held(self) -> list[tuple[Trial, TrialRecord]]:
        """All of this worker's."""
        with self.lock:
            return list(self._held.values())

    def hold(self, trial: Trial, record: TrialRecord) -> None:
        """It is this worker's, with this stored of it: what others store does not reach the optimizer."""
        with self.lock:
            self._held[record.number] = (trial, record)

    def let_go(self, number: int) -> tuple[Trial, TrialRecord] | None:
        """It is not this worker's any more; what it was, if it was."""
        with self.lock:
            return self._held.pop(number, None)

    def elsewhere(self) -> list[TrialRecord]:
        """The running trials of others, and those given back, by number."""
        return [record for _, record in sorted(self._others.items())]

    def leave(self, record: TrialRecord) -> None:
        """It is for others to take up."""
        self._others[record.number] = record

    def claim(self, record: TrialRecord) -> Trial:
        """It was somebody else's and is this worker's now, with this stored of it."""
        del self._others[record.number]
        trial = self._optimizer.running()[record.number]
        self.hold(trial, record)
        return trial

    def save_later(self, record: TrialRecord) -> None:
        """Store a result of this worker's with the next transaction."""
        with self.lock:
            self._unsaved[record.number] = record

    def is_unsaved(self, number: int) -> bool:
        """Whether the result of a trial is still to be stored."""
        return number in self._unsaved
