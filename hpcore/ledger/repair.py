"""Repair of a damaged store: its intact records are written to a new one."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from hpcore.errors import DamagedStore, InvalidArgument, StorageError
from hpcore.ledger.shapes import spec_from
from hpcore.records.history import FAILED, RUNNING
from hpcore.storage.opening import open_storage
from hpcore.storage.records import (
    REPORT_COLUMNS,
    STUDY_COLUMNS,
    TRIAL_COLUMNS,
    ReportRecord,
    StudyRecord,
    TrialRecord,
    checksum,
)
from hpcore.storage.salvage import pages_of, records_of
from hpcore.storage.schema import attributes, queue, studies
from hpcore.storage.transaction import Transaction
from hpcore.storage.versions import one

__all__ = ["Repaired", "find_damage", "repair"]

# Columns of each kind of record that are real numbers; SQLite stores integral ones as integers.
_STUDY_REALS = frozenset({STUDY_COLUMNS.index("created")})
_TRIAL_REALS = frozenset(TRIAL_COLUMNS.index(name) for name in ("std_error", "cost", "started", "finished", "lease"))
_OLD_TRIAL_REALS = frozenset(
    one.TRIAL_COLUMNS_ONE.index(name) for name in ("std_error", "started", "finished", "lease")
)
_REPORT_REALS = frozenset(REPORT_COLUMNS.index(name) for name in ("step", "cost"))
# Limit of trial numbers: lost trials are listed and stored as failed ones, and a forged number must not exhaust the
# memory.
MOST_TRIALS = 10_000_000


@dataclass
class Repaired:
    """Findings of a repair.

    Attributes
    ----------
    path : Path
        Path of the new store.
    n_trials : dict of str to int
        Number of intact trials by study.
    lost : dict of str to list of int
        Numbers of damaged or missing trials by study.
    orphans : int
        Number of intact trials whose study has a damaged record; they cannot be read without it.
    """

    path: Path
    n_trials: dict[str, int] = field(default_factory=dict)
    lost: dict[str, list[int]] = field(default_factory=dict)
    orphans: int = 0


@dataclass
class _Found:
    studies: dict[int, StudyRecord] = field(default_factory=dict)
    trials: dict[tuple[int, int], TrialRecord] = field(default_factory=dict)
    attributes: dict[tuple[int, str], str] = field(default_factory=dict)
    queue: dict[int, tuple[int, str]] = field(default_factory=dict)
    reports: dict[tuple[int, int, float], ReportRecord] = field(default_factory=dict)
    # Records of version 1: trials (None if a newer record is known) and scores of folds.
    old: dict[tuple[int, int], tuple[Any, ...] | None] = field(default_factory=dict)
    folds: dict[tuple[int, int, int], str] = field(default_factory=dict)


def find_damage(path: str | os.PathLike[str]) -> Repaired:
    """Return the findings of a repair without writing anything.

    Raises
    ------
    InvalidArgument, StorageError
        See `repair`.
    """
    source = _source(path)
    return _report(_read(source), source)


def repair(path: str | os.PathLike[str], to: str | os.PathLike[str] | None = None) -> Repaired:
    """Write the intact records of a damaged store to a new one. The damaged file is not changed.

    Parameters
    ----------
    path : str or path
        SQLite file, perhaps truncated or damaged; no process may be writing to it.
    to : str or path, optional
        Path of the new store, at which no file exists; by default ``NAME.repaired.db`` in the same directory. Lost
        trials are stored as failed ones, so that the others keep their numbers.

    Returns
    -------
    Repaired
        Findings of the repair.

    Raises
    ------
    InvalidArgument
        There is no such file, the new one exists, or no study is intact.
    StorageError
        A file cannot be read or written.
    """
    source = _source(path)
    target = source.with_name(f"{source.stem}.repaired.db") if to is None else Path(to).absolute()
    if target.exists():
        raise InvalidArgument(f"to must be a new file, and {str(target)!r} exists")
    found = _read(source)
    report = _report(found, target)
    if not found.studies:
        raise InvalidArgument(f"storage must hold an intact record of a study, and none was found in {str(source)!r}")
    store = open_storage(target)
    store.write(lambda transaction: _write(transaction, found, report))
    store.close()
    return report


def _source(path: str | os.PathLike[str]) -> Path:
    text = os.fspath(path)
    source = (
        Path(text.removeprefix("sqlite:///") if isinstance(text, str) else os.fsdecode(text)).expanduser().absolute()
    )
    if not source.is_file():
        raise InvalidArgument(f"storage must be an existing file of SQLite's, got {str(path)!r}")
    return source


def _read(source: Path) -> _Found:
    try:
        size, pages = pages_of(source)
    except OSError as error:
        raise StorageError(f"storage {str(source)!r} cannot be read: {error.strerror}") from error
    found = _Found()
    for rowid, values in records_of(size, pages):
        try:
            _sort_in(found, rowid, values)
        except DamagedStore:
            continue  # forged: it does not count as intact
    _drop_older(found)
    _renew(found)
    return found


def _drop_older(found: _Found) -> None:
    """Keep only the newest study of each name: the others are remains of deleted studies."""
    newest = {found.studies[study_id].name: study_id for study_id in sorted(found.studies)}
    older = found.studies.keys() - newest.values()
    for study_id in older:
        del found.studies[study_id]
    for key in [key for key in found.trials if key[0] in older]:
        del found.trials[key]
        found.old.pop(key, None)


def _sort_in(found: _Found, rowid: int | None, values: list[Any]) -> None:
    """Add a record to its kind and version, known by number of columns and a valid checksum; ignore other values."""
    *fields, crc = values
    n = len(fields)
    if n in (len(TRIAL_COLUMNS), len(one.TRIAL_COLUMNS_ONE)):
        old = n == len(one.TRIAL_COLUMNS_ONE)
        record = _reals(fields, _OLD_TRIAL_REALS if old else _TRIAL_REALS)
        if checksum(record) == crc:
            _add_trial(found, record, old)
    elif n in (len(STUDY_COLUMNS), len(one.STUDY_COLUMNS)):
        record = _reals(fields, _STUDY_REALS)
        if checksum(record) == crc:
            _add_study(found, record if n == len(STUDY_COLUMNS) else one.study_fields(record))
    elif n == 1 + len(REPORT_COLUMNS):
        record = _reals(fields[1:], _REPORT_REALS)
        if checksum(record) == crc:
            _add_report(found, ReportRecord.from_row((fields[0], *record, crc)))
    elif n == len(one.FOLD_COLUMNS) and checksum(tuple(fields)) == crc:
        # The score is converted in `_renew`, when the objectives of the study are known.
        if not {int}.issuperset(map(type, fields[:3])):
            raise DamagedStore("study, trial and fold must be integers")
        found.folds[fields[0], fields[1], fields[2]] = fields[3]
    elif n == 3:
        if checksum(tuple(fields)) == crc:
            found.attributes[fields[0], fields[1]] = fields[2]
        elif rowid is not None and checksum(tuple(fields[1:])) == crc:
            found.queue[rowid] = (fields[1], fields[2])


def _add_trial(found: _Found, record: tuple[Any, ...], old: bool) -> None:
    trial = TrialRecord.from_fields(one.trial_fields(record) if old else record)
    _check_number("a trial's number", trial.number)
    key = (trial.study_id, trial.number)
    # The file may contain remains of earlier states of a trial. The latest state is finished, or has a higher token,
    # more deaths or a later lease, or is of the newest version.
    if key not in found.trials or _age(found.trials[key]) < _age(trial) or (found.old.get(key) and not old):
        found.trials[key] = trial
        found.old[key] = record if old else None


def _add_study(found: _Found, record: tuple[Any, ...]) -> None:
    study = StudyRecord.from_fields(record)
    _n_parameters(study)
    _check_number("a study's number of trials", study.n_trials)
    before = found.studies.get(study.id)
    if before is None or (before.n_trials, before.n_jobs) <= (study.n_trials, study.n_jobs):
        found.studies[study.id] = study


def _add_report(found: _Found, report: ReportRecord) -> None:
    key = (report.study_id, report.number, report.step)
    if key not in found.reports or found.reports[key].id <= report.id:
        found.reports[key] = report


def _renew(found: _Found) -> None:
    """Convert trials of version 1, with their reports and folds, to the newest version."""
    m = {study.id: one.n_objectives(study.spec) for study in found.studies.values()}
    folds: dict[tuple[int, int], set[int]] = {}
    for (study_id, number, fold), score in sorted(found.folds.items()):
        folds.setdefault((study_id, number), set()).add(fold)
        metric = one.decisive_metric(found.attributes.get((study_id, one.SEARCH)))
        report = one.fold_to_report((study_id, number, fold, score), m.get(study_id, 1), metric)
        found.reports.setdefault((study_id, number, report.step), report)
    for key, old in sorted(found.old.items()):
        if old is not None:
            fields, reports = one.trial_to_two(old, m.get(key[0], 1), folds.get(key, ()))
            found.trials[key] = TrialRecord.from_fields(fields)
            for report in reports:
                found.reports.setdefault((*key, report.step), report)


def _check_number(what: str, value: int) -> None:
    if not 0 <= value <= MOST_TRIALS:
        raise DamagedStore(f"{what} must be in [0, {MOST_TRIALS}], got {value}")


def _n_parameters(study: StudyRecord) -> int:
    try:
        return len(spec_from(study.spec)["space"]["parameters"])
    except ValueError as error:
        raise DamagedStore(f"the record of study {study.name!r:.80} is damaged: {error}") from None


def _reals(fields: list[Any], reals: frozenset[int]) -> tuple[Any, ...]:
    return tuple(float(v) if i in reals and type(v) is int else v for i, v in enumerate(fields))


def _age(trial: TrialRecord) -> tuple[bool, int, int, float]:
    return (trial.state != RUNNING, trial.token, trial.deaths, trial.lease or 0.0)


def _report(found: _Found, target: Path) -> Repaired:
    report = Repaired(target)
    for study in found.studies.values():
        numbers = {number for study_id, number in found.trials if study_id == study.id}
        # The record of the study may be older than those of its trials, and its number of trials too low.
        n = max([study.n_trials, *(number + 1 for number in numbers)])
        report.n_trials[study.name] = len(numbers)
        report.lost[study.name] = [number for number in range(n) if number not in numbers]
    report.orphans = sum(study_id not in found.studies for study_id, _ in found.trials)
    return report


def _write(transaction: Transaction, found: _Found, report: Repaired) -> None:
    ids: dict[int, int] = {}
    lengths: dict[int, int] = {}
    for old, study in sorted(found.studies.items()):
        record = transaction.create(study.name, study.spec)
        ids[old] = record.id
        mine = sorted(number for study_id, number in found.trials if study_id == old)
        n = lengths[old] = len(mine) + len(report.lost[study.name])
        point = b"\0" * (8 * _n_parameters(study))
        for number in range(n):
            trial = found.trials.get((old, number))
            if trial is None:
                text = "this trial was damaged in the store, and lost; its point here is not what it was"
                trial = TrialRecord(record.id, number, number, FAILED, 0, point, "{}", error=text)
            transaction.insert(replace(trial, study_id=record.id))
        jobs = [found.trials[old, number].job + 1 for number in mine]
        mode = study.mode if not report.lost[study.name] else "fast"
        new = StudyRecord(record.id, study.name, study.created, n, max([n, study.n_jobs, *jobs]), mode, study.spec)
        transaction.connection.execute(studies.delete().where(studies.c.id == record.id))
        row = {**dict(zip(STUDY_COLUMNS, new.fields(), strict=True)), "crc2": checksum(new.fields())}
        transaction.connection.execute(insert(studies), row)
    for (old, name), value in found.attributes.items():
        if old in ids:
            row = {"study_id": ids[old], "name": name, "value": value, "crc": checksum((ids[old], name, value))}
            transaction.connection.execute(insert(attributes), row)
    for _, (old, params) in sorted(found.queue.items()):
        if old in ids:
            row = {"study_id": ids[old], "params": params, "crc": checksum((ids[old], params))}
            transaction.connection.execute(insert(queue), row)
    reports = sorted(found.reports.values(), key=lambda report: report.id)
    # Reports without a trial would be damage in the new store.
    kept = [r for r in reports if r.study_id in ids and r.number < lengths[r.study_id]]
    transaction.add_reports([replace(report, study_id=ids[report.study_id]) for report in kept])
