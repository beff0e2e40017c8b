"""A hyperparameter of ConfigSpace as a parameter."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from hpcore.errors import HpcoreError, InvalidSpace, require
from hpcore.space import Categorical, Float, Int, Normal
from hpcore.space.parameter import Parameter

__all__ = ["parameter_of"]

_hp: Any = require("ConfigSpace.hyperparameters", "configspace")

# A normal integer is a list of its values with their probabilities.
MOST_INTEGERS = 10_000


def parameter_of(hyperparameter: Any, when: Any) -> Parameter:
    """Make the parameter of a hyperparameter.

    Raises
    ------
    InvalidSpace
        There is no counterpart, or an argument is not allowed.
    """
    name, kind = hyperparameter.name, type(hyperparameter).__name__
    for known, make in _KINDS:
        if isinstance(hyperparameter, known):
            try:
                return make(hyperparameter, {"when": when})
            except HpcoreError as error:
                raise InvalidSpace(f"{name!r}, {kind}: {error}") from error
    if isinstance(hyperparameter, _hp.BetaFloatHyperparameter | _hp.BetaIntegerHyperparameter):
        other = "Float" if isinstance(hyperparameter, _hp.BetaFloatHyperparameter) else "Integer"
        raise InvalidSpace(
            f"{name!r} has a beta distribution ({kind}), which has no counterpart; use "
            f"Normal{other}Hyperparameter, which has a peak between bounds too, or Uniform{other}Hyperparameter"
        )
    raise InvalidSpace(
        f"{name!r} is a {kind}, which has no counterpart; use one of {', '.join(known.__name__ for known, _ in _KINDS)}"
    )


def _uniform_float(hp: Any, rest: dict[str, Any]) -> Parameter:
    return Float(float(hp.lower), float(hp.upper), log=bool(hp.log), **rest)


def _uniform_integer(hp: Any, rest: dict[str, Any]) -> Parameter:
    return Int(int(hp.lower), int(hp.upper), log=bool(hp.log), **rest)


def _normal_float(hp: Any, rest: dict[str, Any]) -> Parameter:
    mean, std = _on_scale(hp)
    return Normal(mean, std, log=bool(hp.log), low=float(hp.lower), high=float(hp.upper), **rest)


def _normal_integer(hp: Any, rest: dict[str, Any]) -> Parameter:
    low, high = int(hp.lower), int(hp.upper)
    if high - low >= MOST_INTEGERS:
        raise InvalidSpace(
            f"a normal integer may have at most {MOST_INTEGERS} values, got {high - low + 1}; use "
            "NormalFloatHyperparameter and round, or UniformIntegerHyperparameter"
        )
    values = np.arange(low, high + 1)
    mean, std = _on_scale(hp)
    if hp.log:
        edges = np.log(np.concatenate([[low], values[:-1] + 0.5, [high]]))
    else:
        edges = np.linspace(low, high, len(values) + 1)  # ConfigSpace divides the range into equal cells
    cdf = np.array([0.5 * math.erfc((mean - edge) / (std * math.sqrt(2.0))) for edge in edges.tolist()])
    # Beyond the mean, differences of what is above are exact and those of what is below are not.
    above = np.array([0.5 * math.erfc((edge - mean) / (std * math.sqrt(2.0))) for edge in edges.tolist()])
    shares = np.where(edges[:-1] < mean, np.diff(cdf), -np.diff(above))
    shares = np.maximum(shares / (shares.sum() or 1.0), sys.float_info.min)
    return Categorical(values.tolist(), ordered=True, weights=shares.tolist(), **rest)


def _on_scale(hp: Any) -> tuple[float, float]:
    """Mean and standard deviation of the value, or of its logarithm as ConfigSpace computes it from `sigma`."""
    if not hp.log:
        return float(hp.mu), float(hp.sigma)
    return math.log(hp.mu), abs(math.log(hp.lower + hp.sigma))


def _categorical(hp: Any, rest: dict[str, Any]) -> Parameter:
    if hp.weights is None:
        return Categorical(list(hp.choices), **rest)
    kept = [(choice, float(w)) for choice, w in zip(hp.choices, hp.weights, strict=True) if w > 0]
    return Categorical([choice for choice, _ in kept], weights=[w for _, w in kept], **rest)


def _ordinal(hp: Any, rest: dict[str, Any]) -> Parameter:
    return Categorical(list(hp.sequence), ordered=True, **rest)


def _constant(hp: Any, rest: dict[str, Any]) -> Parameter:
    return Categorical([hp.value], **rest)


_KINDS: tuple[tuple[Any, Callable[[Any, dict[str, Any]], Parameter]], ...] = (
    (_hp.UniformFloatHyperparameter, _uniform_float),
    (_hp.UniformIntegerHyperparameter, _uniform_integer),
    (_hp.NormalFloatHyperparameter, _normal_float),
    (_hp.NormalIntegerHyperparameter, _normal_integer),
    (_hp.CategoricalHyperparameter, _categorical),
    (_hp.OrdinalHyperparameter, _ordinal),
    (_hp.Constant, _constant),
)
