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
from hpcore.tables.table import Columns
from tests.tables.samples import N, found
from tests.tables.test_columns import DATES, DROPPED, NUMBERS, PROSE, TEXT, WORDS

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
    frame = pd.DataFrame({**NUMBERS, **TEXT, **{name: values for name, (values, _) in DATES.items()}, **DROPPED,
                          **PROSE})  # fmt: skip
    step = preprocessor(classify(frame), scale=scale, missing=missing)
    train, test = frame.iloc[:40], frame.iloc[40:]
    out = step.fit_transform(train)
    assert out.dtype == np.float64
    assert out.shape == (40, len(step.get_feature_names_out()))
    assert np.isnan(out).any() == missing
    if scale:
        assert np.abs(out).max() < 10, step.get_feature_names_out()[np.abs(out).max(axis=0) >= 10]
    strange = test.assign(
        **dict.fromkeys(TEXT, "new"), **dict.fromkeys(PROSE, "new"), **{"ISO": "no date", "floats": np.nan}
    )
    again = pickle.loads(pickle.dumps(step))  # noqa: S301 - our own bytes
    assert again.transform(strange).shape == (20, out.shape[1])


def test_rare_words_share_a_feature() -> None:
    words = pd.DataFrame({"w": [f"w{i % 100}" for i in range(400)]})
    step = preprocessor(classify(words), scale=False, missing=False)
    step.set_params(encode__high_cardinality__encoding="one_hot")
    assert step.fit_transform(words).shape == (400, 30)


@pytest.mark.parametrize("target", ["two classes", "three classes", "numbers", "whole numbers"])
def test_many_levels_and_prose(target: str) -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {"city": [f"city {int(i)}" for i in rng.integers(60, size=400)], "x": rng.normal(size=400),
         "text": [" ".join(rng.choice(WORDS, 9)) for _ in range(400)], "colour": rng.choice(["red", "blue"], 400)}
    )  # fmt: skip
    effect = frame["city"].str.slice(5).astype(float)
    y: Any = {
        "two classes": np.where(effect > 30, "many", "few"),
        "three classes": np.digitize(effect, [20, 40]),
        "numbers": effect.to_numpy() + rng.normal(size=400),
        "whole numbers": effect.to_numpy(),
    }[target]
    step = preprocessor(classify(frame), scale=True, missing=False, seed=3)
    train, test = slice(300), slice(300, None)
    out = step.fit_transform(frame[train], y[train])
    n_means = 3 if target == "three classes" else 1
    names = list(step.get_feature_names_out())
    assert names[:3] == ["x", "colour_blue", "colour_red"]
    assert names[3 + n_means :] == [f"text_text{i}" for i in range(32)]
    assert out.shape == (300, len(names)) and np.isfinite(out).all()
    # The means are standardised over the training rows, and tell the target of the others.
    np.testing.assert_allclose(out[:, 3 : 3 + n_means].mean(axis=0), 0, atol=1e-9)
    np.testing.assert_allclose(out[:, 3 : 3 + n_means].std(axis=0), 1)
    rest = step.transform(frame[test])
    if n_means == 1:
        assert abs(np.corrcoef(rest[:, 3], pd.factorize(y[test], sort=True)[0])[0, 1]) > 0.8
    unseen = step.transform(frame[test].assign(city="nowhere", text=None, colour="green"))
    np.testing.assert_allclose(unseen[:, 3 : 3 + n_means].std(axis=0), 0, atol=1e-12)
    np.testing.assert_array_equal(unseen[:, 3 + n_means :], 0)
    again = preprocessor(classify(frame), scale=True, missing=False, seed=3).fit_transform(frame[train], y[train])
    np.testing.assert_array_equal(out, again)


def test_missing_values_have_an_indicator() -> None:
    frame = pd.DataFrame(
        {"gaps": [None, 1.0, 2.0, 9.0], "full": [1.0, 2.0, 3.0, 5.0], "never": [np.nan] * 4,
         "when": ["2024-01-01", "", "2024-03-01", "2023-01-09"]}
    )  # fmt: skip
    columns = Columns(numbers=["gaps", "full", "never"], dates={"when": "ISO8601"})
    step = preprocessor(columns, scale=True, missing=False)
    out = pd.DataFrame(step.fit_transform(frame), columns=step.get_feature_names_out())
    assert [name for name in out if name.startswith("missing")] == [
        "missingindicator_gaps", "missingindicator_never", "missingindicator_when_days"
    ]  # fmt: skip
    assert out["missingindicator_gaps"].tolist() == [1, 0, 0, 0]
    assert out["missingindicator_when_days"].tolist() == [0, 1, 0, 0]
    # Missing for the first time after the fit: the median.
    fresh = pd.DataFrame(
        step.transform(frame.assign(full=[None, 1, 2, 3], never=[1.0, None, None, None])), columns=out.columns
    )
    assert np.isfinite(fresh).all(axis=None)
    assert fresh["full"][0] == pytest.approx((2.5 - 2.75) / np.std([1, 2, 3, 5]))
    assert fresh["missingindicator_never"].tolist() == [0, 1, 1, 1]


def test_no_indicator_without_missing_values_nor_for_models_that_take_them() -> None:
    frame = pd.DataFrame({"a": [1.0, 2.0], "b": [np.nan, 2.0]})
    columns = Columns(numbers=["a", "b"])
    step = preprocessor(Columns(numbers=["a"]), scale=False, missing=False)
    np.testing.assert_array_equal(step.fit_transform(frame), [[1], [2]])
    np.testing.assert_array_equal(step.transform(frame.assign(a=np.nan)), [[1.5], [1.5]])
    step = preprocessor(columns, scale=False, missing=True)
    np.testing.assert_array_equal(step.fit_transform(frame), [[1, np.nan], [2, 2]])


def test_prose_is_read_alike() -> None:
    frame = pd.DataFrame({"t": [" a b c ", None, "NA", "12", 5, ""]}, dtype=object)
    read = reader(Columns(prose=["t"])).transform(frame)
    assert read["t"].tolist() == ["a b c", "", "", "12", "5", ""]
    pd.testing.assert_frame_equal(reader(Columns(prose=["t"])).transform(read), read)


UNITS: dict[str, tuple[list[str], list[float]]] = {
    "percent": (["12.5%", "3 %", "100%"], [12.5, 3, 100]),
    "currency": (["$1,234.50", "$-3", "$0.99"], [1234.5, -3, 0.99]),
    "currency behind, decimal comma": (["1.234,50 €", "3,00 €", "0,99 €"], [1234.5, 3, 0.99]),
    "length": (["12 km", "3.5 km", "1,000 km"], [12, 3.5, 1000]),
    "temperature": (["21.5 °C", "-3 °C", "0 °C"], [21.5, -3, 0]),
    "thousands and millions": (["$1.5K", "$2M", "$3.25K"], [1500, 2e6, 3250]),
    "yes and no": (["Yes", "no", "YES "], [1, 0, 1]),
    "y and n": (["y", "N", "Y"], [1, 0, 1]),
    "t and f": (["t", "f", "t"], [1, 0, 1]),
    "ja and nein": (["ja", "Nein", "JA"], [1, 0, 1]),
    "on and off": (["on", "off", "on"], [1, 0, 1]),
    "true and false": (["true", "False", "TRUE"], [1, 0, 1]),
    "clock": (["3:45", "12:00", "1:02:03"], [225, 720, 3723]),
    "days": (["1 day 00:00:30", "2 days 01:00:00", "0:00:07.5"], [86430, 176400, 7.5]),
    "units of time": (["1h 20m", "45 min", "2 h 5 s"], [4800, 2700, 7205]),
}


@pytest.mark.parametrize("name", UNITS)
def test_numbers_as_people_write_them(name: str) -> None:
    cells, values = UNITS[name]
    frame = pd.DataFrame({"a": (cells + [None]) * 15})  # noqa: RUF005
    columns = classify(frame)
    assert columns.numbers == ["a"]
    read = reader(columns).transform(frame)
    np.testing.assert_array_equal(read["a"][:4], [*values, np.nan])
    np.testing.assert_array_equal(reader(columns).transform(read)["a"], read["a"])
    strange = reader(columns).transform(pd.DataFrame({"a": ["no number", True, 2.5, None]}, dtype=object))
    np.testing.assert_array_equal(strange["a"], [np.nan, 1, 2.5, np.nan])
