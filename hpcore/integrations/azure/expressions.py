"""Expressions of a search space by the names of Azure ML's SDK v1, and all their forms as parameters."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hpcore.arguments import check_number
from hpcore.errors import HpcoreError, InvalidArgument, InvalidSpace, InvalidType
from hpcore.integrations import distributions
from hpcore.integrations.azure.fields import EVERYTHING, fields_of, kind_of, only
from hpcore.space import Space
from hpcore.space.convert import choices_of
from hpcore.space.parameter import Parameter

__all__ = [
    "Expression",
    "choice",
    "lognormal",
    "loguniform",
    "normal",
    "qlognormal",
    "qloguniform",
    "qnormal",
    "quniform",
    "randint",
    "space_of",
    "uniform",
]

# Arguments of each expression, in the order of SDK v1 and by the names of SDK v2 and YAML.
ARGUMENTS = {
    "choice": ("values",),
    "uniform": ("min_value", "max_value"),
    "quniform": ("min_value", "max_value", "q"),
    "loguniform": ("min_value", "max_value"),
    "qloguniform": ("min_value", "max_value", "q"),
    "normal": ("mu", "sigma"),
    "qnormal": ("mu", "sigma", "q"),
    "lognormal": ("mu", "sigma"),
    "qlognormal": ("mu", "sigma", "q"),
    "randint": ("upper",),
}


class Expression:
    """One parameter of a search space of Azure ML, as `choice`, `uniform` and the others make it.

    Attributes
    ----------
    type : str
        Name of the distribution.
    """

    def __init__(self, type: str, **options: Any) -> None:
        self.type = type
        vars(self).update(options)

    def __eq__(self, other: object) -> bool:
        return vars(self) == vars(other) if isinstance(other, Expression) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        options = ", ".join(f"{name}={value!r}" for name, value in vars(self).items() if name != "type")
        return f"{self.type}({options})"


def choice(*options: Any) -> Expression:
    """One of several values: ``choice(1, 2, 3)``, ``choice([1, 2, 3])`` or ``choice(range(1, 4))``."""
    alone = options[0] if len(options) == 1 else None
    return Expression("choice", values=list(alone if isinstance(alone, list | tuple | range) else options))


def uniform(min_value: float, max_value: float) -> Expression:
    """Uniform between two bounds."""
    return Expression("uniform", min_value=min_value, max_value=max_value)


def quniform(min_value: float, max_value: float, q: float) -> Expression:
    """Uniform, rounded to a multiple of `q`: ``round(uniform(min_value, max_value) / q) * q``."""
    return Expression("quniform", min_value=min_value, max_value=max_value, q=q)


def loguniform(min_value: float, max_value: float) -> Expression:
    """Exponential of a uniform number: the bounds are natural logarithms."""
    return Expression("loguniform", min_value=min_value, max_value=max_value)


def qloguniform(min_value: float, max_value: float, q: float) -> Expression:
    """Exponential of a uniform number, rounded to a multiple of `q`."""
    return Expression("qloguniform", min_value=min_value, max_value=max_value, q=q)


def normal(mu: float, sigma: float) -> Expression:
    """Normal."""
    return Expression("normal", mu=mu, sigma=sigma)


def qnormal(mu: float, sigma: float, q: float) -> Expression:
    """Normal, rounded to a multiple of `q`."""
    return Expression("qnormal", mu=mu, sigma=sigma, q=q)


def lognormal(mu: float, sigma: float) -> Expression:
    """Exponential of a normal number."""
    return Expression("lognormal", mu=mu, sigma=sigma)


def qlognormal(mu: float, sigma: float, q: float) -> Expression:
    """Exponential of a normal number, rounded to a multiple of `q`."""
    return Expression("qlognormal", mu=mu, sigma=sigma, q=q)


def randint(upper: int) -> Expression:
    """Whole numbers 0 .. ``upper - 1``, without an order unless there are more than 100."""
    return Expression("randint", upper=upper)


def space_of(expressions: Any, log_base: float = math.e) -> Space:
    """Make the space of expressions.

    Parameters
    ----------
    expressions : mapping of str to expression
        Each an `Expression`, a mapping with ``type``, an object of SDK v2, or the list ``[name, arguments]`` of SDK v1.
    log_base : float
        Base of the logarithms of bounds.

    Raises
    ------
    InvalidSpace
        An expression is not known or not allowed; the message names it.
    """
    if not isinstance(expressions, Mapping):
        raise InvalidType(f"search_space must be a mapping of names to expressions, got {expressions!r:.200}")
    if not expressions:
        raise InvalidSpace("search_space must have at least one parameter, got none")
    found: dict[str, Parameter] = {}
    for name, expression in expressions.items():
        if not isinstance(name, str):
            raise InvalidType(f"a parameter of search_space must be named by a string, got {name!r}")
        where = f"search_space.{name}"
        try:
            found[name] = _parameter(where, *_read(where, expression), log_base)
        except InvalidSpace:
            raise
        except (HpcoreError, ArithmeticError, TypeError, ValueError) as error:
            text = str(error) if str(error).startswith(where) else f"{where}: {error}"
            raise InvalidSpace(text) from error
    return Space(found)


def _read(where: str, expression: Any) -> tuple[str, dict[str, Any]]:
    """The name and the arguments of an expression in any of its forms."""
    if isinstance(expression, list | tuple):
        return _read_list(where, expression)
    options = fields_of(where, expression, EVERYTHING)
    kind = kind_of(where, options, ARGUMENTS)
    only(where, options, ARGUMENTS[kind])
    for name in ARGUMENTS[kind]:
        if name not in options:
            raise InvalidSpace(f"{where}.{name} must be given for {kind}, got {options!r:.200}")
    return kind, options


def _read_list(where: str, expression: Sequence[Any]) -> tuple[str, dict[str, Any]]:
    """An expression of SDK v1, which makes lists such as ``["uniform", [0.05, 0.1]]`` and ``["choice", [[1, 2]]]``."""
    if (
        not (len(expression) == 2 and isinstance(expression[0], str) and isinstance(expression[1], list | tuple))
        or expression[0] not in ARGUMENTS
    ):
        raise InvalidSpace(
            f"{where} must be an expression, such as {{type: choice, values: [1, 2, 3]}}, got the list "
            f"{list(expression)!r:.200}"
        )
    kind, given = expression
    names = ARGUMENTS[kind]
    if len(given) != len(names):
        raise InvalidSpace(f"{where}: {kind} must have the arguments {', '.join(names)}, got {list(given)!r:.200}")
    return kind, dict(zip(names, given, strict=True))


def _parameter(where: str, kind: str, options: dict[str, Any], log_base: float) -> Parameter:
    if kind == "choice":
        return _choice(where, options["values"])
    if kind == "randint":
        upper = _whole(f"{where}.upper", options["upper"])
        return distributions.randint({}, 0, upper)
    numbers = {name: check_number(f"{where}.{name}", options[name]) for name in ARGUMENTS[kind]}
    if "log" in kind:
        scale = math.log(log_base)
        numbers = {name: value if name == "q" else value * scale for name, value in numbers.items()}
    return _MAKE[kind]({}, *numbers.values())


def _choice(where: str, values: Any) -> Parameter:
    if isinstance(values, range):
        values = list(values)
    if isinstance(values, str | bytes | Mapping) or not isinstance(values, Sequence):
        raise InvalidSpace(f"{where}.values must be a list, got {values!r:.200}")
    for value in values:
        if isinstance(value, Mapping) and any(_is_expression(inner) for inner in value.values()):
            raise InvalidSpace(
                f"{where}.values must hold no expressions, because a search space in a choice has no counterpart; make "
                f"each a parameter of its own, got {dict(value)!r:.200}"
            )
        if isinstance(value, Expression):
            raise InvalidSpace(f"{where}.values must hold no expressions, got {value!r:.200}")
    return choices_of(list(values), rearrange=False)


def _is_expression(value: Any) -> bool:
    return isinstance(value, Expression) or (isinstance(value, Mapping) and value.get("type") in ARGUMENTS)


def _whole(name: str, value: Any) -> int:
    number = check_number(name, value)
    if not number.is_integer() or number < 1:
        raise InvalidArgument(f"{name} must be a whole number >= 1, got {value!r}")
    return int(number)


_MAKE: dict[str, Callable[..., Parameter]] = {
    "uniform": distributions.uniform,
    "quniform": distributions.quniform,
    "loguniform": distributions.loguniform,
    "qloguniform": distributions.qloguniform,
    "normal": distributions.normal,
    "qnormal": distributions.qnormal,
    "lognormal": distributions.lognormal,
    "qlognormal": distributions.qlognormal,
}
