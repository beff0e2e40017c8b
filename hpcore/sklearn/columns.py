"""What each column of a table holds, found from its values, and which columns cannot help a model."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from pandas.api import types

from hpcore.errors import InvalidArgument
from hpcore.sklearn.preprocessing import LARGEST, to_dates

__all__ = ["Columns", "classify"]

# A text column is a column of numbers, or of dates, when at least this share of its cells reads as one.
MOSTLY = 0.9
# A text column names the row rather than describing it when this share of its cells is distinct.
DISTINCT = 0.9
LOOKED_AT = 2000
ID_NAME = re.compile(
    r"(?i:^(id|index|row|row_?(id|num|number)|uuid|guid|key|unnamed: \d+)$|[_ .-](id|uuid|guid)$)|[a-z]I[dD]$"
)
DATE = re.compile(r"^\s*\d{1,4}([-/.])\d{1,2}\1\d{1,4}([T ]\s*\d{1,2}:\d{2}.*)?\s*$")
# In the order in which they are tried; the first that reads the most cells wins, so month/day precedes day/month.
DATE_PATTERNS = ("ISO8601", "%Y/%m/%d", "%m/%d/%Y", "%d/%m/%Y", "%d.%m.%Y", "%d-%m-%Y", "%m-%d-%Y", "%Y.%m.%d")
TIME_PATTERNS = ("", " %H:%M", " %H:%M:%S")


@dataclass
class Columns:
    """Names of the columns by what they hold."""

    numbers: list[str] = field(default_factory=list)
    text: list[str] = field(default_factory=list)
    dates: dict[str, str | None] = field(default_factory=dict)
    dropped: dict[str, list[str]] = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.numbers) + len(self.text) + len(self.dates)


def classify(X: pd.DataFrame) -> Columns:
    """Find out what each column holds.

    Parameters
    ----------
    X : DataFrame
        Features, as they were read.

    Returns
    -------
    Columns
        Columns of one value, without values, that only number or name the rows, or that hold lists or bytes are
        dropped, with a notice.

    Raises
    ------
    InvalidArgument
        If no column is left.
    """
    columns = Columns()
    for name in X.columns:
        reason = _sort(columns, str(name), X[name])
        if reason is not None:
            columns.dropped.setdefault(reason, []).append(str(name))
    columns.notices += [f"{_listed(names)} left out: {reason}" for reason, names in columns.dropped.items()]
    if not len(columns):
        if set(columns.dropped) <= {ONE_VALUE, EMPTY}:
            raise InvalidArgument(
                f"DATA must have a feature column that varies, but each of the {X.shape[1]} is constant: "
                f"{_listed(X.columns)}"
            )
        raise InvalidArgument(f"DATA must have a usable feature column; {'; '.join(columns.notices)}")
    return columns


ONE_VALUE = "one value in every row"
EMPTY = "no values"
NAMES_ROWS = "a different value in nearly every row, as names or ids have"
NUMBERS_ROWS = "it only numbers the rows"
UNSUPPORTED = "neither numbers, text nor dates"


def _sort(columns: Columns, name: str, column: pd.Series[Any]) -> str | None:
    """Put one column in its place, or say why it has none."""
    present = column.dropna()
    if present.empty:
        return EMPTY
    if types.is_bool_dtype(column) or types.is_timedelta64_dtype(column):
        return _numbers(columns, name, column)
    if types.is_numeric_dtype(column):
        return UNSUPPORTED if types.is_complex_dtype(column) else _numbers(columns, name, column)
    if types.is_datetime64_any_dtype(column):
        return _dates(columns, name, present, None)
    kind = "categorical" if isinstance(column.dtype, pd.CategoricalDtype) else types.infer_dtype(column, skipna=True)
    if kind in ("boolean", "decimal", "integer", "floating", "mixed-integer-float"):
        return _numbers(columns, name, column)
    if kind in ("date", "datetime"):
        return _dates(columns, name, present, None)
    if kind not in ("string", "categorical", "mixed-integer", "time", "period", "interval"):
        return UNSUPPORTED
    if kind == "string":
        pattern = _date_pattern(present)
        if pattern is not None:
            return _dates(columns, name, present, pattern)
        wrong = _not_numbers(present.iloc[:LOOKED_AT])
        if len(wrong) < min(LOOKED_AT, len(present)) * (1 - MOSTLY):
            wrong = _not_numbers(present)
            shown = ", ".join(repr(cell) for cell in wrong.unique()[:3])
            reason = _numbers(columns, name, column)
            if reason is None:
                columns.notices.append(
                    f"{name!r} is a column of numbers; taken as missing: {_cells(len(wrong))} ({shown})"
                )
            return reason
    return _text(columns, name, column, present)


def _not_numbers(cells: pd.Series[Any]) -> pd.Series[Any]:
    return cells[pd.to_numeric(cells.astype(object), errors="coerce").isna()]


def _numbers(columns: Columns, name: str, column: pd.Series[Any]) -> str | None:
    from hpcore.sklearn.preprocessing import as_numbers

    raw = as_numbers(column.to_frame())[:, 0]
    values = raw[~np.isnan(raw)]
    if values.size == 0:
        return EMPTY
    if (values == values[0]).all():
        return ONE_VALUE
    if types.is_float_dtype(column):
        beyond = int((column.abs() > LARGEST).sum())
        if beyond:
            columns.notices.append(
                f"{name!r}: taken as missing, being infinite or beyond {LARGEST:.1e}: {_cells(beyond)}"
            )
    elif values.size == len(column) and _numbers_rows(name, values):
        return NUMBERS_ROWS
    columns.numbers.append(name)
    return None


def _numbers_rows(name: str, values: np.ndarray[Any, Any]) -> bool:
    if len(values) < 20 or len(np.unique(values)) < len(values):
        return False
    counts = values.max() - values.min() == len(values) - 1 and values.min() in (0, 1)
    return bool(counts or ID_NAME.search(name))


def _dates(columns: Columns, name: str, present: pd.Series[Any], pattern: str | None) -> str | None:
    if to_dates(present, pattern).nunique() < 2:
        return ONE_VALUE
    columns.dates[name] = pattern
    written = "" if pattern in (None, "ISO8601") else f" (read as {pattern})"
    columns.notices.append(
        f"{name!r} holds dates{written}: used as a number of days, and by year, month, day, weekday, hour"
    )
    return None


def _date_pattern(present: pd.Series[Any]) -> str | None:
    """How the dates of a text column are written, or None if it does not hold dates."""
    cells = present.iloc[:LOOKED_AT]
    like = cells.astype(object).map(lambda cell: DATE.match(cell) is not None)
    if like.mean() < MOSTLY:
        return None
    patterns = [date + time for date in DATE_PATTERNS for time in (TIME_PATTERNS if date != "ISO8601" else ("",))]
    read = [float(to_dates(cells, pattern).notna().mean()) for pattern in patterns]
    best = int(np.argmax(read))
    return patterns[best] if read[best] >= MOSTLY else None


def _text(columns: Columns, name: str, column: pd.Series[Any], present: pd.Series[Any]) -> str | None:
    distinct = present.nunique()
    if distinct == 1 and len(present) == len(column):
        return ONE_VALUE
    if len(present) >= 10 and distinct > DISTINCT * len(present):
        return NAMES_ROWS
    columns.text.append(name)
    return None


def _cells(n: int) -> str:
    return f"{n} cell" if n == 1 else f"{n} cells"


def _listed(names: Iterable[Any], most: int = 6) -> str:
    shown = [repr(str(name)) for name in names]
    more = f" and {len(shown) - most} more" if len(shown) > most else ""
    return ", ".join(shown[:most]) + more
