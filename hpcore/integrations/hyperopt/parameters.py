"""A label of a Hyperopt space as a parameter, with Hyperopt's own probabilities."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

from hpcore.errors import HpcoreError, InvalidSpace
from hpcore.integrations.hyperopt.graph import Label, bounds_of_randint
from hpcore.space import Categorical, Float, Int, Normal
from hpcore.space.parameter import Parameter

__all__ = ["parameter_of"]

# A quantised label with more values than this is a grid, or keeps some of its values if they are spread by logarithm.
MOST_VALUES = 1000
# Ratio from one value to the next where some are kept; steps below are all kept.
RATIO = 1.005
# Values of a randint, whose order Hyperopt gives no meaning, that are still told apart one by one.
MOST_UNORDERED = 100
# Standard deviations within which quantised log-normal values are listed.
REACH = 8.0


def parameter_of(label: Label, when: Any) -> Parameter:
    """Make the parameter of a label.

    Parameters
    ----------
    label : Label
        Label.
    when : mapping or list of mapping, or None
        Conditions of the parameter.

    Returns
    -------
    Parameter
        Its values are what Hyperopt writes into its trials: the index of a choice, a float, a whole number.

    Raises
    ------
    InvalidSpace
        The distribution has no counterpart, or its arguments are not allowed.
    """
    make = _KINDS.get(label.kind)
    if make is None:
        raise InvalidSpace(
            f"label {label.name!r} is drawn from {label.kind}, which has no counterpart; use one of "
            f"{', '.join(f'hp.{kind}' for kind in _NAMES)}"
        )
    try:
        return make({"when": when}, **label.options)
    except (HpcoreError, ArithmeticError, TypeError, ValueError) as error:
        raise InvalidSpace(f"label {label.name!r}, hp.{label.kind}: {error}") from error


def _uniform(rest: dict[str, Any], low: Any, high: Any) -> Parameter:
    return Float(float(low), float(high), **rest)


def _loguniform(rest: dict[str, Any], low: Any, high: Any) -> Parameter:
    return Float(math.exp(low), math.exp(high), log=True, **rest)


def _normal(rest: dict[str, Any], mu: Any, sigma: Any) -> Parameter:
    return Normal(float(mu), float(sigma), **rest)


def _lognormal(rest: dict[str, Any], mu: Any, sigma: Any) -> Parameter:
    return Normal(float(mu), float(sigma), log=True, **rest)


def _qnormal(rest: dict[str, Any], mu: Any, sigma: Any, q: Any) -> Parameter:
    return Normal(float(mu), float(sigma), step=float(q), **rest)


def _quniform(rest: dict[str, Any], low: Any, high: Any, q: Any) -> Parameter:
    low, high, q = _checked(float(low), float(high), float(q))
    first, last = round(low / q), round(high / q)
    if last - first >= MOST_VALUES:
        return Float(first * q, last * q, step=q, **rest)
    width = high - low or 1.0
    return _listed(rest, list(range(first, last + 1)), q, lambda x: min(max((x - low) / width, 0.0), 1.0), low, high)


def _qloguniform(rest: dict[str, Any], low: Any, high: Any, q: Any) -> Parameter:
    low, high, q = _checked(float(low), float(high), float(q))
    first, last = round(math.exp(low) / q), round(math.exp(high) / q)
    width = high - low or 1.0

    def cdf(x: float) -> float:
        return min(max((math.log(x) - low) / width, 0.0), 1.0) if x > 0 else 0.0

    return _listed(rest, _multiples(first, last), q, cdf, math.exp(low), math.exp(high))


def _qlognormal(rest: dict[str, Any], mu: Any, sigma: Any, q: Any) -> Parameter:
    mu, sigma = float(mu), float(sigma)
    if not sigma > 0:
        raise InvalidSpace(f"sigma must be > 0, got {sigma!r}")
    low, high, q = _checked(mu - REACH * sigma, mu + REACH * sigma, float(q))

    def cdf(x: float) -> float:
        return 0.5 * math.erfc((mu - math.log(x)) / (sigma * math.sqrt(2.0))) if x > 0 else 0.0

    low, high = math.exp(low), math.exp(high)
    return _listed(rest, _multiples(round(low / q), round(high / q)), q, cdf, 0.0, math.inf)


def _randint(rest: dict[str, Any], **options: Any) -> Parameter:
    low, high = bounds_of_randint(options)
    if high - low <= MOST_UNORDERED:
        return Categorical(range(low, high), **rest)
    return Int(low, high - 1, **rest)


def _categorical(rest: dict[str, Any], p: Any, **upper: Any) -> Parameter:
    shares = [float(share) for share in np.ravel(p)]
    if not all(share >= 0 for share in shares):
        raise InvalidSpace(f"probabilities must be >= 0, got {shares!r}")
    possible = [i for i, share in enumerate(shares) if share > 0]
    return Categorical(possible, weights=[shares[i] for i in possible], **rest)


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
    rest: dict[str, Any], multiples: list[int], q: float, cdf: Callable[[float], float], low: float, high: float
) -> Parameter:
    """Multiples of q, each with the probability of what is rounded to it; those at the ends have the rest."""
    edges = [low, *(q * (a + b) / 2 for a, b in pairwise(multiples)), high]
    shares = [cdf(b) - cdf(a) for a, b in pairwise(edges)] if len(multiples) > 1 else [1.0]
    kept = [(k * q, share) for k, share in zip(multiples, shares, strict=True) if share > 0]
    return Categorical([value for value, _ in kept], ordered=True, weights=[share for _, share in kept], **rest)


_KINDS: dict[str, Callable[..., Parameter]] = {
    "uniform": _uniform,
    "loguniform": _loguniform,
    "quniform": _quniform,
    "qloguniform": _qloguniform,
    "normal": _normal,
    "lognormal": _lognormal,
    "qnormal": _qnormal,
    "qlognormal": _qlognormal,
    "randint": _randint,
    "categorical": _categorical,
    "randint_via_categorical": _categorical,
}
_NAMES = ("choice", "pchoice", "uniformint", *(kind for kind in _KINDS if "categorical" not in kind))
