"""The column to predict: its task, its classes or numbers, and rows without it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from hpcore.tables.data import load
from hpcore.tables.table import Table
from hpcore.tables.target import split_target
from tests.tables.samples import N, found


@pytest.mark.parametrize(
    ("target", "task"),
    [
        (["no", "yes"] * 30, "classification"),
        ([True, False] * 30, "classification"),
        ([0, 1, 2] * 20, "classification"),
        ([0.0, 1.0, np.nan] * 20, "classification"),
        (list(range(60)), "regression"),
        ([1.5, 2.25, 3.0] * 20, "regression"),
        ([0, 1, 2] * 4 + list(range(48)), "regression"),
    ],
)
def test_task_is_found_out(target: list[Any], task: str) -> None:
    frame = pd.DataFrame({"x": np.arange(60.0), "y": target})
    problem = split_target(Table("table.csv", frame, bundled=False), "y", None)
    assert problem.task == task
    assert any(notice.startswith(f"{task}, because 'y'") for notice in problem.notices)


@pytest.mark.parametrize("word", ["None", "NA", "null", "nan", "n/a", "NULL", "N/A", "-", "?", "NaN", "<NA>"])
def test_a_class_may_have_any_name(word: str) -> None:
    classes = [word if i % 3 else "other" for i in range(N)]
    Path("t.csv").write_text("a,y\n" + "".join(f"{i % 7},{name}\n" for i, name in enumerate(classes)) + "3,\n")
    _, problem, _ = found("t.csv", "y")
    assert problem.y.tolist() == classes
    assert any("1 of 61 rows have no 'y'" in notice for notice in problem.notices)
    assert any(f"{word!r} is a class of 'y' with 40 rows" in notice for notice in problem.notices)


@pytest.mark.parametrize("word", ["NA", "nan", "-", "?", "n/a", "#N/A"])
@pytest.mark.parametrize("few", [False, True])
def test_a_number_to_predict_may_be_missing(word: str, few: bool) -> None:
    values = [float(i % 3 if few else i) for i in range(N)]
    cells = [word if i % 10 == 0 else f"{value:g}" for i, value in enumerate(values)]
    Path("t.csv").write_text("a,y\n" + "".join(f"{i % 7},{cell}\n" for i, cell in enumerate(cells)))
    _, problem, _ = found("t.csv", "y")
    assert problem.y.tolist() == [value for i, value in enumerate(values) if i % 10]
    assert problem.task == ("classification" if few else "regression")
    assert any("treated as missing: 6 cells" in notice and repr(word) in notice for notice in problem.notices)


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
    assert split_target(load("t.csv"), "y", "regression").y.tolist() == [[5, 10, 20][i % 3] for i in range(N)]


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
