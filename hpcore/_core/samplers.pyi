from collections.abc import Callable, Sequence
from typing import ClassVar, type_check_only

import numpy as np
from numpy.typing import NDArray

from hpcore._core.gp import LogNormal, UserCovariance
from hpcore._core.records import Trials
from hpcore._core.space import Codec
from hpcore._core.tpe import Options

@type_check_only
class _Native(type): ...  # pybind11's metaclass

class Ask(metaclass=_Native):
    """Request to a sampler: `count` rows for trials number .. number + count - 1.

    Random numbers are a function of the seed's two words, number and attempt, which counts refused proposals for this
    trial; per_cost: results are weighed by what they cost; seconds, from now on, is the time that is left.
    """

    def __init__(
        self,
        seed_low: int,
        seed_high: int,
        number: int,
        attempt: int,
        count: int,
        per_cost: bool = False,
        seconds: float = ...,
    ) -> None: ...

class Constraints(metaclass=_Native):
    """Functions by which a sampler learns what a space allows, or None.

    feasible maps rows (n, d) to booleans (n,); around maps rows (k, d), the two words of the seed, number and attempt
    to allowed rows (m, d) without NaN near the given ones, or None. Their exceptions are passed on.
    """

    def __init__(
        self,
        feasible: Callable[[NDArray[np.float64]], NDArray[np.bool_]] | None = None,
        around: Callable[[NDArray[np.float64], int, int, int, int], NDArray[np.float64] | None] | None = None,
    ) -> None: ...

class TpeOptions(metaclass=_Native):
    """Options of the tree-structured Parzen estimator; `hpcore.samplers.TPESampler` explains them."""

    engine: Options
    """Options of the estimator."""
    def __init__(self) -> None: ...
    def set_candidates(self, n: int) -> None:
        """Set the number of candidates: four in seven are draws, one is uniform, two are variations."""
    def set_prior(self, address: int, name: str) -> None:
        """Use a user's log density, by the address of its compiled function; the caller keeps its code alive."""

class GpOptions(metaclass=_Native):
    """Options of the Gaussian process; `hpcore.samplers.GPSampler` explains them."""

    class Acquisition(metaclass=_Native):
        """Acquisition function."""

        log_ei: ClassVar[GpOptions.Acquisition]
        noisy_log_ei: ClassVar[GpOptions.Acquisition]
        ucb: ClassVar[GpOptions.Acquisition]
        pi: ClassVar[GpOptions.Acquisition]
        thompson: ClassVar[GpOptions.Acquisition]
        __members__: ClassVar[dict[str, GpOptions.Acquisition]]
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

    class Transform(metaclass=_Native):
        """Targets of the model; `likeliest` is "auto" of the sampler."""

        turns: ClassVar[GpOptions.Transform]
        likeliest: ClassVar[GpOptions.Transform]
        standard: ClassVar[GpOptions.Transform]
        half_log: ClassVar[GpOptions.Transform]
        log: ClassVar[GpOptions.Transform]
        clip: ClassVar[GpOptions.Transform]
        __members__: ClassVar[dict[str, GpOptions.Transform]]
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

    acquisition: Acquisition
    """Acquisition function."""
    n_draws: int
    """Number of draws of the hyperparameters; 0 for their maximum a posteriori."""
    n_startup: int | None
    """Number of trials with a value before the model takes over; None for the rule's."""
    kappa: float
    """Standard deviations below the mean, for a confidence bound."""
    transform: Transform
    """Targets of the model."""
    warp: bool
    """True if numeric columns are warped as is likeliest."""
    trust_region: bool | None
    """True if the search keeps to a box round the best point; None for the rule's answer."""
    explore: bool
    """True if every third trial goes where little is known."""
    gradients: bool
    """True if gradients are learnt from."""
    def __init__(self) -> None: ...
    def set_acquisition(self, address: int, name: str, logarithmic: bool) -> None:
        """Use a user's acquisition function, by the address of its compiled code; the caller keeps it alive."""
    def set_prior(self, address: int, name: str, beta: float) -> None:
        """Use a user's prior density, which counts as its power beta / n; the caller keeps its code alive."""
    def set_covariance(self, covariance: UserCovariance | None, prior: Sequence[LogNormal]) -> None:
        """Use a user's covariance of the numeric columns, with a prior of each of its hyperparameters."""

class Sampler(metaclass=_Native):
    """A sampler at work on one search; calls from several threads wait for each other."""

    def __init__(self, *args: object, **kwargs: object) -> None: ...
    def suggest(self, trials: Trials, pending: NDArray[np.float64], ask: Ask) -> tuple[NDArray[np.float64], str]:
        """Suggest rows (k, d), 1 <= k <= ask.count, and the name of the ladder's level that they come from.

        pending (p, d) are rows that are being evaluated. The trials only grow, and none changes once it has ended.
        Raises ValueError for a wrong shape, KernelError if a user's kernel raised or answered NaN.
        """
    def at_once(self, trials: Trials, pending: NDArray[np.float64], ask: Ask) -> tuple[NDArray[np.float64], str] | None:
        """Suggest as `suggest` does, in well under a millisecond: also while another thread is in a call. None if the
        sampler cannot do this.
        """
    def allow_repeats(self, n: int) -> None:
        """Suggest a row up to n times, at least 1, where all columns are gridded. Raises ValueError for 0."""
    def know_costs(self, rows: NDArray[np.float64], costs: NDArray[np.float64]) -> None:
        """Learn the costs (q,), greater than 0, of rows (q, d) that are known in advance."""

def uniform_rows(seed_low: int, seed_high: int, number: int, attempt: int, count: int, d: int) -> NDArray[np.float64]:
    """Make independent uniform rows (count, d) for trials number .. number + count - 1."""

def start_rows(seed_low: int, seed_high: int, number: int, attempt: int, count: int, d: int) -> NDArray[np.float64]:
    """Make the points (count, d) of a scrambled Sobol sequence that have the numbers of the trials, or uniform rows in
    place of refused ones, where attempt is greater than 0.
    """

def tpe(codec: Codec, categorical: Sequence[bool], options: TpeOptions, constraints: Constraints) -> Sampler:
    """Make a tree-structured Parzen estimator; `categorical` (d,) marks columns without an order.

    Raises ValueError for another length, or for a prior where there are several groups of columns, KernelError if the
    prior raised or answered NaN.
    """

def gp(codec: Codec, categorical: Sequence[bool], options: GpOptions, constraints: Constraints) -> Sampler:
    """Make a sampler by a Gaussian process; `categorical` (d,) marks columns without an order.

    Raises ValueError for another length.
    """

class AutoRule(metaclass=_Native):
    """Rule by which one sampler is chosen for each trial."""

    def __init__(self, n_gp_trials: int | None, trial_seconds: float, has_cmaes: bool, has_gradient: bool) -> None: ...
    def choose(self, number: int, trials: Trials, per_cost: bool) -> str:
        """Name of the sampler of a trial."""

def split(trials: Trials) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]]:
    """Masks (n,) of trials with a result to learn from, that count as failed, and that returned a penalty."""

def beyond_cliff(values: NDArray[np.float64]) -> NDArray[np.bool_] | None:
    """Mask (n,) of the finite values that are penalties rather than results; None if none are.

    They are in the order of the trials, and lower is better.
    """

def agree(X: NDArray[np.float64], values: NDArray[np.float64], gradients: NDArray[np.float64]) -> bool:
    """True if gradients (n, d), NaN where not told, predict how finite values (n,) at rows X (n, d) differ between
    neighbours, or if fewer than four trials have one.
    """
