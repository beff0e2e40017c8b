"""Loading of a data set: files by their ending, scikit-learn's bundled data sets by their name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from hpcore.errors import InvalidArgument, closest, require
from hpcore.tables.catalogue import DATA_SETS
from hpcore.tables.table import Table
from hpcore.tables.textfile import read_text

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["load"]

TEXT_ENDINGS = (".csv", ".tsv", ".txt", ".data")
PARQUET_ENDINGS = (".parquet", ".pq")
FORMATS = "a .csv, .tsv or .txt file (also .gz), or a .parquet file"


def load(data: str, encoding: str | None = None, *, written: Collection[str] = (), empty_rows: bool = False) -> Table:
    """Read a data set.

    Parameters
    ----------
    data : str
        Name of a data set that ships with scikit-learn, or path of a file. Write ``./wine`` for a file with the name
        of a data set.
    encoding : str, optional
        Encoding of a text file, by a name that Python knows; detected by default.
    written : collection of str, optional
        Columns of a text file that stay text as it is written, because their contents are known.
    empty_rows : bool, default=False
        True to keep rows of a text file that have separators only.

    Returns
    -------
    Table
        Data set with at least one row and one column; no two columns have the same name.

    Raises
    ------
    InvalidArgument
        There is no such file, or it is not a table.
    MissingDependency
        The format needs a package that is not installed.
    """
    if data in DATA_SETS:
        if encoding is not None:
            raise InvalidArgument(f"--encoding is for files, but {data!r} is a data set that ships with scikit-learn")
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
        table = _read(path, ending[0] if ending else "", packed, encoding, written, empty_rows)
    except OSError as error:
        raise InvalidArgument(f"DATA {data!r} cannot be read: {error.strerror or error}") from error
    if table.frame.shape[0] == 0:
        raise InvalidArgument(f"DATA must have rows, but {data!r} holds only the header")
    return table


def _neighbours(path: Path) -> list[str]:
    """List the files in the folder of a missing file."""
    try:
        return [str(path.with_name(other.name)) for other in path.parent.iterdir() if other.is_file()][:1000]
    except OSError:
        return []


def _bundled(name: str) -> pd.DataFrame:
    from sklearn import datasets

    frame: pd.DataFrame = getattr(datasets, f"load_{name}")(as_frame=True).frame
    return frame


def _read(
    path: Path, ending: str, packed: bool, encoding: str | None, written: Collection[str], empty_rows: bool
) -> Table:
    if ending in PARQUET_ENDINGS and not packed:
        if encoding is not None:
            raise InvalidArgument(f"--encoding is for files of text, but {path.name!r} is a Parquet file")
        return Table(path.name, _read_parquet(path), bundled=False)
    if ending in TEXT_ENDINGS:
        return read_text(
            path, tabs=ending == ".tsv", packed=packed, encoding=encoding, written=written, empty_rows=empty_rows
        )
    raise InvalidArgument(f"DATA must be {FORMATS}, got {path.name!r}")


def _read_parquet(path: Path) -> pd.DataFrame:
    pa = require("pyarrow", "parquet", f"reading {path.name!r}")
    parquet = require("pyarrow.parquet", "parquet", f"reading {path.name!r}")
    try:
        _refuse_duplicates(path, parquet.read_schema(path).names)
        frame: pd.DataFrame = parquet.read_table(path).to_pandas()
    except pa.ArrowException as error:
        raise InvalidArgument(f"DATA {path.name!r} is not a Parquet file: {_first_line(error)}") from error
    # An index with a name is a column of the file like the others.
    frame = frame.reset_index(drop=all(name is None for name in frame.index.names))
    frame.columns = frame.columns.map(str)
    return frame


def _refuse_duplicates(path: Path, names: Iterable[str]) -> None:
    twice = [name for name, count in Counter(names).items() if count > 1 and name]
    if twice:
        raise InvalidArgument(f"DATA must not use a column name twice, but {path.name!r} repeats {twice[0]!r}")


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
