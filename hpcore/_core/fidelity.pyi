from collections.abc import Callable, Sequence
from typing import type_check_only

import numpy as np
from numpy.typing import NDArray

from .acquisition import Kind, SearchOptions
from .gp import LogNormal
from .gp import Prior as _BasePrior
from .space import Codec

@type_check_only
class _Native(type): ...  # pybind11's metaclass

class Prior(metaclass=_Native):
    """Prior densities of the hyperparameters; a standard deviation of 0 fixes one."""

    base: _BasePrior
    """Priors of length scales, of the variance at full fidelity (signal), and of the noise."""
    drift: LogNormal
    """Prior of the variance of the drift that depends on the point."""
    stretch: LogNormal
    """Prior of the drift's length scales over those at full fidelity."""
    common: LogNormal
    """Prior of the variance of the drift of all configurations."""
    memory: LogNormal
    """Prior of the drift's length scale along the fidelity."""
    offset: LogNormal
    """Prior of the variance of a configuration's own offset."""
    own: LogNormal
    """Prior of the variance of a configuration's own drift."""
    jump: LogNormal
    """Prior of the part of the drift that does not vanish towards 1."""
    def __init__(self) -> None: ...
    @staticmethod
    def standard(d: int) -> Prior:
        """Default priors for d columns."""

def fit_map(
    X: NDArray[np.float64],
    configuration: NDArray[np.int64],
    fidelity: NDArray[np.float64],
    y: NDArray[np.float64],
    categorical: Sequence[bool],
    conditional: Sequence[bool],
    prior: Prior,
    max_iterations: int,
    start: Sequence[float] = [],
) -> NDArray[np.float64]:
    """Logarithms of the hyperparameters that maximise the posterior density, of shape (p,).

    X (m, d) are canonical rows, configuration (n,) indices of them, fidelity (n,) within [0, 1], y (n,) standardised
    values. theta is that of `gp.fit_map`, then drift, stretch, common, memory, offset, own and jump, see `Prior`.
    Raises ValueError for a wrong shape.
    """

def log_posterior(
    X: NDArray[np.float64],
    configuration: NDArray[np.int64],
    fidelity: NDArray[np.float64],
    y: NDArray[np.float64],
    theta: NDArray[np.float64],
    categorical: Sequence[bool],
    conditional: Sequence[bool],
    prior: Prior,
) -> tuple[float, NDArray[np.float64]]:
    """Log posterior density of theta (p,), up to a constant, and its gradient (p,); see `fit_map`."""

class Model(metaclass=_Native):
    """Posterior of configurations at fidelities, with given hyperparameters; see `fit_map`.

    Calls from several threads wait for each other.
    """

    def __init__(self, categorical: Sequence[bool], conditional: Sequence[bool]) -> None: ...
    def assign(
        self,
        theta: Sequence[float],
        X: NDArray[np.float64],
        configuration: NDArray[np.int64],
        fidelity: NDArray[np.float64],
        y: NDArray[np.float64],
    ) -> None:
        """Condition on y (k,), the values of the first k rows; the others are jobs that run, and enter at their
        posterior mean. Raises LinAlgError if the covariance has no Cholesky factor, ValueError."""
    def predict(
        self, configuration: NDArray[np.int64], fidelity: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Mean and variance (k,) of configurations (k,) at fidelities (k,), without noise."""
    def predict_full(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Mean and variance (m,) of all configurations at full fidelity."""
    def predict_new(self, X: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Mean and variance (k,) at full fidelity of further configurations X (k, d), canonical rows."""

class Search(metaclass=_Native):
    """Search for new configurations.

    `categorical` (d,) marks columns without an order. Raises ValueError if its length is not d.
    """

    def __init__(self, codec: Codec, categorical: Sequence[bool], options: SearchOptions) -> None: ...
    def propose(
        self,
        model: Model,
        kind: Kind,
        kappa: float,
        known: NDArray[np.float64],
        seed_low: int,
        seed_high: int,
        number: int,
        attempt: int,
        feasible: Callable[[NDArray[np.float64]], NDArray[np.bool_]] | None,
        extra: NDArray[np.float64] | None = None,
    ) -> tuple[NDArray[np.float64], float, float] | None:
        """The point (d,) that maximises an acquisition function at full fidelity, and its mean and variance there;
        None if no new, allowed point was met.

        Improvements are over the lowest posterior mean of a configuration; kappa is that of a bound. known (n, d) are
        canonical rows that are not proposed. `feasible` maps rows to booleans (its exceptions are passed on); extra
        (e, d) are further candidates.
        """
