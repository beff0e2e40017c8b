"""Tables in memory, of every kind that a call may have."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse

from hpcore.errors import InvalidArgument, InvalidType
from hpcore.tables import frames
from hpcore.tables.columns import classify
from hpcore.tables.frames import as_frame, read_frame
from hpcore.tables.preprocessing import preprocessor

N = 40
RNG = np.random.default_rng(0)
VALUES = RNG.normal(size=(N, 3))
CLASSES = ["yes" if value > 0 else "no" for value in VALUES[:, 0]]
FRAME = pd.DataFrame(VALUES, columns=["a", "b", "c"])


class Foreign:
    """A table of another library."""

    def to_pandas(self) -> pd.DataFrame:
        return FRAME.copy()


class Exchanged:
    """A table that can be read by Arrow only."""

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        pa = pytest.importorskip("pyarrow")
        return pa.table(FRAME).__arrow_c_stream__(requested_schema)


@pytest.mark.parametrize(
    ("X", "names"),
    [
        (FRAME, "abc"),
        (FRAME.set_axis(range(100, 100 + N)), "abc"),
        (FRAME.astype(pd.SparseDtype(float, 0.0)), "abc"),
        (VALUES, ["x0", "x1", "x2"]),
        (VALUES.astype(object), ["x0", "x1", "x2"]),
        (VALUES.tolist(), ["x0", "x1", "x2"]),
        ([tuple(row) for row in VALUES], ["x0", "x1", "x2"]),
        (scipy.sparse.csr_matrix(VALUES), ["x0", "x1", "x2"]),
        (scipy.sparse.coo_array(VALUES), ["x0", "x1", "x2"]),
        (np.array([tuple(row) for row in VALUES], dtype=[(name, float) for name in "abc"]), "abc"),
        (FRAME.set_axis([0, 1, 2], axis=1), "012"),
        (Foreign(), "abc"),
    ],
)
def test_kinds_of_tables(X: Any, names: Any) -> None:
    frame = as_frame(X)
    assert list(frame.columns) == list(names)
    assert frame.index.equals(pd.RangeIndex(N))
    np.testing.assert_array_equal(frame.to_numpy(dtype=float), VALUES)
    given = read_frame(X, CLASSES)
    assert given.problem.task == "classification" and given.problem.target == "y"
    assert given.rows.all() and given.problem.y.tolist() == CLASSES
    assert classify(given.problem.X).numbers == list(names)


def test_arrow_and_tables_that_arrow_reads() -> None:
    pa = pytest.importorskip("pyarrow")
    pd.testing.assert_frame_equal(as_frame(pa.table(FRAME)), FRAME)
    pd.testing.assert_frame_equal(as_frame(Exchanged()), FRAME)


def test_the_frame_of_the_caller_is_not_changed() -> None:
    X = FRAME.set_axis([3, 1, 2], axis=1).set_axis(range(5, 5 + N))
    before = X.copy()
    read_frame(X, CLASSES)
    pd.testing.assert_frame_equal(X, before)


def test_masked_cells_are_missing() -> None:
    masked = np.ma.masked_greater(VALUES, 1.0)
    np.testing.assert_array_equal(as_frame(masked), np.where(VALUES > 1.0, np.nan, VALUES))
    y = np.ma.masked_greater(VALUES[:, 0], 1.0)
    given = read_frame(VALUES, y)
    np.testing.assert_array_equal(given.rows, VALUES[:, 0] <= 1.0)


def test_an_array_of_text() -> None:
    words = ["far" if value > 0 else "near" for value in VALUES[:, 0]]  # yes and no would be read as 1 and 0
    X = np.column_stack([words, VALUES[:, 0].astype(str)])
    columns = classify(as_frame(X))
    assert (columns.text, columns.numbers) == (["x0"], ["x1"])


def test_a_list_of_rows_has_types_by_column() -> None:
    X = as_frame([[1, "u", True], [2, "v", False]])
    assert X["x0"].dtype.kind == "i" and X["x1"].tolist() == ["u", "v"] and X["x2"].dtype == bool


@pytest.mark.parametrize(
    ("X", "parts"),
    [
        (VALUES[:, 0], ["X", "two dimensions", "(40,)", "reshape"]),
        (VALUES[None], ["X", "two dimensions", "(1, 40, 3)"]),
        (FRAME["a"], ["X", "to_frame"]),
        (FRAME.set_axis(["a", "b", "a"], axis=1), ["X", "twice", "'a'"]),
        (FRAME.set_axis(["1", 1, "c"], axis=1), ["X", "twice", "'1'"]),
        (np.empty((N, 0)), ["X", "one column", "0"]),
        (FRAME[[]], ["X", "one column"]),
        (FRAME[:0], ["X", "rows", "0"]),
        (np.empty((0, 3)), ["X", "rows", "0"]),
        ([], ["X"]),
        ([[1, 2], [3]], ["X", "one length", "1 to 2"]),
        ([1, 2, 3], ["X", "entry 0 is 1"]),
        (["ab", "cd"], ["X", "entry 0 is 'ab'"]),
        ([{"a": 1}], ["X", "dicts"]),
        ("table.csv", ["X", "DataFrame", "str"]),
        (None, ["X", "NoneType"]),
        (5, ["X", "int"]),
        (scipy.sparse.csr_matrix((N, 10**7)), ["X", "sparse", "100000000", "10000000 columns"]),
    ],
)
def test_wrong_tables(X: Any, parts: list[str]) -> None:
    with pytest.raises((InvalidArgument, InvalidType)) as error:
        read_frame(X, CLASSES)
    for part in parts:
        assert part in str(error.value)


def rows(**options: Any) -> dict[str, Any]:
    return {"X": FRAME, "y": CLASSES, **options}


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        (rows(y=["yes"] * N), ["y must have at least two different values", "'yes'"]),
        (rows(y=[1.5] * N), ["y must have at least two different values", "1.5"]),
        (rows(y=[None] * N), ["y must hold values", "missing"]),
        (rows(y=[np.nan] * N), ["y must hold values", "missing"]),
        (rows(y=CLASSES[1:]), ["y", "each of the 40 rows", "got 39"]),
        (rows(y=VALUES), ["y", "one dimension", "(40, 3)"]),
        (rows(y=FRAME), ["y", "one column", "3"]),
        (rows(y=VALUES.tolist()), ["y", "one dimension", "entry ["]),
        (rows(y=VALUES[:, 0] + 1j), ["y", "real", "complex"]),
        (rows(y=5), ["y", "Series, array or list", "int"]),
        (rows(y={"a": 1}), ["y", "dict"]),
        (rows(y="target"), ["y", "column of X", "'target'"]),
        (rows(y="aa"), ["y", "'aa'", "did you mean 'a'"]),
        (rows(y=["yes", 1, 2.5, "no"] * 10), ["y", "mixes 1", "20 rows", "'yes'", "task='classification'"]),
        (rows(y=[1.5, 2.5, 3.5, "unknown"] * 10), ["y", "mixes 1.5", "'unknown'", "10 rows"]),
        (rows(y=[*VALUES[1:, 0], np.inf]), ["y", "finite", "inf in row 40"]),
        (rows(y=pd.date_range("2024", periods=N)), ["y", "numbers or text", "2024"]),
        (rows(y=VALUES[:, 0], task="classification"), ["task='classification'", "y holds numbers such as"]),
        (rows(task="clustering"), ["task", "'clustering'", "regression"]),
        (rows(task="regression"), ["task='regression'", "y holds"]),
        (rows(groups=[1] * 39), ["groups", "40 rows", "39"]),
        (rows(groups=[1] * 39 + [None]), ["groups", "1 of 40 are missing"]),
        (rows(groups="patient"), ["groups", "'patient'"]),
        (rows(groups=VALUES), ["groups", "(40, 3)"]),
        (rows(sample_weight=np.ones(39)), ["sample_weight", "40 rows", "39"]),
        (rows(sample_weight=[1.0] * 39 + [-1.0]), ["sample_weight", ">= 0", "-1.0 in row 39"]),
        (rows(sample_weight=[np.nan] + [1.0] * 39), ["sample_weight", "nan in row 0"]),
        (rows(sample_weight=[np.inf] + [1.0] * 39), ["sample_weight", "inf in row 0"]),
        (rows(sample_weight=["1"] * N), ["sample_weight", "numbers", "'1'"]),
        (rows(sample_weight=np.zeros(N)), ["sample_weight", "all are 0"]),
        (rows(X=FRAME[["a"]], y="a"), ["X must have at least one column"]),
    ],
)
def test_wrong_targets_groups_and_weights(options: dict[str, Any], parts: list[str]) -> None:
    with pytest.raises((InvalidArgument, InvalidType)) as error:
        read_frame(**options)
    for part in parts:
        assert part in str(error.value)
    assert "--" not in str(error.value) and "DATA" not in str(error.value)


@pytest.mark.parametrize(
    "y",
    [
        CLASSES,
        np.array(CLASSES),
        np.array(CLASSES, dtype=object),
        np.array(CLASSES)[:, None],
        pd.Series(CLASSES),
        pd.Series(CLASSES, dtype="category"),
        pd.Series(CLASSES, dtype="string"),
        pd.DataFrame({"y": CLASSES}),
        [cell == "yes" for cell in CLASSES],
        pd.array([cell == "yes" for cell in CLASSES], dtype="boolean"),
        ["1" if cell == "yes" else "0" for cell in CLASSES],  # digits of fetch_openml are text
        pd.Series(["1" if cell == "yes" else "0" for cell in CLASSES], dtype="category"),
        [" yes" if cell == "yes" else "no" for cell in CLASSES],
        [int(cell == "yes") for cell in CLASSES],
        pd.Series([int(cell == "yes") for cell in CLASSES], dtype="category"),
        pd.Series([int(cell == "yes") for cell in CLASSES], dtype="Int64"),
        np.array([float(cell == "yes") for cell in CLASSES], dtype=np.float32),
    ],
)
def test_classes_are_those_of_the_caller(y: Any) -> None:
    problem = read_frame(FRAME, y).problem
    assert problem.task == "classification"
    expected = np.asarray(y).reshape(-1).tolist()
    assert problem.y.tolist() == expected and type(problem.y.tolist()[0]) in (type(expected[0]), int)


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        ([True, None, False, True], [True, False, True]),
        ([1, None, 0, 1], [1, 0, 1]),
        ([np.nan, "u", "v", "v"], ["u", "v", "v"]),
        ([pd.NA, 1.5, 2.5, 3.5], [1.5, 2.5, 3.5]),
        ([Decimal("1.5"), None, Decimal("2.25"), Decimal("4")], [1.5, 2.25, 4.0]),
    ],
)
def test_missing_cells_do_not_change_the_others(cells: list[Any], values: list[Any]) -> None:
    for y in (cells * 10, pd.Series(cells * 10, dtype=object), np.array(cells * 10, dtype=object)):
        given = read_frame(FRAME, y)
        assert given.problem.y.tolist() == values * 10 and given.rows.sum() == 30
        assert given.problem.y.map(type).nunique() == 1
        assert type(given.problem.y.tolist()[0]) is type(values[0])


def test_classes_that_differ_by_blanks_only_are_one() -> None:
    problem = read_frame(FRAME, ["yes", " yes", "no", "no"] * 10).problem
    assert set(problem.y) == {"yes", "no"}
    assert "classes of 'y' are compared without blanks around them" in problem.notices


def test_words_among_numbers_are_classes_if_said_so() -> None:
    problem = read_frame(FRAME, [1, 2, "3+", "3+"] * 10, task="classification").problem
    assert set(problem.y) == {"1", "2", "3+"}


def test_text_of_quantities_becomes_numbers() -> None:
    problem = read_frame(FRAME, [f"${1000 + 7 * i:,}" for i in range(N)]).problem
    assert (problem.task, problem.y.tolist()) == ("regression", [1000 + 7 * i for i in range(N)])


def test_columns_of_the_frame_as_target_and_groups() -> None:
    X = FRAME.assign(answer=CLASSES, patient=[f"p{i // 4}" for i in range(N)])
    given = read_frame(X, "answer", groups="patient")
    assert list(given.problem.X) == ["a", "b", "c"] and given.problem.target == "answer"
    assert given.groups is not None and given.groups.tolist() == [i // 4 for i in range(N)]


def test_rows_without_target_are_left_out_everywhere() -> None:
    y = pd.Series(CLASSES, index=range(N), name="answer")
    y[[3, 8]] = None
    X = FRAME.set_axis(pd.date_range("2024", periods=N))
    given = read_frame(X, y, groups=np.arange(N) // 2, sample_weight=np.arange(N))
    kept = np.setdiff1d(np.arange(N), [3, 8])
    np.testing.assert_array_equal(np.flatnonzero(given.rows), kept)
    np.testing.assert_array_equal(given.problem.X, VALUES[kept])
    assert given.problem.y.tolist() == [CLASSES[i] for i in kept]
    np.testing.assert_array_equal(given.groups, kept // 2)  # type: ignore[arg-type]
    np.testing.assert_array_equal(given.sample_weight, kept)  # type: ignore[arg-type]
    assert given.index is not None and given.index.equals(X.index[kept])
    assert "2 of 40 rows have no 'answer' and are left out" in given.problem.notices
    assert "the index of y differs from that of X: rows are matched by their position" in given.problem.notices
    assert any("(task overrides)" in notice for notice in given.problem.notices)


def test_wide_tables_are_read_or_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    wide = RNG.normal(size=(30, 20_000))
    given = read_frame(wide, np.arange(30) % 2)
    assert len(classify(given.problem.X)) == 20_000
    monkeypatch.setattr(frames, "MOST_OTHER_COLUMNS", 2)
    with pytest.raises(InvalidArgument, match="at most 2 columns that are not numbers, got 3"):
        read_frame(FRAME.astype(str), CLASSES)


def test_a_pipeline_of_array_columns() -> None:
    given = read_frame(VALUES, CLASSES)
    steps = preprocessor(classify(given.problem.X, data="X"), scale=False, missing=True)
    np.testing.assert_array_equal(steps.fit_transform(given.problem.X, given.problem.y), VALUES)


def test_no_usable_column_names_the_argument() -> None:
    with pytest.raises(InvalidArgument, match="X must have a feature column that varies"):
        classify(read_frame(np.ones((N, 2)), CLASSES).problem.X, data="X")
