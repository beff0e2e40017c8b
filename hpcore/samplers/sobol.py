"""Scrambled Sobol points: more even than random ones, and as free of history."""

from __future__ import annotations

from typing import ClassVar

from hpcore._core import samplers as native
from hpcore.samplers.base import Sampler, Suggester
from hpcore.samplers.native import NativeSuggester
from hpcore.space.columns import Columns

__all__ = ["SobolSampler"]


class _Sobol(NativeSuggester):
    uses_pending: ClassVar[bool] = False


class SobolSampler(Sampler):
    """Points of a scrambled Sobol sequence (nested uniform scrambling, keyed by the seed); trial k gets point k.

    Notes
    -----
    Any number of parameters. The first 64 share the evenness of one sequence (Joe & Kuo 2008), and so does each
    further group of 64; between groups the points are paired at random.
    """

    def bind(self, columns: Columns) -> Suggester:
        """See `Sampler.bind`."""
        return _Sobol(native.sobol(columns.d))
