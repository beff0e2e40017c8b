"""Samplers, one file each, and their names."""

from __future__ import annotations

from hpcore.errors import InvalidArgument, InvalidType
from hpcore.samplers.auto import AutoSampler
from hpcore.samplers.base import Sampler, Suggester
from hpcore.samplers.gp import GPSampler
from hpcore.samplers.gradient import GradientSampler
from hpcore.samplers.grid import GridSampler
from hpcore.samplers.random import RandomSampler
from hpcore.samplers.sobol import SobolSampler
from hpcore.samplers.tpe import TPESampler

__all__ = [
    "DEFAULT",
    "AutoSampler",
    "GPSampler",
    "GradientSampler",
    "GridSampler",
    "RandomSampler",
    "Sampler",
    "SobolSampler",
    "Suggester",
    "TPESampler",
    "names",
    "resolve",
]

# The default of `sampler` and `strategy`: an object of its own, so that it can be told from a "gp" that was given.
DEFAULT = str(b"gp", "ascii")

_BY_NAME: dict[str, type[Sampler]] = {
    "random": RandomSampler,
    "grid": GridSampler,
    "sobol": SobolSampler,
    "gp": GPSampler,
    "tpe": TPESampler,
    "gradient": GradientSampler,
    "auto": AutoSampler,
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
    if sampler not in _BY_NAME:
        from difflib import get_close_matches

        close = get_close_matches(sampler, _BY_NAME, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        raise InvalidArgument(f"sampler must be one of {', '.join(map(repr, _BY_NAME))}, got {sampler!r}{hint}")
    kind = _BY_NAME[sampler]
    return AutoSampler(n_trials) if kind is AutoSampler else kind()
