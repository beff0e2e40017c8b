"""Independent uniform points."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import numpy.typing as npt

from hpcore.records.history import History
from hpcore.records.streams import SUGGEST, Rng
from hpcore.samplers.base import Sampler, Suggester
from hpcore.space.columns import Columns

__all__ = ["RandomSampler"]


class _Random(Suggester):
    uses_pending: ClassVar[bool] = False

    def __init__(self, columns: Columns) -> None:
        self._d = columns.d

    def suggest(self, history: History, pending: npt.NDArray[np.float64], n: int, rng: Rng) -> npt.NDArray[np.float64]:
        if n == 1:
            return rng.uniform(self._d, SUGGEST)[None, :]
        return np.array([rng.uniform(self._d, SUGGEST, offset) for offset in range(n)])


class RandomSampler(Sampler):
    """Independent points, uniform in the unit cube: each parameter follows its own prior."""

    def bind(self, columns: Columns) -> Suggester:
        """See `Sampler.bind`."""
        return _Random(columns)
