"""Independent uniform points."""

from __future__ import annotations

from typing import ClassVar

from hpcore._core import samplers as native
from hpcore.samplers.base import Sampler, Suggester
from hpcore.samplers.native import NativeSuggester
from hpcore.space.columns import Columns

__all__ = ["RandomSampler"]


class _Random(NativeSuggester):
    uses_pending: ClassVar[bool] = False


class RandomSampler(Sampler):
    """Independent points, uniform in the unit cube: each parameter follows its own prior."""

    def bind(self, columns: Columns) -> Suggester:
        """See `Sampler.bind`."""
        return _Random(native.random(columns.d))
