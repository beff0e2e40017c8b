"""Operations on a store inside a transaction, without a study's own code."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from hpcore.errors import DamagedStore
from hpcore.records.history import COMPLETE, FAILED, PAUSED, RUNNING
from hpcore.storage import Storage, open_storage
from hpcore.storage.records import GIVEN_UP, ReportRecord, StudyRecord, TrialRecord


@pytest.fixture
def store() -> Iterator[Storage]:
    yield open_storage("sqlite:///:memory:")


def begin(store: Storage, n: int = 1, name: str = "a") -> StudyRecord:
    """A study of `n` running trials."""

    def work(transaction) -> StudyRecord:
        study = transaction.create(name, "{}")
        transaction.current(study.id, lock=True)
        for number in range(n):
            transaction.insert(trial(study, number))
        study = replace(study, n_trials=n, n_jobs=n)
        transaction.change(study)
        return study

    return store.write(work)


def trial(study: StudyRecord, number: int = 0) -> TrialRecord:
    return TrialRecord(study.id, number, number, RUNNING, 0, b"", "{}", token=1, worker="w", lease=1.0)


def report(study: StudyRecord, number: int, step: float, value: str = "[1.0]", data: str | None = None) -> ReportRecord:
    return ReportRecord(study.id, number, step, number, value, None, data)


def test_reports_in_order_of_arrival(store: Storage) -> None:
    study, other = begin(store, 3), begin(store, 1, "b")
    for record in (report(study, 1, 1.0), report(other, 0, 1.0), report(study, 0, 0.5), report(study, 1, 2.0)):
        store.write(lambda t, record=record: t.add_report(record))
    found = store.read(lambda t: t.reports(study.id, [0, 1]))
    assert [(r.number, r.step) for r in found] == [(1, 1.0), (0, 0.5), (1, 2.0)]
    assert [r.id for r in found] == sorted(r.id for r in found)
    assert store.read(lambda t: t.reports(study.id, [2])) == []
    assert store.read(lambda t: t.reports_after(study.id, found[0].id)) == found[1:]
    assert len(store.read(lambda t: t.reports(study.id, range(2000)))) == 3


def test_a_second_report_of_a_step_takes_the_place_of_the_first(store: Storage) -> None:
    study = begin(store)
    records = [report(study, 0, 1.0), report(study, 0, 2.0), report(study, 0, 1.0, "[3.0]", "[5]")]
    store.write(lambda t: t.add_reports(records[:2]))
    before = store.read(lambda t: t.reports_after(study.id, 0))
    store.write(lambda t: t.add_report(records[2]))
    after = store.read(lambda t: t.reports_after(study.id, 0))
    assert [(r.step, r.value, r.data) for r in after] == [(2.0, "[1.0]", None), (1.0, "[3.0]", "[5]")]
    # Whoever followed up to the last one sees the new one.
    assert store.read(lambda t: t.reports_after(study.id, before[-1].id)) == after[1:]
    store.write(lambda t: t.add_reports(records))
    assert [r.value for r in store.read(lambda t: t.reports_after(study.id, 0))] == ["[3.0]", "[1.0]"]


def test_reports_go_with_their_result_or_not_at_all(store: Storage) -> None:
    study = begin(store)
    ended = trial(study).ended(COMPLETE, "[1.0]", None, (None, None), None, None)
    assert store.write(lambda t: t.finish(ended, [report(study, 0, 1.0)])) is ended
    late = trial(study).ended(COMPLETE, "[2.0]", None, (None, None), None, None)
    assert store.write(lambda t: t.finish(late, [report(study, 0, 2.0)])).objective == "[1.0]"
    assert [r.step for r in store.read(lambda t: t.reports_after(study.id, 0))] == [1.0]


def test_a_damaged_report_is_named(store: Storage) -> None:
    study = begin(store)
    store.write(lambda t: t.add_report(report(study, 0, 1.5)))
    store.write(lambda t: t.connection.exec_driver_sql("UPDATE hpcore_reports SET value = '[2.0]'"))
    for read in (lambda t: t.reports(study.id, [0]), lambda t: t.reports_after(study.id, 0)):
        with pytest.raises(DamagedStore, match=r"report 1.5 of trial 0.*checksum"):
            store.read(read)


def test_of_two_that_resume_a_trial_one_does(store: Storage) -> None:
    study = begin(store)
    paused = trial(study).ended(PAUSED, None, None, (None, None), None, None)
    assert not store.write(lambda t: t.resume(paused.resumed(1, "v", 2.0), paused.token))  # it is running
    assert store.write(lambda t: t.finish(paused)) is paused
    first, second = paused.resumed(1, "v", 2.0), paused.resumed(1, "u", 2.0)
    assert not store.write(lambda t: t.replace(first, paused.token))  # it is not
    assert store.write(lambda t: t.resume(first, paused.token))
    assert not store.write(lambda t: t.resume(second, paused.token))
    assert store.read(lambda t: t.trial(study.id, 0)) == first


def test_jobs_are_within_those_of_the_study(store: Storage) -> None:
    study = begin(store, 2)
    resumed = replace(trial(study, 1), job=2)
    store.write(lambda t: t.replace(resumed, 1))
    with pytest.raises(DamagedStore, match="trial 1 of study 'a' is damaged: its job cannot be 2"):
        store.read(lambda t: t.trials(study))
    store.write(lambda t: t.change(replace(study, n_jobs=3)))
    assert len(store.read(lambda t: t.trials(t.current(study.id, lock=False)))) == 2


def test_a_late_value_takes_the_place_of_a_trial_that_was_given_up(store: Storage) -> None:
    study = begin(store)
    given_up = replace(trial(study).ended(FAILED, None, None, (None, None), f"1 worker {GIVEN_UP}", None), deaths=1)
    assert store.write(lambda t: t.replace(given_up, 1))
    late = trial(study).ended(COMPLETE, "[2.0]", None, (None, None), None, None)
    assert store.write(lambda t: t.finish(late)).objective == "[2.0]"


def test_a_study_is_deleted_with_its_reports(store: Storage) -> None:
    study = begin(store)
    store.write(lambda t: t.add_report(report(study, 0, 1.0)))
    store.write(lambda t: t.delete(study.id))
    assert store.read(lambda t: t.reports_after(study.id, 0)) == []


def test_a_plain_trial_costs_no_statement_for_reports(store: Storage) -> None:
    from sqlalchemy import event

    study = begin(store)
    statements: list[str] = []
    event.listen(store.engine, "before_cursor_execute", lambda c, cur, statement, *rest: statements.append(statement))
    store.write(lambda t: t.finish(trial(study).ended(COMPLETE, "[1.0]", None, (None, None), None, None)))
    assert len(statements) == 1 and statements[0].startswith("UPDATE hpcore_trials")
