"""Replica of a stored study in one process: the optimizer's memory follows the store."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple, TypeVar

import numpy as np

from hpcore.ledger.codec import adopt_result, is_same_result, read_reports, read_rows
from hpcore.optimizer import Optimizer
from hpcore.records.history import PAUSED, RUNNING
from hpcore.records.outcome import Outcome
from hpcore.records.rows import Rows
from hpcore.records.trial import Trial, TrialState
from hpcore.storage.records import ReportRecord, StudyRecord, TrialRecord
from hpcore.storage.sql import Storage
from hpcore.storage.transaction import Transaction

__all__ = ["Held", "Replica"]

log = logging.getLogger("hpcore")

T = TypeVar("T")


class Held(NamedTuple):
    """A trial of this worker.

    Attributes
    ----------
    trial : Trial
        The object that was given out.
    record : TrialRecord
        Its stored record, as this worker last wrote it.
    out : bool
        Whether a caller of `Study.ask` has it, and anybody may bring its result; otherwise a run of this process has
        it.
    """

    trial: Trial
    record: TrialRecord
    out: bool = False

    @property
    def is_running(self) -> bool:
        """Whether no result of it is stored yet, as far as this worker knows."""
        return self.record.state == RUNNING


class Replica:
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
        # Given to this worker, which evaluates them.
        self._held: dict[int, Held] = {}
        # Running elsewhere, or given back.
        self._others: dict[int, TrialRecord] = {}
        # Results that the store would not take; they go with the next transaction.
        self._unsaved: dict[int, tuple[TrialRecord, Sequence[ReportRecord]]] = {}
        # Of the last report that was read.
        self._report_id = 0
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
                self._forget()
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
        if self._optimizer.n_trials > self.record.n_trials:
            log.warning("study %r has trials in memory that were never stored; they are dropped", self.record.name)
            self._forget()
        if not reading:
            self._flush(transaction)
        running = self._optimizer.running()
        to_look_at = sorted(number for number in running if number not in self._held or self._held[number].out)
        history, known = self._optimizer.history, self._optimizer.n_trials
        if self.record.n_jobs - self.record.n_trials > history.n_jobs - known:
            # Paused trials went on elsewhere.
            to_look_at = sorted([*to_look_at, *np.flatnonzero(history.state == PAUSED).tolist()])
        rows = transaction.trials(self.record, known, to_look_at)
        reports: list[ReportRecord] = []
        if len(rows) > len(to_look_at) or any(number not in self._held for number in to_look_at):
            reports = transaction.reports_after(self.record.id, self._report_id)
            self._report_id = reports[-1].id if reports else self._report_id
            self._report([report for report in reports if report.number < known])
        for fields in rows[: len(to_look_at)]:
            self._look_at(TrialRecord.from_fields(fields))
        self._append(rows[len(to_look_at) :], [report for report in reports if report.number >= known], known)

    def _forget(self) -> None:
        self._optimizer.forget()
        self._others.clear()
        self._report_id = 0

    def _report(self, reports: list[ReportRecord]) -> None:
        """Learn partial results of trials that run elsewhere."""
        optimizer, new = self._optimizer, []
        running, history, curves = optimizer.running(), optimizer.history, optimizer.history.curves
        m = len(optimizer.directions)
        for report in read_reports(reports, m, self.record.name, self.record.n_trials):
            number, step, _, _, job = report
            if number in running:
                known = number in self._held and any(curves.step[i] == step for i in curves.of(number))
            elif history.state[number] == PAUSED:
                known = any(curves.step[i] == step and curves.job[i] == job for i in curves.of(number))
            else:
                continue
            if not known:
                new.append(report)
        if new:
            d = len(optimizer.space)
            nothing = np.empty((0, d)), np.empty(0, np.uint8), np.empty((0, m)), np.empty((0, 2))
            optimizer.restore(Rows(*nothing, reports=new))

    def _flush(self, transaction: Transaction) -> None:
        for number, (record, reports) in list(self._unsaved.items()):
            if not is_same_result(transaction.finish(record, reports), record):
                log.warning("the result of trial %d came too late: it has another one", number)
            self._held.pop(number, None)
        # What became of them is taken in from the store, by what follows.

    def _look_at(self, record: TrialRecord) -> None:
        """Learn what a running trial is now, of another worker or out with a caller of this one."""
        held = self._held.get(record.number)
        if held is not None:
            if record.state == RUNNING and record.token == held.record.token:
                return
            del self._held[record.number]
        self.absorb(record)

    def _append(self, fields: list[tuple[Any, ...]], reports: list[ReportRecord], first: int) -> None:
        """Trials that this optimizer did not ask for."""
        if not fields:
            return
        self.shared = True
        m, name = len(self._optimizer.directions), self.record.name
        rows = read_rows(fields, reports, self._optimizer.space, m, name)
        if rows.job is None:  # the history may know of later jobs already
            rows.job = np.arange(first, first + len(rows))
        for i in np.flatnonzero(rows.state == RUNNING).tolist():
            self._others[first + i] = TrialRecord.from_fields(fields[i])
        mine = []
        for number, held in list(self._held.items()):
            if number < first:
                continue
            stored = TrialRecord.from_fields(fields[number - first])
            if stored.state == RUNNING and (not held.out or stored.token == held.record.token):
                mine.append(number)
                self._others.pop(number, None)
            elif held.out:  # told, or given away, in the meantime
                del self._held[number]
        self._optimizer.restore(rows)
        for number in mine:
            trial = self._held[number].trial
            # It may have been told in a transaction that did not end.
            trial.state, trial.values, trial.error = TrialState.RUNNING, None, None
            self._optimizer.replace_running(trial)

    def absorb(self, record: TrialRecord) -> None:
        """Learn what a trial that ran, or was paused, elsewhere is now."""
        optimizer, number = self._optimizer, record.number
        if record.job != optimizer.history.job_of(number):
            if number in optimizer.running():
                optimizer.finish(number, Outcome(None, PAUSED))
            optimizer.resume(number, job=record.job)
        if record.state == RUNNING:
            self._others[number] = record
            return
        self._others.pop(number, None)
        trial = optimizer.running().get(number)
        if trial is None:  # it is still paused
            return
        optimizer.finish(trial, adopt_result(trial, record, len(optimizer.directions), self.record.name))

    # --- whose a running trial is --------------------------------------------------------------------------------

    def held(self, number: int) -> Held | None:
        """A trial of this worker and what is stored of it; None if it is not this worker's."""
        return self._held.get(number)

    def all_held(self) -> list[Held]:
        """All of this worker's."""
        return list(self._held.copy().values())  # at once, whatever another thread is at

    def hold(self, trial: Trial, record: TrialRecord, out: bool = False) -> None:
        """It is this worker's, with this stored of it."""
        with self.lock:
            self._held[record.number] = Held(trial, record, out)

    def let_go(self, number: int) -> Held | None:
        """It is not this worker's any more; what it was, if it was."""
        with self.lock:
            return self._held.pop(number, None)

    def disown(self) -> None:
        """Be another worker, in a child process: nothing that the parent has is its own, nor for it to store."""
        self.lock = threading.RLock()
        self._unsaved.clear()
        if self._held:
            self._held.clear()
            self._stale = True

    def elsewhere(self) -> list[TrialRecord]:
        """The running trials of others, and those given back, by number."""
        return [record for _, record in sorted(self._others.items())]

    def other(self, number: int) -> TrialRecord | None:
        """One of them."""
        return self._others.get(number)

    def forget_other(self, number: int) -> None:
        """It is not another worker's any more."""
        self._others.pop(number, None)

    def leave(self, record: TrialRecord) -> None:
        """It is for others to take up."""
        self._others[record.number] = record

    def claim(self, record: TrialRecord, out: bool = False) -> Trial:
        """It was somebody else's and is this worker's now, with this stored of it."""
        del self._others[record.number]
        trial = self._optimizer.running()[record.number]
        self.hold(trial, record, out)
        return trial

    def save_later(self, record: TrialRecord, reports: Sequence[ReportRecord]) -> None:
        """Store a result of this worker's, and the reports that go with it, with the next transaction."""
        with self.lock:
            self._unsaved[record.number] = record, reports

    def all_unsaved(self) -> list[tuple[TrialRecord, Sequence[ReportRecord]]]:
        """Results of this worker's that are still to be stored, with their reports."""
        return list(self._unsaved.copy().values())

    def is_unsaved(self, number: int) -> bool:
        """Whether the result of a trial is still to be stored."""
        return number in self._unsaved
