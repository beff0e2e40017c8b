"""Repair of stores of both versions, without the code of their studies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hpcore.ledger.repair import find_damage, repair
from hpcore.storage import open_storage
from hpcore.storage.dialects.sqlite import driver
from tests.storage.versions import stores


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return stores.write_sqlite(tmp_path / "runs.db")


def content(path: Path) -> dict[str, Any]:
    """Return studies, trials and reports by the name of the study; a repair changes ids."""
    store = open_storage(path, read_only=True)

    def work(t: Any) -> dict[str, Any]:
        return {
            study.name: (
                study.n_trials,
                study.n_jobs,
                study.mode,
                [fields[1:] for fields in t.trials(study)],
                sorted((r.number, r.step, r.job, r.value, r.data or "") for r in t.reports_after(study.id, 0)),
                t.attributes(study.id),
            )
            for study in t.studies()
        }

    try:
        return store.read(work)
    finally:
        store.close()


@pytest.mark.parametrize("migrated", [False, True])
def test_a_whole_store_comes_back_whole(migrated: bool, path: Path) -> None:
    before = content(path)
    if migrated:
        open_storage(path).close()
    data = path.read_bytes()
    assert find_damage(path).n_trials == {"a": 6, "b": 3, "c": 2}
    report = repair(path)
    assert (report.n_trials, report.orphans) == ({"a": 6, "b": 3, "c": 2}, 0)
    assert report.lost == {"a": [], "b": [], "c": []}
    assert content(report.path) == before and path.read_bytes() == data


@pytest.mark.parametrize("migrated", [False, True])
def test_the_intact_records_are_saved(migrated: bool, path: Path) -> None:
    before = content(path)
    connection = driver().connect(path)
    connection.execute("UPDATE hpcore_trials SET objective = '[9.0]' WHERE study_id = 1 AND number = 4")
    connection.execute("UPDATE hpcore_folds SET score = '[1.0]' WHERE study_id = 4 AND number = 0 AND fold = 1")
    connection.commit()
    connection.close()
    if migrated:
        open_storage(path).close()
    report = repair(path)
    assert (report.lost, report.orphans) == ({"a": [4], "b": [], "c": []}, 0)
    after = content(report.path)
    assert after["b"] == before["b"]
    assert after["a"][2] == "fast" and "damaged" in after["a"][3][4][11]
    assert [row for row in after["a"][3] if row[0] != 4] == [row for row in before["a"][3] if row[0] != 4]
    # In version 1 reports were part of the trial's record, which is lost.
    assert after["a"][4] == [r for r in before["a"][4] if r[0] != 4]
    assert after["c"][4] == [r for r in before["c"][4] if r[:2] != (0, 1.0)]


def test_reports_of_a_lost_trial_are_kept(path: Path) -> None:
    open_storage(path).close()
    before = content(path)
    connection = driver().connect(path)
    connection.execute("UPDATE hpcore_trials SET objective = '[9.0]' WHERE study_id = 1 AND number = 4")
    connection.execute("UPDATE hpcore_reports SET value = '[9.0]' WHERE study_id = 1 AND number = 1 AND step = 3")
    connection.commit()
    connection.close()
    after = content(repair(path).path)
    assert after["a"][4] == [r for r in before["a"][4] if r[:2] != (1, 3.0)]


def test_remains_of_version_1_do_not_come_back(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The newest study is found even if the freelist cannot be read."""
    from hpcore.storage import salvage
    from hpcore.storage.records import ReportRecord

    store = open_storage(path)

    def work(t: Any) -> None:
        record = t.trial(4, 1)
        t.replace(record.ended(3, None, None, (None, None), "later", None), record.token)
        t.add_report(ReportRecord(4, 0, 1.0, 0, "[7.0]"))

    store.write(work)
    store.close()
    whole = content(path)
    monkeypatch.setattr(salvage, "_free", lambda size, pages: set())
    assert content(repair(path).path) == whole
