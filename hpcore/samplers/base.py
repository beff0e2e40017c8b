"""What a sampler is: a configuration that binds to a space's columns and then proposes rows of the unit cube."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from hpcore.records.history import History
from hpcore.records.streams import Rng
from hpcore.samplers.ladder import FULL, ONE_LEVEL
from hpcore.space.columns import Columns

__all__ = ["NO_TIME", "Sampler", "Suggester"]

# Milliseconds of a deadline of which nothing is left: a sampler's cheapest step will do.
NO_TIME = 1e-6

FloatArray = npt.NDArray[np.float64]


class Suggester(ABC):
    """A sampler at work on one space.

    What it keeps between calls is derived: built again from the history alone it proposes the same, so nothing of it
    needs storing.
    """

    uses_pending: ClassVar[bool] = True
    """False if proposals do not depend on trials that are still running; then `pending` is passed empty."""

    ladder: ClassVar[tuple[str, ...]] = ONE_LEVEL
    """Levels that `suggest_within` may fall down, best first; see `hpcore.samplers.ladder`."""

    @abstractmethod
    def suggest(self, history: History, pending: FloatArray, n: int, rng: Rng) -> FloatArray:
        """Propose points.

        Parameters
        ----------
        history : History
            What was tried, running trials included; values are signed so that lower is better.
        pending : ndarray of shape (p, d)
            Points that are being evaluated.
        n : int
            How many to propose.
        rng : Rng
            The randomness of trial ``rng.number``, the first one asked for.

        Returns
        -------
        ndarray of shape (n, d)
            In [0, 1]; what stands in inactive columns is not read.

        Raises
        ------
        SearchSpaceExhausted
            If the sampler has nothing left to propose.
        """

    def prepare(self, n_objectives: int) -> None:  # noqa: B027 - most have nothing to prepare
        """Load what is slow to load, before the first suggestion; called once, soon after `Sampler.bind`."""

    def allow_repeats(self, n: int) -> None:  # noqa: B027 - most keep no count of points
        """Suggest a point up to `n` times, where the sampler keeps count; called before the first suggestion."""

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
            As from `suggest`; 1 <= k <= n, where another step leads to the rest, which is then asked for again.
        step : str
            Level of the sampler's `ladder` that was reached; ``"full"`` is what `suggest` does.
        """
        return self.suggest(history, pending, n, rng), FULL

    def source(self, number: int, step: str | None = None) -> str | None:
        """Name of the sampler behind a proposal; None where there is only one.

        Parameters
        ----------
        number : int
            Of the trial.
        step : str, optional
            Of the ladder, under a deadline.
        """
        return None


class Sampler(ABC):
    """A sampler's options. Immutable, so that several optimizers may share one."""

    @abstractmethod
    def bind(self, columns: Columns) -> Suggester:
        """The sampler at work on a space's columns; raises if it cannot work there."""

    def __repr__(self) -> str:
        options = ", ".join(f"{k.lstrip('_')}={v!r}" for k, v in vars(self).items())
        return f"{type(self).__name__}({options})"
