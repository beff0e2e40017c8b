from typing import type_check_only

import numpy as np
from numpy.typing import NDArray

@type_check_only
class _Native(type): ...  # pybind11's metaclass

class Trials(metaclass=_Native):
    """Trials of one search, as every sampler reads them: a view of arrays, row i being trial number i.

    X (n, d) are canonical rows of the cube, NaN where inactive; values (n, m), lower is better, NaN without a value;
    state (n,) as in `hpcore.records.history`. Columns that no trial has anything in are None: std_errors (n, m) of the
    values; cost (n,); violations (n, k), how far each limit is exceeded, at most 0 keeps it; gradients (n, d) of the
    first value by coordinate; NaN where not known. n_given counts the trials whose parameters a user gave. Raises
    ValueError for a wrong shape.
    """

    def __init__(
        self,
        X: NDArray[np.float64],
        values: NDArray[np.float64],
        state: NDArray[np.uint8],
        std_errors: NDArray[np.float64] | None = None,
        cost: NDArray[np.float64] | None = None,
        violations: NDArray[np.float64] | None = None,
        gradients: NDArray[np.float64] | None = None,
        n_given: int = 0,
    ) -> None: ...
    def first(self, n: int, n_given: int) -> Trials:
        """The first n of them, a view too, of which a user gave n_given."""

    def __len__(self) -> int:
        """Number of trials."""

def order_by_front(
    values: NDArray[np.float64], first: int | None = None, crowding: bool = False
) -> NDArray[np.float64]:
    """Place (n,) of each row of finite values (n, m), as floats; `hpcore.records.tradeoff` explains it.

    first is the number of places that matter; crowding orders a front by crowding distance, not by hypervolume.
    """

def order_by_limits(
    values: NDArray[np.float64], violations: NDArray[np.float64], first: int | None = None, crowding: bool = False
) -> NDArray[np.float64]:
    """Place (n,) of each row, those that keep all limits first: violations (n, k) are at most 0 there."""

def half_range(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Half the range (m,) of each column of values (n, m), finite for all finite ones; 1 for a constant column."""

def typical_size(violations: NDArray[np.float64]) -> float:
    """Median size of the known distances (n,) of one bound; `hpcore.records.limits` explains it."""

def total_violation(violations: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sum (n,) of the distances (n, k) beyond all bounds, each in units of its median size."""

def non_dominated_rank(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Front (n,) of each row of finite values (n, m); 0 if nothing dominates it."""

def hypervolume(values: NDArray[np.float64], reference: NDArray[np.float64]) -> float:
    """Volume that finite values (n, m) dominate up to a reference (m,)."""

def hypervolume_contributions(values: NDArray[np.float64], reference: NDArray[np.float64]) -> NDArray[np.float64]:
    """Volume (n,) that would be lost without each of finite values (n, m), up to a reference (m,)."""
