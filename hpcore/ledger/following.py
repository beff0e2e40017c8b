"""A stored study that is followed while others write it: what is new is read, in short transactions."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np

from hpcore.ledger.reading import read_reports
from hpcore.ledger.studies import read_spec
from hpcore.ledger.summary import named, row_of
from hpcore.records.history import COMPLETE, FAILED, PAUSED, PRUNED, RUNNING
from hpcore.records.limits import Limits
from hpcore.records.pareto import Front
from hpcore.records.table import Row
from hpcore.storage import Storage
from hpcore.storage.records import ReportRecord, StudyRecord, TrialRecord
from hpcore.storage.transaction import Transaction

__all__ = ["Follower", "Work"]

BATCH = 1000  # trials of a transaction: SQLite's rollback journal lets nobody commit during one
RECENT = 100  # trials that are kept as they ended last
REASONS = 200  # kinds of failures that are counted
REASON = 300  # characters


@dataclass(frozen=True)
class Work:
    """Trial that a worker has, or that waits for one.

    Attributes
    ----------
    trial : Row
        The trial, with its last report.
    host, pid : str
        Machine and process of the worker; empty if there is none.
    """

    trial: Row
    host: str
    pid: str


class _Batch(NamedTuple):
    """Result of a transaction; `rows` is None if all must be read anew, `due` is what it left to be read again."""

    record: StudyRecord
    rows: list[TrialRecord] | None
    due: set[int]
    reports: list[ReportRecord]
    report_id: int | None
    now: float


class Follower:
    """Reader of a study that others write.

    Parameters
    ----------
    store : Storage
        Store, which may be open for reading only.
    record : StudyRecord
        Record of the study.

    Attributes
    ----------
    record : StudyRecord
        Record as last read.
    directions : list of str
        Direction of each objective.
    sampler, scheduler : str and str or None
        Their names.
    now : float
        Time of the store at the last reading, unix time.
    states : Counter of str
        Number of trials by state.
    best : Row or None
        Best complete trial that keeps all limits; None before the first, and with several objectives.
    front : Front
        Pareto front of such trials, lower is better.
    work : list of Work
        Running and waiting trials by number.
    recent : list of Row
        Trials that ended last, the newest first.
    reasons : Counter of str
        Number of failures by the last line of their errors.
    """

    def __init__(self, store: Storage, record: StudyRecord) -> None:
        self._store = store
        self._begin(record)

    def _begin(self, record: StudyRecord) -> None:
        spec = read_spec(record)
        self.record, self._generation = record, self._store.generation
        self.directions: list[str] = spec["directions"]
        self.sampler = named(spec["sampler"])
        self.scheduler = None if spec.get("scheduler") is None else named(spec["scheduler"])
        self.now = record.created
        self.states: Counter[str] = Counter()
        self.best: Row | None = None
        self.front = Front(len(self.directions))
        self.work: list[Work] = []
        self.recent: list[Row] = []
        self.reasons: Counter[str] = Counter()
        self._limits = Limits.from_plain(spec.get("limits") or {})
        self._signs = np.array([-1.0 if way == "maximize" else 1.0 for way in self.directions])
        self._state: list[str] = []  # by number
        self._paused: dict[int, int] = {}  # job by number
        self._open: dict[int, TrialRecord] = {}  # running, or given up, which a late result may change
        self._n_resumed = 0
        self._n_timed, self._sum_seconds = 0, 0.0
        self._reports: dict[int, tuple[int, tuple[float, float] | None]] = {}  # number and last one, of running trials
        self._report_id: int | None = None

    # --- reading -------------------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Read what has changed.

        Raises
        ------
        UnknownStudy
            The study was deleted.
        StorageError
            The store cannot be read; `DamagedStore` if a record is damaged.
        """
        due: set[int] | None = None
        while due is None or due or len(self._state) < self.record.n_trials:
            batch = self._store.read(partial(self._read, due))
            if batch.rows is None:  # a larger space, or another file in its place: everything may differ
                self._begin(batch.record)
                due = None
                continue
            if due is None:
                self._n_resumed = batch.record.n_jobs - batch.record.n_trials
            due = batch.due
            self._take(batch)

    def _read(self, due: set[int] | None, t: Transaction) -> _Batch:
        """Read new trials and those that are due, or some of them; it changes nothing, as it may be called again."""
        record = t.current(self.record.id, lock=False)
        if record.spec != self.record.spec or self._store.generation != self._generation:
            return _Batch(record, None, set(), [], self._report_id, 0.0)
        known = len(self._state)
        if due is None:
            due = set(self._open)
            if self._paused and record.n_jobs - record.n_trials != self._n_resumed:
                jobs = t.jobs(record.id)
                due |= {number for number, job in self._paused.items() if jobs.get(number) != job}
        again = sorted(due)[:BATCH]
        numbers = [*again, *range(known, min(known + BATCH - len(again), record.n_trials))]
        rows = [TrialRecord(*fields) for fields in t.trials(record, record.n_trials, numbers)]
        # Running trials that were not, or not known: all their reports. Later, what is new of the study.
        running = [row.number for row in rows if row.state == RUNNING]
        newest = t.newest_report or 0
        unknown = {number for number in running if number not in self._reports}
        reports = t.reports(record.id, sorted(unknown))
        if self._report_id is not None and newest != self._report_id:
            later = t.reports_after(record.id, self._report_id)
            reports += [report for report in later if report.number not in unknown]
        return _Batch(record, rows, due - set(again), reports, newest, t.now())

    def _take(self, batch: _Batch) -> None:
        assert batch.rows is not None
        self.record, self.now, self._report_id = batch.record, batch.now, batch.report_id
        m, name = len(self.directions), batch.record.name
        running = {record.number for record in batch.rows if record.state == RUNNING}
        still = {number for number, record in self._open.items() if record.state == RUNNING}
        for number in running - self._reports.keys():
            self._reports[number] = 0, None
        for number, step, values, _, _ in read_reports(batch.reports, m, name, batch.record.n_trials):
            if number in running or number in still:
                self._reports[number] = self._reports.get(number, (0, None))[0] + 1, (step, values[0])
        for record in batch.rows:
            known = self._reports.get(record.number, (0, None))
            self._put(record, row_of(record, m, name, batch.now, known, self._limits))
        self._reports = {number: known for number, known in self._reports.items() if number in self._open}
        self.recent.sort(key=lambda row: row.finished or 0.0, reverse=True)
        del self.recent[RECENT:]
        self.work = [
            Work(row_of(record, m, name, batch.now, self._reports[number], self._limits), *_worker(record))
            for number, record in sorted(self._open.items())
            if record.state == RUNNING
        ]

    def _put(self, record: TrialRecord, row: Row) -> None:
        """Count a trial that was read, in place of what was known of it."""
        number, before = record.number, self._open.pop(record.number, None)
        self._paused.pop(number, None)
        if number < len(self._state):
            self.states[self._state[number]] -= 1
            self._state[number] = row.state
            if before is not None and before.state == FAILED:
                if record.state == FAILED:
                    self._open[number] = record
                    self.states[row.state] += 1
                    return
                self.reasons[_reason(before.error)] -= 1
                self.recent = [known for known in self.recent if known.number != number]
        else:
            self._state.append(row.state)
        self.states[row.state] += 1
        if record.state == RUNNING or record.is_given_up:
            self._open[number] = record
        elif record.state == PAUSED:
            self._paused[number] = record.job
        if record.state in (COMPLETE, PRUNED, FAILED):
            self._end(record, row)

    def _end(self, record: TrialRecord, row: Row) -> None:
        self.recent.append(row)
        if row.started is not None and row.finished is not None:
            self._n_timed += 1
            self._sum_seconds += max(row.finished - row.started, 0.0)
        if record.state == FAILED:
            reason = _reason(record.error)
            if reason in self.reasons or len(self.reasons) < REASONS:
                self.reasons[reason] += 1
        elif record.state == COMPLETE and row.values and row.feasible is not False:
            losses = self._signs * np.array(row.values)
            if len(losses) > 1:
                self.front.add(losses)
            elif self.best is None or losses[0] < self._signs[0] * (self.best.values or [0.0])[0]:
                self.best = row

    # --- what follows from it ------------------------------------------------------------------------------------

    @property
    def seconds(self) -> float | None:
        """Mean time of a trial that ended; None if it is not known."""
        return self._sum_seconds / self._n_timed if self._n_timed else None

    def rate(self, window: float = 600.0) -> float:
        """Number of trials a second that ended lately, of those that are kept in `recent`."""
        ended = [(row.finished, row.started) for row in self.recent if row.finished is not None]
        late = [times for times in ended if self.now - times[0] <= window]
        if not late:
            return 0.0
        n, since = len(late), min(end if start is None else min(start, end) for end, start in late)
        if n >= RECENT:  # trials that overlap these are not kept any more
            n, since = n - 1, min(end for end, _ in late)
        elif n < len(ended):
            since = max(since, self.now - window)
        return n / max(self.now - since, 1.0)


def _reason(error: str | None) -> str:
    return ((error or "").strip().splitlines() or ["no reason given"])[-1][:REASON]


def _worker(record: TrialRecord) -> tuple[str, str]:
    """Return machine and process of a worker by its name, see `hpcore.ledger.identity`."""
    machine, _, rest = (record.worker or "").partition("|")
    return machine.partition("/")[0], rest.partition("|")[0]
