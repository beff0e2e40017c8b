"""Encodings, separators, and lines above the header."""

from __future__ import annotations

import gzip
import itertools
from pathlib import Path

import pytest

from hpcore.tables.data import load
from tests.tables.samples import CITIES, CLASSES, PRICES, WESTERN, N, found, table

ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252", "latin-1"]


@pytest.mark.parametrize(("encoding", "separator", "comma"), list(itertools.product(ENCODINGS, ",;\t|", [False, True])))
def test_encodings_separators_and_decimal_marks(encoding: str, separator: str, comma: bool) -> None:
    cities = WESTERN if encoding in ("cp1252", "latin-1") else CITIES
    Path("t.csv").write_bytes(table(separator, comma, cities, "\r\n").encode(encoding))
    X, problem, columns = found("t.csv", "y")
    assert X.columns.tolist() == ["größe", "stadt"]
    assert X["größe"].tolist() == PRICES
    assert X["stadt"].tolist() == cities
    assert problem.y.tolist() == CLASSES
    assert any("decimal comma" in notice for notice in problem.notices) == comma
    assert any("not UTF-8" in notice for notice in problem.notices) == (encoding in ("cp1252", "latin-1"))
    assert any("read as numbers" in notice for notice in columns.notices) == comma


@pytest.mark.parametrize("encoding", ["cp1250", "utf-8", "utf-16", "shift_jis", "mac_roman", "cp437"])
def test_an_encoding_can_be_chosen(encoding: str) -> None:
    cities = [["東京", "大阪"][i % 2] for i in range(N)] if encoding == "shift_jis" else ["Straße", "Öl"] * (N // 2)
    text = table(";", True, cities).replace("größe", "price")
    with gzip.open("t.csv.gz", "wb") as stream:
        stream.write(text.encode(encoding))
    assert found("t.csv.gz", "y", encoding)[0]["stadt"].tolist() == cities


def test_one_bad_byte_does_not_spoil_a_file_of_utf_8() -> None:
    content = table(";", False, CITIES).encode() + b"1;K\xf8benhavn;ja\n"
    Path("t.csv").write_bytes(content)
    X, problem, _ = found("t.csv", "y")
    assert X["stadt"].tolist() == [*CITIES, "K\ufffdbenhavn"]
    assert any("1 byte that is not UTF-8" in notice for notice in problem.notices)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_ends_of_lines(end: str) -> None:
    Path("t.csv").write_bytes(table(",", False, CITIES, end).encode())
    assert found("t.csv", "y")[0]["größe"].tolist() == PRICES


ABOVE = {
    "nothing": "",
    "blank lines": "\n\n",
    "Excel": "sep=;\n",
    "Excel, quoted": '"sep=;"\n\n',
    "title": "Sales 2024\n",
    "title, padded": "Sales 2024;;\n;;\n",
    "title with commas": "Sales, 2024, all regions\n\n",
    "comments": "# exported by a tool\n# x, y; z\n",
    "everything": "sep=;\nSales 2024\nregion north\n\n",
}


@pytest.mark.parametrize("name", ABOVE)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_what_stands_above_the_header(name: str, encoding: str) -> None:
    Path("t.csv").write_text(ABOVE[name] + table(";", False, CITIES), encoding=encoding)
    X, problem, _ = found("t.csv", "y")
    assert X["größe"].tolist() == PRICES
    assert problem.y.tolist() == CLASSES
    assert any("above the header" in notice for notice in problem.notices) == ("Sales" in ABOVE[name])


@pytest.mark.parametrize("above", ["Report, of March\n\n", "Report,,\nof March,2024,\n", "North,South\nMarch,April\n"])
def test_titles_of_two_cells_above_three_columns(above: str) -> None:
    Path("t.csv").write_text(above + "a,b,y\n" + "".join(f"{i % 9},{i % 7},{i % 2}\n" for i in range(N)))
    assert found("t.csv", "y")[0].columns.tolist() == ["a", "b"]


@pytest.mark.parametrize("name", ["b", "2024"])
def test_a_header_without_a_name_for_its_last_column_is_no_title(name: str) -> None:
    rows = "".join(f"{'uv'[i % 2]},word {i % 7},other {i % 5}\n" for i in range(N))
    Path("t.csv").write_text(f"y,{name},\n" + rows)
    assert load("t.csv").frame.columns.tolist() == ["y", name, "Unnamed: 2"]


def test_a_comma_in_the_excel_line_wins_over_the_text() -> None:
    rows = "".join(f"a;b {i};c{i % 2},x;y\n" for i in range(N))
    Path("t.csv").write_text("sep=,\nname,class\n" + rows)
    assert load("t.csv").frame.columns.tolist() == ["name", "class"]


def test_comments_and_blank_lines_between_the_rows() -> None:
    rows = "".join(f"{i * 2},{i % 2}\n# so far {i}\n\n# and {i}, too\n" for i in range(N))
    Path("t.csv").write_text("# about\na,y\n" + rows + ",\n\n")
    X, problem, _ = found("t.csv", "y")
    assert X["a"].tolist() == [i * 2 for i in range(N)]
    assert problem.y.tolist() == [i % 2 for i in range(N)]


@pytest.mark.parametrize(
    "above",
    ["Period:;2024-01;;;;\nUnit:;EUR;;;;\n", "Period:;2024-01\n\nUnit:;EUR\n", "Report\n;;;;;\n", ";;Sales;;;\n"],
)
def test_lines_of_an_export_above_the_header(above: str) -> None:
    rows = "".join(f"{i % 9};{i % 7};{i % 5};{i % 4};{i % 3};{i % 2}\n" for i in range(N))
    Path("t.csv").write_text(above + "a;b;c;d;e;y\n" + rows)
    assert found("t.csv", "y")[0].columns.tolist() == [*"abcde"]


def test_a_header_with_few_names_is_one() -> None:
    Path("t.csv").write_text(
        "a,y,,,,\n" + "".join(f"{i % 9},{i % 2},{i % 5},{i % 4},{i % 3},{i % 6}\n" for i in range(N))
    )
    assert found("t.csv", "y")[0].columns.tolist() == ["a", *(f"Unnamed: {i}" for i in range(2, 6))]


def test_a_header_that_begins_with_a_hash_is_one() -> None:
    Path("t.csv").write_text("#a,b,y\n" + "".join(f"{i % 9},{i % 7},{i % 2}\n" for i in range(N)))
    assert found("t.csv", "y")[0].columns.tolist() == ["#a", "b"]


@pytest.mark.parametrize("rows_too", [False, True])
def test_separators_at_the_ends_of_lines(rows_too: bool) -> None:
    Path("t.csv").write_text(f"a,b,y{',' * rows_too}\n" + "".join(f"{i % 9},{i % 7},{i % 2},\n" for i in range(N)))
    X, _, _ = found("t.csv", "y")
    assert X["a"].tolist() == [i % 9 for i in range(N)]
    assert X.columns.tolist() == ["a", "b"]
