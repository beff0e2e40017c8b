"""Records of a store: studies, trials and reports, each a row of plain columns with a checksum over all of them."""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NoReturn

from hpcore.errors import DamagedStore
from hpcore.records.history import FAILED, RUNNING, STATES

__all__ = [
    "GIVEN_UP",
    "MOST",
    "REPORT_COLUMNS",
    "STUDY_COLUMNS",
    "TRIAL_COLUMNS",
    "ReportRecord",
    "StudyRecord",
    "TrialRecord",
    "check_trials",
    "checksum",
    "real",
    "verify",
]

STUDY_COLUMNS = ("id", "name", "created", "n_trials", "n_jobs", "mode", "spec")
TRIAL_COLUMNS = (
    "study_id",
    "number",
    "job",
    "state",
    "exact",
    "point",
    "params",
    "objective",
    "std_error",
    "cost",
    "started",
    "finished",
    "error",
    "notes",
    "token",
    "deaths",
    "worker",
    "lease",
)
# Those under the checksum; the id is given by the store, in order of arrival.
REPORT_COLUMNS = ("study_id", "number", "step", "job", "value", "cost", "data")
# End of the error of a trial that was given up.
GIVEN_UP = "ended, or let the lease run out, while evaluating it"
_INT, _REAL, _TEXT = frozenset({int}), frozenset({float, type(None)}), frozenset({str, type(None)})
_STUDY_TYPES = (_INT, frozenset({str}), frozenset({float}), _INT, _INT, frozenset({str}), frozenset({str}))
_TRIAL_TYPES = (
    *(_INT, _INT, _INT, _INT, _INT, frozenset({bytes}), frozenset({str}), _TEXT),
    *(_REAL, _REAL, _REAL, _REAL, _TEXT, _TEXT, _INT, _INT, _TEXT, _REAL),
)
_REPORT_TYPES = (_INT, _INT, frozenset({float}), _INT, frozenset({str}), _REAL, _TEXT)
_NUMBER, _JOB = TRIAL_COLUMNS.index("number"), TRIAL_COLUMNS.index("job")
_TIMES = (TRIAL_COLUMNS.index("started"), TRIAL_COLUMNS.index("finished"))
# Limit of anything that is counted up: far beyond use, and far enough from what databases hold.
MOST = 2**53
_HIGHEST = {
    TRIAL_COLUMNS.index(name): most
    for name, most in {
        "number": MOST,
        "job": MOST,
        "state": len(STATES) - 1,
        "exact": 1,
        "token": MOST,
        "deaths": MOST,
    }.items()
}
# Columns with a finite number of at least 0, or nothing.
_SIZES = tuple(TRIAL_COLUMNS.index(name) for name in ("std_error", "cost"))
# Unix time of the years that a datetime can have, with a margin for time zones.
_EARLIEST, _LATEST = -62135000000.0, 253402000000.0


def checksum(fields: tuple[Any, ...]) -> int:
    """CRC-32 over the fields of a row: ints, floats (to the last bit), text, bytes and None, each with its type.

    `ascii` gives every such tuple a spelling of its own that no version of Python changes.
    """
    return zlib.crc32(ascii(fields).encode("ascii"))


def verify(what: str, row: tuple[Any, ...]) -> tuple[Any, ...]:
    """Check the fields of a row whose last entry is their checksum; gives the fields.

    Raises
    ------
    DamagedStore
        They do not fit.
    """
    fields = row[:-1]
    if checksum(fields) != row[-1]:
        raise DamagedStore(f"{what} is damaged: its checksum does not fit; 'hpcore repair' saves the intact records")
    return fields


@dataclass(frozen=True, slots=True)
class StudyRecord:
    """A study as stored.

    Attributes
    ----------
    id : int
        Never used twice in a store.
    name : str
        Unique in a store.
    created : float
        Unix time in seconds, UTC.
    n_trials : int
        Trials asked for so far: the next one's number.
    n_jobs : int
        Jobs so far: each trial once, and once more each time that a paused trial went on.
    mode : str
        ``"lag q"`` if all runs so far made proposal k from exactly the results 0 .. k - q, ``"fast"`` if not; empty
        before the first run.
    spec : str
        JSON: the space, the directions, the seed, the sampler.
    """

    id: int
    name: str
    created: float
    n_trials: int
    n_jobs: int
    mode: str
    spec: str

    def fields(self) -> tuple[Any, ...]:
        """Values in the order of the columns, without the checksum."""
        return (self.id, self.name, self.created, self.n_trials, self.n_jobs, self.mode, self.spec)

    @classmethod
    def from_row(cls, row: tuple[Any, ...]) -> StudyRecord:
        """Verify a row, its checksum last; gives the record."""
        return cls.from_fields(verify(f"the record of study {row[1]!r:.80}", row))

    @classmethod
    def from_fields(cls, fields: tuple[Any, ...]) -> StudyRecord:
        """Check the types and ranges of verified fields; gives the record."""
        what = f"the record of study {fields[1]!r:.80}"
        record = cls(*fields)
        for column, value, types in zip(STUDY_COLUMNS, record.fields(), _STUDY_TYPES, strict=True):
            if type(value) not in types:
                raise DamagedStore(f"{what} is damaged: its {column} cannot be {value!r:.80}")
        if not _EARLIEST <= record.created <= _LATEST:
            raise DamagedStore(f"{what} is damaged: its created cannot be {record.created!r}")
        if not 0 <= record.n_trials <= MOST:
            raise DamagedStore(f"{what} is damaged: its n_trials cannot be {record.n_trials!r}")
        if not record.n_trials <= record.n_jobs <= MOST:
            raise DamagedStore(f"{what} is damaged: its n_jobs cannot be {record.n_jobs!r}")
        return record


@dataclass(frozen=True, slots=True)
class TrialRecord:
    """A trial as stored.

    Attributes
    ----------
    job : int
        Last job of the trial: its number, unless it was paused and went on.
    point : bytes
        Point of the unit cube, little-endian doubles.
    params : str
        JSON of the active parameters.
    exact : int
        1 if the parameters were given by a user, so that they and not the point say exactly what they are.
    objective : str or None
        JSON list of values in the user's own sign: of a complete trial, or the estimate of a pruned one.
    cost : float or None
        Cost of the evaluation, as it was told.
    notes : str or None
        JSON with user attributes, metrics and gradient, and with what a scheduler keeps with the trial.
    token : int
        Fencing token: raised each time the trial is given to a worker.
    deaths : int
        Workers that ended, or lost their lease, while they had it.
    worker, lease : str and float, or None
        Who evaluates it, and until when (unix time) that holds unless renewed; None once it is finished or given back.
    """

    study_id: int
    number: int
    job: int
    state: int
    exact: int
    point: bytes
    params: str
    objective: str | None = None
    std_error: float | None = None
    cost: float | None = None
    started: float | None = None
    finished: float | None = None
    error: str | None = None
    notes: str | None = None
    token: int = 0
    deaths: int = 0
    worker: str | None = None
    lease: float | None = None

    def fields(self) -> tuple[Any, ...]:
        """Values in the order of the columns, without the checksum."""
        return tuple(getattr(self, name) for name in TRIAL_COLUMNS)

    @property
    def is_given_up(self) -> bool:
        """True if it failed because its workers ended, and nobody brought a result of it."""
        return self.state == FAILED and self.deaths > 0 and (self.error or "").endswith(GIVEN_UP)

    def to_row(self) -> dict[str, Any]:
        """Values by column, with the checksum."""
        fields = self.fields()
        return {**dict(zip(TRIAL_COLUMNS, fields, strict=True)), "crc2": checksum(fields)}

    @classmethod
    def from_fields(cls, fields: tuple[Any, ...]) -> TrialRecord:
        """Check the verified fields of a row; gives the record, or raises what `check_trials` does."""
        check_trials([fields])
        return cls(*fields)

    def given_to(self, worker: str, lease: float, died: bool) -> TrialRecord:
        """Give the trial to another worker."""
        return replace(
            self,
            worker=worker,
            lease=lease,
            token=self.token + 1,
            deaths=self.deaths + died,
            started=None,
            state=RUNNING,
        )

    def ended(
        self,
        state: int,
        objective: str | None,
        std_error: float | None,
        times: tuple[float | None, float | None],
        error: str | None,
        notes: str | None,
        cost: float | None = None,
    ) -> TrialRecord:
        """The same trial with the result of a job, and without a worker."""
        started, finished = times
        return replace(
            self,
            state=state,
            objective=objective,
            std_error=real(std_error),
            cost=real(cost),
            started=real(started),
            finished=real(finished),
            error=error,
            notes=notes,
            worker=None,
            lease=None,
        )

    def resumed(self, job: int, worker: str, lease: float) -> TrialRecord:
        """The same trial, paused before, in another job of a worker."""
        return replace(self, job=job, state=RUNNING, token=self.token + 1, deaths=0, worker=worker, lease=lease)


@dataclass(frozen=True, slots=True)
class ReportRecord:
    """A partial result of a trial as stored.

    Attributes
    ----------
    number : int
        Number of the trial.
    step : float
        Resource used up to the report: a fold, an epoch, a number of rows.
    job : int
        Job of the trial that reported.
    value : str
        JSON list of a number per objective in the user's own sign; NaN where there is none.
    cost : float or None
        Cost of reaching the step.
    data : str or None
        JSON of further plain data, such as a fold's scores.
    id : int
        Position in the order of arrival; 0 before it is stored.
    """

    study_id: int
    number: int
    step: float
    job: int
    value: str
    cost: float | None = None
    data: str | None = None
    id: int = 0

    def fields(self) -> tuple[Any, ...]:
        """Values in the order of the columns, without id and checksum."""
        return (self.study_id, self.number, self.step, self.job, self.value, self.cost, self.data)

    def numbered(self, id: int) -> ReportRecord:
        """The same report in its place in the order of arrival."""
        return replace(self, id=id)

    def to_row(self) -> dict[str, Any]:
        """Values by column, with the checksum and without the id."""
        fields = self.fields()
        return {**dict(zip(REPORT_COLUMNS, fields, strict=True)), "crc": checksum(fields)}

    @classmethod
    def from_row(cls, row: tuple[Any, ...], of: str = "") -> ReportRecord:
        """Verify a row, its id first and its checksum last; gives the record.

        Parameters
        ----------
        row : tuple
            In the order of the columns.
        of : str
            Words for messages, after the trial's number.

        Raises
        ------
        DamagedStore
            It is not what was written.
        """
        what = f"report {row[3]!r:.80} of trial {row[2]!r:.80}{of}"
        record = replace(cls(*verify(what, tuple(row[1:]))), id=row[0])
        for column, value, types in zip(REPORT_COLUMNS, record.fields(), _REPORT_TYPES, strict=True):
            if type(value) not in types:
                raise DamagedStore(f"{what} is damaged: its {column} cannot be {value!r:.80}")
        if not 0 <= record.number <= record.job <= MOST:
            raise DamagedStore(f"{what} is damaged: its job cannot be {record.job!r}")
        if not math.isfinite(record.step):
            raise DamagedStore(f"{what} is damaged: its step cannot be {record.step!r}")
        if record.cost is not None and not 0.0 <= record.cost < math.inf:
            raise DamagedStore(f"{what} is damaged: its cost cannot be {record.cost!r}")
        return record


def check_trials(rows: Sequence[tuple[Any, ...]], of: str = "") -> None:
    """Check that verified fields of trials have the types and ranges of their columns: a checksum can be forged.

    Parameters
    ----------
    rows : sequence of tuple
        In the order of the columns.
    of : str
        Words for the message, after the trial's number.

    Raises
    ------
    DamagedStore
        One has not; the message names it.
    """
    # Column by column, for the sake of a hundred thousand of them.
    columns = list(zip(*rows, strict=True))
    for i, column in enumerate(columns):
        types = _TRIAL_TYPES[i]
        if not types.issuperset(map(type, column)):
            _refuse(next(row for row in rows if type(row[i]) not in types), i, of)
    for i, most in _HIGHEST.items() if columns else ():
        if min(columns[i]) < 0 or max(columns[i]) > most:
            _refuse(next(row for row in rows if not 0 <= row[i] <= most), i, of)
    if columns and columns[_JOB] != columns[_NUMBER]:
        early = next((row for row in rows if row[_JOB] < row[_NUMBER]), None)
        if early is not None:
            _refuse(early, _JOB, of)
    for i in _SIZES if columns else ():
        known = [value for value in columns[i] if value is not None]
        if known and not (min(known) >= 0.0 and max(known) < math.inf):
            _refuse(next(row for row in rows if row[i] is not None and not 0.0 <= row[i] < math.inf), i, of)
    for i in _TIMES if columns else ():
        known = [value for value in columns[i] if value is not None]
        if known and not (min(known) >= _EARLIEST and max(known) <= _LATEST):
            _refuse(next(row for row in rows if row[i] is not None and not _EARLIEST <= row[i] <= _LATEST), i, of)


def _refuse(row: tuple[Any, ...], column: int, of: str) -> NoReturn:
    raise DamagedStore(
        f"trial {row[1]!r:.80}{of} is damaged: its {TRIAL_COLUMNS[column]} cannot be {row[column]!r:.80}"
    )


def real(value: float | None) -> float | None:
    """Give a number as databases have it: they have neither NaN nor, all of them, a negative zero."""
    return None if value is None or math.isnan(value) else float(value) + 0.0
