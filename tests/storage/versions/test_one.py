"""Records of version 1 as those of version 2."""

from __future__ import annotations

import json
import math

import pytest

from hpcore.storage import schema
from hpcore.storage.dialects.postgresql import Postgresql
from hpcore.storage.dialects.sqlite import Sqlite
from hpcore.storage.records import STUDY_COLUMNS, TRIAL_COLUMNS
from hpcore.storage.versions import one
from tests.storage.versions import stores

NOTES = TRIAL_COLUMNS.index("notes")


def test_the_tables_are_those_that_were_released() -> None:
    for name, dialect in (("sqlite", Sqlite), ("postgresql", Postgresql)):
        assert sorted(schema.ddl(dialect.words, one.TABLES_ONE).values()) == sorted(stores.tables(name))


def test_fields_by_name() -> None:
    fields = stores.trial(7)[:-1]
    moved = dict(zip(TRIAL_COLUMNS, one.trial_fields(fields), strict=True))
    assert moved == {**dict(zip(one.TRIAL_COLUMNS_ONE, fields, strict=True)), "job": 7, "cost": None}
    study = dict(zip(STUDY_COLUMNS, one.study_fields((1, "a", 0.0, 9, "fast", "{}")), strict=True))
    assert study["n_jobs"] == study["n_trials"] == 9 and study["spec"] == "{}"


def test_reports_leave_the_notes() -> None:
    notes = {"user_attrs": {"a": 1}, "reports": [[3, 0.5], [1, math.nan], [2, 7]]}
    moved, reports = one.trial_to_two(stores.trial(4, notes=json.dumps(notes))[:-1], 2)
    assert moved[NOTES] == '{"user_attrs": {"a": 1}}'
    assert [(r.number, r.job, r.step, r.value, r.cost, r.data) for r in reports] == [
        (4, 4, 3.0, "[0.5, NaN]", None, None),
        (4, 4, 1.0, "[NaN, NaN]", None, None),
        (4, 4, 2.0, "[7.0, NaN]", None, None),
    ]
    moved, reports = one.trial_to_two(stores.trial(4, notes='{"reports": [[1, 2.0]]}')[:-1], 1)
    assert moved[NOTES] is None and len(reports) == 1


def test_reports_that_have_no_place_stay() -> None:
    notes = json.dumps({"reports": [[1, 0.5], [10**400, 1.0], [2, 2.0]]})
    moved, reports = one.trial_to_two(stores.trial(0, notes=notes)[:-1], 1, folds={1})
    assert [report.step for report in reports] == [2.0]
    assert json.loads(moved[NOTES]) == {"reports_1": [[1, 0.5], [10**400, 1.0]]}


@pytest.mark.parametrize(
    "notes",
    [
        "5",
        "{",
        "null",
        '{"user_attrs": {}}',
        '{"reports": {"1": 2}}',
        '{"reports": [[1]]}',
        '{"reports": [["1", 2]]}',
        '{"reports": [[1, null]]}',
        '{"reports": [[1, true]]}',
        '{"reports": [[Infinity, 1]]}',
        '{"reports": [[1, 1' + "0" * 400 + "]]}",
        None,
    ],
)
def test_notes_that_cannot_be_read_stay_as_they_are(notes: str | None) -> None:
    moved, reports = one.trial_to_two(stores.trial(0, notes=notes)[:-1], 1)
    assert moved[NOTES] == notes and reports == []


@pytest.mark.parametrize(
    ("score", "value"),
    [
        ("[0.25, null, 0.1, 0.2, null, []]", "[0.25]"),
        ('[{"m": 1}, null]', "[1.0]"),
        ('[{"m": 1, "n": 2}, null]', "[NaN]"),
        ("[{}, null]", "[NaN]"),
        ("[NaN, null]", "[NaN]"),
        ("[true]", "[NaN]"),
        ("{", "[NaN]"),
        ("[]", "[NaN]"),
    ],
)
def test_a_fold_is_a_report_with_its_scores(score: str, value: str) -> None:
    report = one.fold_to_report((1, 2, 3, score), 1)
    assert (report.study_id, report.number, report.job, report.step) == (1, 2, 2, 3.0)
    assert (report.value, report.data) == (value, score)


def test_the_decisive_score_of_several() -> None:
    said = json.dumps({"scoring": "(['m', 'n'], False, 'n', nan)"})
    assert one.decisive_metric(said) == "n"
    assert one.decisive_metric(json.dumps({"scoring": "(None, True, None, nan)"})) is None
    assert [one.decisive_metric(text) for text in (None, "{", "[]", '{"scoring": 5}')] == [None] * 4
    fields = (1, 2, 3, '[{"m": 1, "n": 2}, null]')
    assert [one.fold_to_report(fields, 1, metric).value for metric in ("n", "o")] == ["[2.0]", "[NaN]"]


def test_objectives_of_a_study() -> None:
    assert one.n_objectives(stores.spec(["minimize", "maximize"])) == 2
    assert [one.n_objectives(text) for text in ("{", "[]", "{}", None, '{"directions": 5}')] == [1] * 5
