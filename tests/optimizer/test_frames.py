"""Tables of results: those of `to_frame`, directly and from files, and other tables."""

from __future__ import annotations

import io
import logging
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import hpcore as hp
from hpcore.errors import InvalidArgument, InvalidType


class Model:
    """Object like an estimator whose repr has its memory address."""


def model() -> None:
    """Function that is a choice."""


MODEL = Model()
SPACE = hp.Space(
    {
        "kernel": hp.Categorical(["rbf", "linear", "None"]),
        "degree": hp.Int(2, 5, when={"kernel": "rbf"}),
        "weight": hp.Categorical([None, "balanced"]),
        "flag": hp.Categorical([True, False]),
        "maybe": hp.Categorical([True, "auto", None], when={"flag": True}),
        "size": hp.Categorical([1, 2.5, "4"]),
        "shape": hp.Categorical([(64, 32), [16], (8,)]),
        "object": hp.Categorical([MODEL, model, Model, len]),
        "number": hp.Categorical(["1", "2", "0.10"]),
        "C": hp.Float(0.1, 0.7, log=True),
        "grid": hp.Float(0, 1, step=0.1),
        "small": hp.Float(1e-9, 1e-3, log=True, when={"kernel": "linear"}),
        "many": hp.Int(0, 2**50),
        "loss": hp.Categorical(["=SUM", "-x", "@y"]),
    }
)


def study_of(space: Any, n: int = 60, m: int = 1, **options: Any) -> hp.Study:
    def objective(trial: hp.Trial) -> Any:
        trial.user_attrs["who"] = "me"
        if trial.number % 5 == 1:
            raise ValueError(f"broke at {trial.number},\nbadly")
        if trial.number % 3 == 0:
            trial.user_attrs["n"] = trial.number
        return trial.number / 7 if m == 1 else [trial.number / 7 + i for i in range(m)]

    directions = None if m == 1 else ["minimize"] * m
    return hp.Study(space, sampler="random", seed=1, directions=directions, **options).run(objective, n_trials=n)


def by_csv(frame: pd.DataFrame, **options: Any) -> pd.DataFrame:
    return pd.read_csv(io.StringIO(frame.to_csv(index=False)), **options)


WAYS: dict[str, Callable[[pd.DataFrame], pd.DataFrame]] = {
    "directly": lambda frame: frame,
    "csv": by_csv,
    "csv as text": lambda frame: by_csv(frame, dtype=str),
    "csv of text alone": lambda frame: by_csv(frame, dtype=str, keep_default_na=False),
    "csv by Python": lambda frame: by_csv(frame, engine="python"),
    "csv with an index": lambda frame: pd.read_csv(io.StringIO(frame.to_csv())),
    "nullable": lambda frame: by_csv(frame).convert_dtypes(),
}


def same(new: hp.Study, old: hp.Study, rel: float = 1e-15) -> None:
    """Check that trials are the same, except for floats that a CSV reader rounded."""
    assert len(new.trials) == len(old.trials)
    for now, was in zip(new.trials, old.trials, strict=True):
        assert now.state == was.state
        assert list(now.params) == list(was.params)
        for name, value in was.params.items():
            if type(value) is float:
                assert now.params[name] == pytest.approx(value, rel=rel) or math.isnan(value)
            else:
                assert now.params[name] is value or (
                    type(now.params[name]) is type(value) and now.params[name] == value
                )
        assert (now.values is None) == (was.values is None)
        if was.values is not None:
            assert now.values == pytest.approx(was.values, rel=rel)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("stored", [False, True], ids=["memory", "store"])
def test_everything_comes_back(way: str, stored: bool, tmp_path: Path) -> None:
    old = study_of(SPACE)
    new = hp.Study(SPACE, storage=tmp_path / "a.db" if stored else None, name="a", seed=2)
    added = new.add_frame(WAYS[way](old.to_frame()))
    same(new, old)
    assert [t.number for t in added] == list(range(60))
    for now, was in zip(new.trials, old.trials, strict=True):
        assert now.error == was.error and str(now.user_attrs["who"]) == "me"
        assert {name: float(v) for name, v in now.user_attrs.items() if name == "n" and v != ""} == {
            name: v for name, v in was.user_attrs.items() if name == "n"
        }
        assert now.started == pytest.approx(was.started, abs=2e-6)
        assert now.finished == pytest.approx(was.finished, abs=2e-6)
    if stored:
        same(hp.load_study(tmp_path / "a.db", space=SPACE), old)


PLAIN = hp.Space({name: SPACE[name] for name in SPACE if name not in ("object", "shape")})


@pytest.mark.parametrize("m", [1, 2])
@pytest.mark.parametrize(("orient", "dates"), [("records", "iso"), ("columns", "iso"), ("records", "epoch")])
@pytest.mark.filterwarnings("ignore:.*epoch.*deprecated")
def test_json(orient: Any, dates: Any, m: int) -> None:
    old = study_of(hp.Space({name: SPACE[name] for name in SPACE if name != "object"}), m=m)
    text = old.to_frame().to_json(orient=orient, double_precision=15, date_format=dates)
    new = hp.Study(old.space, directions=["minimize"] * m)
    new.add_frame(pd.read_json(io.StringIO(text), orient=orient))
    same(new, old, rel=1e-5)  # fifteen decimals
    assert new.trials[0].started == pytest.approx(old.trials[0].started, abs=2e-3)


def test_parquet() -> None:
    pytest.importorskip("pyarrow")
    old = study_of(hp.Space({name: PLAIN[name] for name in PLAIN if name not in ("size", "maybe")}))
    stream = io.BytesIO()
    old.to_frame().to_parquet(stream)
    new = hp.Study(old.space)
    new.add_frame(pd.read_parquet(io.BytesIO(stream.getvalue())))
    same(new, old, rel=0)


def test_several_objectives_and_standard_errors() -> None:
    old = hp.Study({"x": hp.Float(0, 1)}, directions=["minimize", "maximize"], seed=0)
    old.add({"x": 0.25}, [1.0, 2.0], std_error=0.125)
    old.add({"x": 0.5}, [1.0, math.nan])
    old.add({"x": 0.75}, [2.0, 3.0])
    frame = old.to_frame()
    assert list(frame.columns[:5]) == ["number", "state", "value_0", "value_1", "std_error"]
    new = hp.Optimizer(old.space, directions=["minimize", "maximize"], seed=0)
    new.add_frame(by_csv(frame))
    assert [t.values for t in new.trials] == [(1.0, 2.0), None, (2.0, 3.0)]
    assert [new.history.std_error(i) for i in range(3)] == [0.125, None, None]
    assert "std_error" not in study_of(SPACE, n=3).to_frame()


def test_running_and_paused_rows_are_left_out(caplog: pytest.LogCaptureFixture) -> None:
    old = study_of(PLAIN, n=4)
    old.ask()
    old.tell(old.ask(), state="paused")
    old.add(dict(old.trials[0].params), 0.5)
    new = hp.Study(PLAIN, seed=0)
    with caplog.at_level(logging.WARNING, "hpcore"):
        added = new.add_frame(by_csv(old.to_frame()))
    assert [t.number for t in added] == [0, 1, 2, 3, 4] and new.trials[4].value == 0.5
    assert "2 of 7 rows" in caplog.text


def test_what_hpcore_export_writes(tmp_path: Path) -> None:
    from click.testing import CliRunner

    from hpcore.cli.app import main

    old = study_of(SPACE, storage=tmp_path / "a.db", name="a")
    out = tmp_path / "out.csv"
    assert CliRunner().invoke(main, ["export", str(tmp_path / "a.db"), "--out", str(out)]).exit_code == 0
    assert list(pd.read_csv(out).columns) == list(old.to_frame().columns)
    new = hp.Study(SPACE, seed=2)
    new.add_frame(pd.read_csv(out))
    same(new, old)


SIMPLE = hp.Space(
    {
        "lr": hp.Float(1e-4, 1, log=True),
        "opt": hp.Categorical(["sgd", "adam"]),
        "m": hp.Float(0, 1, when={"opt": "sgd"}),
    }
)
TABLE = {"lr": [0.1, 0.2, 0.3], "opt": ["sgd", "adam", "sgd"], "m": [0.5, None, 0.9], "loss": [3.0, None, 1.0]}


def test_a_users_own_table() -> None:
    frame = pd.DataFrame({**TABLE, "spread": [0.1, 0.2, None], "seed": [1, 2, 3], "state": "Ohio", "error": "none"})
    opt = hp.Optimizer(SIMPLE, seed=0)
    opt.add_frame(frame, value="loss", std_error="spread", user_attrs=["seed"])
    assert [t.value for t in opt.trials] == [3.0, None, 1.0] and opt.best_params == {"lr": 0.3, "opt": "sgd", "m": 0.9}
    assert [t.user_attrs for t in opt.trials] == [{"seed": 1}, {"seed": 2}, {"seed": 3}]
    assert [opt.history.std_error(i) for i in range(3)] == [0.1, 0.2, None]
    renamed = frame.rename(columns={"lr": "learning rate", "m": "param_m2"})
    again = hp.Optimizer(SIMPLE, seed=0)
    again.add_frame(renamed, value=["loss"], params={"lr": "learning rate", "m": "param_m2"})
    assert [t.params for t in again.trials] == [t.params for t in opt.trials]
    # A conditional parameter that is never active needs no column.
    adam = pd.DataFrame({"lr": [0.1], "opt": ["adam"], "value": ["7"]})
    assert hp.Optimizer(SIMPLE, seed=0).add_frame(adam)[0].value == 7.0


def test_frames_of_others_by_their_to_pandas() -> None:
    class Polars:
        def to_pandas(self) -> pd.DataFrame:
            return pd.DataFrame(TABLE)

    assert len(hp.Optimizer(SIMPLE, seed=0).add_frame(Polars(), value="loss")) == 3


@pytest.mark.parametrize(
    ("change", "options", "error", "match"),
    [
        ({"loss": None}, {"value": "loss"}, InvalidArgument, r"value must name a column of the table .*got 'loss'"),
        ({}, {}, InvalidArgument, "value must name a column.*got 'value'"),
        ({}, {"value": ["loss", "lr"]}, InvalidArgument, "one column per objective"),
        ({}, {"value": 5}, InvalidType, "value must be"),
        ({"lr": None}, {"value": "loss"}, InvalidArgument, "'lr' for 'lr' is missing"),
        ({"m": None}, {"value": "loss"}, InvalidArgument, "row 0: params must give the active parameter 'm'"),
        ({"m": [None] * 3}, {"value": "loss"}, InvalidType, "row 0: value of 'm' must be a number"),
        ({"m": [0.5, 0.5, 0.5]}, {"value": "loss"}, InvalidArgument, "row 1: params must leave out 'm'"),
        ({"lr": [0.1, "fast", 1]}, {"value": "loss"}, InvalidType, "row 1: value of 'lr'"),
        ({"lr": [0.1, 2.0, 1]}, {"value": "loss"}, InvalidArgument, "row 1: value of 'lr'"),
        ({"opt": ["sgd", "adam", "SGD"]}, {"value": "loss"}, InvalidArgument, "row 2: value of 'opt'"),
        ({"loss": ["1", "2", "low"]}, {"value": "loss"}, InvalidArgument, "row 2: value must be a number, got 'low'"),
        ({}, {"value": "loss", "params": {"y": "lr"}}, InvalidArgument, "params must name parameters.*'y'"),
        ({}, {"value": "loss", "params": {"lr": "y"}}, InvalidArgument, r"params\['lr'\] must name a column"),
        ({}, {"value": "loss", "params": "lr"}, InvalidType, "params must be a mapping"),
        ({}, {"value": "loss", "std_error": "y"}, InvalidArgument, "std_error must name a column"),
        ({}, {"value": "loss", "user_attrs": "lr"}, InvalidType, "user_attrs must be a list"),
        ({}, {"value": "loss", "user_attrs": ["y"]}, InvalidArgument, "user_attrs must name a column"),
        ({"param_gamma": [1, 2, 3]}, {"value": "loss"}, InvalidArgument, "only, got 'param_gamma'"),
    ],
)
def test_what_does_not_fit(change: dict, options: dict, error: type[Exception], match: str) -> None:
    columns = {name: cells for name, cells in {**TABLE, **change}.items() if cells is not None}
    opt = hp.Optimizer(SIMPLE, seed=0)
    with pytest.raises(error, match=match):
        opt.add_frame(pd.DataFrame(columns), **options)
    assert opt.n_trials == 0


@pytest.mark.parametrize("frame", [5, None, TABLE, [TABLE], "a.csv", np.zeros((2, 2))], ids=lambda v: str(type(v)))
def test_what_is_no_frame(frame: Any) -> None:
    with pytest.raises(InvalidType, match=r"frame must be a pandas\.DataFrame"):
        hp.Optimizer(SIMPLE, seed=0).add_frame(frame)


def test_written_tables_that_contradict_themselves() -> None:
    frame = study_of(PLAIN, n=4).to_frame()
    opt = hp.Optimizer(PLAIN, seed=0)
    with pytest.raises(InvalidArgument, match="row 2: value must be a number where the state is 'complete'"):
        opt.add_frame(frame.assign(value=[1.0, None, None, 2.0]))
    with pytest.raises(InvalidArgument, match="row 1: state must be one of"):
        opt.add_frame(frame.assign(state=["complete", "lost", "complete", "complete"]))
    with pytest.raises(InvalidArgument, match="row 0: started must be a date"):
        opt.add_frame(frame.assign(started="yesterday"))
    with pytest.raises(InvalidArgument, match="there once"):
        opt.add_frame(pd.concat([frame, frame[["value"]]], axis=1))
    with pytest.raises(InvalidArgument, match="value must name the column"):
        hp.Optimizer({"value": hp.Float(0, 1)}, seed=0).add_frame(pd.DataFrame({"value": [0.5]}))
    assert opt.n_trials == 0


@pytest.mark.parametrize(
    ("choices", "cells", "expected"),
    [
        ([1, 2, "auto"], ["1", "2", "auto"], [1, 2, "auto"]),
        ([1, 2, 4], [1.0, 2.0, 4.0], [1, 2, 4]),
        ([1, 2, None], [1.0, math.nan, 2.0], [1, None, 2]),
        ([True, False], ["True", "false", "TRUE"], [True, False, True]),
        ([True, False], [1, 0, 1.0], [True, False, True]),
        ([True, False, None], [True, None, math.nan], [True, None, None]),
        (["True", "False"], [True, False, True], ["True", "False", "True"]),
        (["1", "2"], [1, 2, 2], ["1", "2", "2"]),
        (["0.10", "0.5"], [0.1, 0.5, 0.1], ["0.10", "0.5", "0.10"]),
        ([0, False, "x"], ["0", "False", "x"], [0, False, "x"]),
        (["", "x"], [math.nan, "x", ""], ["", "x", ""]),
        (["NA", "EU"], [math.nan, "EU", "NA"], ["NA", "EU", "NA"]),
        ([(1, 2), (3,)], ["(1, 2)", [3], (1, 2)], [(1, 2), (3,), (1, 2)]),
        ([0.3, 0.7], [0.30000000000000004, 0.7, 0.3], [0.3, 0.7, 0.3]),
        ([math.nan, 1.0], [math.nan, 1.0, None], [math.nan, 1.0, math.nan]),
        ([1, 1.0, "1"], [1, 1.0, "1"], [1, 1.0, "1"]),  # a table with its types
        ([2**60, 2**60 + 1], [2**60, 2**60 + 1, 2**60], [2**60, 2**60 + 1, 2**60]),
    ],
    ids=repr,
)
def test_choices(choices: list, cells: list, expected: list) -> None:
    opt = hp.Optimizer({"c": hp.Categorical(choices)}, seed=0)
    opt.add_frame(pd.DataFrame({"c": pd.Series(cells, dtype=object), "value": [1.0, 2.0, 3.0]}))
    assert [repr(t["c"]) for t in opt.trials] == [repr(value) for value in expected]


@pytest.mark.parametrize(
    ("choices", "cells"),
    [
        ([1, "1"], ["1"]),
        ([1, 1.0], [1.0]),
        ([1, "1"], [1]),
        ([None, "None"], [math.nan]),
        ([None, math.nan], [math.nan]),
        ([None, ""], [math.nan]),
        ([True, "True"], ["True"]),
        (["1", "1.0", "x"], [1.0]),
        ([Model(), Model()], [str(MODEL)]),
    ],
    ids=lambda given: re.sub(" object at 0x[0-9a-f]+", "", repr(given)),
)
def test_choices_that_a_file_does_not_tell_apart(choices: list, cells: list) -> None:
    opt = hp.Optimizer({"c": hp.Categorical(choices)}, seed=0)
    with pytest.raises(InvalidArgument, match=r"row 0: value of 'c' must (say which|be told apart)"):
        opt.add_frame(pd.DataFrame({"c": cells, "value": [1.0]}))
    assert opt.n_trials == 0


def test_none_and_nan_stay_what_they_are_in_a_table() -> None:
    space = {"c": hp.Categorical([None, math.nan, 1.5]), "x": hp.Float(0, 1)}
    old = hp.Study(space, sampler="random", seed=0).run(lambda t: 1.0, n_trials=20)
    new = hp.Study(space, seed=0)
    new.add_frame(old.to_frame())
    assert [repr(t.params) for t in new.trials] == [repr(t.params) for t in old.trials]


def test_whole_numbers_that_doubles_do_not_hold() -> None:
    opt = hp.Optimizer({"k": hp.Int(0, 2**62)}, seed=0)
    table = {"k": [2**60 + 1, 3], "value": [1.0, 2.0]}
    opt.add_frame(pd.DataFrame(table))
    opt.add_frame(pd.DataFrame(table).astype({"k": str}))
    assert [t["k"] for t in opt.trials] == [2**60 + 1, 3] * 2
    with pytest.raises(InvalidArgument, match=r"row 0: value of 'k' must be an exact integer.*dtype=str"):
        opt.add_frame(pd.DataFrame(table).astype({"k": float}))


def test_bounds_that_a_reader_rounded() -> None:
    opt = hp.Optimizer({"x": hp.Float(0.1, 0.7)}, seed=0)
    cells = [math.nextafter(0.1, 0), math.nextafter(0.7, 1), 0.1]
    opt.add_frame(pd.DataFrame({"x": cells, "value": [1.0, 2.0, 3.0]}))
    assert [t["x"] for t in opt.trials] == [0.1, 0.7, 0.1]
    with pytest.raises(InvalidArgument, match="row 0: value of 'x'"):
        opt.add_frame(pd.DataFrame({"x": [0.1 - 1e-12], "value": 1.0}))


def test_an_empty_table() -> None:
    old = hp.Study(SIMPLE)
    assert hp.Study(SIMPLE).add_frame(old.to_frame()) == []


def test_pruned_trials_come_back_with_their_estimates() -> None:
    study = hp.Study({"x": hp.Float(0, 1)}, direction="maximize", seed=0)
    study.tell(study.ask(), 0.25, state="pruned")
    study.tell(study.ask(), state="pruned")
    study.tell(study.ask(), 0.5)
    again = hp.Optimizer({"x": hp.Float(0, 1)}, direction="maximize", seed=0)
    again.add_frame(study.to_frame())
    assert [(t.state, t.value) for t in again.trials] == [("pruned", 0.25), ("pruned", None), ("complete", 0.5)]
    assert again.best_value == 0.5
