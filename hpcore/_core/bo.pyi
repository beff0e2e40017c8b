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
    n_draws: int
    """Number of draws of the hyperparameters; 0 for their maximum a posteriori."""
    fit: FitOptions
    """Options of the fit."""
    search: SearchOptions
    """Options of the maximiser."""
    schedule: Schedule
    """Sizes at which hyperparameters are fitted."""
    trust_region: TrustRegion
    """Rules of the box that the search keeps to."""
    smooth_levels: int
    """Number of levels from which a grid is moved along the gradient."""
    n_incumbents: int
    """Number of best points that are perturbed."""
    n_noisy_draws: int
    """Number of draws of the incumbents' values in a noisy view."""
    fit_rows: int
    """Greatest number of rows that hyperparameters are fitted on."""
    model_rows: int
    """Approximate greatest number of rows that the model holds."""
    fit_observations: int
    """Number of rows and derivatives up to which a fit takes further derivatives into account."""
    model_observations: int
    """Number of rows and derivatives up to which the model holds further derivatives."""
    def __init__(self) -> None: ...
    def set_acquisition(self, address: int, name: str, logarithmic: bool) -> None:
        """Use a user's acquisition function, by the address of its compiled code; the caller keeps it alive."""
    def set_covariance(self, covariance: UserCovariance | None) -> None:
        """Use a user's covariance of the numeric columns; None for the built-in one."""
    def set_prior(self, address: int, name: str, beta: float) -> None:
        """Use a user's prior density, which counts as its power beta / n; the caller keeps its code alive."""

class Suggester(metaclass=_Native):
    """Gaussian-process suggestions for one search; calls from several threads wait for each other.

    `categorical` (d,) marks columns without an order. Raises ValueError if its length is not d, or without a view.
    """

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
        limits: Sequence[tuple[NDArray[np.float64], NDArray[np.float64]]] = ...,
        violations: NDArray[np.float64] | None = None,
        cost: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None,
        failed: NDArray[np.float64] | None = None,
        gradients: NDArray[np.float64] | None = None,
    ) -> tuple[NDArray[np.float64], Step]:
        """Suggest up to n rows, of shape (k, d), and the lowest level of the ladder that one of them reached.

        X (m, d) are canonical rows with finite values (m,), lower is better, and std_errors (m,) or None; pending
        (p, d) are rows without a value yet. `feasible` maps rows to booleans (its exceptions are passed on); seconds
        is the time that is left, inf for any; a row is suggested up to `repeats` times in all; extra (e, d) are
        further candidates. `limits` has a pair for each limit: rows (k, d) and by how much it is exceeded there (k,);
        violations (m,), 0 for the rows of X that keep all limits, and how far the others are from that; `cost` is a
        pair of rows (k, d) and logarithms of costs (k,); failed (f, d) are rows without a value, to be avoided;
        gradients (m, d) are derivatives of the values, NaN where not known. Fewer than n rows are returned only if no
        new, allowed row was met. Raises ValueError for a wrong shape or a value that is not finite,
        KernelError if a user's kernel raised or answered NaN.
        """
    def draft(
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
        limits: Sequence[tuple[NDArray[np.float64], NDArray[np.float64]]] = ...,
        violations: NDArray[np.float64] | None = None,
        cost: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None,
        failed: NDArray[np.float64] | None = None,
        gradients: NDArray[np.float64] | None = None,
    ) -> tuple[NDArray[np.float64], Step]:
        """Suggest as `suggest` does, by the smallest model, at once: also while another thread is in a call, and
        whatever `seconds` says. No rows and the step `none` if there is nothing to make a model of."""
    def cheap_start(
        self,
        X: NDArray[np.float64],
        candidates: NDArray[np.float64],
        cost: tuple[NDArray[np.float64], NDArray[np.float64]],
    ) -> NDArray[np.float64]:
        """Choose one of candidates (m, d), as a canonical row (d,): far from X (n, d), which are tried or pending, and
        among the cheapest by a model of `cost`, rows (k, d) and logarithms of costs (k,). Raises ValueError without a
        candidate or a cost."""

class ParetoSuggester(metaclass=_Native):
    """Gaussian-process suggestions for 2 or 3 objectives, by the expected improvement of the hypervolume.

    The first view's transforms and warp are those of every objective. Raises ValueError for another number m of
    objectives, as `Suggester` otherwise.
    """

    def __init__(self, codec: Codec, categorical: Sequence[bool], options: SuggestOptions, m: int) -> None: ...
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
        limits: Sequence[tuple[NDArray[np.float64], NDArray[np.float64]]] = ...,
        violations: NDArray[np.float64] | None = None,
        cost: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None,
        failed: NDArray[np.float64] | None = None,
        gradients: NDArray[np.float64] | None = None,
    ) -> tuple[NDArray[np.float64], Step]:
        """Suggest as `Suggester.suggest` does, for values (objectives * m,) and std_errors of that shape or None: one
        objective after the other."""

def representative(
    codec: Codec, categorical: Sequence[bool], X: NDArray[np.float64], y: NDArray[np.float64], most: int
) -> NDArray[np.int64]:
    """Positions, rising, of at most `most` rows that stand for X (n, d) with values y (n,) in a model: the best,
    those near the best, and an even spread over the rest."""
