from typing import ClassVar, type_check_only

import numpy as np
from numpy.typing import NDArray

@type_check_only
class _Native(type): ...  # pybind11's metaclass

def log_expected_improvement(
    mean: NDArray[np.float64], std: NDArray[np.float64], best: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Logarithm of E[max(best - f, 0)] for f normal, and its derivatives by mean and by std.

    mean (n,), std (n,) greater than 0; three arrays of shape (n,).
    """

def log_probability_of_improvement(
    mean: NDArray[np.float64], std: NDArray[np.float64], best: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Logarithm of P(f < best) for f normal, and its derivatives by mean and by std.

    mean (n,), std (n,) greater than 0; three arrays of shape (n,).
    """

def lower_confidence_bound(
    mean: NDArray[np.float64], std: NDArray[np.float64], kappa: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Negative lower confidence bound, kappa std - mean, and its derivatives by mean and by std.

    mean (n,), std (n,); three arrays of shape (n,).
    """

class Kind(metaclass=_Native):
    """Acquisition function: log expected improvement, log probability of improvement, confidence bound, or a user's."""

    log_ei: ClassVar[Kind]
    pi: ClassVar[Kind]
    ucb: ClassVar[Kind]
    user: ClassVar[Kind]
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

class SearchOptions(metaclass=_Native):
    """Options of the maximiser of an acquisition function."""

    n_global: int
    """Number of candidates stratified over the whole box."""
    n_local: int
    """Number of perturbations of each incumbent."""
    n_starts: int
    """Number of candidates that are refined."""
    rounds: int
    """Number of rounds of gradient steps and discrete moves in turn."""
    iterations: int
    """Greatest number of L-BFGS iterations in a round."""
    min_start_distance: float
    """Least distance of two refined candidates."""
    full_sweep: int
    """Greatest number of levels of a column that is searched exhaustively."""
    def __init__(self) -> None: ...
