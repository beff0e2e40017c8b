"""Warnings and errors of a search, beyond wrong arguments."""

from __future__ import annotations

from hpcore.errors import HpcoreError

__all__ = ["AllFitsFailed", "NoScoreYet", "SearchInterrupted"]


class AllFitsFailed(HpcoreError, ValueError):
    """Error of a search in which no fit succeeded; the message has the tracebacks."""


class SearchInterrupted(UserWarning):
    """Warning that Ctrl-C stopped the search; results are those of the complete candidates."""


class NoScoreYet(UserWarning):
    """Warning that the first candidates all failed or scored NaN; the message has a traceback. The search continues."""
