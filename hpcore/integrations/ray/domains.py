"""Domains of Ray Tune as parameters, with Tune's own probabilities.

Only whole numbers on a logarithmic scale have others: each has the half to both sides, where Tune rounds down.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from hpcore.errors import HpcoreError, InvalidSpace, require
from hpcore.integrations import distributions
from hpcore.space import Categorical, Float, Int
from hpcore.space.choices import choice_key
from hpcore.space.parameter import Parameter

__all__ = ["is_domain", "parameter_of", "refused"]

_sample: Any = require("ray.tune.search.sample", "ray")

USABLE = (
    "tune.uniform, quniform, loguniform, qloguniform, randn, qrandn, randint, qrandint, lograndint, qlograndint, choice"
)


def is_domain(value: Any) -> bool:
    """True for a domain, whether it has a counterpart or not."""
    return isinstance(value, _sample.Domain)


def refused(value: Any) -> str | None:
    """Say why a value of a config cannot be searched; None for all others."""
    single = next(iter(value)) if isinstance(value, dict) and len(value) == 1 else None
    if single == "grid_search" or (is_domain(value) and value.is_grid()):
        return "is a grid_search, which leaves nothing to a searcher: use tune.choice with the same values"
    if single == "eval" or isinstance(value, _sample.Function):
        return (
            "is a tune.sample_from, a function whose values a searcher cannot choose: compute the value in the "
            "trainable, from parameters such as tune.uniform"
        )
    return None


def parameter_of(name: str, domain: Any, when: Any = None) -> Parameter:
    """Make the parameter of a domain.

    Parameters
    ----------
    name : str
        Place of the domain in the config, for messages.
    domain : ray.tune.search.sample.Domain
        Domain.
    when : mapping, optional
        Condition of the parameter.

    Returns
    -------
    Parameter
        Its values are what Tune would draw: a float for a quantised one, a choice itself. Quantised floats are ordered
        choices, by which the ends of a ``quniform`` have the share of their half cell, as in Tune; those of very many
        values, and of a ``qrandn``, are grids, whose values may differ from Tune's by rounding errors.

    Raises
    ------
    InvalidSpace
        The domain has no counterpart, or its arguments are not allowed.
    """
    sampler, q = domain.get_sampler(), None
    if isinstance(sampler, _sample.Quantized):
        sampler, q = sampler.get_sampler(), sampler.q
    rest = {"when": when}
    try:
        if isinstance(domain, _sample.Categorical) and isinstance(sampler, _sample.Uniform) and q is None:
            return _choice(domain.categories, rest)
        if isinstance(domain, _sample.Integer) and isinstance(sampler, _sample.Uniform | _sample.LogUniform):
            return _integer(domain, isinstance(sampler, _sample.LogUniform), q, rest)
        if isinstance(domain, _sample.Float):
            made = _float(domain, sampler, q, rest)
            if made is not None:
                return made
    except (HpcoreError, ArithmeticError, TypeError, ValueError) as error:
        raise InvalidSpace(f"{name!r}, a {type(domain).__name__} domain {domain.domain_str}: {error}") from error
    raise InvalidSpace(
        f"{name!r} is a {type(domain).__name__} domain drawn by {type(sampler).__name__}, which has no counterpart: "
        f"use {USABLE}"
    )


def _choice(categories: Sequence[Any], rest: dict[str, Any]) -> Parameter:
    """A choice; one that is listed several times has so many shares."""
    shares: dict[tuple[Any, ...], int] = {}
    distinct = []
    for category in categories:
        key = choice_key(category)
        if key not in shares:
            distinct.append(category)
        shares[key] = shares.get(key, 0) + 1
    weights = list(shares.values()) if len(distinct) < len(categories) else None
    return Categorical(distinct, weights=weights, **rest)


def _integer(domain: Any, log: bool, q: Any, rest: dict[str, Any]) -> Parameter:
    if q is None or q == 1:
        return Int(domain.lower, domain.upper - 1, log=log, **rest)
    if q != int(q) or q < 1:
        raise InvalidSpace(f"q must be a whole number of at least 1, got {q!r}")
    step = int(q)
    first, last = math.ceil(domain.lower / step) * step, math.floor(domain.upper / step) * step
    return Int(first, last, log=log, step=step, **rest)


def _float(domain: Any, sampler: Any, q: Any, rest: dict[str, Any]) -> Parameter | None:
    low, high = domain.lower, domain.upper
    if isinstance(sampler, _sample.Normal):
        if math.isfinite(low) or math.isfinite(high):
            raise InvalidSpace("a normal domain must have no bounds")
        if q is None:
            return distributions.normal(rest, sampler.mean, sampler.sd)
        return distributions.qnormal(rest, sampler.mean, sampler.sd, q)
    if isinstance(sampler, _sample.LogUniform):
        if q is None:
            return Float(low, high, log=True, **rest)
        return distributions.qloguniform(rest, math.log(low), math.log(high), q)
    if isinstance(sampler, _sample.Uniform):
        return distributions.uniform(rest, low, high) if q is None else distributions.quniform(rest, low, high, q)
    return None
