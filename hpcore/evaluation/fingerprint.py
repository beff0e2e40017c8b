"""Whether data is still what it was."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any

import joblib
import numpy as np
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import _num_samples

from hpcore.errors import DataChanged

__all__ = ["fingerprint", "watch"]

# Larger data is looked at in so many rows, evenly spaced: reading all of it would take longer than some searches.
_MOST_BYTES = 2**26
_SAMPLED_ROWS = 4096


def fingerprint(data: Any) -> int:
    """A number that changes with the data: all of it up to 64 MB in an array, otherwise rows spread over it."""
    if data is None:
        return 0
    if type(data) is np.ndarray and data.dtype != object and data.nbytes <= _MOST_BYTES:
        return zlib.crc32(np.ascontiguousarray(data).view(np.uint8).data)
    n = _num_samples(data)
    rows = np.unique(np.linspace(0, n - 1, min(n, _SAMPLED_ROWS)).astype(np.intp))
    return int(joblib.hash(_safe_indexing(data, rows)), 16)


def watch(X: Any, y: Any) -> Callable[[], None]:
    """Remember the data of a search; the function that is given back raises `DataChanged` if it is not what it was."""
    before = fingerprint(X), fingerprint(y)

    def check() -> None:
        if (fingerprint(X), fingerprint(y)) != before:
            raise DataChanged("X or y changed while the search ran: its scores do not belong together")

    return check
