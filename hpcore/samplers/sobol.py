"""Scrambled Sobol points: more even than random ones, and as free of history."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import numpy.typing as npt

from hpcore.errors import InvalidSpace
from hpcore.records.history import History
from hpcore.records.streams import SCRAMBLE, SUGGEST, Rng
from hpcore.samplers.base import Sampler, Suggester
from hpcore.space.columns import Columns

__all__ = ["SobolSampler"]

FloatArray = npt.NDArray[np.float64]

MAX_DIMENSIONS = 21201  # of SciPy's direction numbers (Joe & Kuo 2008)
BLOCK = 256


class _Sobol(Suggester):
    uses_pending: ClassVar[bool] = False

    def __init__(self, columns: Columns) -> None:
        self._d = columns.d
        self._block: FloatArray | None = None
        self._first = 0
        self._seed: tuple[int, int] | None = None

    def suggest(self, history: History, pending: FloatArray, n: int, rng: Rng) -> FloatArray:
        if rng.attempt:
            # The sequence's own point was refused (a repeat, or not allowed): a random one takes its place.
            return np.array([rng.uniform(self._d, SUGGEST, offset) for offset in range(n)])
        return np.array([self._point(rng.number + offset, rng) for offset in range(n)])

    def _point(self, number: int, rng: Rng) -> FloatArray:
        seed = (rng.seed_low, rng.seed_high)
        inside = self._block is not None and self._first <= number < self._first + len(self._block)
        if not inside or seed != self._seed:
            # Imported here: `import hpcore` does not load SciPy.
            from scipy.stats import qmc

            # One scrambling per seed, drawn from trial 0's stream: point k is the same whatever was asked before.
            generator = Rng(rng.seed, 0).generator(SCRAMBLE)
            try:
                sequence = qmc.Sobol(self._d, scramble=True, rng=generator)
            except TypeError:  # SciPy before 1.15 calls it seed
                sequence = qmc.Sobol(self._d, scramble=True, seed=generator)
            self._first = number - number % BLOCK
            if self._first:
                sequence.fast_forward(self._first)
            self._block, self._seed = sequence.random(BLOCK), seed
        assert self._block is not None
        point: FloatArray = self._block[number - self._first]
        return point


class SobolSampler(Sampler):
    """Points of a scrambled Sobol sequence (Owen scrambling, keyed by the seed); trial k gets point k.

    Raises
    ------
    InvalidSpace
        More than 21,201 parameters.
    """

    def bind(self, columns: Columns) -> Suggester:
        """See `Sampler.bind`."""
        if columns.d > MAX_DIMENSIONS:
            raise InvalidSpace(f"sobol takes at most {MAX_DIMENSIONS} parameters, got {columns.d}")
        return _Sobol(columns)
