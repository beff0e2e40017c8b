"""The rows of a grid over a space."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from hpcore._core import space as native
from hpcore.arguments import check_integer
from hpcore.errors import InvalidArgument, InvalidType
from hpcore.space.coder import Coder
from hpcore.space.counting import evenly, walk
from hpcore.space.parameter import Parameter

__all__ = ["Visits", "grid_rows", "visits"]

FloatArray = npt.NDArray[np.float64]
# By column: the levels to visit, and the coordinates of them where they are not the parameter's own.
Visits = tuple[list["range | list[int]"], list[list[float]]]

# Levels of a column whose coordinates are computed once.
REMEMBERED = 10_000


def visits(parameters: Mapping[str, Parameter], levels: int | Mapping[str, int] | None) -> Visits:
    """Values of each parameter to visit; `levels` as for `Space.grid`.

    Raises
    ------
    InvalidArgument, InvalidType
        A continuous parameter without a number of levels, an unknown name, a number below 1.
    """
    if levels is not None and (isinstance(levels, bool) or not isinstance(levels, int | np.integer | Mapping)):
        raise InvalidType(f"levels must be an integer or a mapping of names to integers, got {levels!r}")
    by_name = dict(levels) if isinstance(levels, Mapping) else {}
    everywhere = None if isinstance(levels, Mapping) else levels
    for name in by_name:
        if name not in parameters:
            raise InvalidArgument(f"levels must name parameters of the space, got {name!r}")
    visited: list[range | list[int]] = []
    places: list[list[float]] = []
    for name, parameter in parameters.items():
        n = by_name.get(name, everywhere)
        if n is not None:
            n = check_integer(f"levels of {name!r}", n, 1)
        if parameter.levels is None:
            if n is None:
                raise InvalidArgument(f"levels must say how many values of the continuous {name!r} to visit")
            visited.append(range(n))
            # A side without a bound has its outermost value in the middle of its share, not eight std away.
            low_open, high_open = parameter.open_ends
            first, last = 0.5 / n if low_open else 0.0, 1 - 0.5 / n if high_open else 1.0
            places.append([0.5] if n == 1 else [first + (last - first) * i / (n - 1) for i in range(n)])
            continue
        places.append([])
        visited.append(evenly(parameter.levels, by_name[name]) if name in by_name else range(parameter.levels))
    return visited, places


def grid_rows(
    coder: Coder, layout: Sequence[native.Column], order: Sequence[int], chosen: Visits
) -> Iterator[FloatArray]:
    """The rows (d,) one after the other, the last column fastest; NaN where inactive."""
    visited, places = chosen

    def real_of(j: int, level: int) -> float:
        return coder.real(j, places[j][level])

    # Each level is met in many rows; those of a long column in few.
    known: list[dict[int, float]] = [dict(enumerate(place)) for place in places]
    for levels in walk(layout, order, visited, real_of):
        u = np.full(len(layout), np.nan)
        for j, level in levels.items():
            at = known[j].get(level)
            if at is None:
                at = coder.encode_level(j, level)
                if len(known[j]) < REMEMBERED:
                    known[j][level] = at
            u[j] = at
        yield u
