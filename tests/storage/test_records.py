"""Records: their checksums, and the types and ranges that a forged one may not have."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from hpcore.errors import DamagedStore
from hpcore.records.history import PAUSED, RUNNING
from hpcore.storage.records import (
    REPORT_COLUMNS,
    STUDY_COLUMNS,
    TRIAL_COLUMNS,
    ReportRecord,
    StudyRecord,
    TrialRecord,
    checksum,
)

STUDY = StudyRecord(1, "a", 0.0, 3, 4, "", "{}")
TRIAL = TrialRecord(1, 2, 3, RUNNING, 0, b"\0" * 8, "{}", token=1, worker="w", lease=5.0)
REPORT = ReportRecord(1, 2, 0.5, 3, "[NaN]", 1.5, "[1]")


def test_rows_come_back_as_records() -> None:
    row = TRIAL.to_row()
    assert list(row) == [*TRIAL_COLUMNS, "crc2"]
    assert TrialRecord.from_fields(tuple(row.values())[:-1]) == TRIAL
    assert StudyRecord.from_row((*STUDY.fields(), checksum(STUDY.fields()))) == STUDY
    row = REPORT.to_row()
    assert list(row) == [*REPORT_COLUMNS, "crc"]
    assert ReportRecord.from_row((7, *row.values())) == replace(REPORT, id=7)


@pytest.mark.parametrize(
    "change",
    [
        {"number": 4},
        {"number": -1},
        {"job": 1},
        {"job": 2**53 + 1},
        {"step": math.inf},
        {"step": 1},
        {"value": None},
        {"value": b"[1]"},
        {"cost": -1.0},
        {"cost": math.inf},
        {"cost": 1},
        {"data": 5},
    ],
    ids=str,
)
def test_a_forged_report_is_named(change: dict[str, Any]) -> None:
    fields = tuple({**dict(zip(REPORT_COLUMNS, REPORT.fields(), strict=True)), **change}.values())
    with pytest.raises(DamagedStore, match=r"report .* of trial .* is damaged: its"):
        ReportRecord.from_row((1, *fields, checksum(fields)))
    with pytest.raises(DamagedStore, match="checksum"):
        ReportRecord.from_row((1, *fields, checksum(REPORT.fields())))


@pytest.mark.parametrize("change", [{"n_jobs": 2}, {"n_jobs": 2**54}, {"n_jobs": 4.0}, {"n_trials": -1}], ids=str)
def test_a_forged_study_is_named(change: dict[str, Any]) -> None:
    fields = tuple({**dict(zip(STUDY_COLUMNS, STUDY.fields(), strict=True)), **change}.values())
    with pytest.raises(DamagedStore, match="study 'a' is damaged: its n_"):
        StudyRecord.from_fields(fields)


@pytest.mark.parametrize(
    "change", [{"job": 1}, {"job": -1}, {"cost": -0.5}, {"cost": math.inf}, {"cost": "1"}, {"state": 6}], ids=str
)
def test_a_forged_trial_is_named(change: dict[str, Any]) -> None:
    fields = tuple({**dict(zip(TRIAL_COLUMNS, TRIAL.fields(), strict=True)), **change}.values())
    (column,) = change
    with pytest.raises(DamagedStore, match=f"trial 2 is damaged: its {column} cannot be"):
        TrialRecord.from_fields(fields)


def test_a_paused_trial_has_no_worker_and_goes_on_in_another_job() -> None:
    paused = TRIAL.ended(PAUSED, None, None, (1.0, 2.0), None, None, 3.0)
    assert (paused.state, paused.worker, paused.lease, paused.cost) == (PAUSED, None, None, 3.0)
    again = replace(paused, deaths=2).resumed(9, "v", 8.0)
    assert (again.state, again.job, again.token, again.deaths, again.worker) == (RUNNING, 9, 2, 0, "v")
