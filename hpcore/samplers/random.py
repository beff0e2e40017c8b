"""Independent uniform points."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import numpy.typing as npt

from hpcore._core import samplers as native
from hpcore.records.history import History
from hpcore.records.streams import Rng
from hpcore.samplers.base import Sampler, Suggester
from hpcore.space.columns import Columns

__all__ = ["RandomSampler"]

FloatArray = npt.NDArray[np.float64]


class _Random(Suggester):
    uses_pending: ClassVar[bool] = False

    def __init__(self, columns: Columns) -> None:
        self._d = columns.d

    def revised(self) -> bool:
        return True

    def suggest(self, history: History, pending: FloatArray, n: int, rng: Rng) -> FloatArray:
        return native.uniform_rows(rng.seed_low, rng.seed_high, rng.number, rng.attempt, n, self._d)


class RandomSampler(Sampler):
    """Independent points, uniform in the unit cube: each parameter follows its own prior."""

    def bind(self, columns: Columns) -> Suggester:
        """See `Sampler.bind`."""
        return _Random(columns)
