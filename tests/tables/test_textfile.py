"""Text files as tables: names of columns, columns that stay text, decimal commas."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from hpcore.errors import InvalidArgument
from hpcore.tables.columns import classify
from hpcore.tables.data import load
from hpcore.tables.preprocessing import reader
from tests.tables.samples import N, found


def test_names_twice_and_no_names() -> None:
    Path("t.csv").write_text(
        "a,,a, b ,,y\n" + "".join(f"{i % 9},{i % 7},{i % 5},{i % 4},{i % 3},{i % 2}\n" for i in range(N))
    )
    X, problem, _ = found("t.csv", "y")
    assert X.columns.tolist() == ["a", "Unnamed: 1", "a.1", "b", "Unnamed: 4"]
    assert any("more than once" in notice and "'a'" in notice for notice in problem.notices)
    with pytest.raises(InvalidArgument, match="--target must name one column"):
        found("t.csv", "a")
    # In a frame from pandas the names keep their blanks.
    plain = pd.read_csv("t.csv")
    assert " b " in plain.columns
    pd.testing.assert_frame_equal(reader(classify(problem.X)).transform(plain), X)


def test_european_files_are_read_alike() -> None:
    cells = [
        (f"{i * 777:,}".replace(",", "."), f"{i},5", f"{i * 1000:,}.25 €".translate(str.maketrans(",.", ".,")))
        for i in range(N)
    ]
    Path("t.csv").write_text(
        "count;share;sum;y\n" + "".join(";".join([*row, f"{i % 2}"]) + "\n" for i, row in enumerate(cells))
    )
    X, _, columns = found("t.csv", "y")
    expected = [[i * 777, i + 0.5, i * 1000 + 0.25] for i in range(N)]
    assert X.to_numpy().tolist() == expected
    read = reader(columns)
    for options in ({"decimal": ",", "thousands": "."}, {"decimal": ","}, {"dtype": str}):
        assert read.transform(pd.read_csv("t.csv", sep=";", **options)).to_numpy().tolist() == expected
    # pandas reads 46.620 as 46.62, which cannot be undone.
    with pytest.raises(InvalidArgument, match=r"column 'count' must hold numbers such as .*thousands='\.'"):
        read.transform(pd.read_csv("t.csv", sep=";"))


def test_points_that_can_only_group_thousands() -> None:
    # Decimals would be written 1.5 or 999.000; no other column shows the decimal mark.
    cells = ["999", "1.500", "12.345", "7", "250.000"] * (N // 5)
    Path("t.csv").write_text("n;d;y\n" + "".join(f"{cell};1.{i % 10}00;{i % 2}\n" for i, cell in enumerate(cells)))
    X, _, columns = found("t.csv", "y")
    assert X["n"].tolist() == [999, 1500, 12345, 7, 250_000] * (N // 5)
    assert X["d"].tolist() == [1 + i % 10 / 10 for i in range(N)]
    assert any("'n' (" in notice for notice in columns.notices)


def test_large_files_are_read_beyond_their_head() -> None:
    # The decisive cells come late: a byte that is not UTF-8, a leading zero, a decimal comma, a word.
    n = 20_000
    rows = [f"{i};{i % 900 + 100};{i % 50};{'abc'[i % 3]}" for i in range(n)]
    rows += [f"{n};007;1,5;Größe"]
    Path("t.csv").write_bytes("\n".join(["i;code;v;y", *rows]).encode("cp1252"))
    frame = load("t.csv").frame
    assert frame["code"].iloc[-1] == "007"
    assert frame["y"].iloc[-1] == "Größe"
    X, _, columns = found("t.csv", "y")
    assert columns.text == ["code"]
    assert X["v"].iloc[-1] == 1.5


def test_a_decimal_comma_is_told() -> None:
    # Separated by commas, the same cells would be two columns, and quoted ones are text.
    rows = [f"{'?' if i == 7 else f'{i},5'};{i % 3},{i};{i},25" for i in range(60)]
    Path("german.csv").write_text("\n".join(["a;b;price", *rows]))
    X, problem, columns = found("german.csv", "price")
    assert "numbers in 'german.csv' are read with a decimal comma" in problem.notices
    assert (problem.task, len(columns)) == ("regression", 2)
    assert X["a"].dropna().tolist() == [i + 0.5 for i in range(60) if i != 7]
    assert problem.y.tolist() == [i + 0.25 for i in range(60)]
