"""Scrambled Sobol points: more even than random ones, and as free of history."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import numpy.typing as npt

from hpcore._core import samplers as native
from hpcore.records.history import History
from hpcore.records.streams import Rng
from hpcore.samplers.base import Sampler, Suggester
from hpcore.space.columns import Columns

__all__ = ["SobolSampler"]

FloatArray = npt.NDArray[np.float64]


class _Sobol(Suggester):
    uses_pending: ClassVar[bool] = False

    def __init__(self, columns: Columns) -> None:
        self._d = columns.d

    def revised(self) -> bool:
        return True

    def suggest(self, history: History, pending: FloatArray, n: int, rng: Rng) -> FloatArray:
        return native.start_rows(rng.seed_low, rng.seed_high, rng.number, rng.attempt, n, self._d)


class SobolSampler(Sampler):
    """Points of a scrambled Sobol sequence (nested uniform scrambling, keyed by the seed); trial k gets point k.

    Notes
    -----
    Any number of parameters. The first 64 share the evenness of one sequence (Joe & Kuo 2008), and so does each
    further group of 64; between groups the points are paired at random.
    """

    def bind(self, columns: Columns) -> Suggester:
        """See `Sampler.bind`."""
        return _Sobol(columns)
