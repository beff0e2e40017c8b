"""Contents of columns, found from their values."""

from __future__ import annotations

import datetime
from collections import Counter
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest

from hpcore.errors import InvalidArgument
from hpcore.tables.columns import classify
from tests.tables.samples import N

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
    "yes and no": [["Yes", "no", "NO", None, "-"][i % 5] for i in range(N)],
    "on and off, categories of text": [["on ", "OFF"][i % 2] for i in range(N)],
    "times of a day": [f"{i % 24}:{i % 60:02d}" for i in range(N)],
    "durations in words": [["1h 20m", "45 min", "2h", ""][i % 4] for i in range(N)],
}
TEXT: dict[str, Any] = {
    "words": ["red", "green", "blue"] * (N // 3),
    "words and None": [None if i % 5 == 0 else f"k{i % 3}" for i in range(N)],
    "one word and None": [None, "yes"] * (N // 2),
    "categories": pd.Categorical(["u", "v"] * (N // 2)),
    "categories of numbers": pd.Categorical([1, 2] * (N // 2)),
    "mixed": [1, "a"] * (N // 2),
    "times": [datetime.time(hour=i % 5) for i in range(N)],
    "yes, no and another word": ["yes", "no", "maybe"] * (N // 3),
    "yes of two languages": ["yes", "nein"] * (N // 2),
    "ratios": [["4:3", "16:9", "3:2"][i % 3] for i in range(N)],
    "one duration among words": ["3:45", "early", "late"] * (N // 3),
}
WORDS = [
    *("the", "a", "price", "of", "good", "bad", "movie", "plot"),
    *("was", "very", "fast", "slow", "great", "story", "and", "cast"),
]
PROSE: dict[str, Any] = {
    "titles": [f"{WORDS[i % 7]} {WORDS[i % 11]} {WORDS[i % 13]} {WORDS[i % 16]} (part {i})" for i in range(N)],
    "titles and None": [
        None if i % 5 == 0 else f"{WORDS[i % 9]} {WORDS[i % 11]} {WORDS[i % 13]}, {WORDS[i % 16]} no {i}"
        for i in range(N)
    ],
    "repeated sentences": [
        " ".join(WORDS[(i * 2 // 3 * k) % 16] for k in range(8)) + f" {i * 2 // 3}" for i in range(N)
    ],
}
DATES: dict[str, tuple[Any, str | None]] = {
    "ISO": ([f"2024-01-{i % 28 + 1:02d}" for i in range(N)], "ISO8601"),
    "ISO with zone": ([f"2024-01-{i % 28 + 1:02d}T10:00:00+02:00" for i in range(N)], "ISO8601"),
    "ISO, some missing": ([None if i % 9 == 0 else f"2024-{i % 12 + 1:02d}-03" for i in range(N)], "ISO8601"),
    "month first": ([f"{i % 12 + 1}/{i % 28 + 1}/2024" for i in range(N)], "%m/%d/%Y"),
    "day first": ([f"{i % 28 + 1}/{i % 12 + 1}/2024" for i in range(N)], "%d/%m/%Y"),
    "dots and time": ([f"{i % 28 + 1}.{i % 12 + 1}.2024 10:{i % 60:02d}" for i in range(N)], "%d.%m.%Y %H:%M"),
    "objects": ([datetime.date(2020, 1, 1 + i % 9) for i in range(N)], None),
    "months": (pd.period_range("2020-01", periods=N, freq="M"), None),
    "days as objects": (pd.Series(pd.period_range("2020-01-01", periods=N, freq="D"), dtype=object), None),
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
    "emails": [f"anna.maria{i}@mail.org" for i in range(N)],
    "addresses of pages": [f"https://www.some.org/the-great-story-{i}" for i in range(N)],
    "order codes": [f"order of the customer {i}" for i in range(N)],
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


@pytest.mark.parametrize("name", PROSE)
def test_prose(name: str) -> None:
    columns = classify(pd.DataFrame({name: PROSE[name]}))
    assert (columns.prose, columns.text, len(columns)) == ([name], [], 1)
    assert f"{name!r} holds prose" in columns.notices[0]


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


def test_levels_are_counted() -> None:
    cities = [f"city {int(i)}" for i in np.random.default_rng(0).zipf(1.3, 3000) % 200]
    cities[:5] = [None] * 5  # type: ignore[list-item]
    columns = classify(pd.DataFrame({"city": cities, "few": ["u", "v"] * 1500}))
    n = len(Counter(cities))
    assert columns.levels == {"city": n, "few": 2}
    assert columns.high_cardinality == ["city"]
    notices = "\n".join(columns.notices)
    assert f"'city' has {n} categories, more than 30: each is replaced by the mean of the target" in notices
    assert "'few'" not in notices


def test_words_that_are_numbers_have_notices() -> None:
    frame = pd.DataFrame(
        {
            "smokes": ["Ja", "nein", "ja", ""] * 15,
            "took": [f"{i % 2}:{i:02d}:00" if i else "later" for i in range(60)],
        }
    )
    columns = classify(frame)
    assert columns.notations == {"smokes": "truth", "took": "duration"}
    notices = "\n".join(columns.notices)
    assert "'smokes' holds 'Ja' and 'nein': used as one number, 1 and 0" in notices
    assert "'took' holds durations or times such as '1:59:00': used as one number (7140)" in notices
    assert "'took': treated as missing: 1 cell ('later')" in notices
