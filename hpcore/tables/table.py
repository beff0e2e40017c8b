"""A data set as it was read, and the contents of its columns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from hpcore.tables.numerals import Mark, Style
    from hpcore.tables.steps import Notation

__all__ = ["MOST_CATEGORIES", "Columns", "Table"]

# Number of indicators for a column; beyond, a text column is of high cardinality.
MOST_CATEGORIES = 30


@dataclass
class Table:
    """A data set as it was read.

    Attributes
    ----------
    name : str
        Name of the file or data set.
    frame : DataFrame
        Rows and columns.
    bundled : bool
        True for a data set that ships with scikit-learn.
    notices : list of str
        Messages for the user about the reading.
    likely : {".", ","} or None
        Decimal mark for columns that could be read with either.
    repeated : list of str
        Column names that the file uses more than once.
    """

    name: str
    frame: pd.DataFrame
    bundled: bool
    notices: list[str] = field(default_factory=list)
    likely: Mark | None = None
    repeated: list[str] = field(default_factory=list)


@dataclass
class Columns:
    """Names of the columns by their contents, and the formats of these.

    Attributes
    ----------
    numbers, text : list of str
        Columns of numbers and of categories.
    prose : list of str
        Columns of sentences, titles and the like, of which nearly every row has its own.
    dates : dict of str to (str or None)
        Columns of dates, each with the pattern of dates that are text.
    styles : dict of str to Style
        Number formats of the columns of numbers that are text.
    missing : dict of str to str
        Category of the missing cells of a text column, where it is a word of the column, such as "NA".
    widths : dict of str to int
        Number of digits of the columns of codes, such as 00123; 0 if it varies.
    levels : dict of str to int
        Number of categories of each text column; missing cells are one.
    notations : dict of str to {"truth", "duration"}
        Columns of numbers that are words such as yes and no, or durations such as 1:20:00.
    dropped : dict of str to list of str
        Columns that cannot help a model, by the reason.
    notices : list of str
        Messages for the user.
    """

    numbers: list[str] = field(default_factory=list)
    text: list[str] = field(default_factory=list)
    dates: dict[str, str | None] = field(default_factory=dict)
    styles: dict[str, Style] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    widths: dict[str, int] = field(default_factory=dict)
    dropped: dict[str, list[str]] = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)
    prose: list[str] = field(default_factory=list)
    levels: dict[str, int] = field(default_factory=dict)
    notations: dict[str, Notation] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.numbers) + len(self.text) + len(self.dates) + len(self.prose)

    @property
    def high_cardinality(self) -> list[str]:
        """Text columns with more than ``MOST_CATEGORIES`` levels."""
        return [name for name in self.text if self.levels.get(name, 0) > MOST_CATEGORIES]
