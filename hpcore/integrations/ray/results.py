"""Numbers in results of Ray Tune."""

from __future__ import annotations

import math
from typing import Any

__all__ = ["number"]


def number(value: Any) -> float:
    """The number that a value is; NaN for what is none."""
    if isinstance(value, str | bytes):
        return math.nan
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return math.nan
