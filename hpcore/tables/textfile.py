"""Reading of text files: as pandas does, but without loss of information."""

from __future__ import annotations

import re
import warnings
from collections import Counter
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hpcore.errors import InvalidArgument
from hpcore.tables.layout import Layout, detect_layout, open_text
from hpcore.tables.table import Table

if TYPE_CHECKING:
    import pandas as pd

    from hpcore.tables.numerals import Mark

__all__ = ["is_text", "read_text"]

ROWS_LOOKED_AT = 2000


def read_text(
    path: Path,
    *,
    tabs: bool,
    packed: bool,
    encoding: str | None,
    written: Collection[str] = (),
    empty_rows: bool = False,
) -> Table:
    """Read a file as pandas would, but strip the cells and keep words such as ``NA`` as text.

    Columns of numbers become numbers, except where that would lose information: leading zeros, whole numbers beyond
    2**53, and points that group thousands in a file of decimal commas. Those stay text, as do numbers such as $1,234;
    `hpcore.tables.columns.classify` finds the contents of text columns. The columns `written` stay text in any case.
    """
    layout = detect_layout(path, packed, encoding, tabs)
    names = layout.names
    repeated = [name for name, count in Counter(names).items() if count > 1 and name]
    if (repeated or any("." in name for name in names)) and all(_is_number(name) for name in names):
        raise InvalidArgument(
            f"DATA must start with a line of column names, but {path.name!r} starts with {names[0]!r}"
        )
    # By the names of pandas, which have blanks at their end.
    given = _parsed(path, packed, layout, nrows=0).columns if written else []
    frame = _parsed(path, packed, layout, dtype={name: str for name in given if str(name).strip() in written})
    likely = _keep_as_written(frame, path, packed, layout)
    taken = list(map(str, frame.columns))
    frame.columns = [name if name.strip() in taken else name.strip() for name in taken]
    for i in range(frame.shape[1]):
        if is_text(frame.iloc[:, i]):
            frame.isetitem(i, _stripped(frame.iloc[:, i]))
    empty = frame.isna().all(axis=1) & (not empty_rows)
    if layout.comments:
        empty |= frame.iloc[:, 0].astype(object).map(lambda cell: isinstance(cell, str) and cell.startswith("#"))
    if empty.any():
        frame = frame[~empty].reset_index(drop=True)
    notices = layout.notices
    if repeated:
        shown = ", ".join(map(repr, repeated[:6]))
        notices.append(f"column names used more than once are numbered, as pandas does: {shown}")
    if likely == ",":
        notices.append(f"numbers in {path.name!r} are read with a decimal comma")
    return Table(path.name, frame, bundled=False, notices=notices, likely=likely, repeated=repeated)


def _parsed(path: Path, packed: bool, layout: Layout, **options: Any) -> pd.DataFrame:
    import pandas as pd

    try:
        with (
            warnings.catch_warnings(),
            open_text(path, packed, layout.encoding, layout.errors, layout.skipped) as stream,
        ):
            # pandas cuts rows that are longer than the header, with a warning; here such a file is an error.
            warnings.simplefilter("error", pd.errors.ParserWarning)
            return pd.read_csv(
                stream,
                sep=layout.separator,
                index_col=False,
                low_memory=False,
                skipinitialspace=True,
                keep_default_na=False,
                na_values=[""],
                **options,
            )
    except (pd.errors.ParserError, pd.errors.ParserWarning, pd.errors.EmptyDataError) as error:
        reason = re.sub(r"\bline (\d+)", lambda found: f"line {int(found[1]) + layout.skipped}", _reason(error))
        raise InvalidArgument(f"DATA {path.name!r} cannot be read as a table: {reason}") from error


def is_text(column: pd.Series[Any]) -> bool:
    """Tell whether a column holds only strings and missing values."""
    from pandas.api import types

    return not types.is_numeric_dtype(column) and types.infer_dtype(column, skipna=True) == "string"


def _keep_as_written(frame: pd.DataFrame, path: Path, packed: bool, layout: Layout) -> Mark | None:
    """Restore the text of columns that lost information when they became numbers.

    Return the decimal mark of the file if its columns agree on a comma, else None.
    """
    from hpcore.tables.numerals import evidence, holds_codes

    commas = points = 0
    for name in frame.columns:
        if is_text(frame[name]):
            seen = evidence(frame[name].dropna().iloc[:ROWS_LOOKED_AT].value_counts().to_dict())
            commas += seen.comma > seen.point
            points += seen.point > seen.comma
    suspects = [i for i in range(frame.shape[1]) if _may_differ(frame.iloc[:, i], layout.codes, commas > 0)]
    if not suspects:
        return "," if commas > points else None
    written = _parsed(path, packed, layout, usecols=suspects, dtype=str)
    grouped = []
    for i, name in zip(suspects, written.columns, strict=True):
        cells = written[name]
        if holds_codes(cells.dropna().unique()) or _beyond_exact(frame.iloc[:, i]):
            frame.isetitem(i, cells)
        elif frame.iloc[:, i].dtype.kind == "f":
            seen = evidence(cells.dropna().value_counts().to_dict())
            points += seen.point > 0
            if seen.mark() == ",":
                frame.isetitem(i, cells)
            elif seen.either_point and not seen.point:
                grouped.append((i, cells))
    if commas <= points:
        return None
    for i, cells in grouped:
        frame.isetitem(i, cells)
    return ","


def _may_differ(column: pd.Series[Any], codes: bool, commas: bool) -> bool:
    """Tell whether the text of a column of numbers may differ from the numbers."""
    if column.dtype.kind not in "iuf":
        return False
    if column.dtype.kind == "f":
        values = column.dropna()
        whole = bool((values % 1 == 0).all())
        return commas or (codes and whole) or _beyond_exact(column) or _may_be_grouped(values)
    return codes


def _may_be_grouped(values: pd.Series[Any]) -> bool:
    """Tell whether 1.234 may mean 1234: all numbers are below 1000 and have at most three decimals."""
    sizes = values.abs()
    if not (values % 1 != 0).any() or (sizes >= 1000).any():
        return False
    return bool(((sizes == 0) | (sizes >= 1)).all() and ((sizes * 1000).round(6) % 1 == 0).all())


def _beyond_exact(column: pd.Series[Any]) -> bool:
    """Tell whether a column of floats holds whole numbers that exceed the precision of a float."""
    if column.dtype.kind != "f":
        return False
    values = column.dropna()
    return bool((values % 1 == 0).all() and (values.abs() > 2.0**53).any() and (values.abs() < 1e24).all())


def _stripped(column: pd.Series[Any]) -> pd.Series[Any]:
    """Strip blanks around cells; empty cells are missing, and a column of true and false becomes booleans."""
    import pandas as pd

    from hpcore.tables.numerals import TRUTH

    cells = column.str.strip()
    cells = cells.where(cells != "", other=None)
    words = cells.dropna().unique()
    if len(words) and set(words) <= TRUTH.keys():
        known = cells.astype(object).map(TRUTH)
        return known.astype(bool) if known.notna().all() else pd.Series(known, dtype=object)
    return cells


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _reason(error: BaseException) -> str:
    first = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return first.removeprefix("Error tokenizing data. C error: ")
