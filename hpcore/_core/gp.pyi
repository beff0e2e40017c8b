from collections.abc import Sequence
from typing import ClassVar, type_check_only

import numpy as np
from numpy.typing import NDArray

@type_check_only
class _Native(type): ...  # pybind11's metaclass

class LogNormal(metaclass=_Native):
    mean: float
    std: float
    low: float
    high: float
    def __init__(self, mean: float, std: float, low: float, high: float) -> None: ...

class Prior(metaclass=_Native):
    length_scale: LogNormal
    signal: LogNormal
    noise: LogNormal
    inactive: LogNormal
    user: list[LogNormal]
    def __init__(self) -> None: ...
    @staticmethod
    def standard(d: int) -> Prior: ...

class UserCovariance(metaclass=_Native):
    def __init__(self, address: int, name: str, n_hyperparameters: int, logarithmic: bool) -> None: ...

class TransformKind(metaclass=_Native):
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
    prior: Prior
    n_starts: int
    n_probes: int
    several_starts_until: int
    max_iterations: int
    def __init__(self) -> None: ...

def fit_map(
    X: NDArray[np.float64],
    y: NDArray[np.float64],
    known_noise: NDArray[np.float64] | None,
    categorical: Sequence[bool],
    conditional: Sequence[bool],
    options: FitOptions,
    covariance: UserCovariance | None = ...,
) -> NDArray[np.float64]: ...
def fit_warp(
    X: NDArray[np.float64],
    y: NDArray[np.float64],
    known_noise: NDArray[np.float64] | None,
    categorical: Sequence[bool],
    conditional: Sequence[bool],
    options: FitOptions,
    theta: Sequence[float],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]: ...
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
) -> NDArray[np.float64]: ...
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
) -> tuple[float, NDArray[np.float64]]: ...

class TargetTransform(metaclass=_Native):
    def __init__(self) -> None: ...
    @property
    def y(self) -> NDArray[np.float64]: ...
    @property
    def offset(self) -> float: ...
    @property
    def scale(self) -> float: ...
    @property
    def affine(self) -> bool: ...
    def apply(self, values: NDArray[np.float64]) -> NDArray[np.float64]: ...
    def restore(self, y: NDArray[np.float64]) -> NDArray[np.float64]: ...
    def log_slope(self, y: NDArray[np.float64]) -> NDArray[np.float64]: ...

def standardise(values: NDArray[np.float64], transform: TransformKind) -> TargetTransform: ...

class Regressor(metaclass=_Native):
    def __init__(
        self,
        categorical: Sequence[bool],
        conditional: Sequence[bool],
        theta: Sequence[float],
        covariance: UserCovariance | None = ...,
    ) -> None: ...
    def __len__(self) -> int: ...
    def set_warp(self, parameters: Sequence[float]) -> None: ...
    def warped(self, X: NDArray[np.float64]) -> NDArray[np.float64]: ...
    def assign(
        self, X: NDArray[np.float64], y: NDArray[np.float64], known_noise: NDArray[np.float64] | None
    ) -> None: ...
    def append(self, x: NDArray[np.float64], known_noise: float) -> None: ...
    def set_targets(self, y: NDArray[np.float64]) -> None: ...
    def predict(self, X: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]: ...
    def predict_with_gradients(
        self, X: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]: ...
    def covariance(self, X: NDArray[np.float64]) -> NDArray[np.float64]: ...
    @property
    def theta(self) -> NDArray[np.float64]: ...
