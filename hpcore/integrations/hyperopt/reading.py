"""A Hyperopt space as a Space, and the values that its trials hold as parameters."""

from __future__ import annotations

from typing import Any

from hpcore.errors import InvalidSpace
from hpcore.integrations.hyperopt.graph import read_labels, simplest
from hpcore.integrations.hyperopt.parameters import parameter_of
from hpcore.space import Space
from hpcore.space.parameter import Parameter

__all__ = ["parameters_of", "space"]


def space(expr: Any) -> Space:
    """Read a search space of Hyperopt.

    Parameters
    ----------
    expr : hyperopt.pyll.Apply, dict, list or tuple
        Space as for `hyperopt.fmin`.

    Returns
    -------
    Space
        A parameter for each label. Values are those that Hyperopt keeps in its trials and that `fmin` returns: the
        index of a choice, and a float for ``quniform``; `hyperopt.space_eval` makes of them what the objective gets.
        Quantised labels are ordered choices with Hyperopt's own probabilities, by which the ends of a ``quniform`` have
        the share of their half cell; a ``quniform`` of more than 1000 values is a `Float` with a step. Of a
        ``qloguniform`` or ``qlognormal`` with more than 1000 values those are kept that are about 0.5 % apart. A
        ``randint`` has no order if it has at most 100 values, as Hyperopt defines it.

    Raises
    ------
    InvalidSpace
        A distribution has no counterpart or is not allowed, or the space has no label.

    Examples
    --------
    >>> from hyperopt import hp  # doctest: +SKIP
    >>> from hpcore.integrations.hyperopt import space  # doctest: +SKIP
    >>> space({"x": hp.uniform("x", 0, 1), "n": hp.quniform("n", 0, 2, 1)})["n"].weights  # doctest: +SKIP
    (0.25, 0.5, 0.25)
    """
    parameters = parameters_of(expr)
    if not parameters:
        raise InvalidSpace("the space must have at least one label, such as that of hp.uniform('x', 0, 1), got none")
    return Space(parameters)


def parameters_of(expr: Any) -> dict[str, Parameter]:
    """The parameters of a Hyperopt space, by label; none if nothing in it varies."""
    labels = read_labels(expr)
    out = {}
    for name, label in labels.items():
        when = [{parent: sorted(wanted) for parent, wanted in way.items()} for way in simplest(label, labels)]
        out[name] = parameter_of(label, None if {} in when else when)
    return out
