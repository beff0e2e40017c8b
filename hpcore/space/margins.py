"""Distance of parameters from being allowed: constraints called with numbers that know their slopes.

A constraint is a function that answers True or False, and says nothing of how it came to that. Called with numbers that
carry their derivatives (forward-mode differentiation), it shows which comparison turned it down, by how much, and
which way the parameters must go. `sum`, comparisons, `all`, `and`, `or`, `abs` and arithmetic keep the derivatives;
what turns the numbers into plain ones (NumPy, `math`) loses them, and then nothing is known.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from hpcore.space.constraints import Constraint

__all__ = ["Margin", "margin"]

Slopes = dict[str, float]
# Left side minus right side of a comparison, and its derivatives by the parameters' names.
Margin = tuple[float, Slopes]


def margin(constraints: Sequence[Constraint], params: dict[str, Any]) -> Margin | None:
    """The comparison that made the first refusing constraint refuse.

    Parameters
    ----------
    constraints : sequence of callable
        Constraints of a space.
    params : dict
        Active parameters, of which numbers are followed.

    Returns
    -------
    tuple of (float, dict of str to float), or None
        The margin is to change its sign. None if all allow, if the last comparison of the one that refuses does not
        depend on the parameters, or if it cannot be called with such numbers.

    Notes
    -----
    The last comparison decides: logic that stops early (`and`, `or`, `all`, `any`, chains) ends with it.
    """
    tape: list[Margin] = []
    followed = {name: _follow(value, {name: 1.0}, tape) for name, value in params.items()}
    for constraint in constraints:
        tape.clear()
        try:
            allowed = bool(constraint(followed))
        except Exception:  # whatever a function does that expects plain numbers: nothing is known then
            return None
        if not allowed:
            return tape[-1] if tape and any(tape[-1][1].values()) else None
    return None


def _follow(value: Any, slopes: Slopes, tape: list[Margin]) -> Any:
    """A number that knows its slopes; anything else as it is."""
    if type(value) is float:
        return _Real(value)._with(slopes, tape)
    if type(value) is int:
        return _Whole(value)._with(slopes, tape)
    return value


def _plain(value: Any) -> Any:
    """The number without its slopes."""
    return float(value) if isinstance(value, _Real) else int(value) if isinstance(value, _Whole) else value


class _Number:
    """Base of real and whole numbers: arithmetic by the rules of differentiation, comparisons that are noted."""

    _slopes: Slopes
    _tape: list[Margin]

    def _with(self, slopes: Slopes, tape: list[Margin]) -> Any:
        self._slopes, self._tape = slopes, tape
        return self

    def _result(self, value: Any, mine: float, other: Any = None, theirs: float = 0.0) -> Any:
        """A number of this value, with ``mine`` times these slopes and ``theirs`` times the other's."""
        if value is NotImplemented:
            return value
        slopes = {name: mine * slope for name, slope in self._slopes.items()}
        if isinstance(other, _Number):
            for name, slope in other._slopes.items():
                slopes[name] = slopes.get(name, 0.0) + theirs * slope
        return _follow(value, slopes, self._tape)

    def _note(self, other: Any) -> None:
        if isinstance(other, int | float):
            difference = self._result(float(_plain(self)) - float(_plain(other)), 1.0, other, -1.0)
            self._tape.append((float(difference), difference._slopes))

    def __add__(self, other: Any) -> Any:
        return self._result(_call("__add__", self, other), 1.0, other, 1.0)

    def __radd__(self, other: Any) -> Any:
        return self._result(_call("__radd__", self, other), 1.0, other, 1.0)

    def __sub__(self, other: Any) -> Any:
        return self._result(_call("__sub__", self, other), 1.0, other, -1.0)

    def __rsub__(self, other: Any) -> Any:
        return self._result(_call("__rsub__", self, other), -1.0, other, 1.0)

    def __mul__(self, other: Any) -> Any:
        value = _call("__mul__", self, other)
        return value if value is NotImplemented else self._result(value, float(other), other, float(_plain(self)))

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Any:
        value = _call("__truediv__", self, other)
        if value is NotImplemented:
            return value
        return self._result(value, 1.0 / float(other), other, -float(value) / float(other))

    def __rtruediv__(self, other: Any) -> Any:
        value = _call("__rtruediv__", self, other)
        return value if value is NotImplemented else self._result(value, -float(value) / float(_plain(self)))

    def __pow__(self, other: Any) -> Any:
        value = _call("__pow__", self, _plain(other))
        if not isinstance(value, float | int):
            return value
        # The exponent's slope is left out: nearly always it is a constant.
        base = float(_plain(self))
        return self._result(value, float(other) * float(value) / base if base else float(other == 1))

    def __neg__(self) -> Any:
        return self._result(-_plain(self), -1.0)

    def __pos__(self) -> Any:
        return self

    def __abs__(self) -> Any:
        return self._result(abs(_plain(self)), -1.0 if _plain(self) < 0 else 1.0)

    def __lt__(self, other: Any) -> Any:
        self._note(other)
        return _call("__lt__", self, other)

    def __le__(self, other: Any) -> Any:
        self._note(other)
        return _call("__le__", self, other)

    def __gt__(self, other: Any) -> Any:
        self._note(other)
        return _call("__gt__", self, other)

    def __ge__(self, other: Any) -> Any:
        self._note(other)
        return _call("__ge__", self, other)


def _call(name: str, number: _Number, other: Any) -> Any:
    """Plain arithmetic; reals take over where a whole number meets one."""
    mine, theirs = _plain(number), _plain(other)
    if isinstance(mine, int) and isinstance(theirs, float):
        mine = float(mine)
    method: Callable[[Any], Any] = getattr(mine, name)
    return method(theirs)


class _Real(_Number, float):  # type: ignore[misc]
    pass


class _Whole(_Number, int):  # type: ignore[misc]
    pass
