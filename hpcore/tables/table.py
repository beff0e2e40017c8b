"""A data set as it was read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from hpcore.tables.numerals import Mark

__all__ = ["Table"]


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
