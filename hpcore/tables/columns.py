"""Contents of each column of a table, found from its values, and the columns that cannot help a model."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api import types

from hpcore.errors import InvalidArgument
from hpcore.tables.numerals import PANDAS_MISSING, find_style, holds_codes, is_missing_word
from hpcore.tables.prose import is_prose
from hpcore.tables.steps import (
    LARGEST,
    MISSING,
    READ_NOTATION,
    WORDS_OF_TRUTH,
    column_as_numbers,
    level,
    seconds,
    to_dates,
)
from hpcore.tables.table import MOST_CATEGORIES, Columns

if TYPE_CHECKING:
    from hpcore.tables.numerals import Mark, Style
    from hpcore.tables.steps import Notation

__all__ = ["classify", "differing_in_case", "names_things"]

# A text column is a column of dates when at least this share of its cells reads as one.
MOSTLY = 0.9
# A text column is dropped as a name of the row when this share of its cells is distinct.
DISTINCT = 0.9
LOOKED_AT = 2000
# Distinct cells that must look like durations before the others are examined.
FIRST = 20
CHUNK = 2000  # columns
# Above this, a float cannot distinguish neighbouring whole numbers; integers this large are treated as ids.
EXACT = 2**53
WHOLE = re.compile(r"[+-]?[0-9]{1,300}")
SHOWN = 6
TRUTHS = {frozenset(pair) for pair in WORDS_OF_TRUTH}
PARTS_OF_DURATION = re.compile(r"[0-9]+(?:\.[0-9]+)?")
ID_NAME = re.compile(
    r"(?i:^(id|index|row|row_?(id|num|number)|uuid|guid|key|unnamed: \d+)$|[_ .-](id|uuid|guid)$)|[a-z]I[dD]$"
)
DATE = re.compile(r"^\s*\d{1,4}([-/.])\d{1,2}\1\d{1,4}([T ]\s*\d{1,2}:\d{2}.*)?\s*$")
# Tried in this order; the first pattern that reads the most cells is used, so month/day precedes day/month.
DATE_PATTERNS = ("ISO8601", "%Y/%m/%d", "%m/%d/%Y", "%d/%m/%Y", "%d.%m.%Y", "%d-%m-%Y", "%m-%d-%Y", "%Y.%m.%d")
TIME_PATTERNS = ("", " %H:%M", " %H:%M:%S")


def classify(X: pd.DataFrame, likely: Mark | None = None, data: str = "DATA") -> Columns:
    """Find the contents of each column.

    Parameters
    ----------
    X : DataFrame
        Features as they were read.
    likely : {".", ","}, optional
        Decimal mark for columns that could be read with either.
    data : str, default="DATA"
        Name of the argument with the table, for messages.

    Returns
    -------
    Columns
        Columns by their contents. Constant and empty columns, row numbers, names of rows, and columns of lists or
        bytes are dropped, with a notice.

    Raises
    ------
    InvalidArgument
        No column is left.
    """
    columns = Columns()
    plain = _plain_numbers(X)
    for i, name in enumerate(X.columns):
        if plain[i]:
            columns.numbers.append(str(name))
            continue
        reason = _sort(columns, str(name), X[name], likely)
        if reason is not None:
            columns.dropped.setdefault(reason, []).append(str(name))
    columns.notices[:0] = _style_notices(columns)
    columns.notices += [f"{_listed(names)} left out: {reason}" for reason, names in columns.dropped.items()]
    if not len(columns):
        if set(columns.dropped) <= {ONE_VALUE, EMPTY}:
            raise InvalidArgument(
                f"{data} must have a feature column that varies, but each of the {X.shape[1]} is constant: "
                f"{_listed(X.columns)}"
            )
        raise InvalidArgument(f"{data} must have a usable feature column; {'; '.join(columns.notices)}")
    return columns


def _plain_numbers(X: pd.DataFrame) -> NDArray[np.bool_]:
    """Find columns of numbers without anything to report, many at once: one by one, 100,000 columns take 15 s."""
    plain = np.zeros(X.shape[1], dtype=bool)
    dtypes = list(X.dtypes)
    numeric = [i for i, dtype in enumerate(dtypes) if isinstance(dtype, np.dtype) and dtype.kind in "fiu"]
    for start in range(0, len(numeric), CHUNK):
        chosen = np.array(numeric[start : start + CHUNK])
        values = X.iloc[:, chosen].to_numpy(dtype=float)
        if not len(values):
            break
        low, high = np.fmin.reduce(values, axis=0), np.fmax.reduce(values, axis=0)
        whole = np.array([dtypes[i].kind != "f" for i in chosen])
        most = np.where(whole, float(EXACT - 1), LARGEST)
        plain[chosen] = (low < high) & (high <= most) & (low >= -most)
        # Whole numbers may number the rows or be ids.
        counts = (high - low == len(values) - 1) & np.isin(low, (0, 1))
        for i in np.flatnonzero(whole):
            if counts[i] or ID_NAME.search(str(X.columns[chosen[i]])):
                plain[chosen[i]] = False
    return plain


ONE_VALUE = "one value in every row"
EMPTY = "no values"
NAMES_ROWS = "a different value in nearly every row, as names or ids have"
NUMBERS_ROWS = "it only numbers the rows"
UNSUPPORTED = "neither numbers, text nor dates"


def _sort(columns: Columns, name: str, column: pd.Series[Any], likely: Mark | None) -> str | None:
    """Add one column to `columns`, or return the reason to drop it."""
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
    if kind == "integer" and max(abs(int(cell)) for cell in present) > EXACT:
        return _codes(columns, name, column, present.astype(object).map(str))
    if kind in ("boolean", "decimal", "integer", "floating", "mixed-integer-float"):
        return _numbers(columns, name, column)
    if kind in ("date", "datetime", "period"):
        return _dates(columns, name, present, None)
    if kind not in ("string", "categorical", "mixed-integer", "time", "interval"):
        return UNSUPPORTED
    if kind == "string":
        pattern = _date_pattern(present)
        if pattern is not None:
            return _dates(columns, name, present, pattern)
        cells = _counted(present)
        if names_things(cells):
            return _codes(columns, name, column, present)
        notation = _notation(cells)
        if notation is not None:
            return _in_notation(columns, name, column, cells, notation)
        style = find_style(dict(islice(cells.items(), LOOKED_AT)), likely)
        if style is not None and len(cells) > LOOKED_AT:
            style = find_style(cells, likely)
        if style is not None:
            return _written_numbers(columns, name, column, style)
    return _text(columns, name, column, present)


def _counted(cells: pd.Series[Any]) -> dict[str, int]:
    """Count the distinct cells, without blanks around them."""
    return dict(Counter(cells.astype(object).map(str.strip)))


def names_things(cells: dict[str, int]) -> bool:
    """Tell whether a column of digits holds codes or ids, which would lose information as numbers."""
    return holds_codes(cells) or _longest(cells) > EXACT


def _longest(cells: dict[str, int]) -> int:
    """Return the largest number of a column of whole numbers only, or 0."""
    said = [cell for cell in cells if not is_missing_word(cell)]
    whole = all(WHOLE.fullmatch(cell) for cell in said)
    return max((abs(int(cell)) for cell in said), default=0) if whole else 0


def _codes(columns: Columns, name: str, column: pd.Series[Any], present: pd.Series[Any]) -> str | None:
    """Add a column of codes or ids as text."""
    lengths = {len(cell) for cell in _counted(present) if cell.isdigit()}
    columns.widths[name] = lengths.pop() if len(lengths) == 1 else 0
    reason = _text(columns, name, column, present)
    if reason is None:
        example = next(cell for cell in present if not is_missing_word(cell))
        columns.notices.append(f"{name!r} holds codes such as {example!r}: used as text")
    else:
        del columns.widths[name]
    return reason


def _written_numbers(columns: Columns, name: str, column: pd.Series[Any], style: Style) -> str | None:
    """Add a column of text that holds numbers."""
    raw = column_as_numbers(column, style)
    if style.points_group and (raw[~np.isnan(raw)] % 1 != 0).any():
        style = replace(style, points_group=False)  # a cell that `find_style` did not sample
    reason = _numbers(columns, name, column, raw)
    if reason is None:
        columns.styles[name] = style
        wrong = _counted(column[np.isnan(raw) & column.notna().to_numpy()])
        if wrong:
            shown = ", ".join(repr(cell) for cell in sorted(wrong, key=lambda cell: -wrong[cell])[:3])
            columns.notices.append(
                f"{name!r} is a column of numbers; treated as missing: {_cells(sum(wrong.values()))} ({shown})"
            )
    return reason


def _notation(cells: dict[str, int]) -> Notation | None:
    """Find whether a column holds two words such as yes and no, or durations."""
    said = {cell: n for cell, n in cells.items() if not is_missing_word(cell)}
    if len(said) <= FIRST and {cell.casefold() for cell in said} in TRUTHS:
        return "truth"
    first = [math.isnan(seconds(cell)) for cell in islice(said, FIRST)]
    if sum(first) > len(first) / 2:
        return None
    some = dict(islice(said.items(), LOOKED_AT))
    read = {cell for cell in some if not math.isnan(seconds(cell))}
    # Cells with one unit, such as "20 m", are numbers with a unit.
    if any(len(PARTS_OF_DURATION.findall(cell)) > 1 for cell in read):
        return "duration" if sum(some[cell] for cell in read) >= MOSTLY * sum(some.values()) else None
    return None


def _in_notation(
    columns: Columns, name: str, column: pd.Series[Any], cells: dict[str, int], notation: Notation
) -> str | None:
    """Add a column of words such as yes and no, or of durations, as numbers."""
    reason = _numbers(columns, name, column, column_as_numbers(column, None, notation))
    if reason is not None:
        return reason
    columns.notations[name] = notation
    read = {cell: READ_NOTATION[notation](cell) for cell in cells}
    known = [cell for cell, value in read.items() if not math.isnan(value)]
    if notation == "truth":
        yes, no = (next(cell for cell in known if read[cell] == value) for value in (1.0, 0.0))
        columns.notices.append(f"{name!r} holds {yes!r} and {no!r}: used as one number, 1 and 0")
    else:
        longest = max(known, key=lambda cell: (len(cell), read[cell]))
        columns.notices.append(
            f"{name!r} holds durations or times such as {longest!r}: used as one number ({read[longest]:.15g})"
        )
    wrong = {cell: cells[cell] for cell in cells if math.isnan(read[cell]) and cell not in PANDAS_MISSING | {""}}
    if wrong:
        columns.notices.append(f"{name!r}: treated as missing: {_cells(sum(wrong.values()))} ({_listed(wrong, 3)})")
    return None


def _style_notices(columns: Columns) -> list[str]:
    """List columns of numbers in a format that programs do not read, with an example of each."""
    shown = [
        f"{name!r} ({style.example[0]!r} is {style.example[1]:.15g})"
        for name, style in columns.styles.items()
        if not style.plain
    ]
    if not shown:
        return []
    more = f" and {len(shown) - SHOWN} more" if len(shown) > SHOWN else ""
    return [f"text read as numbers: {', '.join(shown[:SHOWN])}{more}"]


def _numbers(
    columns: Columns, name: str, column: pd.Series[Any], raw: np.ndarray[Any, Any] | None = None
) -> str | None:
    if column.dtype.kind in "iu" and max(int(column.max()), -int(column.min())) > EXACT:
        return _codes(columns, name, column, column.dropna().astype(str))
    if raw is None:
        raw = column_as_numbers(column)
    values = raw[~np.isnan(raw)]
    if values.size == 0:
        return EMPTY
    if (values == values[0]).all():
        return ONE_VALUE
    if types.is_float_dtype(column):
        beyond = int((column.abs() > LARGEST).sum())
        if beyond:
            columns.notices.append(f"{name!r}: {_cells(beyond)} infinite or beyond {LARGEST:.1e}, treated as missing")
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
    """Find the date format of a text column, or None if it does not hold dates."""
    said = present[~present.astype(object).map(is_missing_word).astype(bool)]
    cells = said.iloc[:LOOKED_AT]
    like = cells.astype(object).map(lambda cell: DATE.match(cell) is not None)
    if cells.empty or like.mean() < MOSTLY:
        return None
    patterns = [date + time for date in DATE_PATTERNS for time in (TIME_PATTERNS if date != "ISO8601" else ("",))]
    read = [float(to_dates(cells, pattern).notna().mean()) for pattern in patterns]
    best = int(np.argmax(read))
    return patterns[best] if read[best] >= MOSTLY else None


def _text(columns: Columns, name: str, column: pd.Series[Any], present: pd.Series[Any]) -> str | None:
    levels = Counter(
        cell for cell in (level(cell, columns.widths.get(name, 0)) for cell in present.astype(object)) if cell
    )
    words = Counter(cell.strip() for cell in present if isinstance(cell, str) and cell.strip() in PANDAS_MISSING)
    gaps = len(column) - levels.total()
    if len(levels) + bool(gaps) == 1:
        return ONE_VALUE
    if len(levels) > MOST_CATEGORIES and is_prose(levels):
        columns.prose.append(name)
        columns.notices.append(
            f"{name!r} holds prose: used by the words and pairs of words that occur in two rows or more"
        )
        return None
    if levels.total() >= 10 and len(levels) > DISTINCT * levels.total():
        return NAMES_ROWS
    columns.text.append(name)
    if len(words) == 1 and words.total() == gaps:
        columns.missing[name] = next(iter(words))
    elif words:
        shown = ", ".join(repr(word) for word in words)
        columns.notices.append(
            f"{name!r}: {shown} and empty cells are one category, as pandas reads them all as missing"
        )
    alike = differing_in_case(levels)
    if alike:
        columns.notices.append(f"{name!r}: {alike} differ in case only and are different categories")
    if gaps:
        levels[MISSING] = gaps
    columns.levels[name] = len(levels)
    if len(levels) > MOST_CATEGORIES:
        columns.notices.append(
            f"{name!r} has {len(levels)} categories, more than {MOST_CATEGORIES}: each is replaced by the mean of the "
            "target over its training rows, unless indicators of the most frequent ones score better"
        )
    return None


def differing_in_case(words: Iterable[str]) -> str:
    """List words that differ only in upper and lower case, such as 'Yes', 'yes'; empty if there are none."""
    groups: dict[str, list[str]] = {}
    for word in words:
        groups.setdefault(word.casefold(), []).append(word)
    return _listed(word for group in groups.values() if len(group) > 1 for word in group)


def _cells(n: int) -> str:
    return f"{n} cell" if n == 1 else f"{n} cells"


def _listed(names: Iterable[Any], most: int = SHOWN) -> str:
    shown = [repr(str(name)) for name in names]
    more = f" and {len(shown) - most} more" if len(shown) > most else ""
    return ", ".join(shown[:most]) + more
