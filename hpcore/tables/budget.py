"""Time of a search with its final fits."""

from __future__ import annotations

import math
import time

__all__ = ["Budget"]


class Budget:
    """Seconds from a start.

    Parameters
    ----------
    seconds : float or None
        All seconds; None for no limit.
    start : float
        Time of the monotonic clock at the start.
    """

    def __init__(self, seconds: float | None, start: float) -> None:
        self.seconds, self.start = seconds, start

    def left(self) -> float:
        """Seconds until the end; infinite without a limit."""
        return math.inf if self.seconds is None else self.start + self.seconds - time.monotonic()
