"""Schedulers of hpcore in tools that can stop a trial, and not pause it."""

from __future__ import annotations

from typing import Any

from hpcore.errors import InvalidArgument, InvalidType, closest
from hpcore.schedulers import ASHA, Hyperband, Replay, Scheduler, SuccessiveHalving, class_of, names, resolve

__all__ = ["stopping_scheduler"]

# As many brackets as there are rungs.
ALL_BRACKETS = 1_000
# What decides after each report by itself; the others pause trials, or let them go on from others' checkpoints.
USABLE = ("asha", "hyperband", "halving", "median", "bandit", "truncation", "patience", "threshold")
LISTED = f"{', '.join(map(repr, USABLE[:-1]))} or {USABLE[-1]!r}"


def stopping_scheduler(scheduler: str | Scheduler, tool: str) -> tuple[Scheduler, Scheduler]:
    """Find the scheduler that stops trials where the given one pauses them.

    Parameters
    ----------
    scheduler : str or Scheduler
        Name of a scheduler, or an object of `hpcore.schedulers`.
    tool : str
        Name of the tool, for messages.

    Returns
    -------
    given, stopping : Scheduler
        The scheduler that was given or named, and the one that decides.

    Raises
    ------
    InvalidArgument, InvalidType
        The scheduler is not known, or there is none that stops trials in its place.
    """
    given = scheduler if isinstance(scheduler, Scheduler) else _named(scheduler, tool)
    if isinstance(given, ASHA):
        brackets = given.brackets
    elif isinstance(given, Hyperband):
        brackets = ALL_BRACKETS
    elif isinstance(given, SuccessiveHalving):
        brackets = 1
    else:
        if isinstance(given, (Replay, *map(class_of, ("freeze_thaw", "pbt", "pb2")))):
            raise InvalidArgument(
                f"scheduler must be one that stops trials, {LISTED}, since {tool} cannot pause trials or copy their "
                f"checkpoints, got {given!r}"
            )
        return given, given
    return given, ASHA(given.min_resource, given.max_resource, given.eta, kind="stopping", brackets=brackets)


def _named(name: Any, tool: str) -> Scheduler:
    if not isinstance(name, str):
        raise InvalidType(f"scheduler must be a name or a Scheduler, got {name!r}")
    if name in ("auto", "freeze_thaw"):
        raise InvalidArgument(f"scheduler must be {LISTED}, since {tool} cannot pause trials, got {name!r}")
    if name not in names():
        raise InvalidArgument(f"scheduler must be one of {LISTED}, got {name!r}{closest(name, USABLE)}")
    made = resolve(name)
    assert made is not None
    return made
