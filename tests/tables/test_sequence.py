"""Tables whose rows are in the order of time."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr
from sklearn.metrics import cohen_kappa_score
from sklearn.model_selection import KFold, TimeSeriesSplit

from hpcore.tables.columns import classify
from hpcore.tables.sequence import neighbours_alike, time_order
from hpcore.tables.target import Problem

N = 300
RNG = np.random.default_rng(0)
NOISE = RNG.normal(size=N)
WALK = np.cumsum(NOISE)
UP = np.sign(WALK - np.median(WALK)) > 0
DAYS = pd.date_range("2023-01-01", periods=N)
FOLDS = list(KFold(5, shuffle=True, random_state=0).split(NOISE))


def remark_of(y: Any, folds: Any = FOLDS, index: Any = None, **columns: Any) -> str | None:
    X = pd.DataFrame({"a": RNG.normal(size=N), **columns})
    series = pd.Series(y)
    task: Any = "regression" if series.dtype.kind == "f" else "classification"
    remark = time_order(Problem("t", X, series, "demand", task, []), classify(X), folds, index)
    assert remark is None or remark.kind == "time"
    return None if remark is None else remark.text


@pytest.mark.parametrize("y", [WALK, np.where(UP, "up", "down"), np.repeat(["u", "v", "w"], 100)])
def test_a_series_with_a_clock(y: Any) -> None:
    for clock in (
        {"day": DAYS},
        {"day": DAYS.astype(str)},
        {"t": np.arange(N) * 3600.0 + 1.7e9},
        {"year": 1990 + np.arange(N) // 12},
        {"ymd": [int(f"{day:%Y%m%d}") for day in DAYS]},
    ):
        said = remark_of(y, **clock)
        assert said is not None and repr(next(iter(clock))) in said and "cv=TimeSeriesSplit()" in said
        assert "sort the rows" not in said and "reverse" not in said


def test_the_rows_need_not_be_sorted() -> None:
    order = RNG.permutation(N)
    said = remark_of(WALK[order], day=DAYS[order])
    assert said is not None and "sort the rows by the dates 'day' and use folds" in said
    said = remark_of(WALK[::-1], t=np.arange(N)[::-1] * 10.0)
    assert said is not None and "'t' decreases" in said and "reverse the rows" in said


def test_dates_in_the_index() -> None:
    said = remark_of(WALK, index=DAYS)
    assert said is not None and said.startswith(
        "in the order of the index neighbouring rows have similar values of 'demand'"
    )
    assert remark_of(WALK, index=pd.RangeIndex(N)) is None
    assert remark_of(NOISE, index=DAYS) is None


def test_without_a_clock_or_without_memory_nothing_is_said() -> None:
    assert remark_of(WALK) is None  # sorted rows may be sorted by anything
    assert remark_of(np.sort(NOISE), size=np.sort(RNG.lognormal(size=N))) is None  # sorted by a measurement
    assert remark_of(NOISE, day=DAYS) is None
    assert remark_of(NOISE, t=np.arange(N) * 10.0) is None
    assert remark_of(RNG.choice(["u", "v"], N), day=DAYS) is None
    assert remark_of(WALK, day=DAYS, folds=list(TimeSeriesSplit(4).split(NOISE))) is None


def test_few_rows_say_little() -> None:
    X = pd.DataFrame({"a": NOISE[:20], "day": DAYS[:20]})
    problem = Problem("t", X, pd.Series(np.arange(20.0)), "y", "regression", [])
    assert time_order(problem, classify(X), list(KFold(2, shuffle=True, random_state=0).split(X))) is None


def test_how_alike_neighbours_are() -> None:
    order = RNG.permutation(N)
    problem = Problem("t", pd.DataFrame(), pd.Series(WALK), "y", "regression", [])
    assert neighbours_alike(problem, np.arange(N)) == pytest.approx(spearmanr(WALK[1:], WALK[:-1])[0], abs=0.01)
    assert abs(neighbours_alike(problem, order)) < 0.2
    words = np.where(WALK > 0, "up", "down")
    problem = Problem("t", pd.DataFrame(), pd.Series(words), "y", "classification", [])
    expected = cohen_kappa_score(words[1:], words[:-1])
    assert neighbours_alike(problem, np.arange(N)) == pytest.approx(expected, abs=0.01)
    assert abs(neighbours_alike(problem, order)) < 0.2
    assert neighbours_alike(problem, order[:2]) == 0.0
    constant = Problem("t", pd.DataFrame(), pd.Series(np.ones(N)), "y", "regression", [])
    assert neighbours_alike(constant, order) == 0.0
