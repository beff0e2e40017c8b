from collections.abc import Sequence
from typing import ClassVar, type_check_only

import numpy as np
from numpy.typing import NDArray

from hpcore._core.space import Codec

@type_check_only
class _Native(type): ...  # pybind11's metaclass

class Mixture(metaclass=_Native):
    """Weighted Parzen density over the unit cube.

    `levels` (d,) counts the equal cells of each column, 0 for a continuous one; `unordered` (d,) marks categories.
    """

    def __init__(self, levels: Sequence[int], unordered: Sequence[bool]) -> None: ...
    def fit(
        self,
        X: NDArray[np.float64],
        weights: NDArray[np.float64],
        prior_weight: float,
        bandwidth: NDArray[np.float64],
        q: float,
    ) -> None:
        """Place a kernel at each row of X (n, d) in [0, 1], and a wide prior component over all.

        weights (n,) are positive, bandwidth (d,) is a share of the range, q the probability that an unordered kernel
        leaves its category. Raises ValueError for rows outside the cube.
        """
    def log_density(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        """Log density at rows X (n, d) in [0, 1], of shape (n,)."""
    def draw(self, n: int, seed_low: int, seed_high: int, number: int, purpose: int) -> NDArray[np.float64]:
        """Draw n rows, of shape (n, d); the random stream is keyed as in `hpcore._core.rng.uniform`."""

class Weights(metaclass=_Native):
    """Weights of good trials: logarithms of ranks, or equal."""

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
    """Options of the tree-structured Parzen estimator; `hpcore.samplers.TPESampler` explains them."""

    joint: bool
    """True for one density over columns that are active together, false for one a column."""
    n_startup: int
    """Number of even points before the densities rule."""
    gamma: float
    """Share of the trials that counts as good, in (0, 1)."""
    max_good: int
    """Greatest number of good trials."""
    max_bad: int
    """Greatest number of other trials that are kernels, the newest."""
    weights: Weights
    """Weights of the good trials."""
    prior_weight: float
    """Weight of the prior component, against about 1 a trial; greater than 0."""
    bandwidth: float
    """Factor of the kernels' bandwidth; greater than 0."""
    min_bandwidth: float
    """Least bandwidth, in (0, 1]."""
    adaptive: bool
    """True if the bandwidth follows success."""
    scale_up: float
    """Factor of the bandwidth after a new best value."""
    scale_down: float
    """Factor of the bandwidth after any other value."""
    scale_min: float
    """Least scale of the bandwidth."""
    trend: bool
    """True if every third proposal, every other without the regression, weighs candidates by a trend of the values."""
    regression: bool
    """True if every third proposal, and all while few trials are known, weighs candidates by expected improvement."""
    local: bool
    """True if every fourth proposal, once enough trials are known, models those nearest to the best one only."""
    constant_liar: bool
    """True if pending points count as bad."""
    n_draws: int
    """Number of candidates from the density of the good."""
    n_uniform: int
    """Number of uniform candidates."""
    n_mutants: int
    """Number of candidates that vary the best trials."""
    def __init__(self) -> None: ...

class Outcomes(metaclass=_Native):
    """Results of k trials beyond one value, NaN where not known.

    objectives (k, m), m from 1 to 3, lower is better; violations (k, limits), at most 0 where a limit holds; log_cost
    (k,), or of length 0 where costs do not count; cost_points (q, d) and cost_logs (q,) of a cost function that is
    known in advance.
    """

    def __init__(
        self,
        objectives: NDArray[np.float64],
        violations: NDArray[np.float64],
        log_cost: NDArray[np.float64],
        cost_points: NDArray[np.float64],
        cost_logs: NDArray[np.float64],
    ) -> None: ...

class Suggester(metaclass=_Native):
    """Tree-structured Parzen estimator at work on one search; calls from several threads wait for each other.

    `unordered` (d,) marks columns whose levels have no order. Raises ValueError if its length is not d.
    """

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
        told: Outcomes | None = None,
    ) -> NDArray[np.float64]:
        """Suggest for trials number .. number + n - 1, `want` rows each, best first; of shape (n * want, d).

        X (k, d) are all rows so far, NaN where inactive; values (k, m), of which the first column counts, lower is
        better; state (k,) as in `hpcore.records.history`; pending (p, d). A row that has ended is not read again. With
        `told`, values say how trials rank, and candidates are chosen by the merit that it gives them too. Raises
        KernelError if the user's prior raised or answered NaN.
        """
    def log_ratio(self, codec: Codec, U: NDArray[np.float64]) -> NDArray[np.float64]:
        """Log ratio of the good to the bad density at rows U (n, d).

        The shape is (n, n_groups), with NaN where a group is inactive.
        """
    def log_trend(self, codec: Codec, U: NDArray[np.float64]) -> NDArray[np.float64]:
        """Log probability of turning out good by each group's trend, shaped as `log_ratio`; 0 without a trend."""
    def forget_results(self) -> None:
        """Forget all results, but not the rows, for values that were ranked anew."""
    @property
    def n_groups(self) -> int:
        """Number of groups of columns that are active together."""
    def set_prior(self, address: int, name: str) -> None:
        """Use a user's log density, by the address of its compiled function, as the prior component.

        Raises ValueError unless there is one group, KernelError if the kernel raised or answered NaN. The caller
        keeps the compiled code alive.
        """
