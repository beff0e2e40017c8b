"""Whether data changed: never a false alarm, and a change noticed where it can be."""

from __future__ import annotations

import array
import copy
import datetime
import decimal
import functools
import itertools
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_iris

from hpcore.errors import DataChanged
from hpcore.evaluation.fingerprint import fingerprint, watch
from hpcore.sklearn import SearchCV

_counter = itertools.count()


class Document:
    """A row that remembers what was asked, prints otherwise each time and cannot be pickled."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.lock = threading.Lock()

    @functools.cached_property
    def n_words(self) -> int:
        return len(self.text.split())

    def __repr__(self) -> str:
        return f"{next(_counter)}"

    def __reduce__(self) -> Any:
        raise TypeError("not to be pickled")


class Point(NamedTuple):
    x: float
    name: str


def _structured() -> Any:
    values = np.zeros(30, np.dtype([("a", np.int8), ("b", np.float64), ("c", "U3"), ("d", object)], align=True))
    values["b"], values["c"], values["d"] = np.arange(30), "abc", [str(i) for i in range(30)]
    return values


def _masked() -> Any:
    return np.ma.MaskedArray(np.arange(60.0).reshape(30, 2), mask=np.arange(60).reshape(30, 2) % 7 == 0)


def _frame() -> Any:
    return pd.DataFrame(
        {
            "float": np.arange(30.0),
            "text": [f"text {i}" for i in range(30)],
            "mixed": [i if i % 2 else str(i) for i in range(30)],
            "list": [[i, str(i)] for i in range(30)],
            "category": pd.Categorical(["a", "b", "c"] * 10),
            "Int64": pd.array([1, None, 3] * 10, dtype="Int64"),
            "boolean": pd.array([True, None, False] * 10, dtype="boolean"),
            "string": pd.array(["x", None, "z"] * 10, dtype="string"),
            "date": pd.date_range("2020", periods=30),
            "zone": pd.date_range("2020", periods=30, tz="Europe/Paris"),
            "period": pd.period_range("2020", periods=30, freq="D"),
            "interval": pd.interval_range(0, 30),
            "sparse": pd.arrays.SparseArray([0, 0, 1] * 10),
        }
    )


def _set(key: Any, value: Any) -> Callable[[Any], None]:
    return lambda data: data.__setitem__(key, value)


def _cell(column: str, value: Any) -> Callable[[Any], None]:
    return lambda data: data.__setitem__(
        column, pd.Series([value, *data[column].tolist()[1:]], dtype=data[column].dtype)
    )


# How each is made, and a change of it.
DATA: dict[str, tuple[Callable[[], Any], Callable[[Any], None]]] = {
    "floats": (lambda: np.arange(60.0).reshape(30, 2), _set((29, 1), -1.0)),
    "strided": (lambda: np.arange(120.0).reshape(30, 4)[::-1, ::3], _set((29, 1), -1.0)),
    "column order": (lambda: np.asfortranarray(np.arange(60.0).reshape(30, 2)), _set((29, 1), -1.0)),
    "booleans": (lambda: np.zeros(30, bool), _set(7, True)),
    "dates": (lambda: np.arange(30).astype("M8[D]"), _set(7, np.datetime64("1999-01-01"))),
    "long floats": (lambda: np.arange(30, dtype=np.longdouble) / 3, _set(7, np.longdouble(9))),
    "no rows": (lambda: np.zeros((0, 3)), lambda data: data.resize((1, 3), refcheck=False)),
    "texts": (lambda: np.array([f"text {i}" for i in range(30)]), _set(7, "other")),
    "no text": (lambda: np.array(["", ""]), lambda data: data.resize(3, refcheck=False)),
    "bytes": (lambda: np.array([b"a", b"bc"] * 15), _set(7, b"x")),
    "structured": (_structured, lambda data: data["c"].__setitem__(3, "x")),
    "objects in structures": (_structured, lambda data: data["d"].__setitem__(3, "x")),
    "masked": (_masked, _set((3, 1), -1.0)),
    "mask": (_masked, _set((3, 0), np.ma.masked)),
    "subclass": (lambda: np.arange(30.0).view(np.recarray), _set(3, 2.0)),
    "object array": (lambda: np.array([["a", 1], [None, 2.5]] * 15, dtype=object), _set((7, 0), "x")),
    "ragged": (
        lambda: np.array([np.arange(i) for i in range(1, 31)], dtype=object),
        lambda d: d[29].__setitem__(28, 0),
    ),
    "lists": (lambda: [[float(i), 2.0] for i in range(30)], lambda data: data[3].__setitem__(1, 7.0)),
    "integers": (lambda: [2**70, 1, -1] * 10, _set(3, 2**70 + 1)),
    "list of texts": (lambda: [f"text {i}" for i in range(30)], _set(29, "x")),
    "list of arrays": (lambda: [np.arange(3.0) for _ in range(30)], lambda data: data[3].__setitem__(1, 7.0)),
    "dictionaries": (lambda: [{"a": i, "b": {str(i), "x"}} for i in range(30)], lambda data: data[3]["b"].add("y")),
    "tuples": (lambda: [Point(i, "a") for i in range(30)], _set(3, Point(3, "b"))),
    "times": (
        lambda: [datetime.datetime(2020, 1, 1, i % 24) for i in range(30)],
        _set(3, datetime.datetime(2021, 1, 1)),
    ),
    "decimals": (lambda: [decimal.Decimal(i) for i in range(30)], _set(3, decimal.Decimal("0.1"))),
    "machine array": (lambda: array.array("d", range(30)), _set(3, 0.5)),
    "csr": (lambda: scipy.sparse.random(30, 9, 0.3, "csr", random_state=0), lambda m: m.data.__setitem__(2, 9.0)),
    "coo": (lambda: scipy.sparse.random(30, 9, 0.3, "coo", random_state=0), lambda m: m.data.__setitem__(2, 9.0)),
    "lil": (lambda: scipy.sparse.random(30, 9, 0.3, "lil", random_state=0), _set((3, 3), 9.0)),
    "dok": (lambda: scipy.sparse.random(30, 9, 0.3, "dok", random_state=0), _set((3, 3), 9.0)),
    "sparse array": (lambda: scipy.sparse.csc_array(np.eye(9)), lambda m: m.data.__setitem__(2, 9.0)),
    "series": (lambda: pd.Series(["a", "b", None] * 10), lambda s: s.__setitem__(3, "x")),
    "index": (lambda: pd.Series(np.arange(30.0)), lambda s: setattr(s, "index", np.arange(30) + 1)),
    "columns": (_frame, lambda frame: setattr(frame, "columns", [*frame.columns[:-1], "other"])),
    "frame: float": (_frame, _cell("float", 9.0)),
    "frame: text": (_frame, _cell("text", "x")),
    "frame: mixed": (_frame, _cell("mixed", "x")),
    "frame: list": (_frame, lambda frame: frame["list"][3].append(4)),
    "frame: category": (_frame, _cell("category", "b")),
    "frame: Int64": (_frame, _cell("Int64", None)),
    "frame: boolean": (_frame, _cell("boolean", None)),
    "frame: string": (_frame, _cell("string", "y")),
    "frame: date": (_frame, _cell("date", pd.Timestamp("1999-01-01"))),
    "frame: zone": (_frame, _cell("zone", pd.Timestamp("1999-01-01", tz="Europe/Paris"))),
    "frame: period": (_frame, _cell("period", pd.Period("1999-01-01", freq="D"))),
    "frame: interval": (_frame, _cell("interval", pd.Interval(7, 9))),
    "frame: sparse": (_frame, _cell("sparse", 5)),
}


@pytest.mark.parametrize("name", DATA)
def test_a_change_is_noticed_and_nothing_else(name: str) -> None:
    make, change = DATA[name]
    data = make()
    check = watch(None, data)
    before = fingerprint(data)
    assert fingerprint(copy.deepcopy(data)) == before
    assert fingerprint(pickle.loads(pickle.dumps(data))) == before  # noqa: S301 - our own
    check()
    change(data)
    assert fingerprint(data) != before
    with pytest.raises(DataChanged):
        check()


@pytest.mark.parametrize(
    "make", [list, lambda rows: np.array(rows, dtype=object), lambda rows: pd.DataFrame({"d": rows})]
)
def test_rows_of_ones_own_class_are_left_alone(make: Any) -> None:
    rows = [Document(f"text {'and more ' * i}") for i in range(30)]
    data = make(rows)
    check = watch(data, None)
    assert [row.n_words for row in rows] == [2 * i + 1 for i in range(30)]
    check()


def test_what_else_stands_beside_them_is_watched() -> None:
    frame = pd.DataFrame({"d": [Document("a") for _ in range(30)], "x": np.arange(30.0)})
    check = watch(frame, None)
    frame.loc[3, "x"] = -1.0
    with pytest.raises(DataChanged):
        check()


def test_other_containers_count_by_their_class() -> None:
    class Lazy:
        shape = (30, 2)

        def __len__(self) -> int:
            return 30

        def __getitem__(self, i: Any) -> Any:
            raise AssertionError("reading may cost anything")

        __array__ = __getitem__

    assert fingerprint(Lazy()) == fingerprint(Lazy()) != fingerprint(object())


def test_lists_that_hold_themselves() -> None:
    data: list[Any] = [1.0, "a"]
    data.append(data)
    assert fingerprint(data) == fingerprint(data)


def test_how_a_sparse_matrix_is_stored_is_no_content() -> None:
    matrix = scipy.sparse.csr_matrix(([1.0, 2.0, 3.0], [2, 0, 0], [0, 2, 3]), shape=(2, 3))
    before = fingerprint(matrix)
    assert not matrix.has_sorted_indices
    matrix.sort_indices()
    assert fingerprint(matrix) == before


def test_below_a_mask_there_is_no_data() -> None:
    data = _masked()
    before = fingerprint(data)
    data.data[data.mask] = -5.0
    assert fingerprint(data) == before


def test_between_fields_there_is_no_data() -> None:
    data = np.zeros(30, np.dtype([("a", np.int8), ("b", np.float64)], align=True))
    raw = data.copy()
    raw.view(np.uint8).reshape(len(raw), -1)[:, 1:8] = 77
    assert fingerprint(raw) == fingerprint(data)


def test_large_data_is_looked_at_here_and_there() -> None:
    data = np.zeros((9_000_000, 1))
    before = fingerprint(data)
    data[:] = 1.0
    assert fingerprint(data) != before
    texts = ["a"] * 100_000
    before = fingerprint(texts)
    texts[-1] = "b"
    assert fingerprint(texts) != before


def test_the_same_in_each_process() -> None:
    code = """
import numpy as np, pandas as pd
from hpcore.evaluation.fingerprint import fingerprint
rows = [{"a": {"x", "y", "z"}, "b": object()}, {None, 1.5, "q"}]
frame = pd.DataFrame({"a": ["x", None], "b": pd.Categorical(["u", "v"]), "c": [object(), object()]})
found = [fingerprint(rows), fingerprint(frame), fingerprint(np.arange(5.0))]
"""
    here: dict[str, Any] = {}
    exec(code, here)  # noqa: S102 - the text above
    elsewhere = subprocess.run(
        [sys.executable, "-c", f"{code}\nprint(found)"],
        env={**os.environ, "PYTHONHASHSEED": "7", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        check=True,
    )
    assert elsewhere.stdout.strip() == str(here["found"])


def test_arrays_of_numbers_keep_their_number() -> None:
    # It is written down in stores, so that a search goes on with the same data only.
    assert fingerprint(np.arange(5.0)) == 4228581943
    assert fingerprint(None) == 0


class Counts(ClassifierMixin, BaseEstimator):
    def __init__(self, a: int = 1) -> None:
        self.a = a

    def fit(self, X: Any, y: Any) -> Any:
        self.classes_ = sorted(set(y))
        self.n_words_ = [row.n_words for row in X]
        return self

    def predict(self, X: Any) -> Any:
        return [row.n_words % self.a for row in X]


def test_a_search_over_rows_that_cannot_be_pickled() -> None:
    rows = [Document("a " * (i % 5 + 1)) for i in range(30)]
    search = SearchCV(Counts(), {"a": [2, 3]}, strategy="grid", cv=3).fit(rows, [(i % 5 + 1) % 2 for i in range(30)])
    assert search.best_params_ == {"a": 2}


def test_tensors() -> None:
    torch = pytest.importorskip("torch")
    X, y = load_iris(return_X_y=True)
    data, target = torch.from_numpy(X.astype("float32")), torch.from_numpy(y)
    before = fingerprint(data)
    for _ in range(5):
        assert fingerprint(data.clone()) == before == fingerprint(data.clone().requires_grad_())
        check = watch([row.clone() for row in data], target)
        check()
    target[3] = 2
    with pytest.raises(DataChanged):
        check()
    half = data.to(torch.bfloat16)
    watch(half, torch.eye(3).to_sparse())()


def test_polars() -> None:
    polars = pytest.importorskip("polars")
    make = lambda last: polars.DataFrame({"a": [1.0, 2.0], "b": ["x", last], "c": [[1], [2, 3]]})  # noqa: E731
    assert fingerprint(make("y")) == fingerprint(make("y")) != fingerprint(make("z"))
    assert fingerprint(make("y")["b"]) != fingerprint(make("z")["b"])
