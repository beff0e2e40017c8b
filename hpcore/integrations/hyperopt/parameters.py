"""A label of a Hyperopt space as a parameter, with Hyperopt's own probabilities."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hpcore.errors import HpcoreError, InvalidSpace
from hpcore.integrations import distributions
from hpcore.integrations.hyperopt.graph import Label, bounds_of_randint
from hpcore.space.parameter import Parameter

__all__ = ["parameter_of"]


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


def _randint(rest: dict[str, Any], **options: Any) -> Parameter:
    return distributions.randint(rest, *bounds_of_randint(options))


def _pchoice(rest: dict[str, Any], p: Any, **upper: Any) -> Parameter:
    return distributions.categorical(rest, p)


_KINDS: dict[str, Callable[..., Parameter]] = {
    "uniform": distributions.uniform,
    "loguniform": distributions.loguniform,
    "quniform": distributions.quniform,
    "qloguniform": distributions.qloguniform,
    "normal": distributions.normal,
    "lognormal": distributions.lognormal,
    "qnormal": distributions.qnormal,
    "qlognormal": distributions.qlognormal,
    "randint": _randint,
    "categorical": _pchoice,
    "randint_via_categorical": _pchoice,
}
_NAMES = ("choice", "pchoice", "uniformint", *(kind for kind in _KINDS if "categorical" not in kind))
