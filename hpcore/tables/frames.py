"""Tables in memory: from the features and the target of a call to a problem, checked before anything is trained."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse
from numpy.typing import NDArray
from pandas.api import types

from hpcore.errors import InvalidArgument, InvalidType, closest, require
from hpcore.tables.presets import Task
from hpcore.tables.target import Problem, make_problem
from hpcore.tables.textfile import is_text
from hpcore.tables.wording import PYTHON

__all__ = ["MOST_OTHER_COLUMNS", "MOST_SPARSE_CELLS", "Given", "as_frame", "read_frame"]

# Cells of a sparse matrix that is made dense, 0.8 GB of floats.
MOST_SPARSE_CELLS = 100_000_000
# Columns that are not of numbers: each is read cell by cell, about a millisecond for a few hundred rows.
MOST_OTHER_COLUMNS = 10_000
KINDS = "a DataFrame, an array of shape (rows, columns), a list of rows, a sparse matrix, or a table that Arrow reads"


@dataclass
class Given:
    """Arguments of a call, as a problem with the rows that have a target.

    Attributes
    ----------
    problem : Problem
        Task, with the messages for the user in ``notices``.
    rows : ndarray of bool, shape (n_given,)
        Rows of the arguments that are used; the others have no target.
    groups : ndarray of shape (n_rows,) or None
        Group of each row of the problem, as numbers from 0.
    sample_weight : ndarray of shape (n_rows,) or None
        Weight of each row of the problem.
    index : Index of length n_rows or None
        Labels of these rows, if they came as a DataFrame.
    """

    problem: Problem
    rows: NDArray[np.bool_]
    groups: NDArray[np.intp] | None
    sample_weight: NDArray[np.float64] | None
    index: pd.Index[Any] | None = None


def read_frame(
    X: Any, y: Any, *, task: Task | None = None, groups: Any = None, sample_weight: Any = None, name: str = "X"
) -> Given:
    """Read features and target.

    Parameters
    ----------
    X : DataFrame, array-like or sparse matrix of shape (n_given, n_columns)
        Features; see `as_frame`.
    y : array-like of shape (n_given,), or str
        Target, or the name of its column in `X`. Rows in which it is missing are left out. Classes are predicted as
        they are given here; only text that holds quantities becomes numbers.
    task : {"classification", "regression"}, optional
        Kind of prediction; by default the values of the target decide, as for `split_target`.
    groups : array-like of shape (n_given,), or str, optional
        Group of each row, such as a patient, or the name of its column in `X`, which is then no feature.
    sample_weight : array-like of shape (n_given,), optional
        Weight of each row, at least 0.
    name : str, default="X"
        Name of the data set.

    Returns
    -------
    Given
        Problem, rows that are used, and groups and weights of these.

    Raises
    ------
    InvalidArgument
        An argument has a wrong value or length, or the target cannot be predicted.
    InvalidType
        `X` is no table.
    """
    frame = as_frame(X)
    index = X.index if isinstance(X, pd.DataFrame) else None
    if len(frame) == 0:
        raise InvalidArgument("X must have rows, got 0")
    if isinstance(y, str):
        frame, values, target = *_taken("y", frame, y), y
    else:
        values, target = _column("y", y, len(frame)), "y"
        if isinstance(y, pd.Series | pd.DataFrame):
            target = str(values.name) if values.name is not None else "y"
    if isinstance(groups, str):
        frame, group_values = _taken("groups", frame, groups)
    else:
        group_values = None if groups is None else _column("groups", groups, len(frame))
    _limit(frame)
    problem, rows = make_problem(name, frame, values, target, task, wording=PYTHON)
    _keep_classes(problem, values[rows])
    if index is not None and isinstance(y, pd.Series) and not index.equals(y.index):
        problem.notices.append("the index of y differs from that of X: rows are matched by their position")
    return Given(
        problem,
        rows,
        None if group_values is None else _codes(group_values)[rows],
        None if sample_weight is None else _weights(_column("sample_weight", sample_weight, len(rows)), rows),
        None if index is None else index[rows],
    )


def as_frame(X: Any) -> pd.DataFrame:
    """Convert features to a DataFrame with rows numbered from 0 and a name, a string, for every column.

    Parameters
    ----------
    X : DataFrame, array-like or sparse matrix of shape (n_rows, n_columns)
        Features. Columns without names are called x0, x1, ... A table of another library, such as polars or pyarrow,
        is converted by its own ``to_pandas()``, or by Arrow. A sparse matrix of at most 10**8 cells is made dense.

    Raises
    ------
    InvalidArgument
        `X` has not two dimensions, no column, two columns with the same name, or is too large.
    InvalidType
        `X` is no table.
    """
    frame = _converted(X)
    names = [str(name) for name in frame.columns]
    if not names:
        raise InvalidArgument("X must have at least one column, got 0")
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise InvalidArgument(f"X must not use a column name twice, but repeats {twice[0]!r}")
    frame = frame.reset_index(drop=True)
    frame.columns = pd.Index(names)
    sparse = [i for i, dtype in enumerate(frame.dtypes) if isinstance(dtype, pd.SparseDtype)]
    if sparse:
        _allow_dense(len(frame), len(sparse))
        dense = {frame.columns[i]: frame.dtypes.iloc[i].subtype for i in sparse}
        frame = frame.astype(dense)
    return frame


def _converted(X: Any) -> pd.DataFrame:
    if isinstance(X, pd.DataFrame):
        return X
    if scipy.sparse.issparse(X):
        if X.ndim != 2:
            raise InvalidArgument(f"X must have two dimensions, got shape {X.shape}")
        _allow_dense(*X.shape)
        return _numbered(X.toarray())
    if callable(getattr(X, "to_pandas", None)) and not isinstance(X, pd.Series):
        frame = X.to_pandas()
        if isinstance(frame, pd.DataFrame):
            return frame
    if isinstance(X, pd.Series):
        raise InvalidArgument("X must have two dimensions, got a Series: pass X.to_frame()")
    if hasattr(X, "__arrow_c_stream__"):
        table: pd.DataFrame = require("pyarrow", "parquet", f"X of type {type(X).__name__}").table(X).to_pandas()
        return table
    if isinstance(X, np.ndarray) or hasattr(X, "__array__"):
        return _numbered(np.asarray(X))
    if isinstance(X, list | tuple):
        return _rows(X)
    raise InvalidType(f"X must be {KINDS}, got {type(X).__name__}")


def _allow_dense(n_rows: int, n_columns: int) -> None:
    if n_rows * n_columns > MOST_SPARSE_CELLS:
        raise InvalidArgument(
            f"X is sparse and must have at most {MOST_SPARSE_CELLS} cells to be made dense, got {n_rows} rows x "
            f"{n_columns} columns: reduce the columns, for instance by TruncatedSVD or feature selection"
        )


def _numbered(values: NDArray[Any]) -> pd.DataFrame:
    if values.dtype.names is not None and values.ndim == 1:
        return pd.DataFrame(values)
    if values.ndim != 2:
        hint = ": pass X.reshape(-1, 1) for one column" if values.ndim == 1 else ""
        raise InvalidArgument(f"X must have two dimensions, got shape {values.shape}{hint}")
    frame = pd.DataFrame(values, columns=[f"x{i}" for i in range(values.shape[1])])
    return frame.infer_objects() if values.dtype == object else frame


def _rows(X: Any) -> pd.DataFrame:
    """Make a frame of a list of rows; each column has the type of its own cells."""
    lengths = set()
    for i, row in enumerate(X):
        if isinstance(row, str) or not hasattr(row, "__len__"):
            raise InvalidArgument(f"X must be a list of rows, but its entry {i} is {row!r}")
        lengths.add(len(row))
    if len(lengths) > 1:
        raise InvalidArgument(f"X must have rows of one length, got {min(lengths)} to {max(lengths)} cells")
    width = lengths.pop() if lengths else 0
    if lengths or (X and isinstance(X[0], dict)):
        raise InvalidArgument("X must be a list of rows, got a list of dicts: pass pandas.DataFrame(X)")
    return pd.DataFrame([list(row) for row in X], columns=[f"x{i}" for i in range(width)])


def _taken(argument: str, frame: pd.DataFrame, column: str) -> tuple[pd.DataFrame, pd.Series[Any]]:
    """Split a column, named by the value of an argument, from the features."""
    if column not in frame.columns:
        raise InvalidArgument(
            f"{argument} must be a column of X or have a value for each row; X has no column {column!r}"
            f"{closest(column, frame.columns)}"
        )
    return frame.drop(columns=column), frame[column]


def _column(argument: str, values: Any, n_rows: int) -> pd.Series[Any]:
    """Convert an argument with a value for each row to a Series with rows numbered from 0."""
    if isinstance(values, pd.DataFrame):
        if values.shape[1] != 1:
            raise InvalidArgument(f"{argument} must have one column, got {values.shape[1]}")
        values = values.iloc[:, 0]
    elif not isinstance(values, pd.Series) and callable(getattr(values, "to_pandas", None)):
        values = values.to_pandas()
    if isinstance(values, pd.Series):
        series = values.reset_index(drop=True)
        if isinstance(series.dtype, pd.CategoricalDtype):  # as the values that it stands for
            series = series.astype(series.cat.categories.dtype if not series.isna().any() else object)
        if isinstance(series.dtype, pd.SparseDtype):
            series = series.sparse.to_dense()
    else:
        if scipy.sparse.issparse(values) or isinstance(values, dict | set) or not hasattr(values, "__len__"):
            raise InvalidType(f"{argument} must be a Series, array or list, got {type(values).__name__}")
        series = _series(argument, values)
    if types.is_complex_dtype(series):
        raise InvalidArgument(f"{argument} must hold real numbers, got complex ones such as {series.iloc[0]}")
    if len(series) != n_rows:
        raise InvalidArgument(f"{argument} must have a value for each of the {n_rows} rows of X, got {len(series)}")
    return series


def _series(argument: str, values: Any) -> pd.Series[Any]:
    if isinstance(values, np.ndarray):
        if values.ndim == 2 and values.shape[1] == 1:
            values = values[:, 0]
        if values.ndim != 1:
            raise InvalidArgument(f"{argument} must have one dimension, got shape {values.shape}")
        series = pd.Series(values)
        return series.infer_objects() if values.dtype == object else series
    cells = list(values)
    nested = next((cell for cell in cells if isinstance(cell, list | tuple | np.ndarray)), None)
    if nested is not None:
        raise InvalidArgument(f"{argument} must have one dimension, but has an entry {nested!r}")
    return pd.Series(cells, dtype=object).infer_objects()


def _limit(frame: pd.DataFrame) -> None:
    others = sum(not types.is_numeric_dtype(dtype) for dtype in frame.dtypes)
    if others > MOST_OTHER_COLUMNS:
        raise InvalidArgument(
            f"X must have at most {MOST_OTHER_COLUMNS} columns that are not numbers, got {others}: encode them as "
            f"numbers, or leave some out"
        )


def _keep_classes(problem: Problem, given: pd.Series[Any]) -> None:
    """Restore classes in words, which are read without blanks and, if they are digits, as numbers."""
    if problem.task == "classification" and is_text(given):
        exact = pd.Series(given.to_numpy(dtype=object), name=problem.target)
        if exact.nunique() == problem.y.nunique():
            problem.y = exact
        else:
            problem.notices.append(f"classes of {problem.target!r} are compared without blanks around them")


def _codes(groups: pd.Series[Any]) -> NDArray[np.intp]:
    missing = groups.isna()
    if missing.any():
        raise InvalidArgument(
            f"groups must have a group for each row, but {int(missing.sum())} of {len(groups)} are missing"
        )
    try:
        return np.asarray(pd.factorize(groups)[0], dtype=np.intp)
    except TypeError:
        raise InvalidArgument(f"groups must hold numbers or words, got {groups.iloc[0]!r}") from None


def _weights(weights: pd.Series[Any], rows: NDArray[np.bool_]) -> NDArray[np.float64]:
    if not types.is_numeric_dtype(weights):
        raise InvalidArgument(f"sample_weight must hold numbers, got {weights.iloc[0]!r}")
    values = np.asarray(weights.to_numpy(dtype=float, na_value=np.nan))
    wrong = np.flatnonzero(~(np.isfinite(values) & (values >= 0)))
    if wrong.size:
        raise InvalidArgument(f"sample_weight must be finite and >= 0, got {values[wrong[0]]} in row {wrong[0]}")
    if not (values[rows] > 0).any():
        raise InvalidArgument("sample_weight must be > 0 for some row with a target, but all are 0")
    return values[rows]
