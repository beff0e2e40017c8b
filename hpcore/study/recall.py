"""Stored trials as the columns that an optimizer restores."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from hpcore.errors import DamagedStore
from hpcore.records.history import COMPLETE, RUNNING, STATES
from hpcore.records.trial import Trial
from hpcore.space.space import Space
from hpcore.storage.plain import from_text
from hpcore.storage.records import TrialRecord
from hpcore.storage.spaces import params_from_text
from hpcore.study.book import Outcome

__all__ = ["Rows", "adopt_result", "is_same_result", "read_notes", "read_rows"]

FloatArray = npt.NDArray[np.float64]


@dataclass
class Rows:
    """Trials in columns, as `Optimizer.restore` takes them; `notes` by number."""

    first: int
    X: FloatArray
    state: npt.NDArray[np.uint8]
    values: FloatArray
    std_errors: FloatArray | None
    times: FloatArray
    notes: dict[int, dict[str, Any]]

    def hide(self, row: int) -> None:
        """Make a row one that is running."""
        self.state[row] = RUNNING
        self.values[row] = math.nan
        self.times[row] = math.nan
        if self.std_errors is not None:
            self.std_errors[row] = math.nan
        note = self.notes.pop(self.first + row, {})
        if "params" in note:
            self.notes[self.first + row] = {"params": note["params"]}


def read_notes(text: str | None) -> tuple[dict[str, Any] | None, dict[int, float] | None]:
    """User attributes and reports, None where there are none."""
    if text is None:
        return None, None
    data = from_text(text)
    user_attrs, reports = data.get("user_attrs"), data.get("reports")
    if not isinstance(user_attrs, dict | None):
        raise ValueError("user_attrs are a mapping")
    return user_attrs, None if reports is None else {int(step): float(value) for step, value in reports}


def adopt_result(trial: Trial, record: TrialRecord) -> Outcome:
    """Result of a stored trial; its times, attributes and reports go onto the trial."""
    trial.started, trial.finished = record.started, record.finished
    trial.extras = read_notes(record.notes)
    values = None if record.objective is None else tuple(map(float, from_text(record.objective)))
    return values, record.std_error, record.error


def is_same_result(stored: TrialRecord, record: TrialRecord) -> bool:
    """Whether a stored result is the one that was to be stored, under whichever token."""
    return replace(stored, token=record.token, deaths=record.deaths) == record


def read_rows(fields: list[tuple[Any, ...]], space: Space, m: int, study: str) -> Rows:
    """Verified fields of consecutive trials as columns.

    Parameters
    ----------
    fields : list of tuple
        In the order of `TRIAL_COLUMNS`, with checksums that fit; not empty.
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
    n, d = len(fields), len(space)
    columns = list(zip(*fields, strict=True))
    numbers, states, exact, points, params, objectives, std_errors = columns[1:8]
    try:
        X = np.frombuffer(b"".join(points), dtype="<f8").reshape(n, d).astype(np.float64)
        state = np.array(states, dtype=np.uint8)
        values = _values(objectives, n, m)
        times = np.array([columns[8], columns[9]], dtype=np.float64).T
        errors = None
        if any(error is not None for error in std_errors):
            errors = np.array(std_errors, dtype=np.float64)
        if (state >= len(STATES)).any() or not np.array_equal(np.isfinite(values).all(axis=1), state == COMPLETE):
            raise ValueError("states and values do not go together")
        if not np.all(np.isnan(X) | ((X >= 0.0) & (X <= 1.0))):
            raise ValueError("a point outside of the unit cube")
        space.columns.codec.decode(X)  # refuses NaN where a parameter is active
        notes: dict[int, dict[str, Any]] = {}
        for i, (given, error, note) in enumerate(zip(exact, columns[10], columns[11], strict=True)):
            if given:
                notes[numbers[i]] = {"params": params_from_text(space, params[i])}
            if error is not None or note is not None:
                user_attrs, reports = read_notes(note)
                notes.setdefault(numbers[i], {}).update(error=error, user_attrs=user_attrs, reports=reports)
    except (ValueError, TypeError, LookupError, AttributeError, OverflowError) as error:
        raise DamagedStore(
            f"a trial of study {study!r} from {numbers[0]} to {numbers[-1]} is damaged: {error}"
        ) from None
    return Rows(numbers[0], X, state, values, errors, times, notes)


def _values(objectives: tuple[Any, ...], n: int, m: int) -> FloatArray:
    values = np.full((n, m), math.nan)
    if m == 1:
        # "[0.25]", by far the most common, without a parser.
        values[:, 0] = [math.nan if text is None else float(text[1:-1]) for text in objectives]
        return values
    for i, text in enumerate(objectives):
        if text is not None:
            values[i] = from_text(text)
    return values
