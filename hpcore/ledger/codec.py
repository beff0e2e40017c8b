"""Conversion of trials between an optimizer and the records of a store."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from hpcore.errors import DamagedStore, InvalidArgument, InvalidType
from hpcore.ledger.shapes import (
    ORIGIN,
    Notes,
    check_mapping,
    json_from,
    notes_from,
    objective_from,
    report_from,
)
from hpcore.ledger.spaces import params_from_text, params_to_text
from hpcore.optimizer import Optimizer
from hpcore.optimizer.known import Known
from hpcore.records.history import COMPLETE, PRUNED, RUNNING
from hpcore.records.outcome import Outcome
from hpcore.records.rows import Rows
from hpcore.records.trial import Trial
from hpcore.space.space import Space
from hpcore.storage.plain import bounded_error, to_text
from hpcore.storage.records import TRIAL_COLUMNS, ReportRecord, TrialRecord, real

__all__ = [
    "adopt_result",
    "begun",
    "ended",
    "in_space",
    "is_same_result",
    "known_records",
    "order_of",
    "read_facts",
    "read_reports",
    "read_result",
    "read_rows",
    "report_data",
    "report_record",
    "report_records",
    "resumed",
    "used_params",
    "values_of",
    "with_params",
]

_AT = {name: i for i, name in enumerate(TRIAL_COLUMNS)}


# --- to the store ----------------------------------------------------------------------------------------------------


def begun(optimizer: Optimizer, trial: Trial, study_id: int, worker: str, lease: float) -> TrialRecord:
    """Make the record of a trial that the optimizer has just begun, for `worker` until `lease` (unix time)."""
    history, number = optimizer.history, trial.number
    return TrialRecord(
        study_id=study_id,
        number=number,
        job=history.job_of(number),
        state=RUNNING,
        exact=int("params" in history.notes.get(number, {})),
        point=history.X[number].astype("<f8").tobytes(),
        params=params_to_text(optimizer.space, trial.params),
        notes=_with_order(optimizer, number, {}),
        token=1,
        worker=worker,
        lease=lease,
    )


def resumed(optimizer: Optimizer, record: TrialRecord, worker: str, lease: float) -> TrialRecord:
    """Make the record of a paused trial that the optimizer has just resumed, for `worker` until `lease`.

    Raises
    ------
    ValueError
        The record has notes that are not what was written.
    """
    kept = {} if record.notes is None else check_mapping("its notes", json_from("its notes", record.notes))
    bare = {name: data for name, data in kept.items() if name != "until" and name not in ORIGIN}
    notes = _with_order(optimizer, record.number, bare)
    return replace(record.resumed(optimizer.history.job_of(record.number), worker, lease), notes=notes)


def _with_order(optimizer: Optimizer, number: int, notes: dict[str, Any]) -> str | None:
    """Write notes together with what a scheduler keeps with a trial."""
    history = optimizer.history
    if history.until is None:
        return json.dumps(notes) if notes else None
    known, until = history.notes.get(number, {}), float(history.until[number])
    order = {} if math.isnan(until) else {"until": until}
    order |= {name: known[name] for name in ORIGIN if name in known}
    return json.dumps({**order, **notes}) if order or notes else None


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


def ended(record: TrialRecord, trial: Trial, outcome: Outcome) -> TrialRecord:
    """Make the record of the same trial with an outcome, also of a paused trial, and with its user attributes.

    Facts that this job did not measure stay those of earlier jobs.
    """
    user_attrs, _ = trial.settle()
    return record.ended(
        outcome.state,
        _objective(outcome),
        _first_error(outcome),
        (trial.started, trial.finished),
        bounded_error(outcome.error),
        _notes(outcome, user_attrs, _kept(record.notes)),
        record.cost if outcome.cost is None else outcome.cost,
    )


def with_params(record: TrialRecord, space: Space, params: Mapping[str, Any]) -> TrialRecord:
    """Make the record of the same trial with the parameters that were really used."""
    point = np.asarray(space.encode(params))
    exact = int(space.decode(point.copy()) != dict(params))
    return replace(record, exact=exact, point=point.astype("<f8").tobytes(), params=params_to_text(space, params))


def in_space(record: TrialRecord, space: Space, rows: Rows) -> TrialRecord:
    """Make the record of the same trial in another space, in which `rows` are all trials of the study.

    A running trial gets another token: what its worker knows of it is of the space before.
    """
    number = record.number
    return replace(
        record,
        exact=1,
        point=rows.X[number].astype("<f8").tobytes(),
        params=params_to_text(space, rows.notes[number]["params"]),
        token=record.token + (record.state == RUNNING),
    )


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


def _kept(notes: str | None) -> dict[str, Any]:
    """Return the notes of earlier jobs that stay unless a later job replaces them."""
    if notes is None:
        return {}
    found = check_mapping("its notes", json_from("its notes", notes))
    return {name: found[name] for name in ("until", *ORIGIN, "metrics", "gradient") if name in found}


def _objective(outcome: Outcome) -> str | None:
    return None if outcome.values is None else json.dumps(list(outcome.values))


def _first_error(outcome: Outcome) -> float | None:
    """Standard error of the first value; those of several values are among the notes too."""
    return outcome.std_errors[0] if outcome.std_errors else None


def _notes(outcome: Outcome, user_attrs: dict[str, Any] | None, kept: dict[str, Any]) -> str | None:
    notes: dict[str, Any] = {"user_attrs": user_attrs} if user_attrs else {}
    if len(outcome.std_errors) > 1:
        notes["std_errors"] = list(outcome.std_errors)
    notes = {**kept, **notes, **outcome.extras}
    return json.dumps(notes) if notes else None


def report_record(
    study_id: int,
    number: int,
    job: int,
    step: float,
    values: Sequence[float],
    cost: float | None = None,
    data: str | None = None,
) -> ReportRecord:
    """Make the record of a partial result.

    Parameters
    ----------
    study_id, number, job : int
        Study, number and job of the trial that reports.
    step : float
        Resource used up to the report.
    values : sequence of float
        One value per objective in the user's own sign; may be NaN.
    cost : float, optional
        Cost of reaching the step.
    data : str, optional
        Further plain data, as JSON.
    """
    value = json.dumps([float(value) for value in values])
    return ReportRecord(study_id, number, float(step) + 0.0, job, value, real(cost), data)


def report_records(optimizer: Optimizer, trial: Trial, record: TrialRecord, curves: bool = False) -> list[ReportRecord]:
    """Make the records of partial results that are stored when a job of a trial ends; most trials have none.

    Parameters
    ----------
    optimizer : Optimizer
        Optimizer with the reports that were made while the trial ran.
    trial : Trial
        Settled trial, with the entries of ``trial.reports``, and the reports that its progress brings home.
    record : TrialRecord
        Record of the trial.
    curves : bool
        Include the reports of this job that the optimizer has, for those that were not stored when they were made.
    """
    rows, written = optimizer.history.curves.of(trial.number), trial.extras[1]
    brought = () if trial.progress is None else trial.progress.reports
    if not written and not brought and not (rows and curves):
        return []
    m, known = len(optimizer.directions), optimizer.history.curves
    signs = np.array([-1.0 if way == "maximize" else 1.0 for way in optimizer.directions])
    out: dict[float, ReportRecord] = {}
    for i in rows:
        job, step, cost = int(known.job[i]), float(known.step[i]), float(known.cost[i])
        out[step] = report_record(record.study_id, record.number, job, step, (known.values[i] * signs).tolist(), cost)
    mine = [report for report in out.values() if curves and report.job == record.job]
    last = float(known.step[rows[-1]]) if rows else -math.inf
    for step, brought_values, brought_cost in brought:
        if step > last:  # as the optimizer takes them
            out[step] = report_record(record.study_id, record.number, record.job, step, brought_values, brought_cost)
            mine.append(out[step])
    for step, value in (written or {}).items():
        if step not in out:
            try:
                values = [value, *[math.nan] * (m - 1)]
                mine.append(report_record(record.study_id, record.number, record.job, step, values))
            except OverflowError:  # a step beyond the range of doubles
                continue
    return mine


def known_records(optimizer: Optimizer, known: Known, study_id: int, first: int) -> list[TrialRecord]:
    """Make records of finished trials, numbered from `first` on, from results of evaluations made elsewhere.

    Raises
    ------
    InvalidArgument, InvalidType
        Attributes are not plain data; the message begins with the position of their row.
    """
    X = np.ascontiguousarray(known.X, dtype="<f8")
    first_job = optimizer.history.n_jobs
    records = []
    for i, (params, outcome, user_attrs) in enumerate(zip(known.params, known.outcomes, known.user_attrs, strict=True)):
        try:
            if user_attrs:
                to_text("user_attrs", {"user_attrs": user_attrs})
            notes = _notes(outcome, dict(user_attrs), {})
        except InvalidType as wrong:
            raise InvalidType(f"row {known.positions[i]}: {wrong}") from None
        except InvalidArgument as wrong:
            raise InvalidArgument(f"row {known.positions[i]}: {wrong}") from None
        new = TrialRecord(
            study_id=study_id,
            number=first + i,
            job=first_job + i,
            state=RUNNING,
            exact=1,
            point=X[i].tobytes(),
            params=params_to_text(optimizer.space, params),
            token=1,
        )
        error = bounded_error(outcome.error)
        objective = _objective(outcome)
        records.append(
            new.ended(outcome.state, objective, _first_error(outcome), known.times[i], error, notes, outcome.cost)
        )
    return records


def is_same_result(stored: TrialRecord, record: TrialRecord) -> bool:
    """Tell whether a stored result equals the one that was to be stored, apart from token and number of deaths."""
    return stored is record or replace(stored, token=record.token, deaths=record.deaths) == record


# --- from the store --------------------------------------------------------------------------------------------------


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
