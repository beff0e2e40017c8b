"""A hyperparameter of Keras Tuner as a parameter of a space, and its values both ways."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from hpcore.errors import InvalidArgument, InvalidSpace, InvalidType
from hpcore.integrations.keras_tuner.needed import keras_tuner
from hpcore.space.discrete import Categorical, Int
from hpcore.space.parameter import Parameter
from hpcore.space.reals import Float

__all__ = ["Dimension", "dimension_of"]

_kinds = keras_tuner.engine.hyperparameters


class Dimension:
    """Parameter that stands for a hyperparameter, with its values both ways.

    Parameters
    ----------
    parameter : Parameter
        Parameter, without conditions.
    ends : int or float, optional
        Sum of the two bounds for ``sampling="reverse_log"``: the parameter, which is logarithmic, has the value at the
        same distance from the other bound.
    """

    def __init__(self, parameter: Parameter, ends: float | None = None) -> None:
        self.parameter, self._ends = parameter, ends
        choices = parameter.choices if isinstance(parameter, Categorical) else ()
        # Keras Tuner compares values by ==, for which True is 1.
        self._choices = {choice: choice for choice in choices}

    @property
    def is_single(self) -> bool:
        """True if there is one value only."""
        parameter = self.parameter
        return parameter.levels == 1 or (isinstance(parameter, Float) and parameter.low == parameter.high)

    @property
    def first(self) -> Any:
        """Value of Keras Tuner at the lower end of the parameter."""
        parameter = self.parameter
        return self.value_of(parameter.low if isinstance(parameter, Float) else parameter.at(0))

    def value_of(self, place: Any) -> Any:
        """Value of Keras Tuner for a value of the parameter."""
        if self._ends is None:
            return place
        low, high = self.parameter.low, self.parameter.high  # type: ignore[attr-defined]
        return min(max(self._ends - place, low), high)  # a rounding may lead out of the bounds

    def place_of(self, value: Any) -> Any:
        """Value of the parameter for a value of Keras Tuner; None if it has none, such as a default off its steps."""
        if self._choices:
            return self._choices.get(value)
        try:
            return self.parameter.check("x", self.value_of(self.parameter.check("x", value)))
        except (InvalidArgument, InvalidType):
            return None

    def places(self, values: Iterable[Any]) -> list[Any]:
        """Values of the parameter that Keras Tuner takes for one of some values."""
        found = [(self.place_of(value), value) for value in values]
        return list(dict.fromkeys(p for p, value in found if p is not None and self.value_of(p) == value))


def dimension_of(hp: Any) -> Dimension:
    """Make the dimension of a hyperparameter.

    Parameters
    ----------
    hp : keras_tuner.engine.hyperparameters.HyperParameter
        Hyperparameter; its conditions are not looked at.

    Returns
    -------
    Dimension
        Its values are uniform where those of Keras Tuner are: on the scale of `sampling`, or over the steps. With
        ``sampling="log"`` and a step, which multiplies, it is an ordered `Categorical`.

    Raises
    ------
    InvalidSpace
        No parameter stands for the hyperparameter.
    """
    for kind, make in _MAKERS.items():
        if isinstance(hp, kind):
            try:
                return make(hp)
            except (InvalidArgument, InvalidType) as error:
                raise InvalidSpace(f"hyperparameter {hp.name!r}, {hp!r:.200}, has no counterpart: {error}") from None
    known = ", ".join(kind.__name__ for kind in _MAKERS)
    raise InvalidSpace(f"hyperparameter {hp.name!r} is a {type(hp).__name__}, which has no counterpart; use {known}")


def _number(hp: Any) -> Dimension:
    is_int = isinstance(hp, _kinds.Int)
    low, high, step = hp.min_value, hp.max_value, hp.step
    if hp.sampling == "linear":
        return Dimension(Int(low, high, step=1 if step is None else step) if is_int else Float(low, high, step=step))
    if step is not None:
        values = [int(value) if is_int else value for value in hp.values]
        return Dimension(Categorical(sorted(set(values)), ordered=True))
    parameter = Int(low, high, log=True) if is_int else Float(low, high, log=True)
    return Dimension(parameter, low + high if hp.sampling == "reverse_log" else None)


def _choice(hp: Any) -> Dimension:
    choices = list(dict.fromkeys(hp.values))
    # Numbers that have an order stand by size.
    return Dimension(Categorical(sorted(choices) if hp.ordered else choices, ordered=bool(hp.ordered)))


_MAKERS: dict[Any, Callable[[Any], Dimension]] = {
    _kinds.Int: _number,
    _kinds.Float: _number,
    _kinds.Choice: _choice,
    _kinds.Boolean: lambda hp: Dimension(Categorical([False, True])),
    _kinds.Fixed: lambda hp: Dimension(Categorical([hp.value])),
}
