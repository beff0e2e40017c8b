"""The target: its column, the rows that have a value, and the task, classification or regression."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from hpcore.errors import InvalidArgument, closest
from hpcore.tables.table import Table
from hpcore.tables.textfile import is_text
from hpcore.tables.wording import COMMAND, Wording

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from hpcore.tables.numerals import Mark
    from hpcore.tables.presets import Task

__all__ = ["Problem", "check_folds", "infer_task", "make_problem", "split_target"]

# More distinct whole numbers than this are a quantity, not classes.
MOST_CLASSES = 20
SHOWN_COLUMNS = 12


@dataclass
class Problem:
    """Features and target of one learning task.

    Attributes
    ----------
    name : str
        Name of the data set.
    X : DataFrame
        Features.
    y : Series
        Values of the target.
    target : str
        Name of the target column.
    task : {"classification", "regression"}
        Kind of prediction.
    notices : list of str
        Messages for the user.
    """

    name: str
    X: pd.DataFrame
    y: pd.Series[Any]
    target: str
    task: Task
    notices: list[str]


def split_target(table: Table, target: str | None, task: Task | None) -> Problem:
    """Split a table into features and target.

    Parameters
    ----------
    table : Table
        Data set as it was read.
    target : str, optional
        Name of the column to predict; by default the column called ``target``.
    task : {"classification", "regression"}, optional
        Kind of prediction. By default the values decide: text, booleans and categories are classes; so are whole
        numbers with at most 20 distinct values that occur 5 times on average (or at most 2 values); anything else is a
        quantity.

    Returns
    -------
    Problem
        Task without the rows that have no target.

    Raises
    ------
    InvalidArgument
        There is no such column, or it cannot be predicted.
    """
    column = _find(table, target)
    frame, y = table.frame.drop(columns=column), table.frame[column]
    return make_problem(table.name, frame, y, column, task, table.likely, table.notices, given=not table.bundled)[0]


def make_problem(
    name: str,
    X: pd.DataFrame,
    y: pd.Series[Any],
    column: str,
    task: Task | None,
    likely: Mark | None = None,
    notices: Sequence[str] = (),
    *,
    given: bool = True,
    wording: Wording = COMMAND,
) -> tuple[Problem, NDArray[np.bool_]]:
    """Make a problem of features and a target with the same number of rows.

    Parameters
    ----------
    name : str
        Name of the data set.
    X : DataFrame
        Features.
    y : Series
        Target, with the index of `X`.
    column : str
        Name of the target.
    task : {"classification", "regression"}, optional
        Kind of prediction; by default the values decide, as for `split_target`.
    likely : {".", ","}, optional
        Decimal mark for a target of text that could be read with either.
    notices : sequence of str
        Messages so far.
    given : bool
        True for data of the user, for whom the choice of the task is explained.
    wording : Wording
        Names of the arguments in messages.

    Returns
    -------
    problem : Problem
        Task without the rows that have no target.
    kept : ndarray of bool, shape (n_rows,)
        Rows that have a target.

    Raises
    ------
    InvalidArgument
        The target cannot be predicted, or there is no feature.
    """
    notices, what = list(notices), wording.target(column)
    if X.shape[1] < 1:
        besides = "" if wording.in_python else f" besides the target {column!r}"
        raise InvalidArgument(f"{wording.data} must have at least one column{besides}")
    y = _read(y, column, likely, task, notices)
    missing = y.isna()
    if missing.all():
        raise InvalidArgument(
            f"{what} must hold values, but every row is {'missing' if wording.in_python else 'empty'}"
        )
    if missing.any():
        notices.append(f"{int(missing.sum())} of {len(y)} rows have no {column!r} and are left out")
        X, y = X[~missing].reset_index(drop=True), y[~missing].reset_index(drop=True)
    if y.dtype.kind in "mMc" or isinstance(y.iloc[0], date):
        raise InvalidArgument(f"{what} must hold numbers or text, got {y.iloc[0]}")
    try:
        distinct = y.nunique()
    except TypeError:
        raise InvalidArgument(f"{what} must hold numbers or text, got {type(y.iloc[0]).__name__}") from None
    if distinct == 1:
        raise InvalidArgument(f"{what} must have at least two different values, but every row is {_plain(y.iloc[0])!r}")
    if task != "classification":
        _refuse_mixture(y, what, wording)
    found = infer_task(y)
    if task is None:
        task = found
        if given:
            notices.append(f"{task}, because {column!r} {_why(y, task)} ({wording.option('task')} overrides)")
    if task == "classification" and is_text(y):
        notices += _about_classes(y, column)
    return Problem(name, X, _typed(y, column, task, wording), column, task, notices), ~missing.to_numpy(dtype=bool)


def _refuse_mixture(y: pd.Series[Any], what: str, wording: Wording) -> None:
    """Reject a target with both numbers and words, which may be classes as well as numbers with words for gaps."""
    if y.dtype != object:
        return
    words = y.map(lambda cell: isinstance(cell, str)).to_numpy(dtype=bool)
    if words.all() or not words.any():
        return
    raise InvalidArgument(
        f"{what} must hold numbers or classes, but mixes {_plain(y[~words].iloc[0])!r} ({int((~words).sum())} rows are "
        f"no text) with {y[words].iloc[0]!r} ({int(words.sum())} rows are text): make words that mean a missing value "
        f"missing, or use {wording.option('task', 'classification')} if each is a class"
    )


def _read(y: pd.Series[Any], column: str, likely: Mark | None, task: Task | None, notices: list[str]) -> pd.Series[Any]:
    """Return a target of text without blanks around its cells, or as numbers if it holds numbers."""
    import pandas as pd

    from hpcore.tables.columns import names_things
    from hpcore.tables.numerals import find_style, is_missing_word
    from hpcore.tables.preprocessing import as_numbers

    if not is_text(y):
        return y
    y = y.astype(object).str.strip()
    y = y.where(y != "", other=None)
    cells = y.dropna().value_counts().to_dict()
    style = None if names_things(cells) else find_style(cells, likely)
    if style is None:
        return y
    numbers = pd.Series(as_numbers(y.to_frame(column), {column: style})[:, 0], index=y.index, name=column)
    classes = task == "classification" or (task is None and infer_task(numbers.dropna()) == "classification")
    # Grades such as None, 1, 2, 3, and a few different prices such as $5, are classes.
    if classes and (not style.plain or any(cell.casefold() == "none" for cell in cells)):
        return y
    if not style.plain:
        notices.append(f"text read as numbers: {column!r} ({style.example[0]!r} is {style.example[1]:.15g})")
    lost = y[numbers.isna() & y.notna()]
    if len(lost):
        words = ", ".join(repr(word) for word in sorted(set(lost), key=lambda word: (is_missing_word(word), word))[:3])
        notices.append(f"{column!r} is a column of numbers; treated as missing: {len(lost)} cells ({words})")
    return numbers


def _about_classes(y: pd.Series[Any], column: str) -> list[str]:
    """List messages about classes that may be unintended."""
    from hpcore.tables.columns import differing_in_case
    from hpcore.tables.numerals import is_missing_word

    counts = y.astype(object).map(str.strip).value_counts().to_dict()
    said = [
        f"{word!r} is a class of {column!r} with {n} rows; if it means a missing value, leave these cells empty"
        for word, n in counts.items()
        if is_missing_word(word)
    ]
    alike = differing_in_case(counts)
    return [*said, f"{column!r}: {alike} differ in case only and are different classes"] if alike else said


def infer_task(y: pd.Series[Any]) -> Task:
    """Return classification or regression, by the rule in `split_target`."""
    from pandas.api import types

    if types.is_bool_dtype(y) or not types.is_numeric_dtype(y):
        return "classification"
    distinct = y.nunique()
    few = distinct <= 2 or (distinct <= MOST_CLASSES and len(y) >= 5 * distinct)
    return "classification" if few and _whole(y) else "regression"


def check_folds(problem: Problem, folds: int, wording: Wording = COMMAND) -> None:
    """Reject more folds than the number of rows or the rarest class allows.

    Raises
    ------
    InvalidArgument
        There are too many folds; the message names the class, its size, and what to do.
    """
    rows = len(problem.y)
    if problem.task == "regression":
        # A score such as r2 is not defined on a single row.
        if rows < 2 * folds:
            raise InvalidArgument(
                f"{wording.option('cv')} must be at most {rows // 2}, half the number of rows, got {folds}"
            )
        return
    counts = problem.y.value_counts()
    rarest, members = counts.index[-1], int(counts.iloc[-1])
    if members >= folds:
        return
    quantity = len(counts) > MOST_CLASSES
    ways = [f"use {wording.option('cv', members)}"] if members > 1 else []
    ways.append("remove or merge the small classes" if (counts < folds).sum() > 1 else "remove or merge it")
    if quantity and problem.y.dtype.kind in "iuf":
        ways.append(f"use {wording.option('task', 'regression')}")
    raise InvalidArgument(
        f"{wording.option('cv', folds)} needs at least {folds} rows of every class, but class {_plain(rarest)!r} of "
        f"{problem.target!r} has {members}: {', or '.join(ways)}"
    )


def _find(table: Table, target: str | None) -> str:
    columns = list(table.frame.columns)
    if target in table.repeated:
        raise InvalidArgument(f"--target must name one column, but {table.name!r} uses {target!r} more than once")
    if target is None:
        if "target" in columns and "target" not in table.repeated:
            return "target"
        raise InvalidArgument(
            f"--target is needed: name the column of {table.name!r} to predict, one of {_listed(columns)}"
        )
    if target not in columns:
        raise InvalidArgument(
            f"--target must be a column of {table.name!r}: {_listed(columns)}; got {target!r}{closest(target, columns)}"
        )
    return target


def _listed(columns: list[str]) -> str:
    shown = ", ".join(repr(name) for name in columns[:SHOWN_COLUMNS])
    more = len(columns) - SHOWN_COLUMNS
    return shown + (f" and {more} more" if more > 0 else "")


def _whole(y: pd.Series[Any]) -> bool:
    import numpy as np

    values = y.to_numpy(dtype=float)
    return bool(np.isfinite(values).all() and (values == np.floor(values)).all())


def _why(y: pd.Series[Any], task: Task) -> str:
    if task == "classification":
        kind = "whole numbers" if y.dtype.kind in "iuf" else "distinct values"
        return f"has {y.nunique()} {kind}"
    return f"is a number with {y.nunique()} distinct values"


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value


def _typed(y: pd.Series[Any], column: str, task: Task, wording: Wording) -> pd.Series[Any]:
    """Convert the target for scikit-learn: finite floats, or classes of one type."""
    import numpy as np
    import pandas as pd
    from pandas.api import types

    what = wording.target(column)
    numeric = types.is_numeric_dtype(y) and not types.is_complex_dtype(y)
    if task == "regression":
        if not numeric:
            raise InvalidArgument(
                f"{wording.option('task', task)} needs a numeric target, but {what} holds {_plain(y.iloc[0])!r}"
            )
        values = pd.Series(y.to_numpy(dtype=float), name=column)
        if not np.isfinite(values).all():
            raise InvalidArgument(f"{wording.target(column)} must be finite, but it holds {_infinite(values)}")
        return values
    if types.is_bool_dtype(y) or not numeric:
        if types.is_bool_dtype(y):
            return pd.Series(y.to_numpy(dtype=bool), name=column)
        return pd.Series(np.asarray(y.astype(object).map(lambda cell: str(cell).strip()), dtype=object), name=column)
    if not _whole(y):
        values = y.to_numpy(dtype=float)
        broken = values[~np.isfinite(values) | (values != np.floor(values))][0]
        raise InvalidArgument(
            f"{wording.option('task', task)} needs classes, but {what} holds numbers such as {_plain(broken)!r}"
        )
    exact = y.abs().max() < 2**53  # beyond, a float cannot distinguish neighbouring whole numbers
    return pd.Series(y.to_numpy(dtype=np.int64) if exact else y.map(repr).to_numpy(dtype=object), name=column)


def _infinite(values: pd.Series[Any]) -> str:
    import numpy as np

    rows = np.flatnonzero(~np.isfinite(values))
    return f"{values.iloc[rows[0]]} in row {rows[0] + 1}"
