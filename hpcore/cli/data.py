"""From the DATA argument to a table: files by their ending, scikit-learn's own data sets by their name."""

from __future__ import annotations

import csv
import difflib
import gzip
import re
import warnings
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from hpcore.cli.catalogue import DATA_SETS
from hpcore.errors import InvalidArgument, MissingDependency

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Table", "closest", "load"]

TEXT_ENDINGS = (".csv", ".tsv", ".txt", ".data")
PARQUET_ENDINGS = (".parquet", ".pq")
# Where commas do not separate columns they may stand for the decimal point, as most of Europe writes numbers.
DECIMAL_COMMA, DECIMAL_POINT = (re.compile(rf"\s*[+-]?\d+{mark}\d+\s*") for mark in (",", r"\."))
ROWS_LOOKED_AT = 200
FORMATS = "a .csv, .tsv or .txt file (also .gz), or a .parquet file"


@dataclass
class Table:
    """Rows as they were read, with what a reader should be told about the reading."""

    name: str
    frame: pd.DataFrame
    bundled: bool
    notices: list[str] = field(default_factory=list)


def closest(word: str, known: Iterable[str], n: int = 1) -> str:
    """A ``; did you mean ...?`` for the nearest known words, or nothing."""
    by_fold = {str(name).casefold(): str(name) for name in known}
    near = [repr(by_fold[match]) for match in difflib.get_close_matches(word.casefold(), by_fold, n=n)]
    return f"; did you mean {' or '.join(near)}?" if near else ""


def load(data: str) -> Table:
    """Read a data set.

    Parameters
    ----------
    data : str
        Name of a data set that ships with scikit-learn, or path of a file. Write ``./wine`` for a file that is called
        like a data set.

    Returns
    -------
    Table
        With at least one row, one column and no name twice.

    Raises
    ------
    InvalidArgument
        If there is no such file, or it is not a table.
    MissingDependency
        If reading the format needs a package that is not installed.
    """
    if data in DATA_SETS:
        return Table(data, _bundled(data), bundled=True)
    path = Path(data).expanduser()
    if path.is_dir():
        raise InvalidArgument(f"DATA must be a file, got the directory {data!r}")
    if not path.exists():
        raise InvalidArgument(
            f"DATA must be a file or one of {', '.join(DATA_SETS)}, and there is no file {data!r}"
            f"{closest(data, [*DATA_SETS, *_neighbours(path)])}"
        )
    endings = [ending.lower() for ending in path.suffixes]
    packed = endings[-1:] == [".gz"]
    ending = (endings[:-1] if packed else endings)[-1:]
    try:
        if path.stat().st_size == 0:
            raise InvalidArgument(f"DATA must hold a table, but {data!r} is empty")
        notices: list[str] = []
        frame = _read(path, ending[0] if ending else "", packed, notices)
    except OSError as error:
        raise InvalidArgument(f"DATA {data!r} cannot be read: {error.strerror or error}") from error
    if frame.shape[0] == 0:
        raise InvalidArgument(f"DATA must have rows, but {data!r} holds only the header")
    return Table(path.name, frame, bundled=False, notices=notices)


def _neighbours(path: Path) -> list[str]:
    """Files that stand where a missing one was looked for."""
    try:
        return [str(path.with_name(other.name)) for other in path.parent.iterdir() if other.is_file()][:1000]
    except OSError:
        return []


def _bundled(name: str) -> pd.DataFrame:
    from sklearn import datasets

    frame: pd.DataFrame = getattr(datasets, f"load_{name}")(as_frame=True).frame
    return frame


def _read(path: Path, ending: str, packed: bool, notices: list[str]) -> pd.DataFrame:
    if ending in PARQUET_ENDINGS and not packed:
        return _read_parquet(path)
    if ending in TEXT_ENDINGS:
        return _read_text(path, tabs=ending == ".tsv", packed=packed, notices=notices)
    raise InvalidArgument(f"DATA must be {FORMATS}, got {path.name!r}")


def _read_parquet(path: Path) -> pd.DataFrame:
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError as error:
        raise MissingDependency(
            f"reading {path.name!r} needs pyarrow, which is not installed: pip install 'hpcore[parquet]'"
        ) from error
    try:
        _refuse_duplicates(path, parquet.read_schema(path).names)
        frame: pd.DataFrame = parquet.read_table(path).to_pandas()
    except pa.ArrowException as error:
        raise InvalidArgument(f"DATA {path.name!r} is not a Parquet file: {_first_line(error)}") from error
    # An index with a name is a column of the file like the others.
    frame = frame.reset_index(drop=all(name is None for name in frame.index.names))
    frame.columns = frame.columns.map(str)
    return frame


def _read_text(path: Path, *, tabs: bool, packed: bool, notices: list[str]) -> pd.DataFrame:
    import pandas as pd

    try:
        with (gzip.open if packed else open)(path, "rb") as stream:
            start = stream.read(65536)
    except (gzip.BadGzipFile, EOFError) as error:
        raise InvalidArgument(f"DATA {path.name!r} is not a gzip file: {_first_line(error)}") from error
    if b"\0" in start:
        raise InvalidArgument(
            f"DATA must be text where the name ends in .csv, .tsv or .txt, but {path.name!r} is binary"
        )
    encoding = "utf-8-sig" if start.startswith(b"\xef\xbb\xbf") else "utf-8"
    head = start.decode(encoding, errors="replace").lstrip("\r\n").splitlines()
    if not head:
        raise InvalidArgument(f"DATA must hold a table, but {path.name!r} holds only empty lines")
    separator = "\t" if tabs else _separator(head[0])
    names = next(csv.reader(head[:1], delimiter=separator, skipinitialspace=True), [])
    repeated = len(set(names)) < len(names)
    if (repeated or any("." in name for name in names)) and all(_is_number(name) for name in names):
        raise InvalidArgument(
            f"DATA must start with a line of column names, but {path.name!r} starts with {names[0]!r}"
        )
    _refuse_duplicates(path, names)
    decimal = "," if separator != "," and _decimal_commas(head[1 : 1 + ROWS_LOOKED_AT], separator) else "."
    if decimal == ",":
        notices.append(f"numbers in {path.name!r} are read with a decimal comma")
    try:
        with warnings.catch_warnings():
            # Rows longer than the header would be cut with a warning; that is a broken file.
            warnings.simplefilter("error", pd.errors.ParserWarning)
            frame = pd.read_csv(
                path,
                sep=separator,
                decimal=decimal,
                index_col=False,
                low_memory=False,
                encoding=encoding,
                compression="gzip" if packed else None,
                skipinitialspace=True,
            )
    except (pd.errors.ParserError, pd.errors.ParserWarning, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        reason = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else _first_line(error)
        raise InvalidArgument(f"DATA {path.name!r} cannot be read as a table: {reason}") from error
    if decimal == ",":
        # A column with a stray "?" is text still; its numbers are to look like those of any other file.
        frame = frame.replace(r"^(\s*[+-]?\d+),(\d+\s*)$", r"\1.\2", regex=True)
    frame.columns = frame.columns.map(str)
    return frame


def _separator(header: str) -> str:
    """What separates the names in the first line: the most frequent of the four that are in use."""
    return max(",;\t|", key=header.count)  # max keeps the first of equals: the comma


def _decimal_commas(lines: list[str], separator: str) -> bool:
    """Whether more cells look like 3,14 than like 3.14."""
    cells = [cell for row in csv.reader(lines, delimiter=separator) for cell in row]
    commas, points = (sum(map(bool, map(mark.fullmatch, cells))) for mark in (DECIMAL_COMMA, DECIMAL_POINT))
    return commas > points


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _refuse_duplicates(path: Path, names: Iterable[str]) -> None:
    twice = [name for name, count in Counter(names).items() if count > 1 and name]
    if twice:
        raise InvalidArgument(f"DATA must not use a column name twice, but {path.name!r} repeats {twice[0]!r}")


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].removeprefix(
        "Error tokenizing data. C error: "
    )
