"""State of a search, as stopping rules read it."""

from __future__ import annotations

from dataclasses import dataclass

from hpcore.records.history import History
from hpcore.space.space import Space

__all__ = ["SearchView"]


@dataclass(frozen=True, slots=True)
class SearchView:
    """Read-only state of a search.

    Attributes
    ----------
    space : Space
        Space of the search.
    directions : tuple of str
        ``"minimize"`` or ``"maximize"`` for each objective.
    seed : int
        Seed of the optimizer.
    history : History
        Trials with their results; lower values are better whatever the directions. In a deterministic run it is
        `History.as_of` the last job that the next proposal sees: trials of later jobs count as running, so that a
        decision depends on the same results in every run.
    """

    space: Space
    directions: tuple[str, ...]
    seed: int
    history: History
