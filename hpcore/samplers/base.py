"""Interface of a sampler: a configuration that binds to a space's columns and then proposes rows of the unit cube."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from hpcore.errors import InvalidArgument
from hpcore.records.history import History
from hpcore.records.streams import Rng
from hpcore.samplers.ladder import FULL, ONE_LEVEL
from hpcore.space.columns import Columns

__all__ = ["NO_TIME", "Sampler", "Suggester", "check_single_objective"]

# Milliseconds that stand for a deadline that has passed: a sampler's cheapest level will do.
NO_TIME = 1e-6

FloatArray = npt.NDArray[np.float64]


class Suggester(ABC):
    """A sampler at work on one space.

    Its state between calls is derived: built again from the history alone it proposes the same, so that nothing needs
    to be stored.
    """

    uses_pending: ClassVar[bool] = True
    """False if proposals do not depend on trials that are still running; then `pending` is passed empty."""

    asks_around: ClassVar[bool] = False
    """True if the suggester asks `Columns.around` for allowed points, and chooses among them by its own criterion."""

    ladder: ClassVar[tuple[str, ...]] = ONE_LEVEL
    """Levels that `suggest_within` may fall down, best first; see `hpcore.samplers.ladder`."""

    @abstractmethod
    def suggest(self, history: History, pending: FloatArray, n: int, rng: Rng) -> FloatArray:
        """Propose points.

        Parameters
        ----------
        history : History
            All trials so far, running ones included; values are signed so that lower is better.
        pending : ndarray of shape (p, d)
            Points that are being evaluated.
        n : int
            Number of points to propose, at least 1.
        rng : Rng
            Random numbers of trial ``rng.number``, the first one asked for.

        Returns
        -------
        ndarray of shape (n, d)
            Points in [0, 1]; entries of inactive columns are not read.

        Raises
        ------
        SearchSpaceExhausted
            If the sampler has nothing left to propose.
        """

    def prepare(self, n_objectives: int) -> None:  # noqa: B027 - most have nothing to prepare
        """Load what is slow to load, before the first suggestion; called once, soon after `Sampler.bind`."""

    def allow_repeats(self, n: int) -> None:  # noqa: B027 - most keep no count of points
        """Suggest a point up to `n` times, where the sampler keeps count; called before the first suggestion."""

    def use_cost(self, on: bool) -> None:  # noqa: B027 - most do not learn costs
        """Weigh a result by what it costs, or no more; called before a suggestion.

        Parameters
        ----------
        on : bool
            True if the search has a budget of cost or time, rather than of trials. ``history.cost`` holds the costs
            that are known.
        """

    def know_costs(self, rows: FloatArray, costs: FloatArray) -> None:  # noqa: B027 - most do not learn costs
        """Learn a cost function that is known in advance; called once, before the first suggestion.

        Parameters
        ----------
        rows : ndarray of shape (q, d)
            Points that are spread over the unit cube; NaN where inactive.
        costs : ndarray of shape (q,)
            Costs of these points, finite and greater than 0.
        """

    def revised(self) -> bool:
        """Take note that trials of the history have changed: their points, or the results of those that had ended.

        Returns
        -------
        bool
            True if suggestions follow from the history as it is, whatever was learnt before; False if that needs a
            suggester without memory.
        """
        return False

    def suggest_within(
        self, history: History, pending: FloatArray, n: int, rng: Rng, deadline_ms: float
    ) -> tuple[FloatArray, str]:
        """Propose points within a time; see `suggest`.

        Parameters
        ----------
        deadline_ms : float
            Milliseconds from the call, by a monotonic clock; greater than 0.

        Returns
        -------
        points : ndarray of shape (k, d)
            Points as from `suggest`, 1 <= k <= n; the rest is reached by another level, and is asked for again.
        step : str
            Level of the sampler's `ladder` that was reached; ``"full"`` is what `suggest` does.
        """
        return self.suggest(history, pending, n, rng), FULL

    def at_once(self, history: History, pending: FloatArray, n: int, rng: Rng) -> tuple[FloatArray, str] | None:
        """Propose points in well under a millisecond; see `suggest`.

        Another thread may be in any call of this suggester meanwhile, which must not be waited for.

        Returns
        -------
        tuple of (ndarray of shape (k, d), str), or None
            Points and level, as from `suggest_within`; None if the sampler cannot do this.
        """
        return None

    def proposed_by(self, number: int, step: str | None = None) -> str | None:
        """Name of the sampler behind a proposal; None where there is only one.

        Parameters
        ----------
        number : int
            Number of the trial.
        step : str, optional
            Level of the ladder, under a deadline.
        """
        return None


def check_single_objective(name: str, n_objectives: int, reason: str) -> None:
    """Check that a search has one objective, for a sampler that cannot order several.

    Raises
    ------
    InvalidArgument
        There are several.
    """
    if n_objectives > 1:
        raise InvalidArgument(
            f"sampler must be 'gp', 'tpe', 'evolution' or 'annealing' for several objectives, got {name!r} for "
            f"{n_objectives}: {reason}"
        )


class Sampler(ABC):
    """Options of a sampler; immutable, so that several optimizers may share one."""

    @abstractmethod
    def bind(self, columns: Columns) -> Suggester:
        """Make a suggester for a space's columns; raises if the sampler cannot work there."""

    def __repr__(self) -> str:
        options = ", ".join(f"{k.lstrip('_')}={v!r}" for k, v in vars(self).items())
        return f"{type(self).__name__}({options})"
