"""Replica of a stored study: an optimizer in the memory of one process that follows the store."""

from __future__ import annotations

import json
import logging
import math
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple, TypeVar

import numpy as np

from hpcore.errors import SpaceMismatch
from hpcore.ledger.reading import adopt_result, read_facts, read_reports, read_rows, used_params
from hpcore.ledger.writing import is_same_result
from hpcore.optimizer import Optimizer
from hpcore.records.history import PAUSED, RUNNING
from hpcore.records.outcome import Outcome
from hpcore.records.rows import Rows
from hpcore.records.trial import Trial, TrialState
from hpcore.storage.records import ReportRecord, StudyRecord, TrialRecord
from hpcore.storage.sql import Storage
from hpcore.storage.transaction import Transaction

__all__ = ["Held", "Replica", "space_of"]

log = logging.getLogger("hpcore")

T = TypeVar("T")


class Held(NamedTuple):
    """Trial of this worker.

    Attributes
    ----------
    trial : Trial
        Object that the caller or the run has.
    record : TrialRecord
        Stored record, as this worker last wrote it.
    out : bool
        True if a caller of `Study.ask` has the trial, and any process may tell it; False if a run of this process has
        it.
    """

    trial: Trial
    record: TrialRecord
    out: bool = False

    @property
    def is_running(self) -> bool:
        """True if no result is stored yet, as far as this worker knows."""
        return self.record.state == RUNNING


class Replica:
    """Copy of a stored study in memory, with the running trials of this worker.

    Parameters
    ----------
    optimizer : Optimizer
        New optimizer, to which the stored trials are added.
    storage : Storage
        Store of the study.
    record : StudyRecord
        Record of the study.

    Attributes
    ----------
    record : StudyRecord
        Record of the study, as last read.
    lock : RLock
        Lock that is held while the memory is updated; callers hold it for steps that no update may separate.
    shared : bool
        True if another worker began a trial since this was last set to False.
    """

    def __init__(self, optimizer: Optimizer, storage: Storage, record: StudyRecord) -> None:
        self.record = record
        self.lock = threading.RLock()
        self.shared = False
        self._optimizer, self._storage = optimizer, storage
        # Space of the memory as it is stored, and the text of the record that it is known to be in.
        self._space, self._spec = space_of(record), record.spec
        # Running trials of this worker.
        self._held: dict[int, Held] = {}
        # Running trials of other workers, or that were given back.
        self._others: dict[int, TrialRecord] = {}
        # Results, with their reports, that could not be stored; the next transaction stores them.
        self._unsaved: dict[int, tuple[TrialRecord, Sequence[ReportRecord]]] = {}
        # Id of the last report that was read.
        self._report_id = 0
        # Id of the newest report of the store at that time.
        self._newest_report: int | None = None
        # Generation of the storage when it was last read.
        self._generation = storage.generation
        # True if the memory may be ahead of the store, because a transaction did not end.
        self._stale = True

    # --- updates -------------------------------------------------------------------------------------------------

    def inside(self, work: Callable[[Transaction], T], reading: bool = False) -> T:
        """Call ``work(transaction)`` in a transaction that updates the memory first, and return its result."""

        def attempt(transaction: Transaction) -> T:
            stale, self._stale = self._stale or self._generation != self._storage.generation, True
            self._generation = self._storage.generation
            shared = self.shared
            if stale:
                # Who is refused keeps what it has.
                self.checker()(transaction.current(self.record.id, lock=not reading))
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
                # If the transaction was stored after all, its trials have the name of this worker, which claims them
                # again.
                self._held = held
                raise
            self._stale = False
            if not reading:
                self._unsaved.clear()
            return result

    def refresh(self) -> None:
        """Read the changes of other workers, and store unsaved results."""
        self.inside(lambda transaction: None, reading=not self._unsaved or self._storage.read_only)

    def doubt(self) -> None:
        """Read the whole study again in the next transaction, because the memory may be ahead of the store."""
        self._stale = True

    def change(self, transaction: Transaction, **fields: Any) -> None:
        """Change fields of the study's record, in the store and here."""
        self.record = replace(self.record, **fields)
        transaction.change(self.record)

    def checker(self) -> Callable[[StudyRecord], None]:
        """Return a function that raises SpaceMismatch if a study has another space than this memory has now."""
        space, spec = self._space, self._spec

        def check(record: StudyRecord) -> None:
            if record.spec != spec and space_of(record) != space:
                raise SpaceMismatch(
                    f"the space of study {record.name!r} is a larger one now, which another worker gave it: open the "
                    "study again. Running trials may be told there, by their numbers"
                )

        return check

    def steadily(self, work: Callable[[Callable[[StudyRecord], None]], T]) -> T:
        """Call ``work(check)`` with a `checker`, and anew if another thread of this worker made the space larger."""
        while True:
            with self.lock:  # which a thread holds while it makes the space larger
                space, check = self._space, self.checker()
            try:
                return work(check)
            except SpaceMismatch:
                with self.lock:
                    if self._space == space:
                        raise

    def extended(self, records: Sequence[TrialRecord]) -> None:
        """Take the space of the record, which this worker has just stored, with the running trials in it."""
        self._space, self._spec = space_of(self.record), self.record.spec
        for record in records:
            held = self._held.get(record.number)
            if held is not None:
                self._held[record.number] = held._replace(record=record)
            elif record.number in self._others:
                self._others[record.number] = record

    def _synchronise(self, transaction: Transaction, reading: bool) -> None:
        record = transaction.current(self.record.id, lock=not reading)
        self.checker()(record)
        self.record, self._spec = record, record.spec
        if self._optimizer.n_trials > self.record.n_trials:
            log.warning("study %r has trials in memory that were never stored; they are dropped", self.record.name)
            self._forget()
        if not reading:
            self._flush(transaction)
        running = self._optimizer.running()
        to_look_at = sorted(number for number in running if number not in self._held or self._held[number].out)
        history, known = self._optimizer.history, self._optimizer.n_trials
        if self.record.n_jobs - self.record.n_trials > history.n_jobs - known:
            # Paused trials were resumed elsewhere.
            to_look_at = sorted([*to_look_at, *np.flatnonzero(history.state == PAUSED).tolist()])
        rows = transaction.trials(self.record, known, to_look_at)
        reports: list[ReportRecord] = []
        newest = transaction.newest_report
        is_new = newest is None or newest != self._newest_report
        if is_new and (len(rows) > len(to_look_at) or any(number not in self._held for number in to_look_at)):
            self._newest_report = newest
            reports = transaction.reports_after(self.record.id, self._report_id)
            self._report_id = reports[-1].id if reports else self._report_id
            self._report([report for report in reports if report.number < known])
        for fields in rows[: len(to_look_at)]:
            self._look_at(TrialRecord.from_fields(fields))
        self._append(rows[len(to_look_at) :], [report for report in reports if report.number >= known], known)

    def _forget(self) -> None:
        self._optimizer.forget()
        self._others.clear()
        self._report_id, self._newest_report = 0, None

    def _report(self, reports: list[ReportRecord]) -> None:
        """Add partial results of trials that run, or ran, elsewhere."""
        optimizer, new = self._optimizer, []
        running, curves = optimizer.running(), optimizer.history.curves
        m = len(optimizer.directions)
        for report in read_reports(reports, m, self.record.name, self.record.n_trials):
            number, step, _, _, job = report
            rows = curves.of(number)
            if number not in running:
                known = any(curves.step[i] == step and curves.job[i] == job for i in rows)
            elif optimizer.scheduler is None and number not in self._held:
                known = False  # a step that is reported again replaces the earlier report
            else:
                known = any(curves.step[i] == step for i in rows)
            if not known:
                new.append(report)
        if new:
            d = len(optimizer.space)
            nothing = np.empty((0, d)), np.empty(0, np.uint8), np.empty((0, m)), np.empty((0, 2))
            optimizer.restore(Rows(*nothing, reports=new))

    def _flush(self, transaction: Transaction) -> None:
        for number, (record, reports) in list(self._unsaved.items()):
            if not is_same_result(transaction.finish(record, reports, self.checker()), record):
                log.warning("the result of trial %d came too late: it has another one", number)
            self._held.pop(number, None)
        # The optimizer learns these results when the records are read below, as for trials of other workers.

    def _look_at(self, record: TrialRecord) -> None:
        """Update a running trial of another worker, or of a caller of this one."""
        held = self._held.get(record.number)
        if held is not None:
            if record.state == RUNNING and record.token == held.record.token:
                return
            del self._held[record.number]
        self.absorb(record)

    def _append(self, fields: list[tuple[Any, ...]], reports: list[ReportRecord], first: int) -> None:
        """Append trials that this optimizer did not propose."""
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
            elif held.out:  # told, or given to another worker, in the meantime
                del self._held[number]
        self._optimizer.restore(rows)
        for number in mine:
            trial = self._held[number].trial
            # It may have been told in a transaction that did not end.
            trial.state, trial.values, trial.error = TrialState.RUNNING, None, None
            self._optimizer.replace_running(trial)

    def absorb(self, record: TrialRecord) -> None:
        """Update a trial that ran, or was paused, elsewhere from its record."""
        optimizer, number = self._optimizer, record.number
        if record.job != optimizer.history.job_of(number):
            if number in optimizer.running():
                optimizer.restart(number)  # without reports of an earlier job that were not stored
                optimizer.finish(number, Outcome(None, PAUSED))
            _, notes = read_facts(record, len(optimizer.directions), self.record.name)
            until = math.inf if notes.until is None else notes.until
            optimizer.resume(number, job=record.job, until=until, as_of=notes.origin.get("as_of"))
        if record.state == RUNNING:
            self._others[number] = record
            return
        self._others.pop(number, None)
        trial = optimizer.running().get(number)
        if trial is None:  # it is still paused
            return
        outcome = adopt_result(trial, record, len(optimizer.directions), self.record.name)
        if record.point != optimizer.history.X[number].astype("<f8").tobytes():
            outcome = outcome._replace(params=used_params(record, optimizer.space, self.record.name))
        optimizer.finish(trial, outcome)

    # --- owners of running trials --------------------------------------------------------------------------------

    def held(self, number: int) -> Held | None:
        """Return a trial of this worker; None if it belongs to none or another one."""
        return self._held.get(number)

    def all_held(self) -> list[Held]:
        """Return all trials of this worker."""
        return list(self._held.copy().values())  # a copy, because another thread may change the dict

    def hold(self, trial: Trial, record: TrialRecord, out: bool = False) -> None:
        """Add a trial to those of this worker, or replace its record."""
        with self.lock:
            self._held[record.number] = Held(trial, record, out)

    def let_go(self, number: int) -> Held | None:
        """Remove a trial from those of this worker and return it; None if it was not one of them."""
        with self.lock:
            return self._held.pop(number, None)

    def disown(self) -> None:
        """Become another worker, in a child process: trials and unsaved results stay those of the parent."""
        self.lock = threading.RLock()
        self._unsaved.clear()
        if self._held:
            self._held.clear()
            self._stale = True

    def elsewhere(self) -> list[TrialRecord]:
        """Return the records of running trials of other workers, or that were given back, in order of numbers."""
        return [record for _, record in sorted(self._others.items())]

    def other(self, number: int) -> TrialRecord | None:
        """Return the record of such a trial; None if the trial is not one of them."""
        return self._others.get(number)

    def forget_other(self, number: int) -> None:
        """Remove a trial from those of other workers."""
        self._others.pop(number, None)

    def leave(self, record: TrialRecord) -> None:
        """Add a trial that was given back, which any worker may claim."""
        self._others[record.number] = record

    def claim(self, trial: Trial, record: TrialRecord, out: bool = False) -> Trial:
        """Make a trial of another worker, or one that was given back, a trial of this worker with a new record."""
        del self._others[record.number]
        self.hold(trial, record, out)
        return trial

    def save_later(self, record: TrialRecord, reports: Sequence[ReportRecord]) -> None:
        """Keep a result and its reports, for the next transaction to store."""
        with self.lock:
            self._unsaved[record.number] = record, reports

    def all_unsaved(self) -> list[tuple[TrialRecord, Sequence[ReportRecord]]]:
        """Return the records of results that are not stored yet, with their reports."""
        return list(self._unsaved.copy().values())

    def is_unsaved(self, number: int) -> bool:
        """Tell whether the result of a trial is not stored yet."""
        return number in self._unsaved


def space_of(record: StudyRecord) -> str:
    """The space in a study's record, as text that another space does not have."""
    try:
        return json.dumps(json.loads(record.spec)["space"], sort_keys=True)
    except (ValueError, LookupError, TypeError):
        return record.spec  # a damaged one, which those who read it refuse
