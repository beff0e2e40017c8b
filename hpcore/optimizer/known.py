"""Results of evaluations made elsewhere, checked and in columns."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from hpcore.arguments import check_attributes, check_number, shown
from hpcore.errors import InvalidArgument, InvalidType
from hpcore.records.history import STATES
from hpcore.records.limits import Limits
from hpcore.records.outcome import Outcome
from hpcore.records.rows import Report, Rows
from hpcore.records.trial import Trial
from hpcore.space.reading import read_row, without_missing
from hpcore.space.space import Params, Space

__all__ = ["FIELDS", "Known", "read_known"]

FloatArray = npt.NDArray[np.float64]
FIELDS = (
    "params",
    "value",
    "std_error",
    "metrics",
    "gradient",
    "cost",
    "error",
    "state",
    "user_attrs",
    "started",
    "finished",
)


@dataclass(frozen=True)
class Known:
    """Checked results; every column has one entry per result.

    Attributes
    ----------
    X : ndarray of shape (n, d)
        Points of the unit cube.
    params : list of dict
        Active parameters, as given.
    outcomes : list of Outcome
        Outcomes.
    user_attrs : list of dict
        User attributes, empty if there are none.
    times : list of tuple
        Unix times of start and finish, None if not known.
    positions : list of int
        Positions of the rows in the user's input, for messages.
    reports : list of dict
        Partial results by step, one number per objective; empty if no result has any.
    """

    X: FloatArray
    params: list[Params]
    outcomes: list[Outcome]
    user_attrs: list[dict[str, Any]]
    times: list[tuple[float | None, float | None]]
    positions: list[int]
    reports: list[dict[float, tuple[float, ...]]] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.params)

    def rows(self, first: int, first_job: int, m: int) -> Rows:
        """Convert to trials in columns with numbers from `first` on, jobs from `first_job` on and `m` objectives, in
        the user's own sign."""
        nothing = (math.nan,) * m
        values = [nothing if outcome.values is None else outcome.values for outcome in self.outcomes]
        costs = [math.nan if outcome.cost is None else outcome.cost for outcome in self.outcomes]
        errors = [(*outcome.std_errors, *nothing)[:m] for outcome in self.outcomes]
        return Rows(
            self.X,
            np.array([outcome.state for outcome in self.outcomes], dtype=np.uint8),
            np.array(values, dtype=np.float64).reshape(len(self), m),
            np.array(self.times, dtype=np.float64).reshape(len(self), 2),
            np.array(errors) if any(outcome.std_errors for outcome in self.outcomes) else None,
            None if all(map(math.isnan, costs)) else np.array(costs),
            notes=self._notes(first),
            reports=self.rows_of_reports(first, first_job),
        )

    def rows_of_reports(self, first: int, first_job: int) -> list[Report]:
        """Partial results in the form of `Rows.reports`."""
        return [
            (first + i, step, values, None, first_job + i)
            for i, reports in enumerate(self.reports)
            for step, values in reports.items()
        ]

    def _notes(self, first: int) -> dict[int, dict[str, Any]]:
        notes: dict[int, dict[str, Any]] = {}
        for i, (params, outcome, attributes) in enumerate(
            zip(self.params, self.outcomes, self.user_attrs, strict=True)
        ):
            note: dict[str, Any] = {"params": params}
            if outcome.error is not None or attributes or outcome.extras:
                note.update(error=outcome.error, user_attrs=dict(attributes) or None, **outcome.extras)
            notes[first + i] = note
        return notes

    def trials(self, first: int, limits: Limits) -> list[Trial]:
        """Convert to trials with numbers from `first` on, which keep the `limits` or not."""
        trials = []
        for i, (params, outcome) in enumerate(zip(self.params, self.outcomes, strict=True)):
            trial = Trial(first + i, dict(params), STATES[outcome.state])
            trial.values, trial.error = outcome.values, outcome.error
            trial.started, trial.finished = self.times[i]
            trial.set_facts(outcome.cost, outcome.metrics, outcome.gradient)
            if limits:
                trial.set_violations(limits.by_name(limits.violations(outcome.metrics)))
            reports = self.reports[i] if self.reports else {}
            shown: dict[Any, float] = {
                int(step) if float(step).is_integer() else step: values[0] for step, values in reports.items()
            }
            trial.extras = (dict(self.user_attrs[i]) or None, shown or None)
            trials.append(trial)
        return trials


def read_known(
    space: Space, judge: Callable[..., Outcome], rows: Iterable[Any], positions: Iterable[int] | None = None
) -> Known:
    """Check rows of results; see `Optimizer.add_many`.

    Parameters
    ----------
    space : Space
        Space of the parameters.
    judge : callable
        Check of a result, ``judge(value, std_error, error, cost, metrics, gradient, state=, params=) -> Outcome``,
        such as `Optimizer.outcome`.
    rows : iterable
        Pairs ``(params, value)`` or mappings of `FIELDS`.
    positions : iterable of int, optional
        Position of each row for messages, if rows were left out; counted from 0 by default.

    Raises
    ------
    InvalidArgument, InvalidType
        A row is not allowed; the message begins with its position.
    """
    if isinstance(rows, Mapping | str | bytes) or not isinstance(rows, Iterable):
        raise InvalidType(f"rows must be an iterable of (params, value) or of mappings, got {shown(rows):.200}")
    listed = list(rows)
    numbers = list(range(len(listed)) if positions is None else positions)
    params: list[Mapping[str, Any]] = []
    outcomes, user_attrs, times = [], [], []
    for number, row in zip(numbers, listed, strict=True):
        try:
            fields = _fields(row)
            params.append(without_missing(space, read_row(fields["params"])))
            outcomes.append(_outcome(judge, fields, params[-1]))
            user_attrs.append(check_attributes("user_attrs", fields.get("user_attrs")))
            times.append((_time("started", fields), _time("finished", fields)))
        except (InvalidArgument, InvalidType) as error:
            raise _at(number, error) from None
    try:
        clean, X = space.coder.encode(params)
    except (InvalidArgument, InvalidType):
        # Encoding all rows at once is fast; one by one finds the wrong row.
        for number, given in zip(numbers, params, strict=True):
            try:
                space.coder.encode([given])
            except (InvalidArgument, InvalidType) as error:
                raise _at(number, error) from None
        raise
    return Known(X, clean, outcomes, user_attrs, times, numbers)


def _at(number: int, error: InvalidArgument | InvalidType) -> InvalidArgument | InvalidType:
    kind = InvalidType if isinstance(error, InvalidType) else InvalidArgument
    return kind(f"row {number}: {error}")


def _fields(row: Any) -> Mapping[str, Any]:
    if isinstance(row, tuple | list) and len(row) == 2:
        fields: Mapping[str, Any] = {"params": row[0], "value": row[1]}
    elif isinstance(row, Mapping) and "params" in row and "value" in row:
        unknown = [name for name in row if name not in FIELDS]
        if unknown:
            raise InvalidArgument(f"a row must have no other fields than {', '.join(FIELDS)}, got {unknown[0]!r}")
        fields = row
    else:
        raise InvalidType(
            f"a row must be (params, value) or a mapping with 'params' and 'value', got {shown(row):.200}"
        )
    return fields


def _outcome(judge: Callable[..., Outcome], fields: Mapping[str, Any], params: Mapping[str, Any]) -> Outcome:
    state = fields.get("state")
    if state == "paused":
        raise InvalidArgument("state must be that of a trial that has ended, got 'paused'")
    facts = [fields.get(name) for name in ("std_error", "error", "cost", "metrics", "gradient")]
    return judge(fields["value"], *facts, state=state, params=params)


def _time(name: str, fields: Mapping[str, Any]) -> float | None:
    value = fields.get(name)
    # Range of the years that a datetime can have, which a store checks too.
    return None if value is None else check_number(name, value, -62135000000.0, 253402000000.0)
