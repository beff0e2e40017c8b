"""Parameters from what people already write: lists, ranges, tuples, scipy.stats distributions."""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from hpcore.errors import InvalidArgument, InvalidSpace, InvalidType
from hpcore.space.choices import choice_table
from hpcore.space.discrete import Categorical, Int
from hpcore.space.parameter import Parameter
from hpcore.space.reals import Float, Normal

__all__ = ["are_numbers", "choices_of", "distribution_of", "parameter_of", "parameters_of"]

# A discrete distribution with more values than this has no parameter of its own.
MOST_VALUES = 10_000
# Values beyond are left out of a discrete distribution, on either side.
TAIL = 1e-12


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
        return choices_of(value.tolist() if value.dtype != object else list(value))
    if isinstance(value, list):
        return choices_of(value)
    if hasattr(value, "xk") and callable(getattr(value, "freeze", None)):
        value = value.freeze()  # scipy.stats.rv_discrete(values=...) needs no arguments
    if hasattr(value, "dist") and hasattr(value, "ppf" if not hasattr(value, "pmf") else "pmf"):
        return _from_scipy(value)
    # Whatever can be drawn from was not meant as a constant.
    if any(hasattr(value, name) for name in ("dist", "rvs", "icdf")) or isinstance(value, Mapping | set | frozenset):
        raise InvalidType(
            f"expected a parameter, list, range, (low, high) or frozen scipy distribution such as "
            f"scipy.stats.uniform(0, 1), got {value!r}"
        )
    return Categorical([value])


def choices_of(values: Sequence[Any], *, rearrange: bool = True) -> Categorical:
    """A list of choices; numbers have the order of their size.

    Steps of the position are steps of the logarithm where the numbers are geometric, and of the number where they are
    evenly spaced, so that the order alone gives a model the right scale.

    Parameters
    ----------
    values : sequence
        At least one; none twice.
    rearrange : bool
        Put numbers that neither rise nor fall in their order; otherwise they stay choices without one.

    Returns
    -------
    Categorical
        Ordered if there are at least three numbers: of two, neither is nearer than the other.
    """
    if len(values) < 3 or not are_numbers(values):
        return Categorical(values)
    if all(a < b for a, b in pairwise(values)) or all(a > b for a, b in pairwise(values)):
        return Categorical(values, ordered=True)
    choice_table(values)  # an error speaks of the positions that were given
    return Categorical(sorted(values), ordered=True) if rearrange else Categorical(values)


def are_numbers(values: Sequence[Any]) -> bool:
    """True if all are real numbers, none of them NaN; True and False are none."""
    return all(isinstance(v, numbers.Real) and not isinstance(v, bool) and v == v for v in values)


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
    parameter = distribution_of(value)
    if parameter is not None:
        return parameter
    if hasattr(value.dist, "pdf"):
        raise InvalidArgument(
            f"of scipy's continuous distributions, uniform, loguniform (loc=0), norm, truncnorm and lognorm (loc=0) "
            f"have a parameter of their own, got {value.dist.name!r} with {value.args!r} {value.kwds!r}"
        )
    raise InvalidArgument(
        f"a discrete distribution may have at most {MOST_VALUES:,} values, up to the last {TAIL} of each tail, and "
        f"{value.dist.name!r} with {value.args!r} {value.kwds!r} has more; hpcore.Int(low, high, log=True) takes "
        f"as many as there are"
    )


def distribution_of(value: Any) -> Parameter | None:
    """The parameter of a frozen scipy distribution; None if it has none of its own.

    Raises
    ------
    InvalidArgument
        Arguments that are arrays or outside the range of the distribution.
    """
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
    return None if hasattr(value.dist, "pdf") else _from_discrete(value)


def _from_discrete(value: Any) -> Parameter | None:
    """A discrete distribution as its values with their probabilities, to the last 1e-12 of the tail."""
    if hasattr(value.dist, "xk"):
        _, loc, _ = value.dist._parse_args(*value.args, **value.kwds)
        chances = value.dist.pk
        return _weighted(value.dist.xk[chances > 0] + loc, chances[chances > 0])
    low = value.ppf(TAIL)
    if not math.isfinite(low):
        raise InvalidArgument(
            f"the arguments of a distribution must be within its range, got {value.dist.name!r} with {value.args!r} "
            f"{value.kwds!r}"
        )
    low = int(low)
    # Asked before the upper end: scipy finds that of some distributions by adding up all that come before it.
    if not value.cdf(low + MOST_VALUES - 1) >= 1 - TAIL:
        return None
    values = np.arange(low, min(int(value.ppf(1 - TAIL)), low + MOST_VALUES - 1) + 1)
    chances = value.pmf(values)
    return _weighted(values[chances > 0], chances[chances > 0])


def _weighted(values: Any, chances: Any) -> Parameter:
    return Categorical(values.tolist(), ordered=True, weights=chances.tolist())
