"""Steps that read the cells of a raw table: numbers, dates and text, the same in training and in a saved model.

A model that runs without this package gets a copy of this file and of the two files that it names: names differ
between the three, and nothing else of the package is imported.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api import types
from sklearn.base import BaseEstimator, TransformerMixin

from hpcore.errors import InvalidArgument
from hpcore.tables.numerals import PANDAS_MISSING, TRUTH, Style, parse

__all__ = [
    "LARGEST",
    "MISSING",
    "WORDS_OF_TRUTH",
    "DateParts",
    "Notation",
    "ReadCells",
    "as_numbers",
    "as_text",
    "column_as_numbers",
    "level",
    "seconds",
    "to_dates",
    "truth",
]

MISSING = "(missing)"
# Trees compute in single precision and reject larger numbers.
LARGEST = float(np.finfo(np.float32).max)
NUMBER_TEXT = re.compile(r"[+-]?[0-9]{1,300}(\.[0-9]{1,300})?")

Notation = Literal["truth", "duration"]
# Pairs of words that mean true and false, in lower case.
WORDS_OF_TRUTH = (
    *(("yes", "no"), ("y", "n"), ("true", "false"), ("t", "f"), ("on", "off")),
    *(("ja", "nein"), ("j", "n"), ("wahr", "falsch"), ("oui", "non"), ("vrai", "faux"), ("ja", "nee"), ("ja", "nej")),
    *(("si", "no"), ("s\u00ed", "no"), ("s\u00ec", "no"), ("sim", "n\u00e3o")),
)
VALUES_OF_TRUTH = {pair[i]: 1.0 - i for pair in WORDS_OF_TRUTH for i in (0, 1)}
CLOCK = re.compile(
    r"(?P<sign>[+-]?)(?:(?P<days>[0-9]{1,5}) days? )?"
    r"(?:(?P<hours>[0-9]{1,4}):)?(?P<minutes>[0-9]{1,4}):(?P<seconds>[0-5][0-9](?:\.[0-9]{1,9})?)"
    r"(?: ?(?P<half>[ap])\.?m\.?)?",
    re.IGNORECASE,
)
DURATION = re.compile(
    r"(?P<sign>[+-]?)(?:(?P<days>[0-9]{1,5}) ?d(?:ays?)?)?,? ?(?:(?P<hours>[0-9]{1,5}) ?h(?:rs?|ours?)?)?,? ?"
    r"(?:(?P<minutes>[0-9]{1,5}) ?m(?:ins?|inutes?)?)?,? ?(?:(?P<seconds>[0-9]{1,5}) ?s(?:ecs?|econds?)?)?",
    re.IGNORECASE,
)
PLAIN = Style()
SECONDS_IN = {"days": 86400.0, "hours": 3600.0, "minutes": 60.0, "seconds": 1.0}


def truth(cell: str) -> float:
    """Return 1 for a word such as "yes", 0 for one such as "no", NaN for any other."""
    return VALUES_OF_TRUTH.get(cell.strip().casefold(), math.nan)


def seconds(cell: str) -> float:
    """Return the seconds of a duration such as ``3:45``, ``1:02:03`` or ``1h 20m``; NaN for any other text.

    The last of two numbers is seconds: times of the day, such as ``14:30`` and ``2:30 pm``, are read in their order,
    too.
    """
    text = cell.strip()
    found = CLOCK.fullmatch(text) or DURATION.fullmatch(text)
    if found is None or not any(found[part] for part in SECONDS_IN):
        return math.nan
    total = sum(float(found[part] or 0) * factor for part, factor in SECONDS_IN.items())
    half = found.groupdict().get("half")
    if half:
        first = "hours" if found["hours"] else "minutes"
        hour = int(found[first])
        if not 1 <= hour <= 12:
            return math.nan
        total += (hour % 12 - hour + 12 * (half in "pP")) * SECONDS_IN[first]
    return -total if found["sign"] == "-" else total


READ_NOTATION: dict[str, Callable[[str], float]] = {"truth": truth, "duration": seconds}


def as_numbers(
    X: pd.DataFrame, styles: Mapping[str, Style] | None = None, notations: Mapping[str, Notation] | None = None
) -> NDArray[np.float64]:
    """Convert columns to floats; values that are not finite or exceed single precision are missing.

    Parameters
    ----------
    X : DataFrame
        Columns of numbers, or of text in the format of the column.
    styles : mapping of str to Style, optional
        Number formats by column; by default a decimal point, and optional commas between thousands.
    notations : mapping of str to {"truth", "duration"}, optional
        Columns of words such as yes and no, read as 1 and 0, and of durations, read as seconds.

    Raises
    ------
    InvalidArgument
        Points grouped thousands in the training data, and a column now has numbers with decimals.
    """
    styles, notations = styles or {}, notations or {}
    if all(isinstance(dtype, np.dtype) and dtype.kind in "iufb" for dtype in X.dtypes):
        return _within_range(X.to_numpy(dtype=float))
    out = np.empty(X.shape)
    for j, name in enumerate(X.columns):
        out[:, j] = column_as_numbers(X.iloc[:, j], styles.get(name), notations.get(name))
    return out


def column_as_numbers(
    column: pd.Series[Any], style: Style | None = None, notation: Notation | None = None
) -> NDArray[np.float64]:
    """Convert one column as `as_numbers` does."""
    if notation is None or types.is_numeric_dtype(column):
        return _within_range(_number_column(column, style or PLAIN))
    return _within_range(_words_as_numbers(column, READ_NOTATION[notation]))


def _number_column(column: pd.Series[Any], style: Style) -> NDArray[np.float64]:
    if types.is_timedelta64_dtype(column):
        column = column.dt.total_seconds()
    elif not types.is_numeric_dtype(column):
        return _written_numbers(column.astype(object), style)
    values = np.asarray(column.to_numpy(dtype=float, na_value=np.nan))
    broken = values[np.isfinite(values) & (values != np.floor(values))] if style.points_group else values[:0]
    if broken.size:
        raise InvalidArgument(
            f"column {column.name!r} must hold numbers such as {style.example[0]!r}, where a point groups thousands, "
            f"but was read as {broken[0]:g}: read it as text (dtype=str), or with thousands='.' and decimal=','"
        )
    return values


def _written_numbers(column: pd.Series[Any], style: Style) -> NDArray[np.float64]:
    """Convert cells of any type; text that a program would not read, or would read differently, by `style`."""
    text = column.map(lambda cell: isinstance(cell, str)).to_numpy(dtype=bool)
    values = np.full(len(column), np.nan)
    direct = np.ones(len(column), dtype=bool) if style.mark == "." else ~text
    values[direct] = _coerced(column[direct])
    cells = column.to_numpy()
    for i in np.flatnonzero(text & np.isnan(values)):
        cell = cells[i].strip()
        values[i] = TRUTH[cell] if cell in TRUTH else parse(cell, style)
    return values


def _words_as_numbers(column: pd.Series[Any], read: Callable[[str], float]) -> NDArray[np.float64]:
    """Convert text by `read`, and other cells, such as booleans, as numbers."""
    if types.is_timedelta64_dtype(column):
        column = column.dt.total_seconds()
    cells = column.astype(object)
    text = cells.map(lambda cell: isinstance(cell, str)).to_numpy(dtype=bool)
    values = np.full(len(cells), np.nan)
    values[~text] = _coerced(cells[~text])
    values[text] = [read(cell) for cell in cells.to_numpy()[text]]
    return values


def _coerced(cells: pd.Series[Any]) -> NDArray[np.float64]:
    """Convert cells to floats; those that are no numbers are missing."""
    try:
        numbers = pd.to_numeric(cells, errors="coerce")
    except (TypeError, OverflowError):  # a cell that is a table of its own, or an integer of more than 308 digits
        numbers = None
    if numbers is None or types.is_complex_dtype(numbers):
        known = cells.map(lambda cell: isinstance(cell, str | float | int) and not _is_huge(cell)).astype(bool)
        numbers = pd.to_numeric(cells.where(known, other=None), errors="coerce")
    return np.asarray(numbers.to_numpy(dtype=float, na_value=np.nan))


def _is_huge(cell: Any) -> bool:
    return isinstance(cell, int) and abs(cell) > LARGEST


def _within_range(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(np.abs(values) <= LARGEST, values, np.nan)


def as_text(
    X: pd.DataFrame, missing: Mapping[str, str] | None = None, widths: Mapping[str, int] | None = None
) -> NDArray[np.object_]:
    """Convert columns to strings, which are the same whether a column was read as text, numbers or booleans.

    Parameters
    ----------
    X : DataFrame
        Columns of any type.
    missing : mapping of str to str, optional
        Category of the missing cells by column; ``"(missing)"`` by default. Words that pandas reads as missing, such
        as ``NA`` and ``None``, count as missing.
    widths : mapping of str to int, optional
        Number of digits of columns of codes, such as 5 where ``00123`` may arrive as 123.
    """
    missing, widths = missing or {}, widths or {}
    out = np.empty(X.shape, dtype=object)
    for j, name in enumerate(X.columns):
        column = X.iloc[:, j]
        absent, width = missing.get(name, MISSING), widths.get(name, 0)
        cells = column.astype(object).to_numpy()
        gone = column.isna().to_numpy()
        out[:, j] = [absent if lost else level(cell, width) or absent for cell, lost in zip(cells, gone, strict=True)]
    return out


def level(cell: Any, width: int = 0) -> str:
    """Return the category of a cell: without blanks around it, numbers in one notation; empty if it is missing."""
    if isinstance(cell, str):
        text = cell.strip()
        if text in PANDAS_MISSING:
            return ""
        if text in TRUTH:
            return str(TRUTH[text])
        if not NUMBER_TEXT.fullmatch(text):
            return text
        cell = float(text) if "." in text else int(text)
    if isinstance(cell, (bool, np.bool_)):
        return str(bool(cell))
    if isinstance(cell, (float, np.floating)) and float(cell).is_integer():
        cell = int(cell)
    return f"{cell:0{width}d}" if isinstance(cell, (int, np.integer)) else str(cell)


class ReadCells(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Transformer that makes raw tables equal, whether pandas read the file as text, as numbers, or by its defaults.

    Parameters
    ----------
    numbers, dates, text : list of str
        Columns by their contents; other columns are dropped.
    styles : dict of str to Style
        Number formats of the columns of numbers that are text.
    missing : dict of str to str
        Category of the missing cells by text column.
    widths : dict of str to int
        Number of digits of the columns of codes.
    prose : list of str, optional
        Columns of prose; their missing cells become empty texts.
    notations : dict of str to {"truth", "duration"}, optional
        Columns of numbers that are words, such as yes and no, or durations.
    """

    is_pure: ClassVar[bool] = True
    # Steps that were pickled before these parameters existed lack them.
    prose: Sequence[str] | None = None
    notations: Mapping[str, Notation] | None = None

    def __init__(
        self,
        numbers: list[str],
        dates: list[str],
        text: list[str],
        styles: dict[str, Style],
        missing: dict[str, str],
        widths: dict[str, int],
        prose: list[str] | None = None,
        notations: dict[str, Notation] | None = None,
    ) -> None:
        self.numbers = numbers
        self.dates = dates
        self.text = text
        self.styles = styles
        self.missing = missing
        self.widths = widths
        self.prose = prose
        self.notations = notations

    def fit(self, X: pd.DataFrame, y: Any = None) -> ReadCells:
        """Remember the names of the columns."""
        self.feature_names_in_ = np.asarray(X.columns, dtype=object)
        self.n_features_in_ = X.shape[1]
        return self

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "n_features_in_")

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        """Convert numbers to floats, text to categories and prose to texts; dates are not changed.

        Raises
        ------
        InvalidArgument
            `X` is not a DataFrame, or lacks a column.
        """
        frame, prose = self._named(X), list(self.prose or ())
        parts = [
            pd.DataFrame(
                as_numbers(frame[self.numbers], self.styles, self.notations),
                columns=self.numbers,
                index=frame.index,
                copy=False,
            ),
            frame[self.dates],
            self._as_objects(frame[self.text], self.missing),
            self._as_objects(frame[prose], dict.fromkeys(prose, "")),
        ]
        return pd.concat(parts, axis=1)

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Return the names of the columns that are used."""
        return np.asarray([*self.numbers, *self.dates, *self.text, *(self.prose or ())], dtype=object)

    def _as_objects(self, X: pd.DataFrame, missing: Mapping[str, str]) -> pd.DataFrame:
        return pd.DataFrame(as_text(X, missing, self.widths), columns=X.columns, index=X.index, dtype=object)

    def _named(self, X: pd.DataFrame) -> pd.DataFrame:
        """Select the columns that are used, also where their names have blanks around them."""
        if not isinstance(X, pd.DataFrame):
            raise InvalidArgument(f"X must be a DataFrame with the columns of the data, got {type(X).__name__}")
        wanted = self.get_feature_names_out()
        place: dict[str, int] = {}
        for i, name in enumerate(X.columns):
            place.setdefault(str(name).strip("\ufeff \t"), i)
        place |= {str(name): i for i, name in reversed(list(enumerate(X.columns)))}
        # A name that begins or ends with blanks has lost them in a text file.
        found = {name: place.get(name, place.get(name.strip("\ufeff \t"))) for name in wanted}
        shared = Counter(found.values())
        absent = [name for name, i in found.items() if i is None or (name not in place and shared[i] > 1)]
        if absent:
            shown = ", ".join(repr(name) for name in absent[:6]) + (", ..." if len(absent) > 6 else "")
            raise InvalidArgument(f"X must have the columns of the data, but lacks {shown}")
        return X.iloc[:, [found[name] for name in wanted]].set_axis(list(wanted), axis=1)


def to_dates(column: pd.Series[Any], pattern: str | None) -> pd.Series[Any]:
    """Convert a column to UTC timestamps without time zone; cells that do not match the pattern are missing.

    A period is the time at which it begins.
    """
    if types.infer_dtype(column, skipna=True) == "period":
        column = pd.Series(pd.PeriodIndex(column).to_timestamp(), index=column.index, name=column.name)
    if not types.is_datetime64_any_dtype(column):
        column = pd.to_datetime(column, format=pattern, errors="coerce", utc=True)
    return column.dt.tz_convert(None) if column.dt.tz is not None else column


class DateParts(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Transformer of dates to numbers: days since 1970, and those of year, month, day, weekday and hour that vary.

    Parameters
    ----------
    patterns : dict of str to (str or None)
        Date format of each column for `pandas.to_datetime`; None for columns of type date.
    only_days : bool, default=False
        True for the number of days alone.
    """

    is_pure: ClassVar[bool] = True
    only_days: bool = False  # for steps that were pickled before this parameter existed

    def __init__(self, patterns: dict[str, str | None], only_days: bool = False) -> None:
        self.patterns = patterns
        self.only_days = only_days

    def fit(self, X: pd.DataFrame, y: Any = None) -> DateParts:
        """Remember the columns, and which parts of their dates vary."""
        self.feature_names_in_ = np.asarray(X.columns, dtype=object)
        self.n_features_in_ = X.shape[1]
        self.parts_ = {}
        for name in self.feature_names_in_:
            varying = [part for part, values in self._parts(X, name).items() if values.nunique() > 1]
            self.parts_[name] = varying or ["days"]
        return self

    def transform(self, X: pd.DataFrame) -> NDArray[np.float64]:
        """Return the parts of each date, NaN where it is missing."""
        columns = []
        for name, kept in self.parts_.items():
            parts = self._parts(X, name)
            columns += [parts[part].to_numpy(dtype=float, na_value=np.nan) for part in kept]
        return np.column_stack(columns)

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Return ``column_part`` for each part."""
        return np.asarray([f"{name}_{part}" for name, kept in self.parts_.items() for part in kept], dtype=object)

    def _parts(self, X: pd.DataFrame, name: str) -> dict[str, pd.Series[Any]]:
        dates = to_dates(X[name], self.patterns[name])
        if self.only_days:
            return {"days": _days(dates)}
        at = dates.dt
        return {
            "days": _days(dates),
            "year": at.year,
            "month": at.month,
            "day": at.day,
            "weekday": at.day_of_week,
            "hour": at.hour,
        }


def _days(dates: pd.Series[Any]) -> pd.Series[Any]:
    # In the unit of the dates: nanoseconds end in the year 2262, and many tables write 9999-12-31 for "never".
    at = dates.to_numpy()
    since = (at - np.datetime64(0, "D").astype(at.dtype)) / np.timedelta64(1, "D")
    return pd.Series(since, index=dates.index)
