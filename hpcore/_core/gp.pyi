from collections.abc import Sequence
from typing import ClassVar, type_check_only

import numpy as np
from numpy.typing import NDArray

@type_check_only
class _Native(type): ...  # pybind11's metaclass

class LogNormal(metaclass=_Native):
    """Log-normal prior density of a hyperparameter: mean, std and bounds low, high of its logarithm."""

    mean: float
    """Mean of the logarithm."""
    std: float
    """Standard deviation of the logarithm; greater than 0."""
    low: float
    """Lower bound of the logarithm."""
    high: float
    """Upper bound of the logarithm."""
    def __init__(self, mean: float, std: float, low: float, high: float) -> None: ...

SHARED_SCALE: float

class Prior(metaclass=_Native):
    """Prior densities of the hyperparameters."""

    length_scale: LogNormal
    """Prior of each length scale."""
    shared: float
    """Correlation of the logarithms of the numbers' length scales, at least 0 and below 1."""
    signal: LogNormal
    """Prior of the signal variance."""
    noise: LogNormal
    """Prior of the noise variance."""
    inactive: LogNormal
    """Prior of the squared distance of an inactive column from the active ones."""
    slope_noise: LogNormal
    """Prior of the relative noise variance of derivatives."""
    user: list[LogNormal]
    """Priors of the hyperparameters of a user's covariance."""
    def __init__(self) -> None: ...
    @staticmethod
    def standard(d: int) -> Prior:
        """Default priors for d columns."""

class UserCovariance(metaclass=_Native):
    """User's covariance of the numeric columns, by the address of its compiled code; the caller keeps it alive."""

    def __init__(self, address: int, name: str, n_hyperparameters: int, logarithmic: bool) -> None: ...

class TransformKind(metaclass=_Native):
    """Transform of the targets: only standardised, clipped above, logarithmic above the median, or logarithmic."""

    standard: ClassVar[TransformKind]
    clip: ClassVar[TransformKind]
    half_log: ClassVar[TransformKind]
    log: ClassVar[TransformKind]
    __members__: ClassVar[dict[str, TransformKind]]
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

class FitOptions(metaclass=_Native):
    """Options of a fit of hyperparameters."""

    prior: Prior
    """Prior densities."""
    n_starts: int
    """Number of L-BFGS runs."""
    n_probes: int
    """Number of draws from the prior, the best of which starts a run."""
    several_starts_until: int
    """Number of rows up to which there is more than one run."""
    max_iterations: int
    """Greatest number of L-BFGS iterations of a run."""
    def __init__(self) -> None: ...

def fit_map(
    X: NDArray[np.float64],
    y: NDArray[np.float64],
    known_noise: NDArray[np.float64] | None,
    categorical: Sequence[bool],
    conditional: Sequence[bool],
    options: FitOptions,
    covariance: UserCovariance | None = ...,
    gradients: NDArray[np.float64] | None = None,
) -> NDArray[np.float64]:
    """Logarithms of the hyperparameters that maximise the posterior density, of shape (p,).

    X (n, d) are canonical rows, y (n,) standardised targets, known_noise (n,) variances or None; categorical (d,)
    and conditional (d,) describe the columns; gradients (n, d) are derivatives of y, NaN where not known. theta is d
    length scales, signal and noise variance, the squared height of inactive if a column is conditional, then the
    user's; with gradients, last their relative noise. Raises ValueError for a wrong shape, KernelError.
    """

def fit_warp(
    X: NDArray[np.float64],
    y: NDArray[np.float64],
    known_noise: NDArray[np.float64] | None,
    categorical: Sequence[bool],
    conditional: Sequence[bool],
    options: FitOptions,
    theta: Sequence[float],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Hyperparameters (p,) and warp parameters (two a numeric column) that are likelier than theta without a warp.

    Arguments as for `fit_map`.
    """

def sample_posterior(
    X: NDArray[np.float64],
    y: NDArray[np.float64],
    known_noise: NDArray[np.float64] | None,
    categorical: Sequence[bool],
    conditional: Sequence[bool],
    prior: Prior,
    start: Sequence[float],
    n_draws: int,
    seed_low: int,
    seed_high: int,
    covariance: UserCovariance | None = ...,
) -> NDArray[np.float64]:
    """Draws of theta from its posterior by slice sampling from `start`, of shape (n_draws, p); see `fit_map`."""

def log_posterior(
    X: NDArray[np.float64],
    y: NDArray[np.float64],
    known_noise: NDArray[np.float64] | None,
    theta: NDArray[np.float64],
    categorical: Sequence[bool],
    conditional: Sequence[bool],
    prior: Prior,
    with_prior: bool,
    covariance: UserCovariance | None = ...,
    gradients: NDArray[np.float64] | None = None,
) -> tuple[float, NDArray[np.float64]]:
    """Log density of theta (p,) and its gradient (p,), with the prior or of the likelihood alone; see `fit_map`."""

class TargetTransform(metaclass=_Native):
    """Monotone map from an objective's values to standardised targets."""

    def __init__(self) -> None: ...
    @property
    def y(self) -> NDArray[np.float64]:
        """Targets (n,) of the values that the map was made from; lower is better."""
    @property
    def offset(self) -> float:
        """Value that the map takes to 0."""
    @property
    def scale(self) -> float:
        """One standard deviation of the targets in the objective's units; 0 if it cannot be represented."""
    @property
    def affine(self) -> bool:
        """True if offset + scale y gives the values back."""
    def apply(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Targets of finite values of any shape, in that shape; finite."""
    def restore(self, y: NDArray[np.float64]) -> NDArray[np.float64]:
        """Values of targets y of any shape, in that shape; finite. What a clip cut off is not restored."""
    def turn_derivatives(self, values: NDArray[np.float64], derivatives: NDArray[np.float64]) -> NDArray[np.float64]:
        """Derivatives (n,) of the targets from those of the objective (n,) at points with values (n,); NaN where
        clipped."""
    def log_slope(self, y: NDArray[np.float64]) -> NDArray[np.float64]:
        """Logarithm of the map's slope at targets y, up to a constant shared by all transforms; -inf where clipped."""

def standardise(values: NDArray[np.float64], transform: TransformKind) -> TargetTransform:
    """Map of finite values (n,) to targets of mean 0 and variance 1, after a transform."""

class Regressor(metaclass=_Native):
    """Gaussian-process regression with given hyperparameters; readers share it, a change waits for them.

    theta is as from `fit_map`. Raises ValueError if its length is wrong.
    """

    def __init__(
        self,
        categorical: Sequence[bool],
        conditional: Sequence[bool],
        theta: Sequence[float],
        covariance: UserCovariance | None = ...,
    ) -> None: ...
    def __len__(self) -> int:
        """Number of rows that the model holds."""
    def set_warp(self, parameters: Sequence[float]) -> None:
        """Warp numeric columns by parameters from `fit_warp`, before there are rows."""
    def warped(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        """Rows X (n, d) as the covariance sees them."""
    def assign(
        self,
        X: NDArray[np.float64],
        y: NDArray[np.float64],
        known_noise: NDArray[np.float64] | None,
        gradients: NDArray[np.float64] | None = None,
    ) -> None:
        """Replace all rows by X (n, d) with targets y (n,) and known noise variances (n,) or None. O(n^3).

        gradients (n, d) are derivatives of y, NaN where not known: theta has their noise then. Raises
        numpy.linalg.LinAlgError if the covariance is not positive definite.
        """
    def append(self, x: NDArray[np.float64], known_noise: float) -> None:
        """Append a row x (d,) with a known noise variance. O(n^2); targets must be set next.

        Raises numpy.linalg.LinAlgError if the covariance is not positive definite; the rows before are unchanged.
        """
    def set_targets(self, y: NDArray[np.float64]) -> None:
        """Replace the targets of all rows by y (n,)."""
    def predict(self, X: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Posterior mean and variance at rows X (m, d), each of shape (m,)."""
    def predict_with_gradients(
        self, X: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Posterior mean (m,), variance (m,) and their derivatives (m, d), 0 in categorical and inactive columns."""
    def covariance(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        """Posterior covariance of rows X (m, d), of shape (m, m)."""
    @property
    def theta(self) -> NDArray[np.float64]:
        """Logarithms of the hyperparameters, of shape (p,)."""
