"""Transactions on a store of version 1 that may only be read: its records are given as those of version 2."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, select

from hpcore.errors import DamagedStore
from hpcore.storage.dialects.base import Dialect
from hpcore.storage.records import ReportRecord, StudyRecord, check_trials, verify
from hpcore.storage.schema import attributes
from hpcore.storage.transaction import CHUNK, Transaction
from hpcore.storage.versions import one

__all__ = ["OldTransaction"]


class OldTransaction(Transaction):
    """A transaction that reads a store of version 1.

    Parameters
    ----------
    connection : sqlalchemy.Connection
        Connection that is in a transaction.
    dialect : Dialect
        The database.
    seen : dict of int to StudyRecord
        Filled with the studies that are looked at.
    arrived : dict of tuple to int
        Filled with the ids of reports by study, trial and step: version 1 kept no order of arrival, so that they are
        counted as they are first seen.
    """

    def __init__(
        self,
        connection: Connection,
        dialect: Dialect,
        seen: dict[int, StudyRecord],
        arrived: dict[tuple[int, int, float], int],
    ) -> None:
        super().__init__(connection, dialect, seen)
        self._arrived = arrived

    def _study_rows(self, **which: Any) -> list[StudyRecord]:
        query = select(one.studies).order_by(one.studies.c.id).filter_by(**which)
        rows = [tuple(row) for row in self.connection.execute(query)]
        return [
            StudyRecord.from_fields(one.study_fields(verify(f"the record of study {row[1]!r:.80}", row)))
            for row in rows
        ]

    def studies(self) -> list[StudyRecord]:
        """See `Transaction.studies`."""
        return self._study_rows()

    def _study(self, lock: bool = False, **which: Any) -> StudyRecord | None:
        return next(iter(self._study_rows(**which)), None)

    def _trial_rows(self, study_id: int, start: int | None, among: Sequence[int]) -> list[Any]:
        trials = one.trials
        mine = select(trials).where(trials.c.study_id == study_id).order_by(trials.c.number)
        if start is not None:
            return list(self.connection.execute(mine.where(trials.c.number >= start)))
        return list(self.connection.execute(mine.where(trials.c.number.in_(among))))

    def jobs(self, study_id: int) -> dict[int, int]:
        """See `Transaction.jobs`; trials of version 1 have one job."""
        return {row[1]: row[1] for row in self._trial_rows(study_id, 0, ())}

    def _as_current(self, rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        # Reports in the notes are read with the others.
        return [one.trial_to_two(fields, 1)[0] for fields in rows]

    def reports(self, study_id: int, numbers: Sequence[int]) -> list[ReportRecord]:
        """See `Transaction.reports`."""
        out: list[ReportRecord] = []
        for first in range(0, len(numbers), CHUNK):
            part = list(numbers[first : first + CHUNK])
            rows = select(one.folds).where(one.folds.c.study_id == study_id, one.folds.c.number.in_(part))
            out += self._reports_of(study_id, self._trial_rows(study_id, None, part), self.connection.execute(rows))
        return sorted(out, key=lambda report: report.id)

    def reports_after(self, study_id: int, known: int) -> list[ReportRecord]:
        """See `Transaction.reports_after`."""
        rows = self.connection.execute(select(one.folds).where(one.folds.c.study_id == study_id))
        found = self._reports_of(study_id, self._trial_rows(study_id, 0, ()), rows)
        return sorted((report for report in found if report.id > known), key=lambda report: report.id)

    def _reports_of(self, study_id: int, trials: Iterable[Any], folds: Iterable[Any]) -> list[ReportRecord]:
        study, of = self._study(id=study_id), self._of(study_id)
        m = 1 if study is None else one.n_objectives(study.spec)
        described = select(attributes.c.value).where(attributes.c.study_id == study_id, attributes.c.name == one.SEARCH)
        metric = one.decisive_metric(self.connection.execute(described).scalar())
        found: list[ReportRecord] = []
        scored: dict[int, set[int]] = {}
        for row in folds:
            what = f"fold {row[2]!r:.80} of trial {row[1]!r:.80}{of}"
            fields = verify(what, tuple(row))
            if type(fields[1]) is not int or type(fields[2]) is not int or not -(2**53) <= fields[2] <= 2**53:
                raise DamagedStore(f"{what} is damaged: both must be integers")
            found.append(one.fold_to_report(fields, m, metric))
            scored.setdefault(fields[1], set()).add(fields[2])
        for row in trials:
            fields = verify(f"trial {row[1]!r:.80}{of}", tuple(row))
            check_trials([one.trial_fields(fields)], of)
            found += one.trial_to_two(fields, m, scored.get(row[1], ()))[1]
        found.sort(key=lambda report: (report.number, report.step))
        return [self._with_id(report) for report in found]

    def _with_id(self, report: ReportRecord) -> ReportRecord:
        key = (report.study_id, report.number, report.step)
        return report.numbered(self._arrived.setdefault(key, len(self._arrived) + 1))
