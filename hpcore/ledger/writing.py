"""Records for a store, made from the trials of an optimizer."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from hpcore.errors import InvalidArgument, InvalidType
from hpcore.ledger.shapes import ORIGIN, check_mapping, json_from
from hpcore.ledger.spaces import params_to_text
from hpcore.optimizer import Optimizer
from hpcore.optimizer.known import Known
from hpcore.records.history import RUNNING
from hpcore.records.outcome import Outcome
from hpcore.records.rows import Rows
from hpcore.records.trial import Trial
from hpcore.space.space import Space
from hpcore.storage.plain import bounded_error, to_text
from hpcore.storage.records import ReportRecord, TrialRecord, real

__all__ = [
    "begun",
    "ended",
    "in_space",
    "is_same_result",
    "known_records",
    "report_record",
    "report_records",
    "resumed",
    "with_params",
]


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


def report_records(optimizer: Optimizer, trial: Trial, record: TrialRecord) -> list[ReportRecord]:
    """Make the records of partial results that are stored when a job of a trial ends; most trials have none.

    Parameters
    ----------
    optimizer : Optimizer
        Optimizer with the reports that were made while the trial ran, which are stored already.
    trial : Trial
        Settled trial, with the entries of ``trial.reports``, and the reports that its progress brings home.
    record : TrialRecord
        Record of the trial.
    """
    written, brought = trial.extras[1], () if trial.progress is None else trial.progress.reports
    if not written and not brought:
        return []
    curves, nothing = optimizer.history.curves, [math.nan] * (len(optimizer.directions) - 1)
    steps = [float(curves.step[i]) for i in curves.of(trial.number)]
    last, known = steps[-1] if steps else -math.inf, set(steps)
    made = []
    for step, values, cost in brought:
        if step > last:  # as the optimizer takes them
            known.add(step)
            made.append(report_record(record.study_id, record.number, record.job, step, values, cost))
    for step, value in (written or {}).items():
        if step not in known:
            try:
                made.append(report_record(record.study_id, record.number, record.job, step, [value, *nothing]))
            except OverflowError:  # a step beyond the range of doubles
                continue
    return made


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
