"""What is found out about columns, and how they become numbers."""

from __future__ import annotations

import datetime
import pickle
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest

from hpcore.errors import InvalidArgument
from hpcore.tables.columns import classify
from hpcore.tables.preprocessing import DateParts, as_numbers, as_text, preprocessor

N = 60
NUMBERS: dict[str, Any] = {
    "floats": np.linspace(0, 1, N),
    "few whole numbers": np.arange(N) % 7,
    "years, one a row": np.arange(1950, 1950 + N),
    "booleans": np.arange(N) % 2 == 0,
    "booleans and None": [None if i % 7 == 0 else bool(i % 2) for i in range(N)],
    "nullable integers": pd.array([None if i == 4 else i % 5 for i in range(N)], dtype="Int64"),
    "nullable booleans": pd.array([None if i == 4 else i % 2 == 0 for i in range(N)], dtype="boolean"),
    "decimals": [Decimal(i) / 3 for i in range(N)],
    "durations": pd.to_timedelta(np.arange(N) * 7 % 13, unit="h"),
    "text that is numbers": ["?" if i == 3 else str(i * 1.5) for i in range(N)],
    "infinite": [np.inf, -np.inf, *np.arange(N - 2.0)],
    "beyond single precision": [1e300, *np.arange(N - 1.0)],
}
TEXT: dict[str, Any] = {
    "words": ["red", "green", "blue"] * (N // 3),
    "words and None": [None if i % 5 == 0 else f"k{i % 3}" for i in range(N)],
    "one word and None": [None, "yes"] * (N // 2),
    "categories": pd.Categorical(["u", "v"] * (N // 2)),
    "categories of numbers": pd.Categorical([1, 2] * (N // 2)),
    "mixed": [1, "a"] * (N // 2),
    "times": [datetime.time(hour=i % 5) for i in range(N)],
}
DATES: dict[str, tuple[Any, str | None]] = {
    "ISO": ([f"2024-01-{i % 28 + 1:02d}" for i in range(N)], "ISO8601"),
    "ISO with zone": ([f"2024-01-{i % 28 + 1:02d}T10:00:00+02:00" for i in range(N)], "ISO8601"),
    "ISO, some missing": ([None if i % 9 == 0 else f"2024-{i % 12 + 1:02d}-03" for i in range(N)], "ISO8601"),
    "month first": ([f"{i % 12 + 1}/{i % 28 + 1}/2024" for i in range(N)], "%m/%d/%Y"),
    "day first": ([f"{i % 28 + 1}/{i % 12 + 1}/2024" for i in range(N)], "%d/%m/%Y"),
    "dots and time": ([f"{i % 28 + 1}.{i % 12 + 1}.2024 10:{i % 60:02d}" for i in range(N)], "%d.%m.%Y %H:%M"),
    "objects": ([datetime.date(2020, 1, 1 + i % 9) for i in range(N)], None),
    "timestamps": (pd.date_range("2020", "2021", periods=N, tz="Europe/Berlin"), None),
}
DROPPED: dict[str, Any] = {
    "constant": 1,
    "constant text": "ml",
    "constant but for gaps": [1.0, np.nan] * (N // 2),
    "empty": [np.nan] * N,
    "one date": "2024-01-01",
    "row": np.arange(N) * 3 + 7,
    "customer_id": np.arange(N)[::-1] * 2,
    "customerId": np.arange(N) * 2,
    "counts the rows": np.random.default_rng(0).permutation(N) + 1,
    "names": [f"name {i}" for i in range(N)],
    "lists": [[1, 2]] * N,
    "bytes": [b"x", b"y"] * (N // 2),
    "complex": np.arange(N) + 1j,
}


@pytest.mark.parametrize("name", NUMBERS)
def test_numbers(name: str) -> None:
    assert classify(pd.DataFrame({name: NUMBERS[name]})).numbers == [name]


@pytest.mark.parametrize("name", TEXT)
def test_text(name: str) -> None:
    assert classify(pd.DataFrame({name: TEXT[name]})).text == [name]


@pytest.mark.parametrize("name", DATES)
def test_dates(name: str) -> None:
    values, pattern = DATES[name]
    assert classify(pd.DataFrame({name: values})).dates == {name: pattern}


@pytest.mark.parametrize("name", DROPPED)
def test_dropped(name: str) -> None:
    columns = classify(pd.DataFrame({name: DROPPED[name], "x": np.linspace(0, 1, N)}))
    assert columns.numbers == ["x"]
    assert len(columns) == 1
    assert any(repr(name) in notice and "left out" in notice for notice in columns.notices)


def test_nothing_is_left() -> None:
    with pytest.raises(InvalidArgument, match="constant: 'a', 'b'"):
        classify(pd.DataFrame({"a": [1] * N, "b": ["x"] * N}))
    with pytest.raises(InvalidArgument, match="'names' left out: a different value in nearly every row"):
        classify(pd.DataFrame({"names": DROPPED["names"]}))


def test_day_and_month_are_told_apart_by_the_whole_column() -> None:
    column = ["1/2/2024"] * (N - 6) + ["13/1/2024"] * 6
    assert classify(pd.DataFrame({"d": column})).dates == {"d": "%d/%m/%Y"}


def test_values() -> None:
    numbers = pd.DataFrame({"a": ["1.5", "?", None], "b": [True, None, False], "c": [np.inf, 1e39, -2.0]})
    np.testing.assert_array_equal(as_numbers(numbers), [[1.5, 1, np.nan], [np.nan] * 3, [np.nan, 0, -2]])
    text = pd.DataFrame({"a": ["x", None, "y"], "b": pd.Categorical([1, 2, None])})
    assert as_text(text).tolist() == [["x", "1"], ["(missing)", "2"], ["y", "(missing)"]]


def test_parts_of_dates() -> None:
    frame = pd.DataFrame({"d": ["1970-01-01 06:00", "1970-03-01 06:00", "never"]})
    parts = DateParts({"d": "ISO8601"}).fit(frame)
    assert parts.get_feature_names_out().tolist() == ["d_days", "d_month", "d_weekday"]
    np.testing.assert_array_equal(parts.transform(frame), [[0.25, 1, 3], [59.25, 3, 6], [np.nan] * 3])


@pytest.mark.skipif(int(pd.__version__.split(".")[0]) < 3, reason="pandas reads them as dates from 3.0 on")
def test_dates_beyond_nanoseconds() -> None:
    frame = pd.DataFrame({"d": ["2020-01-02", "9999-12-31", "1066-10-14"] * 20})
    assert classify(frame).dates == {"d": "ISO8601"}
    step = DateParts({"d": "ISO8601"}).fit(frame)
    expected = [[(datetime.date(*ymd) - datetime.date(1970, 1, 1)).days, *ymd, datetime.date(*ymd).weekday()]
                for ymd in ((2020, 1, 2), (9999, 12, 31), (1066, 10, 14))]  # fmt: skip
    np.testing.assert_array_equal(step.transform(frame)[:3], expected)


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_dates_of_any_unit(unit: str) -> None:
    stamps = pd.DataFrame({"d": pd.Series(["1969-12-31 12:00:00", None]).astype(f"datetime64[{unit}]")})
    np.testing.assert_array_equal(DateParts({"d": None}).fit_transform(stamps), [[-0.5], [np.nan]])


@pytest.mark.parametrize(("scale", "missing"), [(True, False), (False, False), (False, True)])
def test_everything_at_once(scale: bool, missing: bool) -> None:
    frame = pd.DataFrame({**NUMBERS, **TEXT, **{name: values for name, (values, _) in DATES.items()}, **DROPPED})
    step = preprocessor(classify(frame), scale=scale, missing=missing)
    train, test = frame.iloc[:40], frame.iloc[40:]
    out = step.fit_transform(train)
    assert out.dtype == np.float64
    assert out.shape == (40, len(step.get_feature_names_out()))
    assert np.isnan(out).any() == missing
    if scale:
        assert np.abs(out).max() < 10
    strange = test.assign(**dict.fromkeys(TEXT, "new"), **{"ISO": "no date", "floats": np.nan})
    again = pickle.loads(pickle.dumps(step))  # noqa: S301 - our own bytes
    assert again.transform(strange).shape == (20, out.shape[1])


def test_rare_words_share_a_feature() -> None:
    words = [f"w{i % 100}" for i in range(400)]
    step = preprocessor(classify(pd.DataFrame({"w": words})), scale=False, missing=False)
    assert step.fit_transform(pd.DataFrame({"w": words})).shape == (400, 30)
