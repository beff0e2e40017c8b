"""Warnings of fits, which a search shows only if it is asked to."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["quiet"]


@contextmanager
def quiet(debug: bool) -> Iterator[None]:
    """Hide the warnings of fits: a search also tries bad values, and thousands of lines would hide the result."""
    with warnings.catch_warnings():
        if not debug:
            warnings.simplefilter("ignore")
        yield
