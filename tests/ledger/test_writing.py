"""Records that are made from the trials of an optimizer."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest

import hpcore as hp
from hpcore.errors import InvalidArgument, InvalidType
from hpcore.ledger.reading import read_reports
from hpcore.ledger.writing import begun, ended, is_same_result, known_records, report_records
from hpcore.optimizer.known import read_known
from hpcore.records.history import COMPLETE, FAILED, PAUSED
from hpcore.records.outcome import Outcome
from hpcore.storage.records import TrialRecord

SPACE = hp.Space({"x": hp.Float(-5, 5), "c": hp.Categorical(["a", None])})


def optimizer(n: int = 1, direction: str = "minimize") -> tuple[hp.Optimizer, list[hp.Trial]]:
    opt = hp.Optimizer(SPACE, sampler="random", direction=direction, seed=0)
    return opt, [opt.ask() for _ in range(n)]


def test_reports_of_a_trial_that_ends() -> None:
    opt, (plain, curve, written) = optimizer(3, "maximize")
    opt.report(curve, 2.0, 1.0, cost=0.5)
    opt.report(curve, math.nan, 1.5)
    curve.reports[1], curve.reports[9] = 7.0, 8.0
    written.reports[3] = 4.0
    made = []
    for trial in (plain, curve, written):
        record = ended(begun(opt, trial, 1, "w", 9.0), trial, Outcome((0.0,)))
        made.append([(r.number, r.job, r.step, r.value, r.cost) for r in report_records(opt, trial, record)])
    # Reports that were made while the trial ran are stored already, also where the caller wrote over them.
    assert made == [[], [(1, 1, 9.0, "[8.0]", None)], [(2, 2, 3.0, "[4.0]", None)]]


def test_reports_of_earlier_jobs_are_stored_already() -> None:
    opt, (trial,) = optimizer()
    opt.report(trial, 1.0, 1)
    opt.finish(trial, Outcome(None, PAUSED))
    again = opt.resume(0)
    again.reports[1], again.reports[2] = 9.0, 0.5
    record = ended(begun(opt, again, 1, "w", 9.0), again, Outcome((0.5,)))
    assert [(r.step, r.job) for r in report_records(opt, again, record)] == [(2.0, 1)]


def test_reports_of_several_objectives() -> None:
    opt = hp.Optimizer(SPACE, sampler="random", directions=["minimize", "maximize"], seed=0)
    trial = opt.ask()
    trial.reports[5] = 3.0
    record = ended(begun(opt, trial, 1, "w", 9.0), trial, Outcome((1.0, 2.0)))
    records = report_records(opt, trial, record)
    assert [r.value for r in records] == ["[3.0, NaN]"]
    ((number, step, values, cost, job),) = read_reports(records, 2, "a", 1)
    assert (number, step, values[0], cost, job) == (0, 5.0, 3.0, None, 0) and math.isnan(values[1])


def test_results_made_elsewhere() -> None:
    opt, _ = optimizer(2)
    table = [({"x": 1.0, "c": "a"}, 0.5), {"params": {"x": 2.0, "c": None}, "value": None, "error": "broke"}]
    known = read_known(SPACE, opt.outcome, table)
    records = known_records(opt, known, 3, 2)
    assert [(r.number, r.job, r.state, r.objective, r.error, r.exact) for r in records] == [
        (2, 2, COMPLETE, "[0.5]", None, 1),
        (3, 3, FAILED, None, "broke", 1),
    ]
    for bad, kind in (({"a": object()}, InvalidType), ({"a": "x" * 2**21}, InvalidArgument)):
        known = read_known(SPACE, opt.outcome, table[:1])
        known.user_attrs[0] = bad
        with pytest.raises(kind, match="row 0: "):
            known_records(opt, known, 3, 2)


def test_the_same_result_under_another_token() -> None:
    record = TrialRecord(1, 0, 0, COMPLETE, 0, b"", "{}", objective=json.dumps([1.0]), token=1)
    assert is_same_result(record, record)
    assert is_same_result(replace(record, token=3, deaths=1), record)
    assert not is_same_result(replace(record, objective="[2.0]"), record)


def test_facts_of_an_earlier_job_stay_in_the_store(tmp_path: Path) -> None:
    limits = {"ms": hp.at_most(5.0)}
    study = hp.Study({"x": hp.Float(0, 1)}, storage=tmp_path / "a.db", name="a", limits=limits, sampler="random")
    for later in (None, {"ms": 9.0}):
        trial = study.ask()
        study.tell(trial, state="paused", metrics={"ms": 4.0}, cost=3.0)
        resumed = study._trial_log.resume(trial)
        study.tell(resumed, 1.0, metrics=later)
    again = hp.load_study(tmp_path / "a.db")
    for one in (study, again):
        assert [t.metrics for t in one.trials] == [{"ms": 4.0}, {"ms": 9.0}]
        assert [t.cost for t in one.trials] == [3.0, 3.0]
        assert [t.feasible for t in one.trials] == [True, False] and one.best_trial.number == 0
