"""Waits for results of other processes: the answer to an early request, and the pauses between two looks."""

from __future__ import annotations

import logging
import time
from enum import Enum
from typing import Literal

__all__ = ["WAIT", "Patience", "Wait"]

log = logging.getLogger("hpcore")

FIRST_NAP, LONGEST_NAP = 0.005, 0.25
# Seconds of waiting after which it is logged.
LONG = 60.0


class Wait(Enum):
    """Answer to a search that asks for a job too early."""

    WAIT = "results of earlier jobs are missing"


WAIT: Literal[Wait.WAIT] = Wait.WAIT


class Patience:
    """Pauses between two looks, each longer than the last up to a limit; a long wait is logged once."""

    def __init__(self) -> None:
        self._nap, self._waited, self._told = FIRST_NAP, 0.0, False

    def wait(self) -> None:
        """Sleep."""
        time.sleep(self._nap)
        self._waited += self._nap
        self._nap = min(2 * self._nap, LONGEST_NAP)
        if self._waited >= LONG and not self._told:
            self._told = True
            log.warning("waiting for %.0f s: the next trial depends on results of trials that other workers have", LONG)

    def reset(self) -> None:
        """Begin again with the shortest nap."""
        if self._waited:
            self._nap, self._waited, self._told = FIRST_NAP, 0.0, False
