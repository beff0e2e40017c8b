"""Files as people have them: what they hold, cell by cell, and that a saved model reads them as it learnt them."""

from __future__ import annotations

import gzip
import itertools
import json
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest

from hpcore.errors import InvalidArgument
from hpcore.tables.columns import Columns, classify
from hpcore.tables.data import load
from hpcore.tables.preprocessing import reader
from hpcore.tables.target import Problem, pose

N = 60
PRICES = [(i * 7919 % 100_000) / 4 - 300 for i in range(N)]
CITIES = [["København", "Zürich", "Łódź"][i % 3] for i in range(N)]
WESTERN = [city.replace("Łódź", "Orléans") for city in CITIES]
CLASSES = ["ja" if price > 9000 else "nein" for price in PRICES]


def found(path: str, target: str, encoding: str | None = None) -> tuple[pd.DataFrame, Problem, Columns]:
    """Features as floats and categories, the problem, and what the columns hold."""
    table = load(path, encoding)
    problem = pose(table, target, None)
    columns = classify(problem.X, table.likely)
    return reader(columns).transform(problem.X), problem, columns


def table(separator: str, comma: bool, cities: list[str], end: str = "\n") -> str:
    prices = [f"{price:.2f}".replace(".", ",") if comma else f"{price:.2f}" for price in PRICES]
    cells = [f'"{cell}"' if separator in cell else cell for cell in prices]
    rows = [separator.join(row) for row in zip(cells, cities, CLASSES, strict=True)]
    return end.join([separator.join(["größe", "stadt", "y"]), *rows, ""])


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


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


def test_names_twice_and_no_names() -> None:
    Path("t.csv").write_text(
        "a,,a, b ,,y\n" + "".join(f"{i % 9},{i % 7},{i % 5},{i % 4},{i % 3},{i % 2}\n" for i in range(N))
    )
    X, problem, _ = found("t.csv", "y")
    assert X.columns.tolist() == ["a", "Unnamed: 1", "a.1", "b", "Unnamed: 4"]
    assert any("more than once" in notice and "'a'" in notice for notice in problem.notices)
    with pytest.raises(InvalidArgument, match="--target must name one column"):
        found("t.csv", "a")
    # Read by pandas alone, the names have their blanks.
    plain = pd.read_csv("t.csv")
    assert " b " in plain.columns
    pd.testing.assert_frame_equal(reader(classify(problem.X)).transform(plain), X)


# The target.


@pytest.mark.parametrize("word", ["None", "NA", "null", "nan", "n/a", "NULL", "N/A", "-", "?", "NaN", "<NA>"])
def test_a_class_may_have_any_name(word: str) -> None:
    classes = [word if i % 3 else "other" for i in range(N)]
    Path("t.csv").write_text("a,y\n" + "".join(f"{i % 7},{name}\n" for i, name in enumerate(classes)) + "3,\n")
    _, problem, _ = found("t.csv", "y")
    assert problem.y.tolist() == classes
    assert any("1 of 61 rows have no 'y'" in notice for notice in problem.notices)
    assert any(f"{word!r} is a class of 'y', of 40 rows" in notice for notice in problem.notices)


@pytest.mark.parametrize("word", ["NA", "nan", "-", "?", "n/a", "#N/A"])
@pytest.mark.parametrize("few", [False, True])
def test_a_number_to_predict_may_be_missing(word: str, few: bool) -> None:
    values = [float(i % 3 if few else i) for i in range(N)]
    cells = [word if i % 10 == 0 else f"{value:g}" for i, value in enumerate(values)]
    Path("t.csv").write_text("a,y\n" + "".join(f"{i % 7},{cell}\n" for i, cell in enumerate(cells)))
    _, problem, _ = found("t.csv", "y")
    assert problem.y.tolist() == [value for i, value in enumerate(values) if i % 10]
    assert problem.task == ("classification" if few else "regression")
    assert any("taken as missing: 6 cells" in notice and repr(word) in notice for notice in problem.notices)


def test_none_among_grades_is_a_grade() -> None:
    Path("t.csv").write_text("a,y\n" + "".join(f"{i % 7},{['None', '1', '2'][i % 3]}\n" for i in range(N)))
    assert set(found("t.csv", "y")[1].y) == {"None", "1", "2"}


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        ([f'"${i * 1000:,}"' for i in range(N)], [i * 1000 for i in range(N)]),
        ([f'"{i}.000,5"' for i in range(1, N + 1)], [i * 1000 + 0.5 for i in range(1, N + 1)]),
        ([f"{i / 4} %" for i in range(N)], [i / 4 for i in range(N)]),
        ([f"({i}.5)" for i in range(N)], [-i - 0.5 for i in range(N)]),
    ],
)
def test_a_quantity_written_for_people(cells: list[str], values: list[float]) -> None:
    Path("t.csv").write_text("a,y\n" + "".join(f"{i % 7},{cell}\n" for i, cell in enumerate(cells)))
    _, problem, _ = found("t.csv", "y")
    assert (problem.task, problem.y.tolist()) == ("regression", values)
    assert any("read as numbers: 'y'" in notice for notice in problem.notices)


def test_few_prices_are_names_unless_asked() -> None:
    Path("t.csv").write_text("a,y\n" + "".join(f"{i % 7},{['$5', '$10', '$20'][i % 3]}\n" for i in range(N)))
    assert set(found("t.csv", "y")[1].y) == {"$5", "$10", "$20"}
    assert pose(load("t.csv"), "y", "regression").y.tolist() == [[5, 10, 20][i % 3] for i in range(N)]


def test_blanks_do_not_make_classes_and_case_is_told() -> None:
    Path("t.csv").write_text(
        "a,y\n"
        + "".join(f"{' u' if i % 2 else 'u '},{[' yes', 'yes ', 'no', 'Yes'][i % 4]}\n" for i in range(N))
        + "v,no\n" * 9
    )
    X, problem, _ = found("t.csv", "y")
    assert set(problem.y) == {"yes", "no", "Yes"}
    assert set(X["a"]) == {"u", "v"}
    assert any("'yes', 'Yes' differ in case only" in notice for notice in problem.notices)


def test_codes_to_predict_keep_their_zeros() -> None:
    Path("t.csv").write_text("a,y\n" + "".join(f"{i % 7},{['001', '010', '100'][i % 3]}\n" for i in range(N)))
    assert set(found("t.csv", "y")[1].y) == {"001", "010", "100"}


@pytest.mark.parametrize("gaps", [False, True])
def test_large_whole_numbers_to_predict_stay_apart(gaps: bool) -> None:
    ids = [str(2**53 + i % 3) for i in range(N)]
    Path("t.csv").write_text("a,y\n" + "".join(f"{i % 7},{cell}\n" for i, cell in enumerate(ids)) + "1,\n" * gaps)
    assert found("t.csv", "y")[1].y.map(str).tolist() == ids


# Features, as a model learns them and as it meets them in a frame of pandas' own reading.

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
    assert "'number and -' is a column of numbers; taken as missing: 40 cells ('-')" in text
    assert "'zip' holds codes such as '01067': used as text" in text
    assert "'None and gaps': 'None' and empty cells are one category" in text
    # What is read already is read as it is.
    pd.testing.assert_frame_equal(reader(columns).transform(X), X)


@pytest.mark.parametrize("reading", READINGS, ids=str)
@pytest.mark.parametrize("rows", [slice(None), slice(6), slice(7, 8)], ids=str)
def test_a_frame_of_pandas_is_read_alike(columns_file: str, reading: dict[str, Any], rows: slice) -> None:
    X, _, columns = found(columns_file, "y")
    header, *lines = Path(columns_file).read_text().splitlines()
    Path("fresh.csv").write_text("\n".join([header, *lines[rows]]))
    got = reader(columns).transform(pd.read_csv("fresh.csv", **reading))
    pd.testing.assert_frame_equal(got, X.iloc[rows].reset_index(drop=True))


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
    # pandas alone takes 46.620 for 46.62; the thousands can no longer be told from what has none.
    with pytest.raises(InvalidArgument, match=r"column 'count' must hold numbers such as .*thousands='\.'"):
        read.transform(pd.read_csv("t.csv", sep=";"))


def test_points_that_can_only_group_thousands() -> None:
    # Decimals would be written 1.5 or 999.000; no other column tells.
    cells = ["999", "1.500", "12.345", "7", "250.000"] * (N // 5)
    Path("t.csv").write_text("n;d;y\n" + "".join(f"{cell};1.{i % 10}00;{i % 2}\n" for i, cell in enumerate(cells)))
    X, _, columns = found("t.csv", "y")
    assert X["n"].tolist() == [999, 1500, 12345, 7, 250_000] * (N // 5)
    assert X["d"].tolist() == [1 + i % 10 / 10 for i in range(N)]
    assert any("'n' (" in notice for notice in columns.notices)


def test_a_saved_model_is_robust(hpcore: Any) -> None:
    rng = np.random.default_rng(0)
    price, rate = rng.uniform(0, 9000, 200), rng.uniform(0, 100, 200)
    region = rng.choice(["NA", "EU", "AS"], 200)
    classes = np.where((price > 4500) ^ (region == "NA"), "None", "some ")
    rows = [f'"${p:,.2f}",{r:.1f}%,{g},{c}\n' for p, r, g, c in zip(price, rate, region, classes, strict=True)]
    Path("t.csv").write_text("price, rate,region,y\n" + "".join(rows))
    result = hpcore("tune", "t.csv", "--target", "y", "--model", "decision_tree", "--trials", 8, "--jobs", 1, "--json")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["rows"] == 200
    model = joblib.load("hpcore-out/best_model.joblib")
    assert "region_NA" in set(model[:-1].get_feature_names_out())
    plain = pd.read_csv("t.csv")
    answers = model.predict(plain)
    assert (answers == np.char.strip(classes)).mean() > 0.9
    assert (
        model.predict(plain.assign(price=plain["price"].str.replace("[$,]", "", regex=True).astype(float))) == answers
    ).all()
    assert (model.predict(plain.iloc[::-1][plain.columns[::-1]])[::-1] == answers).all()
    with pytest.raises(InvalidArgument, match="lacks 'price', 'region'"):
        model.predict(plain[[" rate"]])
    with pytest.raises(InvalidArgument, match="DataFrame"):
        model.predict(plain.to_numpy())


def test_large_files_are_read_beyond_their_head() -> None:
    # What tells the columns apart comes late: a byte that is not UTF-8, a leading zero, a decimal comma, a word.
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
