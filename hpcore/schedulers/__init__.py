"""Decisions after a partial result: which trials go on, and how far. One file each, and their names.

A scheduler sees points of the unit cube, numbers and values, never a parameter.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from hpcore.errors import InvalidArgument, InvalidType, closest
from hpcore.schedulers.base import Judge, Resume, Scheduler, Start

if TYPE_CHECKING:
    from hpcore.schedulers.asha import ASHA
    from hpcore.schedulers.bandit import Bandit
    from hpcore.schedulers.freeze_thaw import FreezeThaw
    from hpcore.schedulers.hyperband import Hyperband
    from hpcore.schedulers.median import MedianStopping
    from hpcore.schedulers.patience import Patience
    from hpcore.schedulers.pb2 import PB2
    from hpcore.schedulers.pbt import PopulationBasedTraining
    from hpcore.schedulers.racing import Racing
    from hpcore.schedulers.replay import Replay
    from hpcore.schedulers.successive_halving import SuccessiveHalving
    from hpcore.schedulers.threshold import Threshold
    from hpcore.schedulers.truncation import Truncation

__all__ = [
    "ASHA",
    "PB2",
    "Bandit",
    "FreezeThaw",
    "Hyperband",
    "Judge",
    "MedianStopping",
    "Patience",
    "PopulationBasedTraining",
    "Racing",
    "Replay",
    "Resume",
    "Scheduler",
    "Start",
    "SuccessiveHalving",
    "Threshold",
    "Truncation",
    "class_of",
    "name_of",
    "names",
    "resolve",
]

# Class -> its module, loaded on first use.
_HOMES = {
    "ASHA": "asha",
    "Bandit": "bandit",
    "FreezeThaw": "freeze_thaw",
    "Hyperband": "hyperband",
    "MedianStopping": "median",
    "PB2": "pb2",
    "Patience": "patience",
    "PopulationBasedTraining": "pbt",
    "Racing": "racing",
    "Replay": "replay",
    "SuccessiveHalving": "successive_halving",
    "Threshold": "threshold",
    "Truncation": "truncation",
}
# Name of `scheduler=` -> class.
_BY_NAME = {
    "successive_halving": "SuccessiveHalving",
    "halving": "SuccessiveHalving",
    "hyperband": "Hyperband",
    "asha": "ASHA",
    "freeze_thaw": "FreezeThaw",
    "median": "MedianStopping",
    "bandit": "Bandit",
    "truncation": "Truncation",
    "patience": "Patience",
    "threshold": "Threshold",
    "pbt": "PopulationBasedTraining",
    "pb2": "PB2",
    # What measures best, see benchmarks/README.md; after the name of its own, which is stored.
    "auto": "FreezeThaw",
}


def names() -> tuple[str, ...]:
    """Names that `resolve` knows."""
    return tuple(_BY_NAME)


def resolve(scheduler: str | Scheduler | None) -> Scheduler | None:
    """Return a scheduler by its name, with default options, or the scheduler itself; None for None.

    Raises
    ------
    InvalidArgument
        The name is not known.
    InvalidType
        The argument is neither a name nor a Scheduler.
    """
    if scheduler is None or isinstance(scheduler, Scheduler):
        return scheduler
    if not isinstance(scheduler, str):
        raise InvalidType(f"scheduler must be a name, a Scheduler or None, got {scheduler!r}")
    made = class_of(scheduler)()
    assert isinstance(made, Scheduler)
    return made


def name_of(scheduler: Scheduler) -> str | None:
    """Name by which `class_of` finds the class of a scheduler; None for a class of a user."""
    kind = type(scheduler)
    found = (name for name, known in _BY_NAME.items() if known == kind.__name__ and class_of(name) is kind)
    return next(found, None)


def class_of(name: str) -> Any:
    """Class of a scheduler by its name.

    Raises
    ------
    InvalidArgument
        The name is not known.
    """
    if name not in _BY_NAME:
        raise InvalidArgument(
            f"scheduler must be one of {', '.join(map(repr, _BY_NAME))}, got {name!r}{closest(name, _BY_NAME)}"
        )
    return __getattr__(_BY_NAME[name])


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'hpcore.schedulers' has no attribute {name!r}")
    return getattr(import_module(f"hpcore.schedulers.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
