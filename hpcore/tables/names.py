"""Suggestions for a mistyped name."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = ["closest"]


def closest(word: str, known: Iterable[str], n: int = 1) -> str:
    """Return ``; did you mean ...?`` with the nearest known words, or an empty string."""
    by_fold = {str(name).casefold(): str(name) for name in known}
    near = [repr(by_fold[match]) for match in difflib.get_close_matches(word.casefold(), by_fold, n=n)]
    return f"; did you mean {' or '.join(near)}?" if near else ""
