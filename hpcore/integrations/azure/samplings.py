"""Sampling algorithms of Azure ML as samplers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from enum import Enum
from typing import Any

from hpcore.arguments import check_integer, check_number
from hpcore.errors import InvalidArgument, InvalidType
from hpcore.integrations.azure.expressions import Expression
from hpcore.integrations.azure.fields import EVERYTHING, fields_of, kind_of, one_of, only

__all__ = [
    "BayesianParameterSampling",
    "GridParameterSampling",
    "ParameterSampling",
    "RandomParameterSampling",
    "Sampling",
    "sampling_of",
]

ARGUMENTS = {"random": ("rule", "seed", "logbase"), "grid": (), "bayesian": ()}
_SAMPLERS = {"random": "random", "grid": "grid", "bayesian": "gp"}


class ParameterSampling:
    """Search space with a sampling algorithm, of SDK v1.

    Parameters
    ----------
    parameter_space : mapping of str to expression
        Expressions such as ``uniform(0.05, 0.1)`` by name.
    properties : mapping, optional
        Options of the algorithm by the names of SDK v2: those of random sampling.
    """

    type = ""

    def __init__(self, parameter_space: Mapping[str, Expression], properties: Mapping[str, Any] | None = None) -> None:
        if not isinstance(parameter_space, Mapping):
            raise InvalidType(
                f"parameter_space must be a mapping of names to expressions, got {parameter_space!r:.200}"
            )
        self.parameter_space, self.properties = dict(parameter_space), dict(properties or {})


class RandomParameterSampling(ParameterSampling):
    """Random sampling; see ParameterSampling."""

    type = "random"


class GridParameterSampling(ParameterSampling):
    """Every combination of choices; see ParameterSampling."""

    type = "grid"


class BayesianParameterSampling(ParameterSampling):
    """Bayesian optimisation; see ParameterSampling."""

    type = "bayesian"


class Sampling:
    """Sampler with what else a sampling algorithm says.

    Attributes
    ----------
    sampler : str
        Name of the sampler.
    seed : int or None
        Seed.
    log_base : float
        Base of the logarithms in the bounds of the search space.
    """

    def __init__(self, sampler: str, seed: int | None = None, log_base: float = math.e) -> None:
        self.sampler, self.seed, self.log_base = sampler, seed, log_base


def sampling_of(algorithm: Any) -> Sampling:
    """Read a sampling algorithm: a name, a mapping or an object; random if there is none, as in Azure ML.

    Raises
    ------
    InvalidArgument, InvalidType
        The algorithm is not known, or an argument is not allowed.
    """
    where = "sampling_algorithm"
    if algorithm is None:
        return Sampling("random")
    if isinstance(algorithm, ParameterSampling):
        fields: dict[str, Any] = {"type": algorithm.type, **algorithm.properties}
    elif isinstance(algorithm, str | Enum):
        return Sampling(_SAMPLERS[one_of(where, algorithm, ARGUMENTS)])
    else:
        fields = fields_of(where, algorithm, EVERYTHING)
    kind = kind_of(where, fields, ARGUMENTS)
    only(where, fields, ARGUMENTS[kind])
    sampling = Sampling(_SAMPLERS[kind])
    if fields.get("rule") is not None and one_of(f"{where}.rule", fields["rule"], ("random", "sobol")) == "sobol":
        sampling.sampler = "sobol"
    if fields.get("seed") is not None:
        sampling.seed = check_integer(f"{where}.seed", fields["seed"], 0)
    if fields.get("logbase") is not None and fields["logbase"] != "e":
        base = fields["logbase"]
        sampling.log_base = check_number(f"{where}.logbase", float(base) if _is_number(base) else base, 0.0)
        if sampling.log_base <= 1.0:
            raise InvalidArgument(f"{where}.logbase must be > 1 or 'e', got {base!r}")
    return sampling


def _is_number(text: Any) -> bool:
    """True for a number that SDK v2 keeps as a string."""
    try:
        return isinstance(text, str) and math.isfinite(float(text))
    except ValueError:
        return False
