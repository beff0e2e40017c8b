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
    """Requirement on an earlier column under which a column is active; several must all hold."""

    parent: int
    """Index of the column that is required to have a value."""
    by_level: bool
    """True if levels are compared, false if values of a continuous parent."""
    levels: list[int]
    """Allowed levels of the parent; if empty, the range level_low .. level_high."""
    level_low: int
    """Lowest allowed level."""
    level_high: int
    """Highest allowed level."""
    real_low: float
    """Lowest allowed value of a continuous parent."""
    real_high: float
    """Highest allowed value of a continuous parent."""
    def __init__(self) -> None: ...

class Column(metaclass=_Native):
    """One parameter as a column of the unit cube: its range, distribution, grid and conditions."""

    kind: Kind
    """Type of the values."""
    scale: Scale
    """Distribution of a real column."""
    low: float
    """Lower bound of a real column; -inf, or 0 on a log scale, if open."""
    high: float
    """Upper bound of a real column; inf if open."""
    mean: float
    """Mean of a normal column, in units of the value or of its logarithm."""
    std: float
    """Standard deviation of a normal column, likewise; greater than 0."""
    gridded: bool
    """True for a grid of last + 1 levels, false for a continuous column."""
    last: int
    """Highest level of a grid or of a choice."""
    whole_low: int
    """Lowest value of an integer column."""
    whole_step: int
    """Distance of two values of an integer column."""
    step: float
    """Distance of two values of a real grid."""
    tick_low: int
    """Numerator of the lowest value of a real grid whose values are exact fractions."""
    tick_step: int
    """Difference of two such numerators."""
    ticks: float
    """Denominator of such values; 0 where they are no exact fractions."""
    cumulative: list[float]
    """Upper edge of each level's share of [0, 1], ascending; empty for shares by the scale."""
    conditions: list[Condition]
    """Conditions that must all hold for the column to be active."""
    def __init__(self) -> None: ...

class Codec(metaclass=_Native):
    """Map between rows of the unit cube and parameter values; immutable.

    `order` lists the columns, parents before children. Raises ValueError if it does not.
    """

    def __init__(self, columns: Sequence[Column], order: Sequence[int]) -> None: ...
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
    def encode_real(self, column: int, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Coordinates (n,) of values x (n,) of a real column. Raises ValueError for another column."""
    def encode_whole(self, column: int, w: NDArray[np.int64]) -> NDArray[np.float64]:
        """Coordinates (n,) of values w (n,) of an integer column, or indices of a choice.

        Raises ValueError for another column, or a value outside of it.
        """
    def level_of_real(self, column: int, x: float) -> int:
        """Level of a real grid nearest to x, clamped to the grid."""
    def real_at(self, column: int, level: int) -> float:
        """Value at a level of a real grid."""

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
