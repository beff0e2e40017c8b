"""Samplers, one file each, and their names."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from hpcore.errors import InvalidArgument, InvalidType, closest
from hpcore.samplers.auto import AutoSampler
from hpcore.samplers.base import Sampler, Suggester
from hpcore.samplers.gp import GPSampler
from hpcore.samplers.grid import GridSampler
from hpcore.samplers.random import RandomSampler
from hpcore.samplers.sobol import SobolSampler
from hpcore.samplers.tpe import TPESampler

if TYPE_CHECKING:
    from hpcore.samplers.annealing import AnnealingSampler
    from hpcore.samplers.cmaes import CMAESSampler
    from hpcore.samplers.evolution import EvolutionSampler
    from hpcore.samplers.gradient import GradientSampler

__all__ = [
    "DEFAULT",
    "AnnealingSampler",
    "AutoSampler",
    "CMAESSampler",
    "EvolutionSampler",
    "GPSampler",
    "GradientSampler",
    "GridSampler",
    "RandomSampler",
    "Sampler",
    "SobolSampler",
    "Suggester",
    "TPESampler",
    "class_of",
    "name_of",
    "names",
    "resolve",
]

# The default of `sampler` and `strategy`: an object of its own, so that it can be told from a "gp" that was given.
DEFAULT = str(b"gp", "ascii")

# Class -> its module, loaded on first use.
_HOMES = {
    "AnnealingSampler": "annealing",
    "CMAESSampler": "cmaes",
    "EvolutionSampler": "evolution",
    "GradientSampler": "gradient",
}
# Name of `sampler=` and `strategy=` -> class.
_BY_NAME = {
    "random": "RandomSampler",
    "grid": "GridSampler",
    "sobol": "SobolSampler",
    "gp": "GPSampler",
    "tpe": "TPESampler",
    "cmaes": "CMAESSampler",
    "evolution": "EvolutionSampler",
    "annealing": "AnnealingSampler",
    "gradient": "GradientSampler",
    "auto": "AutoSampler",
}


def names() -> tuple[str, ...]:
    """The names that `resolve` knows."""
    return tuple(_BY_NAME)


def resolve(sampler: str | Sampler, n_trials: int | None = None) -> Sampler:
    """Return a sampler by its name, with default options, or the sampler itself.

    Parameters
    ----------
    sampler : str or Sampler
        Sampler as a user gave it.
    n_trials : int, optional
        Number of trials that will be run for certain, which ``"auto"`` may want to know.

    Raises
    ------
    InvalidArgument
        A name that is not known.
    InvalidType
        Neither a name nor a Sampler.
    """
    if isinstance(sampler, Sampler):
        return sampler
    if not isinstance(sampler, str):
        raise InvalidType(f"sampler must be a name or a Sampler, got {sampler!r}")
    kind = class_of(sampler)
    return AutoSampler(n_trials) if kind is AutoSampler else kind()


def class_of(name: str) -> type[Sampler]:
    """Class of a sampler by its name.

    Raises
    ------
    InvalidArgument
        The name is not known.
    """
    if name not in _BY_NAME:
        raise InvalidArgument(
            f"sampler must be one of {', '.join(map(repr, _BY_NAME))}, got {name!r}{closest(name, _BY_NAME)}"
        )
    title = _BY_NAME[name]
    kind: type[Sampler] = globals()[title] if title in globals() else __getattr__(title)
    return kind


def name_of(sampler: Sampler) -> str | None:
    """Name by which `class_of` finds the class of a sampler; None for a class of a user."""
    kind = type(sampler)
    found = (name for name, title in _BY_NAME.items() if title == kind.__name__ and class_of(name) is kind)
    return next(found, None)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'hpcore.samplers' has no attribute {name!r}")
    return getattr(import_module(f"hpcore.samplers.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
