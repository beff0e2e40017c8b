"""Distributions that Hyperopt introduced and Azure ML took over, as parameters with the same probabilities.

The first argument of each function holds what else the parameter is made with, such as ``when``.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

import numpy as np

from hpcore.errors import InvalidSpace
from hpcore.space import Categorical, Float, Int, Normal
from hpcore.space.parameter import Parameter

__all__ = [
    "categorical",
    "lognormal",
    "loguniform",
    "nearest",
    "normal",
    "qlognormal",
    "qloguniform",
    "qnormal",
    "quniform",
    "randint",
    "uniform",
]

Rest = dict[str, Any]

# A quantised distribution of more values is a grid; if it is spread by logarithm, it keeps so many or fewer of them.
MOST_VALUES = 1000
# Ratio from one value to the next where some are kept; steps below are all kept.
RATIO = 1.005
# Values of a randint, whose order has no meaning, that are still told apart one by one.
MOST_UNORDERED = 100
# Standard deviations within which quantised log-normal values are listed.
REACH = 8.0


def uniform(rest: Rest, low: Any, high: Any) -> Parameter:
    """Uniform between two bounds."""
    return Float(float(low), float(high), **rest)


def loguniform(rest: Rest, low: Any, high: Any) -> Parameter:
    """Exponential of a uniform number: the bounds are logarithms."""
    return Float(math.exp(low), math.exp(high), log=True, **rest)


def normal(rest: Rest, mu: Any, sigma: Any) -> Parameter:
    """Normal."""
    return Normal(float(mu), float(sigma), **rest)


def lognormal(rest: Rest, mu: Any, sigma: Any) -> Parameter:
    """Exponential of a normal number."""
    return Normal(float(mu), float(sigma), log=True, **rest)


def qnormal(rest: Rest, mu: Any, sigma: Any, q: Any) -> Parameter:
    """Normal, rounded to a multiple of q."""
    return Normal(float(mu), float(sigma), step=float(q), **rest)


def quniform(rest: Rest, low: Any, high: Any, q: Any) -> Parameter:
    """Uniform, rounded to a multiple of q, so that the ends have the share of their half cell."""
    low, high, q = _checked(float(low), float(high), float(q))
    first, last = round(low / q), round(high / q)
    if last - first >= MOST_VALUES:
        return Float(first * q, last * q, step=q, **rest)
    width = high - low or 1.0
    return _listed(rest, list(range(first, last + 1)), q, lambda x: min(max((x - low) / width, 0.0), 1.0), low, high)


def qloguniform(rest: Rest, low: Any, high: Any, q: Any) -> Parameter:
    """Exponential of a uniform number, rounded to a multiple of q, which may be 0."""
    low, high, q = _checked(float(low), float(high), float(q))
    first, last = round(math.exp(low) / q), round(math.exp(high) / q)
    width = high - low or 1.0

    def cdf(x: float) -> float:
        return min(max((math.log(x) - low) / width, 0.0), 1.0) if x > 0 else 0.0

    return _listed(rest, _multiples(first, last), q, cdf, math.exp(low), math.exp(high))


def qlognormal(rest: Rest, mu: Any, sigma: Any, q: Any) -> Parameter:
    """Exponential of a normal number, rounded to a multiple of q, which may be 0."""
    mu, sigma = float(mu), float(sigma)
    if not sigma > 0:
        raise InvalidSpace(f"sigma must be > 0, got {sigma!r}")
    low, high, q = _checked(mu - REACH * sigma, mu + REACH * sigma, float(q))

    def cdf(x: float) -> float:
        return 0.5 * math.erfc((mu - math.log(x)) / (sigma * math.sqrt(2.0))) if x > 0 else 0.0

    low, high = math.exp(low), math.exp(high)
    return _listed(rest, _multiples(round(low / q), round(high / q)), q, cdf, 0.0, math.inf)


def randint(rest: Rest, low: int, high: int) -> Parameter:
    """Whole numbers from `low` to the one before `high`, without an order unless there are many."""
    if high - low <= MOST_UNORDERED:
        return Categorical(range(low, high), **rest)
    return Int(low, high - 1, **rest)


def categorical(rest: Rest, p: Any) -> Parameter:
    """Position of a choice, with these probabilities; a choice of probability 0 is left out."""
    shares = [float(share) for share in np.ravel(p)]
    if not all(share >= 0 for share in shares):
        raise InvalidSpace(f"probabilities must be >= 0, got {shares!r}")
    possible = [i for i, share in enumerate(shares) if share > 0]
    return Categorical(possible, weights=[shares[i] for i in possible], **rest)


def nearest(searched: Mapping[str, Parameter], values: Mapping[str, Any]) -> dict[str, Any]:
    """Values of a trial with those of quantised parameters rounded to the ones that the space lists.

    Trials of other algorithms have them with other rounding errors, or between those that the space keeps.
    """
    out = dict(values)
    for name, value in values.items():
        parameter = searched.get(name)
        if isinstance(parameter, Categorical) and parameter.ordered and isinstance(value, numbers.Real):
            out[name] = _nearest(parameter, float(value))
    return out


def _nearest(parameter: Categorical, value: float) -> float:
    choices = parameter.choices
    found: float = min(choices, key=lambda choice: abs(choice - value))
    at = choices.index(found)
    # Half the way to a neighbour; a value beyond the ends by more than that is none of this space.
    gaps = [abs(found - choices[i]) for i in (at - 1, at + 1) if 0 <= i < len(choices)]
    room = max(gaps, default=1e-9 * max(1.0, abs(found))) / 2
    return found if math.isfinite(value) and abs(value - found) <= room else value


def _checked(low: float, high: float, q: float) -> tuple[float, float, float]:
    if not q > 0:
        raise InvalidSpace(f"q must be > 0, got {q!r}")
    if not (math.isfinite(low) and math.isfinite(high) and low <= high):
        raise InvalidSpace(f"low must be <= high, and both finite, got low={low!r}, high={high!r}")
    return low, high, q


def _multiples(first: int, last: int) -> list[int]:
    """All whole numbers from `first` to `last`, or those that are about RATIO apart if there are too many."""
    if last - first < MOST_VALUES:
        return list(range(first, last + 1))
    kept = [first]
    while kept[-1] < last:
        kept.append(min(max(kept[-1] + 1, round(kept[-1] * RATIO)), last))
    return kept


def _listed(
    rest: Rest, multiples: list[int], q: float, cdf: Callable[[float], float], low: float, high: float
) -> Parameter:
    """Multiples of q, each with the probability of what is rounded to it; those at the ends have the rest."""
    edges = [low, *(q * (a + b) / 2 for a, b in pairwise(multiples)), high]
    shares = [cdf(b) - cdf(a) for a, b in pairwise(edges)] if len(multiples) > 1 else [1.0]
    kept = [(k * q, share) for k, share in zip(multiples, shares, strict=True) if share > 0]
    return Categorical([value for value, _ in kept], ordered=True, weights=[share for _, share in kept], **rest)
