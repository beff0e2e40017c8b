"""Warnings and errors of a search, beyond wrong arguments."""

from __future__ import annotations

from hpcore.errors import HpcoreError

__all__ = ["AllFitsFailed", "NoScoreYet", "SearchInterrupted"]


class AllFitsFailed(HpcoreError, ValueError):
    """Not a single fit of the search succeeded; the message holds the tracebacks."""


class SearchInterrupted(UserWarning):
    """The search was stopped by Ctrl-C; results are those of the candidates that were complete."""


class NoScoreYet(UserWarning):
    """The first candidates of a search all failed or scored NaN; the message holds a traceback. The search goes on."""
