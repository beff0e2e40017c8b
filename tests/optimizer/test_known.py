"""Many known results at once: all of them, as if added one by one, or none."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import hpcore as hp
from hpcore.errors import InvalidArgument, InvalidType, SearchSpaceExhausted, StorageError

SPACE = {
    "x": hp.Float(-5, 5),
    "lr": hp.Float(1e-5, 1e-1, log=True),
    "k": hp.Int(0, 2**62),
    "c": hp.Categorical(["a", None, (1, 2)]),
    "d": hp.Int(1, 3, when={"c": "a"}),
}


def rows(n: int) -> list[Any]:
    """Make rows that are pairs and mappings in turn, some with failures, attributes, errors and times."""
    out: list[Any] = []
    for i, params in enumerate(hp.Space(SPACE).sample(n, seed=7)):
        value = [float(i), math.nan, None, i][i % 4]
        more = {"std_error": 0.5, "user_attrs": {"i": i}, "started": 10.0 + i, "finished": 20.0 + i}
        out.append((params, value) if i % 3 else {"params": params, "value": value, **more})
    out[-1] = {"params": out[-1][0] if isinstance(out[-1], tuple) else out[-1]["params"], "value": 1, "error": "broke"}
    return out


def facts(trials: Any) -> list[Any]:
    return [(t.number, repr(t.params), t.state, t.values, t.error, t.user_attrs, t.started, t.finished) for t in trials]


@pytest.fixture(params=["optimizer", "memory", "store"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    if request.param == "optimizer":
        return hp.Optimizer(SPACE, sampler="tpe", seed=0)
    storage = tmp_path / "a.db" if request.param == "store" else None
    return hp.Study(SPACE, sampler="tpe", seed=0, storage=storage, name="a")


def test_as_if_one_by_one(where: Any, tmp_path: Path) -> None:
    given = rows(30)
    where.add({"x": 0.0, "lr": 0.01, "k": 5, "c": None}, 3.0)
    told = where.add_many(iter(given))
    single = hp.Optimizer(SPACE, sampler="tpe", seed=0)
    single.add({"x": 0.0, "lr": 0.01, "k": 5, "c": None}, 3.0)
    for row in given:
        fields = row if isinstance(row, dict) else {"params": row[0], "value": row[1]}
        trial = single.add(
            fields["params"],
            None if "error" in fields else fields["value"],
            std_error=fields.get("std_error"),
            user_attrs=fields.get("user_attrs"),
        )
        assert told[trial.number - 1].values == trial.values and told[trial.number - 1].params == trial.params
    assert facts(told) == facts(where.trials[1:]) and [t.number for t in told] == list(range(1, 31))
    assert [t.values for t in single.trials] == [t.values for t in where.trials]
    assert where.trials[30].error == "broke" and where.trials[1].user_attrs == {"i": 0}
    assert where.best_value == single.best_value
    # The next proposals follow from the record alone.
    assert where.ask().params == single.ask().params
    if isinstance(where, hp.Study) and where.name == "a" and (tmp_path / "a.db").exists():
        again = hp.load_study(tmp_path / "a.db")
        assert facts(again.trials[1:31]) == facts(told)
        assert again.optimizer.history.std_error(1) == 0.5 == where.optimizer.history.std_error(1)
        assert again.trials[1].params["k"] == told[0].params["k"]  # to the last digit


GOOD = {"x": 0.0, "lr": 0.01, "k": 5, "c": None}


@pytest.mark.parametrize(
    ("bad", "error", "match"),
    [
        (({**GOOD, "x": 99.0}, 1.0), InvalidArgument, "row 2: value of 'x'"),
        (({**GOOD, "x": math.nan}, 1.0), InvalidArgument, "row 2: value of 'x'"),
        (({**GOOD, "c": "z"}, 1.0), InvalidArgument, "row 2: value of 'c'"),
        (({**GOOD, "d": 1}, 1.0), InvalidArgument, "row 2: params must leave out 'd'"),
        (({"x": 0.0}, 1.0), InvalidArgument, "row 2: params must give"),
        (({**GOOD, "y": 1}, 1.0), InvalidArgument, "row 2: .*'y'"),
        ((GOOD, "high"), InvalidType, "row 2: value must be a number"),
        ((GOOD, [1.0, 2.0]), InvalidArgument, "row 2: value must have one number"),
        ((GOOD,), InvalidType, "row 2: a row must be"),
        (GOOD, InvalidType, "row 2: a row must be"),
        (5, InvalidType, "row 2: a row must be"),
        (("x", 1.0), InvalidType, "row 2: params must be a mapping"),
        ({"params": GOOD, "value": 1.0, "stderr": 1}, InvalidArgument, "row 2: .*'stderr'"),
        ({"params": GOOD, "value": 1.0, "std_error": -1}, InvalidArgument, "row 2: std_error"),
        ({"params": GOOD, "value": 1.0, "error": 5}, InvalidType, "row 2: error"),
        ({"params": GOOD, "value": 1.0, "user_attrs": 5}, InvalidType, "row 2: user_attrs"),
        ({"params": GOOD, "value": 1.0, "started": "now"}, InvalidType, "row 2: started"),
        ({"params": GOOD, "value": 1.0, "finished": 1e300}, InvalidArgument, "row 2: finished"),
    ],
)
def test_a_bad_row_is_named_and_nothing_recorded(bad: Any, error: type[Exception], match: str, where: Any) -> None:
    where.add(GOOD, 1.0)
    with pytest.raises(error, match=match):
        where.add_many([(GOOD, 1.0), (GOOD, 2.0), bad, (GOOD, 3.0)])
    assert len(where.trials) == 1
    if isinstance(where, hp.Study):
        where.refresh()
        assert len(where.trials) == 1
    assert [t.number for t in where.add_many([(GOOD, 0.5)])] == [1] and where.best_value == 0.5


@pytest.mark.parametrize("given", [5, None, "rows", GOOD, b"x"], ids=repr)
def test_what_is_no_rows(given: Any, where: Any) -> None:
    with pytest.raises(InvalidType, match="rows must be an iterable"):
        where.add_many(given)


def test_rows_that_raise(where: Any) -> None:
    def broken() -> Iterator[Any]:
        yield GOOD, 1.0
        raise OSError("the file ended")

    with pytest.raises(OSError, match="ended"):
        where.add_many(broken())
    assert len(where.trials) == 0 and where.add_many([]) == [] and len(where.trials) == 0


def test_several_objectives(tmp_path: Path) -> None:
    study = hp.Study(SPACE, storage=tmp_path / "a.db", name="a", directions=["minimize", "maximize"], seed=0)
    study.add_many([(GOOD, (1.0, 2.0)), (GOOD, [3, None]), (GOOD, np.array([0.5, 1.0]))])
    assert [t.values for t in hp.load_study(tmp_path / "a.db").trials] == [(1.0, 2.0), None, (0.5, 1.0)]
    assert [t.number for t in study.pareto_front] == [0, 2]


def test_one_transaction(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from hpcore.storage.transaction import Transaction

    study = hp.Study(SPACE, storage=tmp_path / "a.db", name="a", seed=0)
    begun = []
    init = Transaction.__init__
    monkeypatch.setattr(Transaction, "__init__", lambda self, *args: (begun.append(1), init(self, *args))[1])
    study.add_many(rows(50))
    assert len(begun) == 1
    # An error of the store leaves nothing, in memory or on disk.
    monkeypatch.setattr(Transaction, "insert_many", lambda self, records: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        study.add_many(rows(5))
    monkeypatch.undo()
    assert len(study.trials) == 50 == len(hp.load_study(tmp_path / "a.db").trials)
    study._trial_log.storage.read_only = True
    with pytest.raises(StorageError, match="reading only"):
        study.add_many(rows(5))
    assert len(study.trials) == 50


def test_attributes_that_cannot_be_stored_are_named(tmp_path: Path) -> None:
    study = hp.Study(SPACE, storage=tmp_path / "a.db", name="a", seed=0)
    with pytest.raises((InvalidType, InvalidArgument), match="row 1: user_attrs"):
        study.add_many([(GOOD, 1.0), {"params": GOOD, "value": 1.0, "user_attrs": {"a": object()}}])
    assert len(study.trials) == 0


def test_a_finite_space_does_not_propose_them_again() -> None:
    space = {"k": hp.Int(1, 6), "c": hp.Categorical([True, 1])}
    opt = hp.Optimizer(space, sampler="random", seed=0)
    opt.add_many([(params, 1.0) for params in hp.Space(space).grid() if params["k"] < 6])
    assert {opt.ask()["k"] for _ in range(2)} == {6}
    with pytest.raises(SearchSpaceExhausted):
        opt.ask()


@pytest.mark.parametrize("prefetch", [False, True, "delayed"])
def test_with_prefetch(prefetch: Any) -> None:
    opt = hp.Optimizer(SPACE, sampler="tpe", seed=0, prefetch=prefetch)
    opt.ask()
    opt.add_many(rows(20))
    plain = hp.Optimizer(SPACE, sampler="tpe", seed=0)
    plain.ask()
    plain.add_many(rows(20))
    if prefetch is not False and prefetch != "delayed":
        assert opt.ask().params == plain.ask().params
    else:
        opt.ask()
    assert opt.n_trials == 22


def test_rows_of_a_data_frame(where: Any) -> None:
    made = hp.Optimizer(SPACE, sampler="random", seed=5)
    asked = [made.ask() for _ in range(20)]
    frame = pd.DataFrame([{"loss": float(t.number), **t.params, "k": 0} for t in asked])
    frame["k"] = pd.Series([t["k"] for t in asked], dtype=object)
    half = [row for _, row in frame.iterrows()]
    for row in half[:10]:
        where.add(row.drop("loss"), row["loss"])
    where.add_many((row.drop("loss"), row["loss"]) for row in half[10:15])
    where.add_many({"params": row.drop("loss"), "value": row["loss"]} for row in half[15:])
    assert [repr(t.params) for t in where.trials] == [repr(t.params) for t in asked]
    assert [t.value for t in where.trials] == frame["loss"].tolist()
    with pytest.raises(InvalidArgument, match="params must have each name once"):
        where.add(pd.concat([half[0], half[0]]), 1.0)
    with pytest.raises(InvalidArgument, match="row 1: params must name parameters of the space"):
        where.add_many([(half[0].drop("loss"), 1.0), (half[1], 1.0)])
    assert len(where.trials) == 20


def test_a_row_may_be_a_pruned_trial_with_its_estimate() -> None:
    opt = hp.Optimizer({"x": hp.Float(0, 1)}, seed=0)
    rows = [{"params": {"x": 0.5}, "value": value, "state": "pruned"} for value in (2.0, None)]
    assert [(t.state, t.value) for t in opt.add_many(rows)] == [("pruned", 2.0), ("pruned", None)]
    assert [(t.state, t.value) for t in opt.trials] == [("pruned", 2.0), ("pruned", None)]
    for state in ("paused", "running", 3):
        with pytest.raises(InvalidArgument, match="row 0: state must be"):
            opt.add_many([{"params": {"x": 0.5}, "value": None, "state": state}])


def test_a_row_may_have_a_gradient(tmp_path: Path) -> None:
    row = {"params": {"x": 0.5}, "value": 1.0, "gradient": {"x": 2.0}}
    opt = hp.Optimizer({"x": hp.Float(0.0, 1.0)}, seed=0)
    study = hp.Study({"x": hp.Float(0.0, 1.0)}, storage=tmp_path / "s.db", name="a")
    for where in (opt, study):
        (trial,) = where.add_many([row])
        assert trial.gradient == {"x": 2.0}
        with pytest.raises(InvalidArgument, match=r"row 0: gradient must name parameters of the space, got 'z'"):
            where.add_many([{**row, "gradient": {"z": 2.0}}])
    assert opt.history.gradients is not None and opt.history.gradients.tolist() == [[2.0]]
    assert hp.load_study(tmp_path / "s.db", "a").trials[0].gradient == {"x": 2.0}


def test_a_result_made_elsewhere_may_have_a_gradient(tmp_path: Path) -> None:
    opt = hp.Optimizer({"x": hp.Float(0, 1)}, seed=0)
    study = hp.Study({"x": hp.Float(0, 1)}, storage=tmp_path / "s.db", name="a")
    for where in (opt, study):
        assert where.add({"x": 0.5}, 1.0, gradient={"x": 2.0}).gradient == {"x": 2.0}
        with pytest.raises(InvalidArgument, match="gradient must name parameters of the space, got 'z'"):
            where.add({"x": 0.5}, 1.0, gradient={"z": 2.0})
        assert len(where.trials) == 1
    assert hp.load_study(tmp_path / "s.db", "a").trials[0].gradient == {"x": 2.0}
