"""Distributions of Optuna as parameters of a space, and their values both ways.

A choice is its position in the list of choices, since Optuna compares choices by ``==``: of True and 1, or of 1 and
1.0, the first one stands for both.
"""

from __future__ import annotations

from typing import Any

from hpcore.errors import InvalidArgument, InvalidType, require
from hpcore.space.discrete import Categorical, Int
from hpcore.space.parameter import Parameter
from hpcore.space.reals import Float

__all__ = ["distribution_of", "parameter_of", "place_of", "value_of"]

_optuna: Any = require("optuna.distributions", "optuna")


def parameter_of(name: str, distribution: Any, *, as_choices: bool = False) -> Parameter:
    """Parameter for a distribution; a choice is its position, or the choice itself with `as_choices`.

    Raises
    ------
    InvalidArgument
        No parameter stands for the distribution.
    """
    try:
        if isinstance(distribution, _optuna.FloatDistribution):
            return Float(distribution.low, distribution.high, log=distribution.log, step=distribution.step)
        if isinstance(distribution, _optuna.IntDistribution):
            step = 1 if distribution.log else distribution.step
            return Int(distribution.low, distribution.high, log=distribution.log, step=step)
        if isinstance(distribution, _optuna.CategoricalDistribution):
            known = _positions(distribution)
            return Categorical([distribution.choices[i] for i in known] if as_choices else known)
    except (InvalidArgument, InvalidType) as error:
        raise InvalidArgument(
            f"the distribution of {name!r}, {distribution!r:.200}, has no counterpart ({error}): use finite bounds, "
            "and integers within -2**63 .. 2**63 - 1"
        ) from None
    raise InvalidArgument(
        f"the distribution of {name!r}, {distribution!r:.200}, has no counterpart: use suggest_float, suggest_int or "
        "suggest_categorical"
    )


def _positions(distribution: Any) -> list[int]:
    """Positions of the choices that Optuna can tell from those before them."""
    return [i for i, choice in enumerate(distribution.choices) if distribution.to_internal_repr(choice) == i]


def place_of(distribution: Any, value: Any) -> Any:
    """Value of the parameter for a value of Optuna; None if the distribution does not contain it."""
    try:
        place = distribution.to_internal_repr(value)
    except ValueError:
        return None
    if isinstance(distribution, _optuna.CategoricalDistribution):
        return int(place)
    if not distribution.low <= place <= distribution.high:
        return None
    if isinstance(distribution, _optuna.IntDistribution):
        place = int(value)
        return place if distribution.log or (place - distribution.low) % distribution.step == 0 else None
    if distribution.step is None:
        return float(place)
    # Optuna has low + k * step in binary, a few roundings away from the decimals of the grid.
    k = (place - distribution.low) / distribution.step
    return min(distribution.low + round(k) * distribution.step, distribution.high) if abs(k - round(k)) < 1e-8 else None


def value_of(distribution: Any, place: Any) -> Any:
    """Value of Optuna for a value of the parameter."""
    if isinstance(distribution, _optuna.CategoricalDistribution):
        return distribution.choices[place]
    if isinstance(distribution, _optuna.FloatDistribution):
        return min(max(float(place), distribution.low), distribution.high)
    return int(place)


def distribution_of(name: str, parameter: Parameter) -> Any:
    """Distribution for a parameter.

    Raises
    ------
    InvalidArgument
        Optuna has none for it.
    """
    try:
        if isinstance(parameter, Float):
            return _optuna.FloatDistribution(parameter.low, parameter.high, log=parameter.log, step=parameter.step)
        if isinstance(parameter, Int):
            return _optuna.IntDistribution(parameter.low, parameter.high, log=parameter.log, step=parameter.step)
        if isinstance(parameter, Categorical):
            return _optuna.CategoricalDistribution(parameter.choices)
    except ValueError as error:
        raise InvalidArgument(f"{name!r}, {parameter!r}, has no counterpart in Optuna: {error}") from None
    raise InvalidArgument(
        f"{name!r}, {parameter!r}, has no counterpart in Optuna, whose distributions are uniform: use a Float"
    )
