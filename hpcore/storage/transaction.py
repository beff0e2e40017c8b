"""Operations on a store inside one transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any, NoReturn

from sqlalchemy import Connection, bindparam, func, insert, select, update

from hpcore.attributes import USER_PREFIX
from hpcore.errors import DamagedStore, InvalidArgument, StorageError, UnknownStudy
from hpcore.records.history import COMPLETE, FAILED, PAUSED, PRUNED, RUNNING
from hpcore.storage.dialects.base import Dialect
from hpcore.storage.plain import from_text
from hpcore.storage.records import (
    TRIAL_COLUMNS,
    ReportRecord,
    StudyRecord,
    TrialRecord,
    check_trials,
    checksum,
    verify,
)
from hpcore.storage.schema import attributes, queue, reports, studies, trials

__all__ = ["CHUNK", "Transaction"]

# SQLite takes 32,766 values a statement, older ones 999.
CHUNK = 500
_JOB = TRIAL_COLUMNS.index("job")

# With the newest report of the store: most transactions learn so that there is none to be read.
_newest_report = select(func.max(reports.c.id)).scalar_subquery()
_study_by_id = select(studies, _newest_report).where(studies.c.id == bindparam("id"))
_study_by_name = select(studies, _newest_report).where(studies.c.name == bindparam("name"))
_update_study = update(studies).where(studies.c.id == bindparam("of"))
_insert_trial = insert(trials)
_trials_from = (
    select(trials)
    .where(trials.c.study_id == bindparam("of"), trials.c.number >= bindparam("start"))
    .order_by(trials.c.number)
)
_trials_among = (
    select(trials)
    .where(trials.c.study_id == bindparam("of"), trials.c.number.in_(bindparam("numbers", expanding=True)))
    .order_by(trials.c.number)
)
_numbers_from = (
    select(trials.c.number)
    .where(trials.c.study_id == bindparam("of"), trials.c.number >= bindparam("start"))
    .order_by(trials.c.number)
)
_jobs_of = select(trials.c.number, trials.c.job).where(trials.c.study_id == bindparam("of"))
_queued = select(queue).where(queue.c.study_id == bindparam("of")).order_by(queue.c.id)
_first_queued = _queued.limit(1)
_update_trial = update(trials).where(
    trials.c.study_id == bindparam("of"),
    trials.c.number == bindparam("which"),
    trials.c.token == bindparam("held"),
    trials.c.state == bindparam("was"),
)
_holder = select(trials.c.state, trials.c.token).where(
    trials.c.study_id == bindparam("of"), trials.c.number == bindparam("which")
)
_insert_report = insert(reports)
_delete_report = reports.delete().where(
    reports.c.study_id == bindparam("of"), reports.c.number == bindparam("which"), reports.c.step == bindparam("at")
)
_reports_among = (
    select(reports)
    .where(reports.c.study_id == bindparam("of"), reports.c.number.in_(bindparam("numbers", expanding=True)))
    .order_by(reports.c.id)
)
# The sum keeps SQLite from the index of the study, by which it would look at all of its reports.
_reports_after = (
    select(reports)
    .where(reports.c.study_id + 0 == bindparam("of"), reports.c.id > bindparam("known"))
    .order_by(reports.c.id)
)
_id_of_study = select(studies.c.id).where(studies.c.id == bindparam("of"))


class Transaction:
    """A transaction; all or nothing of it is stored.

    Parameters
    ----------
    connection : sqlalchemy.Connection
        Connection that is in a transaction.
    dialect : Dialect
        The database.
    seen : dict of int to StudyRecord
        Filled with the studies that are looked at.
    """

    def __init__(self, connection: Connection, dialect: Dialect, seen: dict[int, StudyRecord]) -> None:
        self.connection = connection
        self._dialect, self._studies_seen, self._shown = dialect, seen, dialect.shown
        self._due: dict[int, int] = {}  # the number that the next trial of a study must have
        self._locked: set[int] = set()
        # Id of the newest report of the store when a study was read; None where it is not known.
        self.newest_report: int | None = None

    def now(self) -> float:
        """Read the clock of all who share the store, the database server's or this machine's: unix time, UTC."""
        return self._dialect.now(self.connection)

    # --- studies -------------------------------------------------------------------------------------------------

    def studies(self) -> list[StudyRecord]:
        """Read all studies, in the order of their making."""
        rows = self.connection.execute(select(studies).order_by(studies.c.id)).fetchall()
        return [StudyRecord.from_row(tuple(row)) for row in rows]

    def find(self, name: str) -> StudyRecord | None:
        """Read a study by its name; None if there is none."""
        found = self._study(name=name)
        return None if found is None else self._seen(found)

    def _study(self, lock: bool = False, **which: Any) -> StudyRecord | None:
        """Read a study by its id or name; with a lock, nobody else changes it until this transaction ends."""
        query = _study_by_name if "name" in which else _study_by_id
        locking = self._dialect.row_lock(query) if lock else None
        query = query if locking is None else locking
        row = self.connection.execute(query, which).fetchone()
        if row is None:
            return None
        self.newest_report = row[-1] or 0
        return StudyRecord.from_row(tuple(row[:-1]))

    def _seen(self, record: StudyRecord) -> StudyRecord:
        # By it the store knows its file again.
        self._studies_seen[record.id] = record
        return record

    def get(self, name: str) -> StudyRecord:
        """Read a study by its name.

        Raises
        ------
        UnknownStudy
            There is none; the message lists some that there are.
        """
        found = self.find(name)
        if found is None:
            known = [record.name for record in self.studies()]
            shown = ", ".join(f"{n!r:.60}" for n in known[:5]) + (", ..." if len(known) > 5 else "")
            raise UnknownStudy(
                f"name must be that of a study in {self._shown} ({shown or 'it has none'}), got {name!r:.80}"
            )
        return found

    def _of(self, study_id: int) -> str:
        """Name a study in the messages of damage."""
        known = self._studies_seen.get(study_id)
        return "" if known is None else f" of study {known.name!r:.80}"

    def current(self, study_id: int, *, lock: bool) -> StudyRecord:
        """Read the newest record of a study; with a lock, nobody else changes it until this transaction ends.

        Raises
        ------
        UnknownStudy
            It was deleted.
        """
        found = self._study(lock, id=study_id)
        if found is None:
            raise UnknownStudy(f"the study was deleted from {self._shown} in the meantime")
        record = self._seen(found)
        self._due[study_id] = record.n_trials
        if lock:
            self._locked.add(study_id)
        return record

    def create(self, name: str, spec: str) -> StudyRecord:
        """Make a study; gives the one there is if another process was quicker."""
        self._dialect.lock_studies(self.connection)
        found = self.find(name)
        if found is not None:
            return found
        created = self.now()
        values = {"name": name, "created": created, "n_trials": 0, "n_jobs": 0, "mode": "", "spec": spec}
        self.connection.execute(insert(studies), {**values, "crc2": 0})
        study_id = self.connection.execute(select(studies.c.id).where(studies.c.name == name)).scalar_one()
        record = StudyRecord(study_id, name, created, 0, 0, "", spec)
        self.change(record)
        return record

    def change(self, record: StudyRecord) -> None:
        """Store a study as it is now.

        Raises
        ------
        StorageError
            It would have trials that are not stored.
        """
        due = self._due.get(record.id)
        if due is not None and record.n_trials != due:
            numbers = self.connection.execute(_numbers_from, {"of": record.id, "start": due}).scalars().all()
            if list(numbers) != list(range(due, record.n_trials)):
                self._refuse_gap(record.id, record.n_trials, due)
            self._due[record.id] = record.n_trials
        fields = {"n_trials": record.n_trials, "n_jobs": record.n_jobs, "mode": record.mode, "spec": record.spec}
        self.connection.execute(_update_study, {"of": record.id, **fields, "crc2": checksum(record.fields())})

    def delete(self, study_id: int) -> None:
        """Remove a study with all that is its own."""
        for table in (trials, queue, attributes, reports):
            self.connection.execute(table.delete().where(table.c.study_id == study_id))
        self.connection.execute(studies.delete().where(studies.c.id == study_id))
        self._studies_seen.pop(study_id, None)

    # --- trials --------------------------------------------------------------------------------------------------

    def trials(self, study: StudyRecord, start: int = 0, also: Sequence[int] = ()) -> list[tuple[Any, ...]]:
        """Read verified fields of the trials from a number on, and of some before it, by number.

        Raises
        ------
        DamagedStore
            A checksum does not fit, or a trial is missing.
        """
        rows: list[Any] = []
        for first in range(0, len(also), CHUNK):
            part = list(also[first : first + CHUNK])
            rows += self._trial_rows(study.id, None, part)
        rows += self._trial_rows(study.id, start, ())
        # The length that a study has by its record is not believed: nothing of that size is made before it is known.
        asked = range(start, study.n_trials)
        if len(rows) != len(also) + len(asked) or [row[1] for row in rows] != [*also, *asked]:
            found = {row[1] for row in rows}
            missing = next((n for n in chain(also, asked) if n not in found), None)
            what = (
                f"trial {missing} of study {study.name!r} is missing"
                if missing is not None
                else (f"study {study.name!r} has trials that were never begun")
            )
            raise DamagedStore(f"storage {self._shown} is damaged: {what}; 'hpcore repair' saves the others")
        # The fast way is one look at all; the slow one says which.
        fields = [tuple(row[:-1]) for row in rows]
        if [checksum(f) for f in fields] != [row[-1] for row in rows]:
            for row in rows:
                verify(f"trial {row[1]!r} of study {study.name!r} in {self._shown}", tuple(row))
        fields = self._as_current(fields)
        check_trials(fields, f" of study {study.name!r:.80}")
        late = next((f for f in fields if f[_JOB] >= study.n_jobs), None)
        if late is not None:
            what = f"trial {late[1]} of study {study.name!r:.80}"
            raise DamagedStore(f"{what} is damaged: its job cannot be {late[_JOB]} of {study.n_jobs}")
        return fields

    def trial(self, study_id: int, number: int) -> TrialRecord | None:
        """Read one trial; None if there is none of that number."""
        rows = self._trial_rows(study_id, None, [number])
        if not rows:
            return None
        fields = verify(f"trial {number}{self._of(study_id)}", tuple(rows[0]))
        return TrialRecord.from_fields(self._as_current([fields])[0])

    def jobs(self, study_id: int) -> dict[int, int]:
        """Read the last job of each trial, by number: a trial that went on has another one. They are not verified."""
        rows = self.connection.execute(_jobs_of, {"of": study_id})
        return {row.number: row.job for row in rows}

    def _trial_rows(self, study_id: int, start: int | None, among: Sequence[int]) -> list[Any]:
        """Read rows of trials, by number: those from a number on, or else some."""
        if start is not None:
            return list(self.connection.execute(_trials_from, {"of": study_id, "start": start}).fetchall())
        return list(self.connection.execute(_trials_among, {"of": study_id, "numbers": among}).fetchall())

    def _as_current(self, rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        """Give verified fields of trials as those of the newest version."""
        return rows

    def insert(self, record: TrialRecord) -> None:
        """Store a trial that is new.

        Raises
        ------
        StorageError
            Its number is not the next one of its study.
        """
        due = self._due.get(record.study_id)
        if due is not None:
            if record.number != due:
                self._refuse_gap(record.study_id, record.number, due)
            self._due[record.study_id] = due + 1
        self.connection.execute(_insert_trial, record.to_row())

    def insert_many(self, records: Sequence[TrialRecord]) -> None:
        """Store trials that are new; a gap that they leave is found when their study is changed."""
        if records:
            self.connection.execute(_insert_trial, [record.to_row() for record in records])

    def _refuse_gap(self, study_id: int, number: int, due: int) -> NoReturn:
        raise StorageError(
            f"storage {self._shown} has {due} trials of study {study_id}, and {number} would leave a gap: "
            f"the study's memory was changed past its store. Nothing was stored; go on with the study, or open it again"
        )

    def replace(self, record: TrialRecord, token: int) -> bool:
        """Store a trial as it is now, if it is still running and has the fencing token; True if it did."""
        return self._update(record, token, RUNNING)

    def resume(self, record: TrialRecord, token: int) -> bool:
        """Store a trial as it is now, if it is still paused and has the fencing token; True if it did.

        Of two workers that resume the same trial one is given True.
        """
        return self._update(record, token, PAUSED)

    def _update(self, record: TrialRecord, token: int, state: int) -> bool:
        row = record.to_row()
        keys = {"of": row.pop("study_id"), "which": row.pop("number"), "held": token, "was": state}
        return self.connection.execute(_update_trial, {**row, **keys}).rowcount == 1

    def rewrite(self, before: Sequence[TrialRecord], records: Sequence[TrialRecord]) -> None:
        """Store trials as they are now, in place of what was read of them in this transaction.

        Raises
        ------
        StorageError
            One has changed since.
        """
        for old, new in zip(before, records, strict=True):
            if not self._update(new, old.token, old.state):
                raise StorageError(
                    f"trial {old.number}{self._of(old.study_id)} got a result while it was written; try again"
                )

    def is_held(self, record: TrialRecord) -> bool:
        """Tell whether a trial is still running, and under the fencing token of this record."""
        keys = {"of": record.study_id, "which": record.number}
        row = self.connection.execute(_holder, keys).fetchone()
        return row is not None and tuple(row) == (RUNNING, record.token)

    def finish(
        self,
        record: TrialRecord,
        reports: Sequence[ReportRecord] = (),
        check: Callable[[StudyRecord], None] | None = None,
    ) -> TrialRecord:
        """Store the result of a trial, unless it has one: the first result counts, whoever brings it.

        Parameters
        ----------
        record : TrialRecord
            The trial with its result.
        reports : sequence of ReportRecord
            Partial results that are stored with it.
        check : callable, optional
            Called as ``check(study)`` before the result is stored under another token than that of the record; raises
            if the record does not fit the study any more.

        Returns
        -------
        TrialRecord
            Record that is stored now: the given one, perhaps under the token of whom the trial was given to since, or
            the result that was first. A trial that was given up after its workers ended has none: values that come
            late take the place of that. Where the trial went on in another job, the record of that, which may be
            running: a job that has ended has its result.

        Raises
        ------
        UnknownStudy
            The trial was deleted with its study.
        """
        while not self.replace(record, record.token):
            found = self.trial(record.study_id, record.number)
            if found is None:
                raise UnknownStudy(f"trial {record.number} was deleted from {self._shown} with its study")
            if found.job != record.job:
                return found
            if found.state != RUNNING:
                if not found.is_given_up or record.state not in (COMPLETE, PRUNED):
                    return found
                self._update(replace(found, state=RUNNING, error=None), found.token, FAILED)
            if check is not None:
                check(self.current(record.study_id, lock=False))
            record = replace(record, token=found.token, deaths=found.deaths)
        self.add_reports(reports)
        return record

    # --- what else a study has -----------------------------------------------------------------------------------

    def enqueue(self, study_id: int, params: str) -> None:
        """Add parameters to the end of a study's queue."""
        row = {"study_id": study_id, "params": params, "crc": checksum((study_id, params))}
        self.connection.execute(insert(queue), row)

    def dequeue(self, study_id: int) -> str | None:
        """Take the first parameters out of a study's queue; None if it is empty."""
        row = self.connection.execute(_first_queued, {"of": study_id}).fetchone()
        if row is None:
            return None
        self.connection.execute(queue.delete().where(queue.c.id == row[0]))
        params: str = verify("an enqueued trial", tuple(row[1:]))[1]
        return params

    def queue(self, study_id: int) -> list[str]:
        """Read the parameters in a study's queue, in their order."""
        rows = self.connection.execute(_queued, {"of": study_id}).fetchall()
        return [verify("an enqueued trial", tuple(row[1:]))[1] for row in rows]

    def replace_queue(self, study_id: int, params: Sequence[str]) -> None:
        """Replace what is in a study's queue."""
        self.connection.execute(queue.delete().where(queue.c.study_id == study_id))
        for text in params:
            self.enqueue(study_id, text)

    def attributes(self, study_id: int) -> dict[str, Any]:
        """Read a study's attributes by name."""
        query = select(attributes).where(attributes.c.study_id == study_id).order_by(attributes.c.name)
        out = {}
        for row in self.connection.execute(query):
            what = f"attribute {row[1]!r:.80}{self._of(study_id)}"
            _, name, value = verify(what, tuple(row))
            if not isinstance(name, str):
                raise DamagedStore(f"{what} is damaged: its name must be text")
            out[name] = _read(what, value)
            # A user's own is a list of it alone.
            if name.startswith(USER_PREFIX) and not (isinstance(out[name], list) and len(out[name]) == 1):
                raise DamagedStore(f"{what} is damaged: it must be a list of one, got {value!r:.80}")
            if name == "note" and not isinstance(out[name], str):
                raise DamagedStore(f"{what} is damaged: it must be text, got {value!r:.80}")
        return out

    def set_attribute(self, study_id: int, name: str, value: str | None) -> None:
        """Store an attribute, or remove it."""
        mine = (attributes.c.study_id == study_id) & (attributes.c.name == name)
        self.connection.execute(attributes.delete().where(mine))
        if value is not None:
            row = {"study_id": study_id, "name": name, "value": value, "crc": checksum((study_id, name, value))}
            self.connection.execute(insert(attributes), row)

    # --- partial results -----------------------------------------------------------------------------------------

    def add_report(self, record: ReportRecord) -> None:
        """Store a partial result; a second one of the same step of a trial takes the place of the first."""
        self.add_reports([record])

    def add_reports(self, records: Sequence[ReportRecord]) -> None:
        """Store partial results in their order; see `add_report`."""
        if not records:
            return
        # Ids of a study must become visible in their order, for those who follow them.
        for study_id in {record.study_id for record in records} - self._locked:
            locking = self._dialect.row_lock(_id_of_study)
            if locking is not None:
                self.connection.execute(locking, {"of": study_id})
            self._locked.add(study_id)
        newest = {(record.study_id, record.number, record.step): record for record in records}
        keys = [{"of": of, "which": number, "at": step} for of, number, step in newest]
        self.connection.execute(_delete_report, keys)
        self.connection.execute(_insert_report, [record.to_row() for record in newest.values()])

    def reports(self, study_id: int, numbers: Sequence[int]) -> list[ReportRecord]:
        """Read the reports of some trials, in order of arrival."""
        out: list[ReportRecord] = []
        for first in range(0, len(numbers), CHUNK):
            part = list(numbers[first : first + CHUNK])
            out += self._reports(_reports_among, study_id, numbers=part)
        return sorted(out, key=lambda record: record.id) if len(numbers) > CHUNK else out

    def reports_after(self, study_id: int, known: int) -> list[ReportRecord]:
        """Read the reports of a study that were stored after the one with the id `known`; 0 for all of them."""
        return self._reports(_reports_after, study_id, known=known)

    def _reports(self, query: Any, study_id: int, **keys: Any) -> list[ReportRecord]:
        of = self._of(study_id)
        return [
            ReportRecord.from_row(tuple(row), of) for row in self.connection.execute(query, {"of": study_id, **keys})
        ]


def _read(what: str, value: str) -> Any:
    try:
        return from_text(value)
    except (ValueError, InvalidArgument):
        raise DamagedStore(f"{what} is damaged: it is no JSON") from None
