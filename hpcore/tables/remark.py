"""A remark about data or results, for the user to consider."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Remark"]


@dataclass(frozen=True)
class Remark:
    """A fact that may make a score misleading.

    Attributes
    ----------
    kind : str
        Name of the check, such as ``"duplicates"``.
    text : str
        Sentence with the fact and what can be done.
    """

    kind: str
    text: str
