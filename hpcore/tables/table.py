"""A data set as it was read, and the contents of its columns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from hpcore.tables.numerals import Mark, Style

__all__ = ["Columns", "Table"]


@dataclass
class Table:
    """Rows as they were read, with what a reader should be told about the reading.

    `likely` is the decimal mark of columns that could be read with either; `repeated` are the column names that the
    file uses more than once.
    """

    name: str
    frame: pd.DataFrame
    bundled: bool
    notices: list[str] = field(default_factory=list)
    likely: Mark | None = None
    repeated: list[str] = field(default_factory=list)


@dataclass
class Columns:
    """Names of the columns by what they hold, and how that is written.

    Attributes
    ----------
    numbers, text : list of str
    dates : dict of str to (str or None)
        With the pattern of dates that are text.
    styles : dict of str to Style
        Of columns of numbers that are text.
    missing : dict of str to str
        The category that a missing cell of a text column stands for, where it is a word of the column, such as "NA".
    widths : dict of str to int
        Number of digits of columns that hold codes, such as 00123; 0 if it varies.
    dropped : dict of str to list of str
        Columns that cannot help, by the reason.
    notices : list of str
        What a reader should be told.
    """

    numbers: list[str] = field(default_factory=list)
    text: list[str] = field(default_factory=list)
    dates: dict[str, str | None] = field(default_factory=dict)
    styles: dict[str, Style] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    widths: dict[str, int] = field(default_factory=dict)
    dropped: dict[str, list[str]] = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.numbers) + len(self.text) + len(self.dates)
