from collections.abc import Sequence
from typing import ClassVar, type_check_only

import numpy as np
from numpy.typing import NDArray

@type_check_only
class _Native(type): ...  # pybind11's metaclass

class Kind(metaclass=_Native):
    """Type of a parameter's values: floating-point, integer, or one of several choices."""

    real: ClassVar[Kind]
    integer: ClassVar[Kind]
    choice: ClassVar[Kind]
    __members__: ClassVar[dict[str, Kind]]
    def __init__(self, value: int) -> None: ...
    @property
    def name(self) -> str: ...
    @property
    def value(self) -> int: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __index__(self) -> int: ...
    def __int__(self) -> int: ...
    def __getstate__(self) -> int: ...
    def __setstate__(self, state: int) -> None: ...

class Scale(metaclass=_Native):
    """Distribution of a real column: uniform, log-uniform, normal or log-normal."""

    linear: ClassVar[Scale]
    log: ClassVar[Scale]
    normal: ClassVar[Scale]
    log_normal: ClassVar[Scale]
    __members__: ClassVar[dict[str, Scale]]
    def __init__(self, value: int) -> None: ...
    @property
    def name(self) -> str: ...
    @property
    def value(self) -> int: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __index__(self) -> int: ...
    def __int__(self) -> int: ...
    def __getstate__(self) -> int: ...
    def __setstate__(self, state: int) -> None: ...

class Condition(metaclass=_Native):
    """Requirement on an earlier column under which a column is active."""

    def __init__(self, *args: object, **kwargs: object) -> None: ...  # raises: others make it
    @property
    def parent(self) -> int:
        """Index of the column that is required to have a value."""
    @property
    def alternative(self) -> bool:
        """True if it begins another alternative."""
    @property
    def by_level(self) -> bool:
        """True if levels are compared, false if values of a continuous parent."""
    @property
    def levels(self) -> list[int]:
        """Allowed levels of the parent; if empty, the range level_low .. level_high."""
    @property
    def level_low(self) -> int:
        """Lowest allowed level."""
    @property
    def level_high(self) -> int:
        """Highest allowed level."""
    @property
    def real_low(self) -> float:
        """Lowest allowed value of a continuous parent."""
    @property
    def real_high(self) -> float:
        """Highest allowed value of a continuous parent."""

class Column(metaclass=_Native):
    """One parameter as a column of the unit cube: its range, distribution, grid and conditions."""

    def __init__(self, *args: object, **kwargs: object) -> None: ...  # raises: others make it
    @property
    def kind(self) -> Kind:
        """Type of the values."""
    @property
    def scale(self) -> Scale:
        """Distribution of a real column."""
    @property
    def low(self) -> float:
        """Lower bound of a real column; -inf, or 0 on a log scale, if open."""
    @property
    def high(self) -> float:
        """Upper bound of a real column; inf if open."""
    @property
    def mean(self) -> float:
        """Mean of a normal column, in units of the value or of its logarithm."""
    @property
    def std(self) -> float:
        """Standard deviation of a normal column, likewise; greater than 0."""
    @property
    def gridded(self) -> bool:
        """True for a grid of last + 1 levels, false for a continuous column."""
    @property
    def last(self) -> int:
        """Highest level of a grid or of a choice."""
    @property
    def whole_low(self) -> int:
        """Lowest value of an integer column."""
    @property
    def whole_step(self) -> int:
        """Distance of two values of an integer column."""
    @property
    def step(self) -> float:
        """Distance of two values of a real grid."""
    @property
    def tick_low(self) -> int:
        """Numerator of the lowest value of a real grid whose values are exact fractions."""
    @property
    def tick_step(self) -> int:
        """Difference of two such numerators."""
    @property
    def ticks(self) -> float:
        """Denominator of such values; 0 where they are no exact fractions."""
    @property
    def cumulative(self) -> list[float]:
        """Upper edge of each level's share of [0, 1], ascending; empty for shares by the scale."""
    @property
    def conditions(self) -> list[Condition]:
        """Conditions that must all hold for the column to be active, up to one that begins an alternative;
        or all from there on.
        """
    def real_at(self, level: int) -> float:
        """Value at a level of a real grid."""
    def level_of_real(self, x: float) -> int:
        """Level of a grid of numbers nearest to x, clamped to the grid."""

class Codec(metaclass=_Native):
    """Map between rows of the unit cube and parameter values, of a `Space`; immutable."""

    def __init__(self, *args: object, **kwargs: object) -> None: ...  # raises: others make it
    @property
    def order(self) -> list[int]:
        """Columns with every parent before its children."""
    def __len__(self) -> int:
        """Number of columns, d."""
    def decode(self, u: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.bool_]]:
        """Values of rows u (n, d): real (float columns), whole (others) and active, each (n, d).

        Inactive entries of u are not read, active ones are clamped to [0, 1]. Raises ValueError for an active NaN.
        """
    def slopes(self, u: NDArray[np.float64]) -> NDArray[np.float64]:
        """Derivatives (n, d) of the values of continuous columns by their coordinates, at rows u (n, d).

        NaN where a column is inactive, a grid or a choice. Raises ValueError for an active NaN.
        """
    def snap(self, u: NDArray[np.float64]) -> None:
        """Replace rows u (n, d), in place, by the canonical rows of their values: NaN where inactive."""
    def settle(self, u: NDArray[np.float64]) -> list[float | int | None]:
        """Snap one row u (d,) in place; its values, None where inactive."""
    def encode(self, values: list[float | int | None]) -> tuple[NDArray[np.float64], int | None]:
        """Row u (d,) of one point's values, indices of choices; None where there is no value, where u is NaN.

        Also the first column that is active without a value, or inactive with one; None if there is none.
        Raises ValueError for an integer or an index outside of its column.
        """
    def encode_real(self, column: int, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Coordinates (n,) of values x (n,) of a real column. Raises ValueError for another column."""
    def encode_whole(self, column: int, w: NDArray[np.int64]) -> NDArray[np.float64]:
        """Coordinates (n,) of values w (n,) of an integer column, or indices of a choice.

        Raises ValueError for another column, or a value outside of it.
        """

class Parameter(metaclass=_Native):
    """One dimension of a space, made by `real`, `integer`, `choice` or `normal`."""

    def __init__(self, *args: object, **kwargs: object) -> None: ...  # raises: others make it
    @property
    def column(self) -> Column:
        """Column of the parameter, without conditions."""
    def named(self, name: str) -> Parameter:
        """Copy with another name."""

def real(name: str, low: float, high: float, *, log: bool, step: float | None) -> Parameter:
    """Floating-point parameter between two bounds, perhaps on a grid of decimals.

    Raises ValueError for arguments that have no meaning.
    """

def integer(name: str, low: int, high: int, *, log: bool, step: int) -> Parameter:
    """Integer parameter between two bounds. Raises ValueError for arguments that have no meaning."""

def choice(name: str, n_choices: int, *, ordered: bool, weights: Sequence[float]) -> Parameter:
    """One of several choices, by index, with relative probabilities `weights`, equal ones if empty.

    Raises ValueError for arguments that have no meaning.
    """

def normal(
    name: str, mean: float, std: float, *, low: float | None, high: float | None, log: bool, step: float | None
) -> Parameter:
    """Floating-point parameter with a normal or log-normal prior, perhaps cut to bounds or on a grid.

    Raises ValueError for arguments that have no meaning, and for bounds that leave no probability.
    """

def when(
    parameter: Parameter,
    parent: str,
    *,
    values: Sequence[float] = ...,
    at_least: float | None = None,
    at_most: float | None = None,
) -> Parameter:
    """Copy that is active only where the parent has one of the values or lies within the bounds.

    Values of a choice are indices. Raises ValueError unless there are either values or bounds.
    """

def or_when(parameter: Parameter) -> Parameter:
    """Copy that is active also where the conditions hold that are added next.

    Raises ValueError if there are no conditions yet, or none since the last call.
    """

class Space(metaclass=_Native):
    """Search space of named parameters; immutable.

    Raises ValueError for a name given twice, an unknown parent, a cycle of parents, or a condition that cannot hold.
    """

    def __init__(self, parameters: Sequence[Parameter]) -> None: ...
    def __len__(self) -> int:
        """Number of parameters, d."""
    @property
    def codec(self) -> Codec:
        """Map between rows of the unit cube and values."""
    @property
    def columns(self) -> list[Column]:
        """Columns with their conditions, in the order of the parameters."""
    def points(self) -> int | None:
        """Number of distinct points; None if it is infinite or has too many branches to count."""

class RowSet(metaclass=_Native):
    """Set of canonical rows of the cube, by 64-bit hashes of their bits; it can be pickled."""

    def __init__(self) -> None: ...
    def insert(self, u: NDArray[np.float64]) -> bool:
        """Insert a row u (d,); False if it was there."""
    def update(self, X: NDArray[np.float64]) -> None:
        """Insert rows X (n, d)."""
    def __contains__(self, u: NDArray[np.float64]) -> bool:
        """True if the row u (d,) is in the set."""
    def __len__(self) -> int:
        """Number of rows."""
    def __getstate__(self) -> NDArray[np.uint64]: ...
    def __setstate__(self, state: NDArray[np.uint64]) -> None: ...
