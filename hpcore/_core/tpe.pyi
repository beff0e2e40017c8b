from collections.abc import Sequence
from typing import ClassVar, type_check_only

import numpy as np
from numpy.typing import NDArray

from hpcore._core.space import Codec

@type_check_only
class _Native(type): ...  # pybind11's metaclass

class Mixture(metaclass=_Native):
    def __init__(self, levels: Sequence[int], unordered: Sequence[bool]) -> None: ...
    def fit(
        self,
        X: NDArray[np.float64],
        weights: NDArray[np.float64],
        prior_weight: float,
        bandwidth: NDArray[np.float64],
        q: float,
    ) -> None: ...
    def log_density(self, X: NDArray[np.float64]) -> NDArray[np.float64]: ...
    def draw(self, n: int, seed_low: int, seed_high: int, number: int, purpose: int) -> NDArray[np.float64]: ...

class Weights(metaclass=_Native):
    rank: ClassVar[Weights]
    uniform: ClassVar[Weights]
    __members__: ClassVar[dict[str, Weights]]
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

class Options(metaclass=_Native):
    joint: bool
    n_startup: int
    gamma: float
    max_good: int
    max_bad: int
    weights: Weights
    prior_weight: float
    bandwidth: float
    min_bandwidth: float
    adaptive: bool
    scale_up: float
    scale_down: float
    scale_min: float
    trend: bool
    constant_liar: bool
    n_draws: int
    n_uniform: int
    n_mutants: int
    def __init__(self) -> None: ...

class Suggester(metaclass=_Native):
    def __init__(self, codec: Codec, unordered: Sequence[bool], options: Options) -> None: ...
    def suggest(
        self,
        codec: Codec,
        X: NDArray[np.float64],
        values: NDArray[np.float64],
        state: NDArray[np.uint8],
        pending: NDArray[np.float64],
        seed_low: int,
        seed_high: int,
        number: int,
        attempt: int,
        n: int,
        want: int,
    ) -> NDArray[np.float64]: ...
    def log_ratio(self, codec: Codec, U: NDArray[np.float64]) -> NDArray[np.float64]: ...
    def log_trend(self, codec: Codec, U: NDArray[np.float64]) -> NDArray[np.float64]: ...
    def clear(self) -> None: ...
    @property
    def n_groups(self) -> int: ...
    def set_prior(self, address: int, name: str) -> None: ...
