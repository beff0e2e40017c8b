"""An optimizer's trials as a store keeps them; `hpcore.ledger.recall` is the way back."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from hpcore.errors import InvalidArgument, InvalidType
from hpcore.ledger.spaces import params_to_text
from hpcore.optimizer import Optimizer
from hpcore.optimizer.known import Known
from hpcore.records.history import COMPLETE, FAILED, RUNNING
from hpcore.records.outcome import Outcome
from hpcore.records.trial import Trial
from hpcore.storage.plain import bounded_error, to_text
from hpcore.storage.records import TrialRecord, real

__all__ = ["begun", "ended", "known_records"]


def begun(optimizer: Optimizer, trial: Trial, study_id: int, worker: str, lease: float) -> TrialRecord:
    """A trial that the optimizer has just begun, as its worker's until `lease` (unix time)."""
    history, number = optimizer.history, trial.number
    return TrialRecord(
        study_id=study_id,
        number=number,
        state=RUNNING,
        exact=int("params" in history.notes.get(number, {})),
        point=history.X[number].astype("<f8").tobytes(),
        params=params_to_text(optimizer.space, trial.params),
        token=1,
        worker=worker,
        lease=lease,
    )


def ended(record: TrialRecord, trial: Trial, outcome: Outcome) -> TrialRecord:
    """The same trial with its result, and with what was written on it."""
    values, std_error, error = outcome.values, outcome.std_error, outcome.error
    notes: dict[str, Any] = {}
    user_attrs, reports = trial.settle()
    if user_attrs:
        notes["user_attrs"] = user_attrs
    if reports:
        notes["reports"] = list(reports.items())
    return record.ended(
        outcome.state,
        None if values is None else json.dumps(list(values)),
        std_error,
        (trial.started, trial.finished),
        bounded_error(error),
        json.dumps(notes) if notes else None,
    )


def known_records(optimizer: Optimizer, known: Known, study_id: int, first: int) -> list[TrialRecord]:
    """Results that were made elsewhere as finished trials, their numbers from `first` on.

    Raises
    ------
    InvalidArgument, InvalidType
        Attributes that are not plain data; the message begins with the position of their row.
    """
    X = np.ascontiguousarray(known.X, dtype="<f8")
    records = []
    for i, (params, outcome, user_attrs) in enumerate(zip(known.params, known.outcomes, known.user_attrs, strict=True)):
        values, std_error, error = outcome.values, outcome.std_error, outcome.error
        try:
            notes = to_text("user_attrs", {"user_attrs": user_attrs}) if user_attrs else None
        except InvalidType as wrong:
            raise InvalidType(f"row {known.positions[i]}: {wrong}") from None
        except InvalidArgument as wrong:
            raise InvalidArgument(f"row {known.positions[i]}: {wrong}") from None
        started, finished = known.times[i]
        records.append(
            TrialRecord(
                study_id=study_id,
                number=first + i,
                state=COMPLETE if values is not None else FAILED,
                exact=1,
                point=X[i].tobytes(),
                params=params_to_text(optimizer.space, params),
                objective=None if values is None else json.dumps(list(values)),
                std_error=real(std_error),
                started=real(started),
                finished=real(finished),
                error=bounded_error(error),
                notes=notes,
                token=1,
            )
        )
    return records
