from collections.abc import Sequence
from typing import ClassVar, type_check_only

import numpy as np
from numpy.typing import NDArray

from .acquisition import Kind, SearchOptions
from .gp import FitOptions, TransformKind
from .space import Codec

@type_check_only
class _Native(type): ...  # pybind11's metaclass

class Step(metaclass=_Native):
    """Level of the deadline ladder, best first, as `hpcore.samplers.ladder` has it; `none`: no time for a model."""

    full: ClassVar[Step]
    none: ClassVar[Step]
    reuse: ClassVar[Step]
    search: ClassVar[Step]
    draft: ClassVar[Step]
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
    """Sizes of the history at which hyperparameters are fitted."""

    every_until: int
    """Number of observations up to which each is followed by a fit."""
    growth: float
    """Growth of the history, as a share, after which a fit is due from then on."""
    longest: int
    """Greatest number of observations between two fits."""
    def __init__(self) -> None: ...
    def at(self, n: int) -> int:
        """Last scheduled size that is at most n."""

class TrustRegion(metaclass=_Native):
    """Box round the best point that widens with success and narrows with failure."""

    on: bool
    """True if the search keeps to the box."""
    after: int
    """Number of startup observations, which are no successes or failures."""
    def __init__(self) -> None: ...
    def side(self, values: NDArray[np.float64], d: int) -> float:
        """Side of the box after values (n,) of a search with d parameters; at least 1 means everywhere."""

class View(metaclass=_Native):
    """One way to look at the history: what the model is fitted to, and what is then maximised."""

    transforms: list[TransformKind]
    """Transforms of the values to choose from, at least one; the likeliest is taken."""
    warp: bool
    """True if numeric columns are warped as is likeliest."""
    length_scale_factor: float
    """Factor on the fitted length scales; below 1 the model generalises less."""
    kind: Kind
    """Acquisition function."""
    thompson: bool
    """True to maximise one draw of the objective in place of `kind`."""
    noisy: bool
    """True to average the improvement over what noisy incumbents may be worth."""
    kappa: float
    """Standard deviations below the mean, for a confidence bound."""
    xi: float
    """Improvement asked for, in standard deviations of the standardised values."""
    posterior_best: bool
    """True to improve on the best fitted mean rather than on the best value."""
    def __init__(self) -> None: ...

class SuggestOptions(metaclass=_Native):
    """Options of a Suggester."""

    views: list[View]
    """Views of the history, taken in turn by trial number; at least one."""
    fit: FitOptions
    """Options of the fit."""
    search: SearchOptions
    """Options of the maximiser."""
    schedule: Schedule
    """Sizes at which hyperparameters are fitted."""
    n_incumbents: int
    """Number of best points that are perturbed."""
    def __init__(self) -> None: ...

class Suggester(metaclass=_Native):
    """Gaussian-process suggestions for one search, the engine of the sampler; calls from several threads wait for
    each other.

    `categorical` (d,) marks columns without an order. Raises ValueError if its length is not d, or without a view.
    """

    def __init__(self, codec: Codec, categorical: Sequence[bool], options: SuggestOptions) -> None: ...
    def suggest(
        self, X: NDArray[np.float64], values: NDArray[np.float64], number: int
    ) -> tuple[NDArray[np.float64], Step]:
        """Suggest a row for trial `number`, of shape (1, d), and the level of the ladder that it reached.

        X (m, d) are canonical rows with finite values (m,), lower is better. No row is returned only if no new one
        was met. Raises ValueError for a wrong shape or a value that is not finite.
        """

def representative(
    codec: Codec, categorical: Sequence[bool], X: NDArray[np.float64], y: NDArray[np.float64], most: int
) -> NDArray[np.int64]:
    """Positions, rising, of at most `most` rows that stand for X (n, d) with values y (n,) in a model: the best,
    those near the best, and an even spread over the rest."""
