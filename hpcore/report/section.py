"""Parts of a report: a section with panels, and what the figures of one report share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from hpcore.errors import HpcoreError, InvalidArgument, closest
from hpcore.report.model import MIN_TRIALS, Surrogate
from hpcore.report.record import Record

__all__ = ["Material", "NothingToShow", "Panel", "Section", "Table"]

MOST_PARAMETERS = 12
"""Parameters of a figure with a place for each, the most important ones."""


class NothingToShow(InvalidArgument):
    """The search does not have what a figure shows; the message says what is missing."""


@dataclass(frozen=True)
class Panel:
    """A figure.

    Attributes
    ----------
    label : str
        Short text that tells it from the others of its section, escaped.
    data : list of dict
        Traces of plotly.
    layout : dict
        Layout of plotly.
    """

    label: str
    data: list[dict[str, Any]]
    layout: dict[str, Any]


@dataclass(frozen=True)
class Table:
    """Rows behind a figure, for those who cannot see it.

    Attributes
    ----------
    head : sequence of str
        Titles of the columns.
    rows : sequence of sequence of str
        Texts, not escaped.
    """

    head: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Section:
    """Figures on one question.

    Attributes
    ----------
    name : str
        Name by which `hpcore.report.figure` knows it.
    title : str
        Heading.
    lead : str
        How the figure is read, and what it says here; not escaped.
    panels : sequence of Panel
        Figures, one at least.
    chosen : bool
        True if one panel at a time is shown; otherwise all are, side by side.
    table : Table or None
        Rows behind the figure.
    """

    name: str
    title: str
    lead: str
    panels: Sequence[Panel]
    chosen: bool = False
    table: Table | None = None


@dataclass
class Material:
    """Record, surrogates and order of the parameters, which the figures of one report share.

    Attributes
    ----------
    record : Record
        Search.
    """

    record: Record
    _surrogates: dict[int, Surrogate] = field(default_factory=dict)

    def surrogate(self, objective: int = 0) -> Surrogate:
        """Surrogate of an objective.

        Raises
        ------
        NothingToShow
            There are too few trials with a value.
        """
        n = int(self.record.observed.sum())
        if n < MIN_TRIALS:
            raise NothingToShow(f"a surrogate needs at least {MIN_TRIALS} trials with a value, got {n}")
        if objective not in self._surrogates:
            self._surrogates[objective] = Surrogate(self.record, objective)
        return self._surrogates[objective]

    @cached_property
    def ranked(self) -> tuple[str, ...]:
        """Names of the parameters, the most important first; in the order of the space where that is not known."""
        from hpcore.importance import importance

        try:
            return tuple(importance(self.record, interval=None))
        except HpcoreError:
            return self.record.space.names

    def varied(self, most: int = MOST_PARAMETERS) -> tuple[str, ...]:
        """Names of the most important parameters that are not constant."""
        names = [name for name in self.ranked if self.record.space[name].levels != 1]
        return tuple(names[:most])

    def check(self, name: str) -> str:
        """Check the name of a parameter."""
        if name not in self.record.space.names:
            raise InvalidArgument(
                f"params must name parameters of the space, got {name!r}{closest(str(name), self.record.space.names)}"
            )
        return name
