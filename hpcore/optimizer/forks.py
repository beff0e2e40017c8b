"""Optimizers of this process, whose locks and threads are re-created in a forked child."""

from __future__ import annotations

import os
import weakref
from typing import Protocol

__all__ = ["watch"]


class Forked(Protocol):
    """Object that has something to do in a forked child."""

    def _after_fork(self) -> None:
        """Re-create what a fork does not copy."""


_ALIVE: weakref.WeakSet[Forked] = weakref.WeakSet()


def watch(owner: Forked) -> None:
    """Call the method `_after_fork` of an object in each forked child, as long as the object lives."""
    _ALIVE.add(owner)


def _after_fork() -> None:
    for owner in list(_ALIVE):
        owner._after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
