"""Trials of an optimizer, read from the records of a store."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from hpcore.errors import DamagedStore
from hpcore.ledger.shapes import ORIGIN, Notes, check_mapping, json_from, notes_from, objective_from, report_from
from hpcore.ledger.spaces import params_from_text
from hpcore.records.history import COMPLETE, PRUNED, RUNNING
from hpcore.records.outcome import Outcome
from hpcore.records.rows import Rows
from hpcore.records.trial import Trial
from hpcore.space.space import Space
from hpcore.storage.records import TRIAL_COLUMNS, ReportRecord, TrialRecord

__all__ = [
    "adopt_result",
    "order_of",
    "read_facts",
    "read_reports",
    "read_result",
    "read_rows",
    "report_data",
    "used_params",
    "values_of",
]


def order_of(notes: str | None) -> dict[str, Any]:
    """Return what a scheduler keeps with a trial, out of the notes of its record.

    Raises
    ------
    ValueError
        The notes are not what was written.
    """
    if notes is None:
        return {}
    found = check_mapping("its notes", json_from("its notes", notes))
    return {name: found[name] for name in ("until", *ORIGIN) if name in found}


def used_params(record: TrialRecord, space: Space, study: str) -> dict[str, Any]:
    """Read the parameters of a trial whose point is not what was proposed.

    Raises
    ------
    DamagedStore
        They are not legal, or their point is another one.
    """
    try:
        params = space.check(params_from_text(space, record.params))
        if np.asarray(space.encode(params)).astype("<f8").tobytes() != record.point:
            raise ValueError("its point and its params do not go together")
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        raise DamagedStore(f"trial {record.number} of study {study!r:.80} is damaged: {error}") from None
    return params


def read_facts(record: TrialRecord, m: int, study: str) -> tuple[tuple[float, ...] | None, Notes]:
    """Read the values and notes of a stored trial in any state.

    Parameters
    ----------
    record : TrialRecord
        Record of the trial.
    m : int
        Number of objectives.
    study : str
        Name of the study, for errors.

    Raises
    ------
    DamagedStore
        The record is damaged.
    """
    try:
        notes = notes_from(record.notes)
        _errors_of(record.std_error, notes, m)
        return values_of(record.state, record.objective, m), notes
    except ValueError as error:
        raise DamagedStore(f"trial {record.number} of study {study!r:.80} is damaged: {error}") from None


def read_result(record: TrialRecord, m: int, study: str) -> tuple[Outcome, dict[str, Any] | None]:
    """Read the outcome and user attributes of a stored trial that is not running; for the arguments see `read_facts`.

    Raises
    ------
    DamagedStore
        The record is damaged, or the trial is running.
    """
    if record.state == RUNNING:
        raise DamagedStore(f"trial {record.number} of study {study!r:.80} is damaged: it is running still")
    values, notes = read_facts(record, m, study)
    facts = (record.cost, notes.metrics, notes.gradient)
    std_error = _errors_of(record.std_error, notes, m)
    return Outcome(values, record.state, std_error, record.error, *facts), notes.user_attrs


def _errors_of(first: float | None, notes: Notes, m: int) -> float | tuple[float, ...] | None:
    """Standard error of the first value, or those of all values if there are several.

    Raises
    ------
    ValueError
        The first one and the others do not go together.
    """
    if notes.std_errors is None:
        return first
    if len(notes.std_errors) != m or m == 1 or notes.std_errors[0] != first:
        raise ValueError(f"its std_errors must be one per value, the first one {first!r}, got {notes.std_errors!r:.80}")
    return notes.std_errors


def values_of(state: int, objective: str | None, m: int) -> tuple[float, ...] | None:
    """Read the values of a trial in any state: the result of a complete one, or the estimate of a pruned one.

    Raises
    ------
    ValueError
        The values are not finite numbers, or a trial in this state cannot have them, or must have some.
    """
    if objective is None:
        if state == COMPLETE:
            raise ValueError("its state and its values do not go together")
        return None
    if state not in (COMPLETE, PRUNED):
        raise ValueError("its state and its values do not go together")
    return objective_from(objective, m)


def adopt_result(trial: Trial, record: TrialRecord, m: int, study: str) -> Outcome:
    """Read the outcome of a stored trial, and set times and attributes of `trial`; for errors see `read_result`."""
    outcome, user_attrs = read_result(record, m, study)
    trial.started, trial.finished = record.started, record.finished
    trial.extras, trial.progress = (user_attrs, None), None  # reports of the other evaluation are in the store
    return outcome


def read_rows(
    fields: Sequence[tuple[Any, ...]], reports: Sequence[ReportRecord], space: Space, m: int, study: str
) -> Rows:
    """Read consecutive trials as columns.

    Parameters
    ----------
    fields : sequence of tuple
        Verified fields of at least one trial, in the order and with the types of `TRIAL_COLUMNS`.
    reports : sequence of ReportRecord
        Partial results of these or earlier trials, in order of arrival.
    space : Space
        Space of the study.
    m : int
        Number of objectives.
    study : str
        Name of the study, for errors.

    Raises
    ------
    DamagedStore
        A record with a valid checksum is not a trial of this space, or not a report of a trial.
    """
    try:
        rows = _rows(fields, space, m)
    except ValueError as error:
        # Reading all trials at once is fast; one by one finds the damaged one.
        for row in fields:
            try:
                _rows([row], space, m)
            except ValueError as wrong:
                raise DamagedStore(f"trial {row[1]} of study {study!r:.80} is damaged: {wrong}") from None
        raise DamagedStore(f"trials of study {study!r:.80} are damaged: {error}") from None
    rows.reports = read_reports(reports, m, study, fields[-1][1] + 1)
    return rows


def read_reports(
    reports: Sequence[ReportRecord], m: int, study: str, n_trials: int
) -> list[tuple[int, float, tuple[float, ...], float | None, int]]:
    """Read partial results in the form of `Rows.reports`.

    Raises
    ------
    DamagedStore
        A report does not have one number per objective, or there is no trial of its number.
    """
    out = []
    for report in reports:
        try:
            if report.number >= n_trials:
                raise ValueError("there is no such trial")
            values = report_from(report.value, m)
        except ValueError as error:
            raise DamagedStore(
                f"report {report.step:g} of trial {report.number} of study {study!r:.80} is damaged: {error}"
            ) from None
        out.append((report.number, report.step, values, report.cost, report.job))
    return out


def report_data(report: ReportRecord, study: str) -> Any:
    """Read the further data of a partial result; None if there is none.

    Raises
    ------
    DamagedStore
        The data are not JSON.
    """
    if report.data is None:
        return None
    try:
        return json_from("its data", report.data)
    except ValueError as error:
        raise DamagedStore(
            f"report {report.step:g} of trial {report.number} of study {study!r:.80} is damaged: {error}"
        ) from None


def _rows(fields: Sequence[tuple[Any, ...]], space: Space, m: int) -> Rows:
    n, d = len(fields), len(space)
    columns = dict(zip(TRIAL_COLUMNS, zip(*fields, strict=True), strict=True))
    numbers, points = columns["number"], columns["point"]
    if any(len(point) != 8 * d for point in points):
        raise ValueError(f"its point must have {d} coordinates")
    X = np.frombuffer(b"".join(points), dtype="<f8").reshape(n, d).astype(np.float64)
    state = np.array(columns["state"], dtype=np.uint8)
    nothing = (math.nan,) * m
    values = np.array(
        [
            nothing if (told := values_of(code, text, m)) is None else told
            for code, text in zip(columns["state"], columns["objective"], strict=True)
        ]
    )
    times = np.array([columns["started"], columns["finished"]], dtype=np.float64).T
    if not np.all(np.isnan(X) | ((X >= 0.0) & (X <= 1.0))):
        raise ValueError("its point is outside of the unit cube")
    _check_missing(space, X, columns)
    rows = Rows(
        X,
        state,
        values.reshape(n, m),
        times,
        cost=_maybe(columns["cost"]),
        job=None if columns["job"] == numbers else np.array(columns["job"], dtype=np.int64),
    )
    rows.notes, rows.until, errors = _rare(columns, space, m)
    if any(error is not None for error in columns["std_error"]):
        rows.std_errors = np.full((n, m), math.nan)
        rows.std_errors[:, 0] = np.array(columns["std_error"], dtype=np.float64)
        for i, of_all in errors.items():
            rows.std_errors[i] = of_all
    return rows


def _check_missing(space: Space, X: npt.NDArray[np.float64], columns: dict[str, tuple[Any, ...]]) -> None:
    """Check that NaN stands for inactive parameters, or for those that a given trial lacks.

    Raises
    ------
    ValueError
        A coordinate is NaN for another reason.
    """
    decode = space.columns.codec.decode
    try:
        decode(X)
    except ValueError:
        exact = np.array(columns["exact"], dtype=np.bool_)
        decode(X[~exact])
        for i in np.flatnonzero(exact).tolist():
            params = params_from_text(space, columns["params"][i])
            if [name for name, u in zip(space, X[i].tolist(), strict=True) if not math.isnan(u)] != list(params):
                raise


def _maybe(column: tuple[float | None, ...]) -> Any:
    """Convert a column of numbers, with NaN for None; None if all entries are None."""
    return np.array(column, dtype=np.float64) if any(value is not None for value in column) else None


def _rare(
    columns: dict[str, tuple[Any, ...]], space: Space, m: int
) -> tuple[dict[int, dict[str, Any]], npt.NDArray[np.float64] | None, dict[int, Any]]:
    """Read the notes of the trials that have some, by trial number, the column ``until`` of `Rows`, and, by row, the
    standard errors of trials with several values."""
    rare: dict[int, dict[str, Any]] = {}
    until: dict[int, float] = {}
    errors: dict[int, Any] = {}
    numbers, params = columns["number"], columns["params"]
    for i, (given, error, text) in enumerate(zip(columns["exact"], columns["error"], columns["notes"], strict=True)):
        if given:
            rare[numbers[i]] = {"params": params_from_text(space, params[i])}
        if error is None and text is None:
            continue
        notes = notes_from(text)
        facts = _facts(notes)
        if error is not None or facts or notes.user_attrs is not None or notes.until is None:
            rare.setdefault(numbers[i], {}).update(error=error, user_attrs=notes.user_attrs, **facts)
        if notes.until is not None:
            until[i] = notes.until
        if notes.std_errors is not None:
            errors[i] = _errors_of(columns["std_error"][i], notes, m)
    if not until:
        return rare, None, errors
    column = np.full(len(numbers), math.nan)
    column[list(until)] = list(until.values())
    return rare, column, errors


def _facts(notes: Notes) -> dict[str, Any]:
    both = {"metrics": notes.metrics, "gradient": notes.gradient}
    return {**{name: value for name, value in both.items() if value is not None}, **notes.origin}
