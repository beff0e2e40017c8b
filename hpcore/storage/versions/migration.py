"""The way from version 1 to version 2, in the transaction that it is called in: all of it happens, or nothing."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, column, func, insert, select, table, text
from sqlalchemy.exc import IntegrityError

from hpcore.errors import DamagedStore
from hpcore.storage import schema
from hpcore.storage.dialects.base import Dialect
from hpcore.storage.records import REPORT_COLUMNS, STUDY_COLUMNS, TRIAL_COLUMNS, ReportRecord, checksum
from hpcore.storage.versions import one

__all__ = ["OLD_TABLES", "migrate"]

OLD_TABLES = ("hpcore_studies", "hpcore_trials", "hpcore_folds")
# End of the names that the old tables have while they are copied.
_OLD = "_v1"
_CHUNK = 500
_NOTES = one.TRIAL_COLUMNS_ONE.index("notes")
# Instead of nothing, where a damaged record has it in a column that must have something.
_FILLERS: dict[str, Any] = {"point": b"", "params": "", "name": "", "mode": "", "spec": "", "value": "", "created": 0.0}


def migrate(connection: Connection, dialect: Dialect) -> None:
    """Bring a store from version 1 to version 2.

    Parameters
    ----------
    connection : Connection
        In a transaction that writes.
    dialect : Dialect
        The database.

    Raises
    ------
    DamagedStore
        Records of it are damaged so that they cannot be copied.

    Notes
    -----
    A record whose checksum fits is given that of version 2; one that is damaged is copied with a checksum that does not
    fit, so that it stays what it is: found by whoever reads it, while the others are intact.
    """
    last = dialect.last_id(connection, "hpcore_studies")
    for name in OLD_TABLES:
        connection.exec_driver_sql(f"ALTER TABLE {name} RENAME TO {name}{_OLD}")
    made = schema.ddl(dialect.words)
    for name in ("hpcore_studies", "hpcore_trials", "hpcore_reports"):
        connection.exec_driver_sql(made[name])
    try:
        _copy(connection)
    except IntegrityError as error:
        raise DamagedStore(
            f"storage {dialect.shown} was written by an older hpcore and is damaged so that it cannot be brought to "
            f"version {schema.VERSION} ({' '.join(str(error.orig).split())}); it was not changed, and 'hpcore repair' "
            "saves what is intact"
        ) from error
    dialect.skip_ids(connection, "hpcore_studies", last)
    for name in OLD_TABLES:
        connection.exec_driver_sql(f"DROP TABLE {name}{_OLD}")
    version = {"version": str(schema.VERSION)}
    connection.execute(text("UPDATE hpcore_meta SET value = :version WHERE name = 'schema'"), version)


def _copy(connection: Connection) -> None:
    objectives: dict[Any, int] = {}
    described = connection.execute(select(schema.attributes).where(schema.attributes.c.name == one.SEARCH))
    metrics = {row[0]: one.decisive_metric(row[2]) for row in described}

    def study(fields: tuple[Any, ...], intact: bool) -> Iterator[tuple[Any, dict[str, Any]]]:
        objectives[fields[0]] = one.n_objectives(fields[-1])
        yield schema.studies, _row(STUDY_COLUMNS, one.study_fields(fields), "crc2", intact)

    def trial(fields: tuple[Any, ...], intact: bool) -> Iterator[tuple[Any, dict[str, Any]]]:
        moved = one.trial_fields(fields)
        reports: list[ReportRecord] = []
        if intact and isinstance(fields[_NOTES], str) and "reports" in fields[_NOTES]:
            moved, reports = one.trial_to_two(fields, objectives.get(fields[0], 1), _folds_of(connection, fields))
        yield schema.trials, _row(TRIAL_COLUMNS, moved, "crc2", intact)
        for report in reports:
            yield schema.reports, report.to_row()

    def fold(fields: tuple[Any, ...], intact: bool) -> Iterator[tuple[Any, dict[str, Any]]]:
        if intact and type(fields[2]) is int:
            m, metric = objectives.get(fields[0], 1), metrics.get(fields[0])
            yield schema.reports, one.fold_to_report(fields, m, metric).to_row()
        else:
            study_id, number, step, score = fields
            known = type(step) in (int, float) and math.isfinite(step)
            moved = (study_id, number, float(step) if known else step, number, "[NaN]", None, score)
            yield schema.reports, _row(REPORT_COLUMNS, moved, "crc", False)

    _copy_table(connection, one.studies, study)
    _copy_table(connection, one.trials, trial)
    _copy_table(connection, one.folds, fold)


def _copy_table(
    connection: Connection, old: Any, moved: Callable[[tuple[Any, ...], bool], Iterator[tuple[Any, dict[str, Any]]]]
) -> None:
    """Copy a table; `moved` gives, for the fields of a row and whether they are intact, new rows with their tables."""
    renamed = table(f"{old.name}{_OLD}", *(column(c.name) for c in old.c))
    waiting: dict[Any, list[dict[str, Any]]] = {}
    n = 0
    # All of it in the order in which it lies, without an index that may be damaged.
    with connection.execute(select(renamed), execution_options={"yield_per": _CHUNK}) as result:
        for part in result.partitions():
            for *fields, crc in part:
                for target, row in moved(tuple(fields), checksum(tuple(fields)) == crc):
                    waiting.setdefault(target, []).append(row)
            for target, rows in waiting.items():
                connection.execute(insert(target), rows)
            waiting.clear()
            n += len(part)
    there = connection.execute(select(func.count()).select_from(renamed)).scalar_one()
    if n != there:
        raise DamagedStore(f"table {old.name} is damaged: it has {there} rows, and {n} can be read")


def _row(columns: Sequence[str], fields: tuple[Any, ...], sum_name: str, intact: bool) -> dict[str, Any]:
    if intact:
        return {**dict(zip(columns, fields, strict=True)), sum_name: checksum(fields)}
    row = dict(zip(columns, fields, strict=True))
    missing = {name: _FILLERS.get(name, 0) for name in row if row[name] is None and name not in _OPTIONAL}
    return {**row, **missing, sum_name: checksum(tuple({**row, **missing}.values())) ^ 1}


_OPTIONAL = frozenset(
    {"objective", "std_error", "cost", "started", "finished", "error", "notes", "worker", "lease", "data"}
)


def _folds_of(connection: Connection, fields: tuple[Any, ...]) -> set[int]:
    found = text(f"SELECT fold FROM hpcore_folds{_OLD} WHERE study_id = :study_id AND number = :number")  # noqa: S608
    return set(connection.execute(found, {"study_id": fields[0], "number": fields[1]}).scalars())
