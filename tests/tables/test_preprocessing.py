"""From raw columns to floats, in training and in a saved model that gets a frame from pandas."""

from __future__ import annotations

import datetime
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from hpcore.tables.columns import classify
from hpcore.tables.preprocessing import DateParts, as_numbers, as_text, preprocessor, reader
from tests.tables.samples import N, found
from tests.tables.test_columns import DATES, DROPPED, NUMBERS, TEXT

COLUMNS: dict[str, tuple[list[str], list[Any]]] = {
    "plain": ([f"{i}.25" for i in range(N)], [i + 0.25 for i in range(N)]),
    "thousands": ([f'"{i * 777:,}"' for i in range(N)], [i * 777 for i in range(N)]),
    "money": ([f'"${i * 777:,}.50"' for i in range(N)], [i * 777 + 0.5 for i in range(N)]),
    "percent": ([f"{i % 11}.5 %" for i in range(N)], [i % 11 + 0.5 for i in range(N)]),
    "quoted comma": ([f'"{i},75"' for i in range(N)], [i + 0.75 for i in range(N)]),
    "brackets": ([f"({i})" if i % 2 else f"{i}" for i in range(N)], [-i if i % 2 else i for i in range(N)]),
    "number and NA": (["NA" if i % 3 else str(i) for i in range(N)], [np.nan if i % 3 else i for i in range(N)]),
    "number and -": (["-" if i % 3 else str(i) for i in range(N)], [np.nan if i % 3 else i for i in range(N)]),
    "number and ?": (["?" if i % 9 == 0 else str(i) for i in range(N)],
                     [np.nan if i % 9 == 0 else i for i in range(N)]),
    "number and gaps": (["" if i % 3 else str(i) for i in range(N)], [np.nan if i % 3 else i for i in range(N)]),
    "truth": (["True" if i % 3 else "False" for i in range(N)], [float(i % 3 > 0) for i in range(N)]),
    "truth and gaps": (["" if i % 5 == 0 else "TRUE" if i % 3 else "FALSE" for i in range(N)],
                       [np.nan if i % 5 == 0 else float(i % 3 > 0) for i in range(N)]),
    "truth and blanks": (["true " if i % 3 else " false" for i in range(N)], [float(i % 3 > 0) for i in range(N)]),
    "word NA": (["NA" if i % 3 else "EU" for i in range(N)], ["NA" if i % 3 else "EU" for i in range(N)]),
    "word None": (["None" if i % 3 else "Brick" for i in range(N)], ["None" if i % 3 else "Brick" for i in range(N)]),
    "word and gaps": (["" if i % 3 else "x" for i in range(N)], ["(missing)" if i % 3 else "x" for i in range(N)]),
    "None and gaps": (["", "None", "x"] * (N // 3), ["(missing)", "(missing)", "x"] * (N // 3)),
    "two words for none": (["NA", "null", "x"] * (N // 3), ["(missing)", "(missing)", "x"] * (N // 3)),
    "word ?": (["?" if i % 3 else "x" for i in range(N)], ["?" if i % 3 else "x" for i in range(N)]),
    "zip": ([["01067", "80331", "50667"][i % 3] for i in range(N)],
            [["01067", "80331", "50667"][i % 3] for i in range(N)]),
    "zip and gaps": ([["01067", "", "50667"][i % 3] for i in range(N)],
                     [["01067", "(missing)", "50667"][i % 3] for i in range(N)]),
    "zip, all with zeros": ([["01067", "01099"][i % 2] for i in range(N)],
                            [["01067", "01099"][i % 2] for i in range(N)]),
    "telephones": ([["+4930123456", "+4989123456"][i % 2] for i in range(N)],
                   [["4930123456", "4989123456"][i % 2] for i in range(N)]),
    "ids": ([str(2**53 + 1 + i % 4) for i in range(N)], [str(2**53 + 1 + i % 4) for i in range(N)]),
    "longer ids": ([str(10**22 + i % 4) for i in range(N)], [str(10**22 + i % 4) for i in range(N)]),
    "months": ([f"{i % 12 + 1:02d}" for i in range(N)], [i % 12 + 1 for i in range(N)]),
    "blanks": ([[" a", "a ", "b"][i % 3] for i in range(N)], [["a", "a", "b"][i % 3] for i in range(N)]),
    "mixed": ([["1", "2", "x y"][i % 3] for i in range(N)], [["1", "2", "x y"][i % 3] for i in range(N)]),
}  # fmt: skip
READINGS: list[dict[str, Any]] = [
    {},
    {"dtype": str},
    {"dtype": str, "keep_default_na": False},
    {"keep_default_na": False, "na_values": [""]},
    {"skipinitialspace": True},
]


@pytest.fixture
def columns_file() -> str:
    rows = zip(*(cells for cells, _ in COLUMNS.values()), (str(i % 2) for i in range(N)), strict=True)
    Path("t.csv").write_text("\n".join([",".join([*(f'"{name}"' for name in COLUMNS), "y"]), *map(",".join, rows)]))
    return "t.csv"


def test_every_column_is_read_as_it_is_meant(columns_file: str) -> None:
    X, _, columns = found(columns_file, "y")
    assert set(X) == set(COLUMNS), columns.notices
    for name, (_, values) in COLUMNS.items():
        expected = np.asarray(values, dtype=object if isinstance(values[-1], str) else float)
        np.testing.assert_array_equal(X[name].to_numpy(), expected, err_msg=name)
    text = "\n".join(columns.notices)
    assert "'thousands' ('10,101' is 10101)" in text
    assert "'number and -' is a column of numbers; treated as missing: 40 cells ('-')" in text
    assert "'zip' holds codes such as '01067': used as text" in text
    assert "'None and gaps': 'None' and empty cells are one category" in text
    # A frame that was already read is not changed.
    pd.testing.assert_frame_equal(reader(columns).transform(X), X)


@pytest.mark.parametrize("reading", READINGS, ids=str)
@pytest.mark.parametrize("rows", [slice(None), slice(6), slice(7, 8)], ids=str)
def test_a_frame_of_pandas_is_read_alike(columns_file: str, reading: dict[str, Any], rows: slice) -> None:
    X, _, columns = found(columns_file, "y")
    header, *lines = Path(columns_file).read_text().splitlines()
    Path("fresh.csv").write_text("\n".join([header, *lines[rows]]))
    got = reader(columns).transform(pd.read_csv("fresh.csv", **reading))
    pd.testing.assert_frame_equal(got, X.iloc[rows].reset_index(drop=True))


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
