"""Trials that are read from the records of a store, as they were written."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hpcore as hp
from hpcore.errors import DamagedStore
from hpcore.ledger.reading import adopt_result, read_reports, read_result, read_rows, report_data
from hpcore.ledger.writing import begun, ended, known_records, report_record
from hpcore.optimizer.known import Known, read_known
from hpcore.records.history import COMPLETE, FAILED, PAUSED, PRUNED, RUNNING, WITHDRAWN
from hpcore.records.outcome import Outcome

SPACE = hp.Space({"x": hp.Float(-5, 5), "c": hp.Categorical(["a", None])})

OUTCOMES = [
    Outcome((0.25,)),
    Outcome((0.25,), std_error=0.5, cost=3.0, metrics={"ms": 2.0, "rare": math.nan}, gradient={"x": -1.0}),
    Outcome((-1.0,), PRUNED, 0.1),
    Outcome(None, PRUNED, cost=1.0),
    Outcome(None, PAUSED, metrics={"ms": 1.0}),
    Outcome.failed("broke", cost=2.0),
]


def optimizer(n: int = 1, direction: str = "minimize") -> tuple[hp.Optimizer, list[hp.Trial]]:
    opt = hp.Optimizer(SPACE, sampler="random", direction=direction, seed=0)
    return opt, [opt.ask() for _ in range(n)]


def same(a: Outcome, b: Outcome) -> bool:
    return repr(a) == repr(b)  # NaN != NaN


@pytest.mark.parametrize("outcome", OUTCOMES, ids=repr)
def test_an_outcome_comes_back_as_it_was(outcome: Outcome) -> None:
    opt, (trial,) = optimizer()
    trial.user_attrs["a"] = [1, None]
    trial.started, trial.finished = 1.0, 2.0
    record = begun(opt, trial, 7, "w", 9.0)
    assert (record.number, record.job, record.state, record.worker, record.lease) == (0, 0, RUNNING, "w", 9.0)
    done = ended(record, trial, outcome)
    assert (done.state, done.worker, done.lease, done.cost) == (outcome.state, None, None, outcome.cost)
    told, user_attrs = read_result(done, 1, "a")
    assert same(told, outcome) and user_attrs == {"a": [1, None]}
    fresh = hp.Trial(0, dict(trial.params))
    assert same(adopt_result(fresh, done, 1, "a"), outcome)
    assert (fresh.started, fresh.finished, dict(fresh.user_attrs)) == (1.0, 2.0, {"a": [1, None]})


def test_many_trials_as_columns() -> None:
    opt, trials = optimizer(len(OUTCOMES) + 1)
    records = [begun(opt, trial, 1, "w", 9.0) for trial in trials]
    records = [ended(r, t, o) for r, t, o in zip(records, trials, OUTCOMES, strict=False)] + records[-1:]
    reports = [report_record(1, 4, 4, 2, [math.nan], 0.5), report_record(1, 0, 0, 1, [3.0])]
    rows = read_rows([record.fields() for record in records], reports, SPACE, 1, "a")
    other = hp.Optimizer(SPACE, sampler="random", seed=0)
    other.restore(rows)
    for trial, outcome in zip(trials, OUTCOMES, strict=False):
        opt.finish(trial, outcome)
    assert [repr((t, t.cost, t.metrics, t.gradient, t.error)) for t in other.trials] == [
        repr((t, t.cost, t.metrics, t.gradient, t.error)) for t in opt.trials
    ]
    assert np.array_equal(other.history.X, opt.history.X, equal_nan=True)
    assert other.trials[0].reports == {1: 3.0} and list(other.trials[4].reports) == [2]
    assert other.history.n_jobs == len(records)


def test_jobs_of_resumed_trials() -> None:
    opt, trials = optimizer(2)
    opt.finish(trials[0], Outcome(None, PAUSED))
    again = opt.resume(0)
    records = [begun(opt, trial, 1, "w", 9.0) for trial in (again, trials[1])]
    assert [record.job for record in records] == [2, 1]
    rows = read_rows([record.fields() for record in records], [], SPACE, 1, "a")
    assert rows.job is not None and rows.job.tolist() == [2, 1]
    other = hp.Optimizer(SPACE, sampler="random", seed=0)
    other.restore(rows)
    assert other.history.n_jobs == 3 and other.history.job_of(0) == 2


BAD: list[dict[str, Any]] = [
    {"state": COMPLETE, "objective": None},
    {"state": COMPLETE, "objective": "[NaN]"},
    {"state": COMPLETE, "objective": "[1, 2]"},
    {"state": PRUNED, "objective": "[Infinity]"},
    {"state": PRUNED, "objective": "[NaN]"},
    {"state": FAILED, "objective": "[1]"},
    {"state": PAUSED, "objective": "[1]"},
    {"state": RUNNING, "objective": "[1]"},
    {"notes": '{"metrics": [1]}'},
    {"notes": '{"metrics": {"a": "1"}}'},
    {"notes": '{"gradient": {"x": null}}'},
    {"notes": '{"gradient": {"x": 1' + "0" * 400 + "}}"},
    {"notes": '{"reports": {"1": 2}}'},
]


@pytest.mark.parametrize("change", BAD, ids=str)
def test_states_and_values_go_together(change: dict[str, Any]) -> None:
    opt, (trial,) = optimizer()
    record = ended(begun(opt, trial, 1, "w", 9.0), trial, Outcome((0.5,)))
    bad = replace(record, **change)
    with pytest.raises(DamagedStore, match="trial 0 of study 'a' is damaged: it"):
        read_result(bad, 1, "a")
    with pytest.raises(DamagedStore, match="trial 0 of study 'a' is damaged: it"):
        read_rows([bad.fields()], [], SPACE, 1, "a")


@pytest.mark.parametrize("value", ["[1.0]", "{}", "[1, null]", "x", "[1, [2]]"])
def test_a_report_with_odd_values_is_named(value: str) -> None:
    report = replace(report_record(1, 0, 0, 2.5, [1.0, 2.0]), value=value)
    with pytest.raises(DamagedStore, match=r"report 2.5 of trial 0 of study 'a' is damaged: its value"):
        read_reports([report], 2, "a", 1)


def test_a_report_of_no_trial_is_damage() -> None:
    with pytest.raises(DamagedStore, match="there is no such trial"):
        read_reports([report_record(1, 3, 3, 1, [1.0])], 1, "a", 3)


def test_data_of_a_report() -> None:
    assert report_data(report_record(1, 0, 0, 1, [1.0]), "a") is None
    assert report_data(report_record(1, 0, 0, 1, [1.0], data='{"m": [1]}'), "a") == {"m": [1]}
    with pytest.raises(DamagedStore, match="report 1 of trial 0 of study 'a' is damaged: its data"):
        report_data(report_record(1, 0, 0, 1, [1.0], data="{"), "a")


# --- trials that lack values ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stored", [False, True], ids=["in memory", "stored"])
def test_trials_that_lack_values_and_their_reports(stored: bool, tmp_path: Path) -> None:
    space = hp.Space({"k": hp.Categorical(["a", "b"]), "x": hp.Float(0, 1), "y": hp.Float(0, 1, when={"k": "a"})})
    store = tmp_path / "a.db" if stored else None
    study = hp.Study(space, storage=store, name="a", direction="maximize", sampler="tpe", seed=0)
    params = [{"k": "a", "x": 0.5}, {"k": "b", "x": 0.25}, {}, {"x": 0.75}]
    outcomes = [Outcome((1.0,), PRUNED), Outcome((2.0,)), Outcome(None, WITHDRAWN), Outcome.failed("broke")]
    reports = [{1.0: (3.0,), 2.5: (math.nan,)}, {}, {}, {4.0: (5.0,)}]
    times = [(1.0, 2.0)] * 4
    attributes: list[dict[str, Any]] = [{"a": 1}, {}, {"b": None}, {}]
    X = space.encode(params, missing="inactive")
    study.add_known(Known(X, params, outcomes, attributes, times, list(range(4)), reports))
    study.run(lambda trial: trial["x"], n_trials=3)
    if store is not None:
        study = hp.load_study(store, "a")
    trials = study.trials
    assert [trial.params for trial in trials[:4]] == params
    assert [str(trial.state) for trial in trials] == ["pruned", "complete", "withdrawn", "failed"] + ["complete"] * 3
    assert [dict(trial.user_attrs) for trial in trials[:4]] == attributes
    assert repr([dict(trial.reports) for trial in trials[:4]]) == repr([{1: 3.0, 2.5: math.nan}, {}, {}, {4: 5.0}])
    assert (trials[0].value, trials[3].error, study.best_trial.number) == (1.0, "broke", 1)
    assert study.optimizer.history.curves.job.tolist() == [0, 0, 3]


def test_a_value_that_a_trial_should_have_is_damage() -> None:
    opt, _ = optimizer(2)
    known = read_known(SPACE, opt.outcome, [({"x": 1.0, "c": "a"}, 0.5)])
    (record,) = known_records(opt, known, 3, 0)
    lacking = replace(record, point=np.array([math.nan, 0.25]).astype("<f8").tobytes())
    for wrong in (lacking, replace(lacking, exact=0), replace(lacking, params='{"x": 1.0}')):
        with pytest.raises(DamagedStore, match="trial 0 of study 'a' is damaged: column 0 is active"):
            read_rows([wrong.fields()], [], SPACE, 1, "a")
    rows = read_rows([replace(lacking, params='{"c": "a"}').fields()], [], SPACE, 1, "a")
    assert rows.notes[0]["params"] == {"c": "a"}
