"""Rows of tables as params: what is missing is inactive, or the choice that it is."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest

import hpcore as hp
from hpcore.errors import HpcoreError, InvalidArgument, InvalidType
from hpcore.space.reading import is_missing, without_missing

SPACE = hp.Space(
    {
        "kernel": hp.Categorical(["rbf", "linear"]),
        "degree": hp.Int(2, 5, when={"kernel": "rbf"}),
        "weight": hp.Categorical([None, "balanced"]),
        "inner": hp.Categorical([None, 3], when={"kernel": "rbf"}),
        "deep": hp.Float(0, 1, when={"inner": None}),
        "fill": hp.Categorical([math.nan, 0.0], when={"kernel": "linear"}),
    }
)
NOTHING = [None, math.nan, np.float64("nan"), np.float32("nan"), pd.NA, pd.NaT]


@pytest.mark.parametrize("nothing", NOTHING, ids=repr)
def test_missing_values(nothing: Any) -> None:
    assert is_missing(nothing)
    row = {"kernel": "linear", "degree": nothing, "weight": nothing, "inner": nothing, "deep": nothing, "fill": nothing}
    read = without_missing(SPACE, row)
    assert read == {"kernel": "linear", "weight": None, "fill": read["fill"]} and math.isnan(read["fill"])
    row = {"kernel": "rbf", "degree": 3, "weight": nothing, "inner": nothing, "deep": 0.5, "fill": nothing}
    assert without_missing(SPACE, row) == {"kernel": "rbf", "degree": 3, "weight": None, "inner": None, "deep": 0.5}
    row["inner"], row["deep"] = 3, nothing
    assert without_missing(SPACE, row) == {"kernel": "rbf", "degree": 3, "weight": None, "inner": 3}


@pytest.mark.parametrize("there", [0, 0.0, "", "nan", False, math.inf, 10**400, [], (math.nan,), np.zeros(2)], ids=repr)
def test_what_is_there(there: Any) -> None:
    assert not is_missing(there)


@pytest.mark.parametrize("nothing", NOTHING, ids=repr)
def test_what_is_active_must_be_there(nothing: Any) -> None:
    row = {"kernel": "rbf", "degree": nothing, "weight": None, "inner": 3}
    opt = hp.Optimizer(SPACE, seed=0)
    with pytest.raises((InvalidArgument, InvalidType), match="'degree'"):
        opt.add(row, 1.0)
    with pytest.raises(HpcoreError, match="'x'"):
        hp.Optimizer({"x": hp.Float(0, 1)}, seed=0).add({"x": nothing}, 1.0)
    assert opt.n_trials == 0


def test_values_of_inactive_parameters_and_unknown_names_are_refused_as_before() -> None:
    opt = hp.Optimizer(SPACE, seed=0)
    with pytest.raises(InvalidArgument, match="'degree', which is active only"):
        opt.add({"kernel": "linear", "degree": 3, "weight": None, "fill": 0.0}, 1.0)
    with pytest.raises(InvalidArgument, match="'degre'"):
        opt.add({"kernel": "linear", "degre": math.nan, "weight": None, "fill": 0.0}, 1.0)
    with pytest.raises(InvalidArgument, match="'kernel'"):
        opt.add({"kernel": None, "degree": math.nan, "weight": None}, 1.0)


def test_rows_of_a_table_are_added_one_by_one() -> None:
    study = hp.Study(SPACE, sampler="random", seed=3).run(lambda t: float(t.number), n_trials=40)
    new = hp.Study(SPACE, sampler="random", seed=4)
    for _, row in study.to_frame().iterrows():
        new.add({name[6:]: value for name, value in row.items() if name.startswith("param_")}, row["value"])
    assert [repr(t.params) for t in new.trials] == [repr(t.params) for t in study.trials]
