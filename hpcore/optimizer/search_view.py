"""The state of a search as stopping rules read it."""

from __future__ import annotations

from dataclasses import dataclass

from hpcore.records.history import History
from hpcore.space.space import Space

__all__ = ["SearchView"]


@dataclass(frozen=True, slots=True)
class SearchView:
    """State of a search, to be read.

    Attributes
    ----------
    space : Space
        Space that is searched.
    directions : tuple of str
        ``"minimize"`` or ``"maximize"`` of each objective.
    seed : int
        Seed of the optimizer.
    history : History
        Trials with their results, lower values better whatever the directions. In a deterministic run results of later
        jobs count as running, so that a decision depends on the same results in every run.
    """

    space: Space
    directions: tuple[str, ...]
    seed: int
    history: History
