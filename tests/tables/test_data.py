"""Data sets by name and files by their ending."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from hpcore.errors import InvalidArgument
from hpcore.tables.data import load
from tests.tables.samples import found


@pytest.mark.parametrize(
    "name", ["wine.parquet", "indexed.parquet", "wine.tsv", "wine.csv.gz", "semicolons.csv", "commas.csv", "commas.tsv"]
)
def test_formats_agree(untidy: pd.DataFrame, name: str) -> None:
    if name == "indexed.parquet":
        untidy.set_index("id").to_parquet(name)
    elif name.endswith("parquet"):
        untidy.to_parquet(name)
    else:
        separator = "\t" if name.endswith("tsv") else ";" if name in ("semicolons.csv", "commas.csv") else ","
        untidy.to_csv(name, index=False, sep=separator, decimal="," if name.startswith("commas") else ".")
    untidy.to_csv("plain.csv", index=False)
    (X, problem, columns), (plain_X, plain, plain_columns) = (found(data, "cultivar") for data in (name, "plain.csv"))
    assert (X.dtypes.map(str) == plain_X.dtypes.map(str)).all()
    pd.testing.assert_frame_equal(X, plain_X, check_dtype=False)
    pd.testing.assert_series_equal(problem.y, plain.y)
    assert problem.task == plain.task
    assert columns.dropped == plain_columns.dropped


def test_the_index_of_a_parquet_file_may_be_the_target(untidy: pd.DataFrame) -> None:
    untidy.set_index("cultivar").to_parquet("wine.parquet")
    assert found("wine.parquet", "cultivar")[1].y.tolist() == untidy["cultivar"].dropna().tolist()


@pytest.mark.parametrize(
    ("content", "encoding", "parts"),
    [
        ("a,y\n1,2\n", "utf-9", ["--encoding", "'utf-9'", "cp1252"]),
        ("a,y\n1,2\n", "rot13", ["--encoding", "'rot13'"]),
        ("a,y\n1,2\n", "undefined", ["--encoding", "'undefined'"]),
        ("a,y\n1,2\n", "utf-8\0", ["--encoding", "utf-8"]),
        ("größe,y\n1,2\n", "ascii", ["'t.csv'", "ASCII", "--encoding"]),
        ("Title\n\na,y\n1,2\n1,2,3\n", None, ["'t.csv'", "line 5"]),
        ("Title\n1,2,2\n4,5,6\n", None, ["'t.csv'", "column names", "'1'"]),
    ],
)
def test_what_cannot_be_read_is_named(content: str, encoding: str | None, parts: list[str]) -> None:
    Path("t.csv").write_text(content, encoding="utf-8")
    with pytest.raises(InvalidArgument) as refused:
        load("t.csv", encoding)
    for part in parts:
        assert part in str(refused.value)


def test_an_encoding_is_for_text() -> None:
    pd.DataFrame({"a": [1, 2]}).to_parquet("t.parquet")
    for data in ("t.parquet", "iris"):
        with pytest.raises(InvalidArgument, match="--encoding is for"):
            load(data, "utf-8")


def test_columns_that_stay_as_written_and_rows_without_values() -> None:
    Path("t.csv").write_text("a , b,c\n1,2,x\n,,\n03,4, y\n\n,,\n")
    assert load("t.csv").frame.to_dict("list") == {"a": [1.0, 3.0], "b": [2.0, 4.0], "c": ["x", "y"]}
    frame = load("t.csv", written=["a", "none"], empty_rows=True).frame.astype(object)
    assert frame.where(frame.notna(), 0).to_dict("list") == {
        **{"a": ["1", 0, "03", 0], "b": [2.0, 0, 4.0, 0], "c": ["x", 0, "y", 0]}
    }
