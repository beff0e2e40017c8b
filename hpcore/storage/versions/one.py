"""Tables of version 1, and its records as those of version 2.

A study had no number of jobs; a trial had neither job nor cost, and its reports were in its notes, as pairs of an
integer step and a number; the scores of a fold were a row of ``hpcore_folds``.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import column, table

from hpcore.storage.plain import from_text
from hpcore.storage.records import TRIAL_COLUMNS, ReportRecord
from hpcore.storage.schema import TABLES

__all__ = [
    "FOLD_COLUMNS",
    "SEARCH",
    "STUDY_COLUMNS",
    "TABLES_ONE",
    "TRIAL_COLUMNS_ONE",
    "decisive_metric",
    "fold_to_report",
    "folds",
    "n_objectives",
    "studies",
    "study_fields",
    "trial_fields",
    "trial_to_two",
    "trials",
]

STUDY_COLUMNS = ("id", "name", "created", "n_trials", "mode", "spec")
TRIAL_COLUMNS_ONE = (
    "study_id",
    "number",
    "state",
    "exact",
    "point",
    "params",
    "objective",
    "std_error",
    "started",
    "finished",
    "error",
    "notes",
    "token",
    "deaths",
    "worker",
    "lease",
)
SEARCH = "search"
"""Name of the attribute of a study that describes its search."""
FOLD_COLUMNS = ("study_id", "number", "fold", "score")

# Written out: SQLite's are compared with what a file holds.
TABLES_ONE: Mapping[str, str] = {
    **{name: TABLES[name] for name in ("hpcore_meta", "hpcore_queue", "hpcore_attributes")},
    "hpcore_studies": """CREATE TABLE hpcore_studies (
  id {id},
  name TEXT NOT NULL UNIQUE,
  created {real} NOT NULL,
  n_trials BIGINT NOT NULL,
  mode TEXT NOT NULL,
  spec TEXT NOT NULL,
  crc BIGINT NOT NULL
)""",
    "hpcore_trials": """CREATE TABLE hpcore_trials (
  study_id BIGINT NOT NULL,
  number BIGINT NOT NULL,
  state BIGINT NOT NULL,
  exact BIGINT NOT NULL,
  point {blob} NOT NULL,
  params TEXT NOT NULL,
  objective TEXT,
  std_error {real},
  started {real},
  finished {real},
  error TEXT,
  notes TEXT,
  token BIGINT NOT NULL,
  deaths BIGINT NOT NULL,
  worker TEXT,
  lease {real},
  crc BIGINT NOT NULL,
  PRIMARY KEY (study_id, number)
){end}""",
    "hpcore_folds": """CREATE TABLE hpcore_folds (
  study_id BIGINT NOT NULL,
  number BIGINT NOT NULL,
  fold BIGINT NOT NULL,
  score TEXT NOT NULL,
  crc BIGINT NOT NULL,
  PRIMARY KEY (study_id, number, fold)
){end}""",
}
studies = table("hpcore_studies", *map(column, STUDY_COLUMNS), column("crc"))
trials = table("hpcore_trials", *map(column, TRIAL_COLUMNS_ONE), column("crc"))
folds = table("hpcore_folds", *map(column, FOLD_COLUMNS), column("crc"))

_NOTES = TRIAL_COLUMNS.index("notes")
# Beyond it not every integer is a double, and two steps could become one.
_LARGEST_STEP = 2**53


def study_fields(fields: tuple[Any, ...]) -> tuple[Any, ...]:
    """Give the fields of a study's record in version 2: each trial was one job."""
    study_id, name, created, n_trials, mode, spec = fields
    return (study_id, name, created, n_trials, n_trials, mode, spec)


def n_objectives(spec: Any) -> int:
    """Count the objectives that a study's record names; 1 where it cannot be read."""
    try:
        return len(from_text(spec)["directions"])
    except (ValueError, TypeError, LookupError):
        return 1


def trial_fields(fields: tuple[Any, ...]) -> tuple[Any, ...]:
    """Give the fields of a trial's record in version 2, with the notes as they are."""
    row = dict(zip(TRIAL_COLUMNS_ONE, fields, strict=True))
    return tuple({**row, "job": row["number"], "cost": None}[name] for name in TRIAL_COLUMNS)


def trial_to_two(
    fields: tuple[Any, ...], m: int, folds: Collection[int] = ()
) -> tuple[tuple[Any, ...], list[ReportRecord]]:
    """Give the fields of an intact trial's record in version 2, and the reports that were in its notes.

    Parameters
    ----------
    fields : tuple
        Verified; notes that are not what was written stay as they are, for whoever reads the trial to refuse.
    m : int
        Number of objectives.
    folds : collection of int
        Folds of the trial, whose scores are reports of the same steps.
    """
    moved = trial_fields(fields)
    try:
        notes = from_text(moved[_NOTES])
        pairs = notes["reports"]
        written = {step: _number(value) for step, value in pairs}
        if not {int}.issuperset(map(type, written)):
            return moved, []
    except (ValueError, TypeError, LookupError, OverflowError):
        return moved, []
    left = {step: value for step, value in written.items() if step in folds or abs(step) > _LARGEST_STEP}
    reports = [
        ReportRecord(moved[0], moved[1], float(step), moved[1], _values(value, m))
        for step, value in written.items()
        if step not in left
    ]
    del notes["reports"]
    if left:
        notes["reports_1"] = list(left.items())
    text = json.dumps(notes) if notes else None
    return (*moved[:_NOTES], text, *moved[_NOTES + 1 :]), reports


def decisive_metric(search: Any) -> str | None:
    """Read the name of the decisive one of several scores from the description of a search; None if it names none.

    Parameters
    ----------
    search : str or None
        Stored attribute ``search`` of the study. Its ``scoring`` ends with ``return_train_score, refit, error_score)``
        as Python shows them.
    """
    try:
        found = re.search(r"(?:True|False), '([^']*)', [^,()]*\)$", from_text(search)["scoring"])
    except (ValueError, TypeError, LookupError):
        return None
    return None if found is None else found[1]


def fold_to_report(fields: tuple[Any, ...], m: int, metric: str | None = None) -> ReportRecord:
    """Give the scores of a fold as a report; its value is the decisive score, where it can be told which one that is.

    Parameters
    ----------
    fields : tuple
        Verified.
    m : int
        Number of objectives.
    metric : str, optional
        Name of the decisive one of several scores.
    """
    study_id, number, fold, score = fields
    return ReportRecord(study_id, number, float(fold), number, _values(_score(score, metric), m), None, score)


def _score(text: Any, metric: str | None) -> float:
    try:
        scores = from_text(text)[0]
        if isinstance(scores, dict):
            if metric not in scores:
                (metric,) = scores
            scores = scores[metric]
        return _number(scores)
    except (ValueError, TypeError, LookupError, OverflowError):
        return math.nan


def _number(value: Any) -> float:
    if type(value) not in (int, float):
        raise TypeError(f"not a number: {value!r:.80}")
    return float(value)


def _values(value: float, m: int) -> str:
    return json.dumps([value, *[math.nan] * (m - 1)])
