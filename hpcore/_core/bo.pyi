from collections.abc import Callable, Sequence
from typing import ClassVar, type_check_only

import numpy as np
from numpy.typing import NDArray

from .acquisition import Kind, SearchOptions
from .gp import FitOptions, TransformKind, UserCovariance
from .space import Codec

@type_check_only
class _Native(type): ...  # pybind11's metaclass

class Step(metaclass=_Native):
    full: ClassVar[Step]
    none: ClassVar[Step]
    reuse: ClassVar[Step]
    search: ClassVar[Step]
    __members__: ClassVar[dict[str, Step]]
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

class Schedule(metaclass=_Native):
    every_until: int
    growth: float
    longest: int
    def __init__(self) -> None: ...
    def at(self, n: int) -> int: ...

class TrustRegion(metaclass=_Native):
    on: bool
    after: int
    def __init__(self) -> None: ...
    def side(self, values: NDArray[np.float64], d: int) -> float: ...

class View(metaclass=_Native):
    transforms: list[TransformKind]
    warp: bool
    length_scale_factor: float
    kind: Kind
    thompson: bool
    noisy: bool
    kappa: float
    xi: float
    posterior_best: bool
    def __init__(self) -> None: ...

class SuggestOptions(metaclass=_Native):
    views: list[View]
    n_draws: int
    fit: FitOptions
    search: SearchOptions
    schedule: Schedule
    trust_region: TrustRegion
    smooth_levels: int
    n_incumbents: int
    n_noisy_draws: int
    fit_rows: int
    model_rows: int
    def __init__(self) -> None: ...
    def set_acquisition(self, address: int, name: str, logarithmic: bool) -> None: ...
    def set_covariance(self, covariance: UserCovariance | None) -> None: ...
    def set_prior(self, address: int, name: str, beta: float) -> None: ...

class Suggester(metaclass=_Native):
    def __init__(self, codec: Codec, categorical: Sequence[bool], options: SuggestOptions) -> None: ...
    def suggest(
        self,
        X: NDArray[np.float64],
        values: NDArray[np.float64],
        std_errors: NDArray[np.float64] | None,
        pending: NDArray[np.float64],
        n: int,
        seed_low: int,
        seed_high: int,
        number: int,
        attempt: int,
        feasible: Callable[[NDArray[np.float64]], NDArray[np.bool_]] | None,
        seconds: float,
        repeats: int = 1,
        extra: NDArray[np.float64] | None = None,
    ) -> tuple[NDArray[np.float64], Step]: ...
