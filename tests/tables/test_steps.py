"""Steps of a saved model: what a cell is read as, and that their files can be copied out of the package."""

from __future__ import annotations

import ast
import math
import pickle
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from hpcore.errors import InvalidArgument
from hpcore.tables import numerals, preprocessing, steps, steps_text
from hpcore.tables.columns import classify
from hpcore.tables.preprocessing import preprocessor, reader
from hpcore.tables.steps import DateParts, ReadCells, column_as_numbers, seconds, to_dates, truth

FILES = [Path(str(module.__file__)) for module in (numerals, steps, steps_text)]
OUTSIDE = {"numpy", "pandas", "sklearn"} | sys.stdlib_module_names


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("3:45", 225), ("0:05", 5), ("14:30", 870), ("1:02:03", 3723), ("100:00:00", 360_000), ("-0:30", -30),
        ("1:30.5", 90.5), ("2 days 03:04:05", 183_845), ("1 day 0:10", 86_410),
        ("1h 20m", 4800), ("1h20m", 4800), ("1 h, 5 s", 3605), ("2 hours 5 minutes", 7500), ("3d 4h", 273_600),
        ("90 sec", 90), (" 45 min ", 2700), ("- ", None), ("", None), ("3:5", None), ("3:60", None), ("16:9", None),
        ("2:30 PM", 870), ("12:05 am", 5), ("12:05 p.m.", 725), ("11:59:59PM", 86_399), ("12:00:00 AM", 0),
        ("13:00 pm", None), ("0:30 am", None), ("2:30 m", None),
        ("soon", None), ("1h 20m ago", None), ("20 miles", None), ("2024-01-01 10:00", None), ("1:2:3:4", None),
    ],
)  # fmt: skip
def test_seconds(cell: str, expected: float | None) -> None:
    assert math.isnan(seconds(cell)) if expected is None else seconds(cell) == expected


@pytest.mark.parametrize(
    ("cell", "expected"),
    [("yes", 1), (" No ", 0), ("Y", 1), ("n", 0), ("JA", 1), ("nein", 0), ("on", 1), ("Off", 0), ("S\u00cd", 1),
     ("maybe", None), ("", None), ("1", None)],
)  # fmt: skip
def test_truth(cell: str, expected: float | None) -> None:
    assert math.isnan(truth(cell)) if expected is None else truth(cell) == expected


def test_a_duration_may_arrive_as_one() -> None:
    column = pd.Series(pd.to_timedelta(["1h", None]))
    np.testing.assert_array_equal(column_as_numbers(column, None, "duration"), [3600, np.nan])


def test_steps_of_older_models() -> None:
    """They were pickled by the name of another module, and without parameters that came later."""
    frame = pd.DataFrame({"a": ["1", "2"], "d": ["2024-01-01", "2024-02-01"], "c": ["u", None]})
    read = ReadCells(["a"], ["d"], ["c"], {}, {}, {}).fit(frame)
    parts = DateParts({"d": "ISO8601"}).fit(frame[["d"]])
    expected = [step.transform(frame) for step in (read, parts)]
    for name in ("prose", "notations"):
        del read.__dict__[name]
    del parts.__dict__["only_days"]
    again = [pickle.loads(pickle.dumps(step)) for step in (read, parts)]  # noqa: S301 - our own bytes
    pd.testing.assert_frame_equal(again[0].transform(frame), expected[0])
    np.testing.assert_array_equal(again[1].transform(frame), expected[1])
    assert again[0].get_params()["prose"] is None
    assert (preprocessing.ReadCells, preprocessing.DateParts) == (ReadCells, DateParts)


def _defined(tree: ast.Module) -> list[str]:
    names = []
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.append(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found = {part.id for target in targets for part in ast.walk(target) if isinstance(part, ast.Name)}
            names += found - {"__all__"}
    return names


def test_files_name_only_each_other_and_no_name_twice() -> None:
    names = []
    for path in FILES:
        tree = ast.parse(path.read_text())
        names += _defined(tree)
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                assert {alias.name.partition(".")[0] for alias in node.names} <= OUTSIDE, path
            elif isinstance(node, ast.ImportFrom) and str(node.module).startswith("hpcore"):
                assert node in tree.body and not any(alias.asname for alias in node.names), path
                assert node.module in ("hpcore.errors", "hpcore.tables.numerals"), path
            elif isinstance(node, ast.ImportFrom):
                assert str(node.module).partition(".")[0] in OUTSIDE, path
    assert len(names) == len(set(names)), sorted(name for name in set(names) if names.count(name) > 1)


def test_the_three_files_work_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    source = "class InvalidArgument(ValueError):\n    pass\n\n"
    for path in FILES:
        lines = [
            line for line in path.read_text().splitlines() if not line.startswith(("from hpcore", "from __future"))
        ]
        source += "\n".join(lines) + "\n"
    alone: Any = types.ModuleType("alone")
    monkeypatch.setitem(sys.modules, "alone", alone)
    exec(compile("from __future__ import annotations\n" + source, "alone.py", "exec"), alone.__dict__)  # noqa: S102
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {"price": [f"${i * 777:,}.50" for i in range(90)], "yes": ["yes", "no", ""] * 30,
         "day": [f"{i % 28 + 1}/{i % 12 + 1}/2024" for i in range(90)], "city": [f"c{i % 40}" for i in range(90)],
         "text": [" ".join(rng.choice(["good", "bad", "very", "plot", "cast", "story"], 7)) for _ in range(90)]}
    )  # fmt: skip
    columns = classify(frame)
    ours = reader(columns)
    theirs = alone.ReadCells(**ours.get_params(deep=False)).fit(frame)
    read = ours.transform(frame)
    pd.testing.assert_frame_equal(theirs.transform(frame), read)
    fitted = preprocessor(columns, scale=True, missing=False).fit(frame, rng.integers(0, 2, 90))
    for name, part in fitted[-1].named_transformers_.items():
        if type(part).__module__.startswith("hpcore"):
            copied = getattr(alone, type(part).__name__)()
            copied.__dict__.update(part.__dict__)
            chosen = read[{"high_cardinality": ["city"], "prose": ["text"]}[name]]
            np.testing.assert_array_equal(copied.transform(chosen), part.transform(chosen))
    with pytest.raises(alone.InvalidArgument) as caught:
        theirs.transform(frame[["day"]])
    assert not isinstance(caught.value, InvalidArgument)


@pytest.mark.parametrize("cell", [10**400, -(10**400), [1], {"a": 1}, 1 + 2j, "1e9999", float("inf")])
def test_cells_that_are_no_numbers_are_missing(cell: Any) -> None:
    column = pd.Series([1, cell, "2.5", None], dtype=object, name="a")
    np.testing.assert_array_equal(column_as_numbers(column), [1.0, np.nan, 2.5, np.nan])
    words = pd.Series([True, cell, "no", None], dtype=object, name="a")
    np.testing.assert_array_equal(column_as_numbers(words, None, "truth"), [1.0, np.nan, 0.0, np.nan])


def test_blanks_around_names() -> None:
    step = ReadCells([" a", "b"], [], [], {}, {}, {}).fit(pd.DataFrame({" a": [1.0], "b": [2.0]}))
    read = step.transform(pd.DataFrame({"b": [4.0], "a": [3.0]}))
    assert read.to_dict("list") == {" a": [3.0], "b": [4.0]}
    both = ReadCells([" a", "a"], [], [], {}, {}, {})
    assert both.transform(pd.DataFrame({"a": [4.0], " a": [3.0]})).to_dict("list") == {" a": [3.0], "a": [4.0]}
    with pytest.raises(InvalidArgument, match="lacks ' a'"):
        both.transform(pd.DataFrame({"a": [4.0], "a.1": [3.0]}))


@pytest.mark.parametrize("dtype", ["period[M]", object])
def test_a_period_is_the_time_at_which_it_begins(dtype: Any) -> None:
    months = pd.Series([pd.Period("2024-02"), None, pd.Period("2023-12")], dtype="period[M]", name="m", index=[5, 3, 9])
    dates = to_dates(months.astype(dtype), None)
    expected = pd.Series([pd.Timestamp("2024-02-01"), pd.NaT, pd.Timestamp("2023-12-01")], name="m", index=[5, 3, 9])
    pd.testing.assert_series_equal(dates, expected, check_dtype=False)
    parts = DateParts({"m": None}).fit(months.astype(dtype).to_frame())
    np.testing.assert_array_equal(
        parts.transform(months.astype(dtype).to_frame()), parts.transform(expected.to_frame())
    )
