"""Linear constraints as objects: readable, comparable, picklable."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from hpcore.arguments import check_number
from hpcore.errors import InvalidArgument, InvalidSpace, InvalidType
from hpcore.space.discrete import Categorical
from hpcore.space.parameter import Parameter

__all__ = ["Linear", "linear"]


class Linear:
    """A weighted sum of parameters between two bounds; made by `linear`.

    Attributes
    ----------
    coefficients : dict of str to float
        Factor of each parameter.
    at_least, at_most : float
        Bounds of the sum, both allowed; infinite where there is none.
    """

    def __init__(self, coefficients: Mapping[str, float], at_least: float, at_most: float) -> None:
        self.coefficients, self.at_least, self.at_most = dict(coefficients), at_least, at_most

    def __call__(self, params: Mapping[str, Any]) -> bool:
        """True if params satisfy it; a parameter that is not active counts as 0."""
        total = sum(factor * params[name] for name, factor in self.coefficients.items() if name in params)
        return bool(total <= self.at_most and total >= self.at_least)

    def check_names(self, parameters: Mapping[str, Parameter]) -> None:
        """Raise unless all its names are numbers of a space.

        Raises
        ------
        InvalidSpace
            An unknown name, or a categorical parameter.
        """
        for name in self.coefficients:
            if name not in parameters:
                known = ", ".join(map(repr, parameters))
                raise InvalidSpace(f"linear constraints must name parameters of the space ({known}), got {name!r}")
            if isinstance(parameters[name], Categorical):
                raise InvalidSpace(f"linear constraints must be about numbers, but {name!r} is categorical")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Linear):
            return NotImplemented
        return vars(self) == vars(other)

    def __hash__(self) -> int:
        return hash((frozenset(self.coefficients.items()), self.at_least, self.at_most))

    @property
    def __name__(self) -> str:
        return repr(self)

    def __repr__(self) -> str:
        bounds = {"at_least": self.at_least, "at_most": self.at_most}
        given = "".join(f", {name}={bound!r}" for name, bound in bounds.items() if math.isfinite(bound))
        return f"linear({self.coefficients!r}{given})"


def linear(coefficients: Mapping[str, float], *, at_most: float | None = None, at_least: float | None = None) -> Linear:
    """A constraint on a weighted sum of numeric parameters, for ``constraints=`` of `Space`.

    Parameters
    ----------
    coefficients : mapping of str to float
        Factor of each parameter, in the parameter's own units; finite, at least one. A parameter that is not active
        counts as 0.
    at_most, at_least : float, optional
        Bounds of the sum, which may be reached; at least one of them.

    Returns
    -------
    Linear
        A function of the params, as every constraint is.

    Raises
    ------
    InvalidArgument, InvalidType
        A coefficient or bound that is not a finite number, or no bound, or bounds that exclude each other.

    Examples
    --------
    >>> import hpcore as hp
    >>> shares = {f"share_{i}": hp.Float(0.0, 1.0) for i in range(7)}
    >>> space = hp.Space(shares, constraints=[hp.linear(dict.fromkeys(shares, 1.0), at_most=1.0)])
    >>> all(sum(params.values()) <= 1.0 for params in space.sample(3, seed=0))
    True
    """
    if not isinstance(coefficients, Mapping):
        raise InvalidType(f"coefficients must be a mapping of names to numbers, got {coefficients!r}")
    if not coefficients:
        raise InvalidArgument("coefficients must name at least one parameter, got none")
    if at_most is None and at_least is None:
        raise InvalidArgument("give at_most, at_least or both, got neither")
    checked = {}
    for name, factor in coefficients.items():
        if not isinstance(name, str):
            raise InvalidType(f"coefficients must be named by str, got {name!r}")
        checked[name] = check_number(f"coefficients[{name!r}]", factor)
    low = -math.inf if at_least is None else check_number("at_least", at_least)
    high = math.inf if at_most is None else check_number("at_most", at_most)
    if low > high:
        raise InvalidArgument(f"at_least must be <= at_most, got at_least={low!r}, at_most={high!r}")
    return Linear(checked, low, high)
