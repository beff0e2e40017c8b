"""Stored trials as the columns that an optimizer restores."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from hpcore.errors import DamagedStore
from hpcore.ledger.shapes import notes_from, objective_from
from hpcore.ledger.spaces import params_from_text
from hpcore.records.history import COMPLETE
from hpcore.records.outcome import Outcome
from hpcore.records.rows import Rows
from hpcore.records.trial import Trial
from hpcore.space.space import Space
from hpcore.storage.records import TrialRecord

__all__ = ["adopt_result", "is_same_result", "read_result", "read_rows"]

FloatArray = npt.NDArray[np.float64]


def read_result(record: TrialRecord, m: int, study: str) -> tuple[tuple[float, ...] | None, tuple[Any, Any]]:
    """Values, and user attributes with reports, of a trial that ended.

    Raises
    ------
    DamagedStore
        They are not what was written.
    """
    try:
        complete = record.state == COMPLETE
        if complete != (record.objective is not None):
            raise ValueError("its state and its values do not go together")
        values = None if record.objective is None else objective_from(record.objective, m)
        return values, notes_from(record.notes)
    except ValueError as error:
        raise DamagedStore(f"trial {record.number} of study {study!r:.80} is damaged: {error}") from None


def adopt_result(trial: Trial, record: TrialRecord, m: int, study: str) -> Outcome:
    """Result of a stored trial; its times, attributes and reports go onto the trial. Raises what `read_result` does."""
    trial.started, trial.finished = record.started, record.finished
    values, trial.extras = read_result(record, m, study)
    return Outcome(values, record.state, record.std_error, record.error)


def is_same_result(stored: TrialRecord, record: TrialRecord) -> bool:
    """Whether a stored result is the one that was to be stored, under whichever token."""
    return stored is record or replace(stored, token=record.token, deaths=record.deaths) == record


def read_rows(fields: list[tuple[Any, ...]], space: Space, m: int, study: str) -> Rows:
    """Verified fields of consecutive trials as columns.

    Parameters
    ----------
    fields : list of tuple
        In the order of `TRIAL_COLUMNS`, with checksums and types that fit; not empty.
    space : Space
        The study's.
    m : int
        Number of objectives.
    study : str
        Its name, for errors.

    Raises
    ------
    DamagedStore
        What was stored under a fitting checksum is no trial of this space.
    """
    try:
        return _rows(fields, space, m)
    except ValueError as error:
        # All at once is the quick way; one at a time says which one it is.
        for row in fields:
            try:
                _rows([row], space, m)
            except ValueError as wrong:
                raise DamagedStore(f"trial {row[1]} of study {study!r:.80} is damaged: {wrong}") from None
        raise DamagedStore(f"trials of study {study!r:.80} are damaged: {error}") from None


def _rows(fields: list[tuple[Any, ...]], space: Space, m: int) -> Rows:
    n, d = len(fields), len(space)
    columns = list(zip(*fields, strict=True))
    numbers, states, exact, points, params, objectives, std_errors = columns[1:8]
    if any(len(point) != 8 * d for point in points):
        raise ValueError(f"its point must have {d} coordinates")
    X = np.frombuffer(b"".join(points), dtype="<f8").reshape(n, d).astype(np.float64)
    state = np.array(states, dtype=np.uint8)
    if [text is not None for text in objectives] != [code == COMPLETE for code in states]:
        raise ValueError("its state and its values do not go together")
    nothing = (math.nan,) * m
    values = np.array([nothing if text is None else objective_from(text, m) for text in objectives])
    times = np.array([columns[8], columns[9]], dtype=np.float64).T
    errors = None
    if any(error is not None for error in std_errors):
        errors = np.array(std_errors, dtype=np.float64)
    if not np.all(np.isnan(X) | ((X >= 0.0) & (X <= 1.0))):
        raise ValueError("its point is outside of the unit cube")
    space.columns.codec.decode(X)  # refuses NaN where a parameter is active
    notes: dict[int, dict[str, Any]] = {}
    reports: list[tuple[int, float, tuple[float, ...], float | None, int]] = []
    for i, (given, error, note) in enumerate(zip(exact, columns[10], columns[11], strict=True)):
        if given:
            notes[numbers[i]] = {"params": params_from_text(space, params[i])}
        if error is not None or note is not None:
            user_attrs, by_step = notes_from(note)
            notes.setdefault(numbers[i], {}).update(error=error, user_attrs=user_attrs)
            for step, value in (by_step or {}).items():
                reports.append((numbers[i], float(step), (value,), None, numbers[i]))
    return Rows(X, state, values.reshape(n, m), times, errors, notes=notes, reports=reports)
