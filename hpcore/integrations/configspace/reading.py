"""A ConfigurationSpace as a Space."""

from __future__ import annotations

from typing import Any

from hpcore.errors import InvalidType, require
from hpcore.integrations.configspace.conditions import ways_of, when_of
from hpcore.integrations.configspace.forbidden import Allowed
from hpcore.integrations.configspace.parameters import parameter_of
from hpcore.space import Space
from hpcore.space.parameter import Parameter

__all__ = ["space"]

_cs: Any = require("ConfigSpace", "configspace")


def space(cs: Any) -> Space:
    """Read a search space of ConfigSpace.

    Parameters
    ----------
    cs : ConfigSpace.ConfigurationSpace
        Search space. Default values, meta data and its seed are left out.

    Returns
    -------
    Space
        A parameter for each hyperparameter, in the order of `cs`, its conditions as ``when`` and each forbidden clause
        or relation as a constraint. ``dict(configuration)`` is a legal point of it, and
        ``ConfigSpace.Configuration(cs, values=params)`` takes one of its points. A normal integer is a list of its
        values with their probabilities. Integers on a log scale have those of an `Int`, or of a normal number that is
        rounded, where ConfigSpace leaves out some values. Choices of weight 0, and what they alone lead to, are left
        out.

    Raises
    ------
    InvalidType
        Not a ConfigurationSpace.
    InvalidSpace
        A hyperparameter has no counterpart, as those with a beta distribution; or a condition is one on both sides of
        a value, or on a single value, of a continuous hyperparameter.

    Examples
    --------
    >>> from ConfigSpace import ConfigurationSpace  # doctest: +SKIP
    >>> from hpcore.integrations.configspace import space  # doctest: +SKIP
    >>> space(ConfigurationSpace({"C": (0.1, 10.0), "kernel": ["rbf", "linear"]}))  # doctest: +SKIP
    Space({'C': Float(0.1, 10.0), 'kernel': Categorical(['rbf', 'linear'])})
    """
    if not isinstance(cs, _cs.ConfigurationSpace):
        raise InvalidType(f"cs must be a ConfigSpace.ConfigurationSpace, got {cs!r:.200}")
    bare = {name: parameter_of(cs[name], None) for name in cs}
    found: dict[str, Parameter] = {}
    # Parents come first, so that what hangs on a hyperparameter that nothing leads to is left out too.
    for name in cs:
        conditions = cs.parent_conditions_of[name]
        if not conditions:
            found[name] = bare[name]
            continue
        ways = ways_of(name, conditions, {parent: p for parent, p in bare.items() if parent in found})
        if ways:
            found[name] = parameter_of(cs[name], when_of(name, ways, bare))
    clauses = [Allowed.of(clause, bare) for clause in cs.forbidden_clauses]
    return Space(found, [clause for clause in clauses if clause.names <= found.keys()])
