"""A config of Ray Tune as a space, and as a pattern that takes the values of a point and gives a config.

A parameter is named by its place, such as ``"net/layers/0"``. Options of a choice that hold domains themselves are
branches: the parameter is then the index of the option, and what is in an option is active with it only.
"""

from __future__ import annotations

import numbers
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from hpcore.errors import InvalidArgument, InvalidSpace, InvalidType
from hpcore.integrations.distributions import nearest
from hpcore.integrations.ray.domains import is_domain, parameter_of, refused
from hpcore.space import Categorical, Float, Normal, Space
from hpcore.space.parameter import Parameter

__all__ = ["Found", "Pattern", "read_space"]

Params = dict[str, Any]

# Stands for what is left out of a config: a parameter that is not active.
_ABSENT = object()


@dataclass(slots=True)
class Found:
    """Contents of a config, as a pattern reads them.

    Attributes
    ----------
    params : dict
        Its parameters.
    unknown : list of str
        Names of what the pattern lacks.
    differing : list of str
        Names of constants that have other values in the config.
    missing : list of str
        Names of constants, tables and lists that the config leaves out.
    """

    params: Params = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)
    differing: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


class Pattern:
    """Part of a config; this class stands for a constant.

    Parameters
    ----------
    value : object
        The constant.
    place : str
        Its place in the config.
    """

    def __init__(self, value: Any, place: str = "") -> None:
        self._value, self._place = value, place

    def fill(self, params: Params) -> Any:
        """Make the part of the config of a point, in new containers."""
        return self._value

    def read(self, given: Any, out: Found) -> None:
        """Read a given config into `out`, as far as it has what the pattern has.

        Raises
        ------
        InvalidArgument, InvalidType
            The config does not fit the pattern. Keys that the pattern lacks and other constants are no error; `out`
            has their names.
        """
        if not _equal(self._value, given):
            out.differing.append(self._place)


class _Leaf(Pattern):
    def __init__(self, space: Mapping[str, Parameter], name: str) -> None:
        self._space, self._name = space, name

    def fill(self, params: Params) -> Any:
        return params.get(self._name, _ABSENT)

    def _legal(self, given: Any) -> Any:
        """A given value, with the rounding errors of the parameter."""
        return nearest(self._space, {self._name: given})[self._name]

    def read(self, given: Any, out: Found) -> None:
        parameter = self._space[self._name]
        try:
            out.params[self._name] = parameter.check(self._name, self._legal(given))
        except InvalidArgument:
            # Tune copies what it hands out: dicts and arrays are then other objects than the choices.
            choices = parameter.choices if isinstance(parameter, Categorical) else ()
            same = [choice for choice in choices if type(choice) is type(given) and _equal(choice, given)]
            if len(same) != 1:
                raise
            out.params[self._name] = same[0]


class _Multiple(_Leaf):
    """A quantised float whose parameter is a grid: configs have multiples of q as Tune rounds them."""

    def __init__(self, space: Mapping[str, Parameter], name: str, q: float) -> None:
        super().__init__(space, name)
        self._q = q

    def fill(self, params: Params) -> Any:
        value = params.get(self._name, _ABSENT)
        return value if value is _ABSENT else round(value / self._q) * self._q

    def _legal(self, given: Any) -> Any:
        # A multiple of q may be beyond a bound of the grid by a rounding error.
        parameter = self._space[self._name]
        assert isinstance(parameter, Float | Normal)
        bounds = (parameter.low, parameter.high)
        is_real = isinstance(given, numbers.Real)
        return next((bound for bound in bounds if is_real and abs(given - bound) <= 1e-9 * self._q), given)


class _Table(Pattern):
    def __init__(self, place: str, parts: dict[Any, Pattern], by_name: Mapping[str, Pattern]) -> None:
        self._place, self._parts, self._by_name = place, parts, by_name

    def fill(self, params: Params) -> Any:
        filled = {key: part.fill(params) for key, part in self._parts.items()}
        return {key: value for key, value in filled.items() if value is not _ABSENT}

    def read(self, given: Any, out: Found) -> None:
        if not isinstance(given, Mapping):
            raise InvalidArgument(f"{self._place or 'a config'} must be a mapping, got {given!r:.200}")
        for key, value in given.items():
            name = _below(self._place, key)
            part = self._parts.get(key) or self._by_name.get(name)
            if part is None:
                out.unknown.append(name)
            else:
                part.read(value, out)
        left_out = (key for key, part in self._parts.items() if key not in given and part.fill({}) is not _ABSENT)
        out.missing += [_below(self._place, key) for key in left_out]


class _List(Pattern):
    def __init__(self, place: str, kind: type, parts: list[Pattern]) -> None:
        self._place, self._kind, self._parts = place, kind, parts

    def fill(self, params: Params) -> Any:
        filled = [part.fill(params) for part in self._parts]
        return self._kind(value for value in filled if value is not _ABSENT)

    def read(self, given: Any, out: Found) -> None:
        if not isinstance(given, list | tuple) or len(given) != len(self._parts):
            raise InvalidArgument(f"{self._place} must be a list of {len(self._parts)} values, got {given!r:.200}")
        for part, value in zip(self._parts, given, strict=True):
            part.read(value, out)


class _Options(Pattern):
    def __init__(self, name: str, options: list[Pattern]) -> None:
        self._name, self._options = name, options

    def fill(self, params: Params) -> Any:
        index = params.get(self._name)
        return _ABSENT if index is None else self._options[index].fill(params)

    def read(self, given: Any, out: Found) -> None:
        best: Found | None = None
        for i, option in enumerate(self._options):
            found = Found({self._name: i})
            try:
                option.read(given, found)
            except (InvalidArgument, InvalidType):
                continue
            # Constants tell options from each other; a key that no option has is for the caller to judge.
            fits = not found.differing and not found.missing
            if fits and (best is None or len(found.unknown) < len(best.unknown)):
                best = found
        if best is not None:
            out.params.update(best.params)
            out.unknown += best.unknown
            return
        raise InvalidArgument(f"value of {self._name!r} must be one of its options, got {given!r:.200}")


def read_space(given: Any) -> tuple[Space | None, Pattern]:
    """Read a search space.

    Parameters
    ----------
    given : Space or mapping
        Space, whose parameters are the keys of configs; or a config of Ray Tune, in which dicts, lists and tuples may
        hold domains, or parameters of hpcore.

    Returns
    -------
    space : Space or None
        Space; None if nothing varies.
    pattern : Pattern
        Pattern of configs.

    Raises
    ------
    InvalidSpace
        Something cannot be searched, or two parameters have the same name.
    """
    if isinstance(given, Space):
        return given, _Table("", {name: _Leaf(given, name) for name in given}, {})
    if not isinstance(given, Mapping):
        raise InvalidSpace(f"space must be a Space or a mapping, such as a Tuner's param_space, got {given!r:.200}")
    reading = _Reading()
    pattern = reading.read(given, "", None)
    return (Space(reading.parameters) if reading.parameters else None), pattern


class _Reading:
    """A config that is being read.

    Attributes
    ----------
    parameters : dict
        Parameters by name.
    by_name : dict
        Patterns of their places.
    """

    def __init__(self) -> None:
        self.parameters: dict[str, Parameter] = {}
        self.by_name: dict[str, Pattern] = {}

    def read(self, given: Any, place: str, when: Any) -> Pattern:
        """Read what is at a place; `when` is the condition of its parameters."""
        why = refused(given)
        if why is not None:
            raise InvalidSpace(f"{place!r} {why}")
        if is_domain(given):
            return self._domain(given, place, when)
        if isinstance(given, Parameter):
            if when is not None:
                raise InvalidSpace(f"{place!r} is within an option of a tune.choice: use a domain of Ray Tune there")
            return self._named(place, given, _Leaf(self.parameters, place))
        if isinstance(given, Mapping):
            parts = {key: self.read(value, _below(place, key), when) for key, value in given.items()}
            return _Table(place, parts, self.by_name)
        if type(given) in (list, tuple):
            items = [self.read(value, _below(place, i), when) for i, value in enumerate(given)]
            return _List(place, type(given), items)
        return Pattern(given, place)

    def _domain(self, domain: Any, name: str, when: Any) -> Pattern:
        options = getattr(domain, "categories", ())
        if not any(map(_varies, options)):
            parameter = parameter_of(name, domain, when)
            if isinstance(parameter, Float | Normal) and parameter.step is not None:
                return self._named(name, parameter, _Multiple(self.parameters, name, parameter.step))
            return self._named(name, parameter, _Leaf(self.parameters, name))
        branches: list[Pattern] = []
        made = self._named(name, Categorical(range(len(options)), when=when), _Options(name, branches))
        branches += [self.read(option, _below(name, i), {name: i}) for i, option in enumerate(options)]
        return made

    def _named(self, name: str, parameter: Parameter, pattern: Pattern) -> Pattern:
        if name in self.parameters:
            raise InvalidSpace(f"two places of the config have the name {name!r}: use keys without '/'")
        self.parameters[name], self.by_name[name] = parameter, pattern
        return pattern


def _varies(value: Any) -> bool:
    """True if a value holds a domain, or what cannot be searched."""
    if is_domain(value) or isinstance(value, Parameter) or refused(value) is not None:
        return True
    inside = value.values() if isinstance(value, Mapping) else value if type(value) in (list, tuple) else ()
    return any(map(_varies, inside))


def _below(place: str, key: Any) -> str:
    return f"{place}/{key}" if place else str(key)


def _equal(made: Any, given: Any) -> bool:
    if isinstance(made, Mapping):
        same = isinstance(given, Mapping) and made.keys() == given.keys()
        return same and all(_equal(made[key], given[key]) for key in made)
    if isinstance(made, list | tuple):
        same = isinstance(given, list | tuple) and len(made) == len(given)
        return same and all(map(_equal, made, given))
    if made is given:
        return True
    try:
        return bool(made == given)
    except (TypeError, ValueError, RuntimeError):  # arrays and tensors have no single answer
        return bool(np.array_equal(made, given))
