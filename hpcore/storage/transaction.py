"""What can be done to a store inside one transaction."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, Any, NoReturn

from sqlalchemy import Connection, bindparam, insert, select, text, update

from hpcore.errors import DamagedStore, InvalidArgument, StorageError, UnknownStudy
from hpcore.records.history import COMPLETE, FAILED, RUNNING
from hpcore.storage.plain import from_text
from hpcore.storage.records import StudyRecord, TrialRecord, check_trials, checksum, verify
from hpcore.storage.schema import attributes, folds, queue, studies, trials

if TYPE_CHECKING:
    from hpcore.storage.sql import Storage

__all__ = ["Transaction"]

# SQLite takes 32,766 values a statement, older ones 999.
_CHUNK = 500

_study_by_id = select(studies).where(studies.c.id == bindparam("of"))
_study_by_name = select(studies).where(studies.c.name == bindparam("called"))
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
_first_queued = select(queue).where(queue.c.study_id == bindparam("of")).order_by(queue.c.id).limit(1)
_update_trial = update(trials).where(
    trials.c.study_id == bindparam("of"),
    trials.c.number == bindparam("which"),
    trials.c.token == bindparam("held"),
    trials.c.state == RUNNING,
)
_start_again = update(trials).where(
    trials.c.study_id == bindparam("of"),
    trials.c.number == bindparam("which"),
    trials.c.token == bindparam("held"),
    trials.c.state == FAILED,
)


class Transaction:
    """One transaction; all or nothing of it is stored.

    Parameters
    ----------
    connection : sqlalchemy.Connection
        In which it runs.
    storage : Storage
        Whose it is.
    """

    def __init__(self, connection: Connection, storage: Storage) -> None:
        self.connection = connection
        self._storage = storage
        self._due: dict[int, int] = {}  # the number that the next trial of a study must have

    def now(self) -> float:
        """Unix time, UTC, of one clock for all who share the store: the database server's, or this machine's."""
        if self._storage.postgres:
            return float(self.connection.execute(text("SELECT extract(epoch FROM clock_timestamp())")).scalar_one())
        return time.time()

    # --- studies -------------------------------------------------------------------------------------------------

    def studies(self) -> list[StudyRecord]:
        """All studies, in the order of their making."""
        rows = self.connection.execute(select(studies).order_by(studies.c.id)).fetchall()
        return [StudyRecord.from_row(tuple(row)) for row in rows]

    def find(self, name: str) -> StudyRecord | None:
        """A study by its name."""
        row = self.connection.execute(_study_by_name, {"called": name}).fetchone()
        if row is None:
            return None
        return self._seen(StudyRecord.from_row(tuple(row)))

    def _seen(self, record: StudyRecord) -> StudyRecord:
        # By it the store knows its file again.
        self._storage.seen[record.id] = record
        return record

    def get(self, name: str) -> StudyRecord:
        """A study by its name.

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
                f"name must be that of a study in {self._storage.shown} ({shown or 'it has none'}), got {name!r:.80}"
            )
        return found

    def _of(self, study_id: int) -> str:
        """Words for the messages of damage."""
        known = self._storage.seen.get(study_id)
        return "" if known is None else f" of study {known.name!r:.80}"

    def current(self, study_id: int, *, lock: bool) -> StudyRecord:
        """The newest record of a study; with a lock, nobody else changes it until this transaction ends.

        Raises
        ------
        UnknownStudy
            It was deleted.
        """
        # A transaction that writes has all of SQLite for itself.
        query = _study_by_id.with_for_update() if lock and self._storage.postgres else _study_by_id
        row = self.connection.execute(query, {"of": study_id}).fetchone()
        if row is None:
            raise UnknownStudy(f"the study was deleted from {self._storage.shown} in the meantime")
        record = self._seen(StudyRecord.from_row(tuple(row)))
        self._due[study_id] = record.n_trials
        return record

    def create(self, name: str, spec: str) -> StudyRecord:
        """A new study; the one there is if another process was quicker."""
        if self._storage.postgres:
            self.connection.execute(text("LOCK TABLE hpcore_studies IN SHARE ROW EXCLUSIVE MODE"))
        found = self.find(name)
        if found is not None:
            return found
        created = self.now()
        values = {"name": name, "created": created, "n_trials": 0, "mode": "", "spec": spec, "crc": 0}
        self.connection.execute(insert(studies), values)
        study_id = self.connection.execute(select(studies.c.id).where(studies.c.name == name)).scalar_one()
        record = StudyRecord(study_id, name, created, 0, "", spec)
        self.change(record)
        return record

    def change(self, record: StudyRecord) -> None:
        """Store what a study is now.

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
        fields = {"n_trials": record.n_trials, "mode": record.mode, "spec": record.spec}
        self.connection.execute(_update_study, {"of": record.id, **fields, "crc": checksum(record.fields())})

    def delete(self, study_id: int) -> None:
        """Remove a study with all that is its own."""
        for table in (trials, queue, attributes, folds):
            self.connection.execute(table.delete().where(table.c.study_id == study_id))
        self.connection.execute(studies.delete().where(studies.c.id == study_id))
        self._storage.seen.pop(study_id, None)

    # --- trials --------------------------------------------------------------------------------------------------

    def trials(self, study: StudyRecord, start: int = 0, also: Sequence[int] = ()) -> list[tuple[Any, ...]]:
        """Verified fields of the trials from a number on, and of some before it, by number.

        Raises
        ------
        DamagedStore
            A checksum does not fit, or a trial is missing.
        """
        rows: list[Any] = []
        for first in range(0, len(also), _CHUNK):
            part = list(also[first : first + _CHUNK])
            rows += self.connection.execute(_trials_among, {"of": study.id, "numbers": part}).fetchall()
        rows += self.connection.execute(_trials_from, {"of": study.id, "start": start}).fetchall()
        # What a study says of its length is not believed: nothing of that size is made before it is known to be true.
        asked = range(start, study.n_trials)
        if len(rows) != len(also) + len(asked) or [row[1] for row in rows] != [*also, *asked]:
            found = {row[1] for row in rows}
            missing = next((n for n in chain(also, asked) if n not in found), None)
            what = (
                f"trial {missing} of study {study.name!r} is missing"
                if missing is not None
                else (f"study {study.name!r} has trials that were never begun")
            )
            raise DamagedStore(f"storage {self._storage.shown} is damaged: {what}; 'hpcore repair' saves the others")
        # The fast way is one look at all; the slow one says which.
        fields = [tuple(row[:-1]) for row in rows]
        if [checksum(f) for f in fields] != [row[-1] for row in rows]:
            for row in rows:
                verify(f"trial {row[1]!r} of study {study.name!r} in {self._storage.shown}", tuple(row))
        check_trials(fields, f" of study {study.name!r:.80}")
        return fields

    def trial(self, study_id: int, number: int) -> TrialRecord | None:
        """One trial; None if there is none of that number."""
        row = self.connection.execute(_trials_among, {"of": study_id, "numbers": [number]}).fetchone()
        return (
            None if row is None else TrialRecord.from_fields(verify(f"trial {number}{self._of(study_id)}", tuple(row)))
        )

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
        """Store trials that are new; that they leave no gap is seen when their study is changed."""
        if records:
            self.connection.execute(_insert_trial, [record.to_row() for record in records])

    def _refuse_gap(self, study_id: int, number: int, due: int) -> NoReturn:
        raise StorageError(
            f"storage {self._storage.shown} has {due} trials of study {study_id}, and {number} would leave a gap: "
            f"the study's memory was changed past its store. Nothing was stored; go on with the study, or open it again"
        )

    def replace(self, record: TrialRecord, token: int) -> bool:
        """Store what became of a trial, if it is still running and has the fencing token; whether it did."""
        row = record.to_row()
        keys = {"of": row.pop("study_id"), "which": row.pop("number"), "held": token}
        return self.connection.execute(_update_trial, {**row, **keys}).rowcount == 1

    def finish(self, record: TrialRecord) -> TrialRecord:
        """Store the result of a trial, unless it has one: the first result counts, whoever brings it.

        Returns
        -------
        TrialRecord
            What is stored now: the given one, perhaps under the token of whom the trial was given to since, or the
            result that was first. A trial that was given up after its workers ended has none: values that come late
            take the place of that.

        Raises
        ------
        UnknownStudy
            The trial was deleted with its study.
        """
        while not self.replace(record, record.token):
            found = self.trial(record.study_id, record.number)
            if found is None:
                raise UnknownStudy(f"trial {record.number} was deleted from {self._storage.shown} with its study")
            if found.state != RUNNING:
                if not found.is_given_up or record.state != COMPLETE:
                    return found
                row = replace(found, state=RUNNING, error=None).to_row()
                keys = {"of": row.pop("study_id"), "which": row.pop("number"), "held": found.token}
                self.connection.execute(_start_again, {**row, **keys})
            record = replace(record, token=found.token, deaths=found.deaths)
        return record

    # --- what else a study has -----------------------------------------------------------------------------------

    def enqueue(self, study_id: int, params: str) -> None:
        """Add parameters to the end of a study's queue."""
        row = {"study_id": study_id, "params": params, "crc": checksum((study_id, params))}
        self.connection.execute(insert(queue), row)

    def dequeue(self, study_id: int) -> str | None:
        """The first parameters in a study's queue, taken out of it."""
        row = self.connection.execute(_first_queued, {"of": study_id}).fetchone()
        if row is None:
            return None
        self.connection.execute(queue.delete().where(queue.c.id == row[0]))
        params: str = verify("an enqueued trial", tuple(row[1:]))[1]
        return params

    def attributes(self, study_id: int) -> dict[str, Any]:
        """A study's attributes by name."""
        query = select(attributes).where(attributes.c.study_id == study_id).order_by(attributes.c.name)
        out = {}
        for row in self.connection.execute(query):
            what = f"attribute {row[1]!r:.80}{self._of(study_id)}"
            _, name, value = verify(what, tuple(row))
            if not isinstance(name, str):
                raise DamagedStore(f"{what} is damaged: its name must be text")
            out[name] = _read(what, value)
            # A user's own is a list of it alone.
            if name.startswith("user:") and not (isinstance(out[name], list) and len(out[name]) == 1):
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

    def add_fold(self, study_id: int, number: int, fold: int, score: str) -> None:
        """Store the score of one fold of a trial; a second one of the same fold takes its place."""
        mine = (folds.c.study_id == study_id) & (folds.c.number == number) & (folds.c.fold == fold)
        self.connection.execute(folds.delete().where(mine))
        crc = checksum((study_id, number, fold, score))
        row = {"study_id": study_id, "number": number, "fold": fold, "score": score, "crc": crc}
        self.connection.execute(insert(folds), row)

    def folds(self, study_id: int, numbers: Sequence[int]) -> dict[tuple[int, int], Any]:
        """Scores of folds of some trials, by (trial, fold)."""
        out = {}
        for first in range(0, len(numbers), _CHUNK):
            among = folds.c.number.in_(list(numbers[first : first + _CHUNK]))
            for row in self.connection.execute(select(folds).where(folds.c.study_id == study_id, among)):
                what = f"fold {row[2]!r:.80} of trial {row[1]!r:.80}{self._of(study_id)}"
                _, number, fold, score = verify(what, tuple(row))
                if type(number) is not int or type(fold) is not int:
                    raise DamagedStore(f"{what} is damaged: both must be integers")
                out[number, fold] = _read(what, score)
        return out


def _read(what: str, value: str) -> Any:
    try:
        return from_text(value)
    except (ValueError, InvalidArgument):
        raise DamagedStore(f"{what} is damaged: it is no JSON") from None
