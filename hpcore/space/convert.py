"""Parameters from what people already write: lists, ranges, tuples, scipy.stats distributions."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from hpcore.errors import InvalidArgument, InvalidSpace, InvalidType
from hpcore.space.parameters import Categorical, Float, Int, Normal, Parameter

__all__ = ["parameter_of", "parameters_of"]


def parameters_of(mapping: Mapping[str, Any]) -> dict[str, Parameter]:
    """Every value of a mapping as a parameter; see `Space.of`."""
    if not isinstance(mapping, Mapping):
        raise InvalidType(f"a space must be a mapping of names to values, got {mapping!r}")
    out = {}
    for name, value in mapping.items():
        try:
            out[name] = parameter_of(value)
        except InvalidType as error:
            raise InvalidType(f"{name!r}: {error}") from None
        except InvalidArgument as error:
            raise InvalidSpace(f"{name!r}: {error}") from None
    return out


def parameter_of(value: Any) -> Parameter:
    """One value as a parameter; see `Space.of`."""
    if isinstance(value, Parameter):
        return value
    if isinstance(value, range):
        return _from_range(value)
    if isinstance(value, tuple):
        return _from_bounds(value)
    if isinstance(value, np.ndarray):
        if value.ndim != 1:
            raise InvalidArgument(f"an array of choices must have one dimension, got shape {value.shape}")
        return Categorical(value.tolist() if value.dtype != object else list(value))
    if isinstance(value, list):
        return Categorical(value)
    if hasattr(value, "dist") and hasattr(value, "ppf" if not hasattr(value, "pmf") else "pmf"):
        return _from_scipy(value)
    # Whatever can be drawn from was not meant as a constant.
    if any(hasattr(value, name) for name in ("dist", "rvs", "icdf")) or isinstance(value, Mapping | set | frozenset):
        raise InvalidType(
            f"expected a parameter, list, range, (low, high) or frozen scipy distribution such as "
            f"scipy.stats.uniform(0, 1), got {value!r}"
        )
    return Categorical([value])


def _from_range(value: range) -> Parameter:
    if len(value) == 0:
        raise InvalidArgument(f"a range must hold at least one value, got {value!r}")
    low, high = min(value[0], value[-1]), max(value[0], value[-1])
    return Int(low, high, step=abs(value.step) if len(value) > 1 else 1)


def _from_bounds(value: tuple[Any, ...]) -> Parameter:
    if len(value) != 2:
        raise InvalidArgument(f"a tuple must be (low, high); write a list for choices; got {value!r}")
    low, high = value
    if all(isinstance(v, int | np.integer) and not isinstance(v, bool) for v in value):
        return Int(int(low), int(high))
    return Float(low, high)


def _from_scipy(value: Any) -> Parameter:
    name = value.dist.name
    if any(np.ndim(argument) for argument in (*value.args, *value.kwds.values())):
        raise InvalidArgument(f"a distribution must have numbers as its arguments, not arrays, got {name!r}")
    if name == "randint":
        low, high = (float(v) for v in value.support())
        return Int(int(low), int(high))
    if name == "uniform":
        return Float(*(float(v) for v in value.support()))
    if name in ("loguniform", "reciprocal") and float(value.dist._parse_args(*value.args, **value.kwds)[1]) == 0.0:
        return Float(*(float(v) for v in value.support()), log=True)
    if name == "norm":
        return Normal(float(value.mean()), float(value.std()))
    if name == "truncnorm":
        _, loc, scale = value.dist._parse_args(*value.args, **value.kwds)
        low, high = (float(v) for v in value.support())
        return Normal(
            float(loc),
            float(scale),
            low=low if math.isfinite(low) else None,
            high=high if math.isfinite(high) else None,
        )
    if name == "lognorm":
        shape, loc, scale = value.dist._parse_args(*value.args, **value.kwds)
        if float(loc) == 0.0:
            return Normal(math.log(float(scale)), float(shape[0]), log=True)
    if not hasattr(value.dist, "pdf"):
        return _from_discrete(value)
    raise InvalidArgument(
        f"of scipy's continuous distributions, uniform, loguniform (loc=0), norm, truncnorm and lognorm (loc=0) have "
        f"a parameter of their own, got {name!r} with {value.args!r} {value.kwds!r}"
    )


def _from_discrete(value: Any) -> Parameter:
    """A discrete distribution as its values with their probabilities, to the last 1e-12 of the tail."""
    low, high = int(value.ppf(1e-12)), int(value.ppf(1 - 1e-12))
    if high - low >= 10_000:
        raise InvalidArgument(f"a discrete distribution may have at most 10,000 values, got {high - low + 1}")
    values = [k for k in range(low, high + 1) if value.pmf(k) > 0]
    return Categorical(values, ordered=True, weights=[float(value.pmf(k)) for k in values])
