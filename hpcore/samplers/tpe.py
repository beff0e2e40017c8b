"""The tree-structured Parzen estimator."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from hpcore._core import tpe as native
from hpcore.records.history import History
from hpcore.records.streams import Rng
from hpcore.samplers.base import Sampler, Suggester
from hpcore.space.columns import Columns

__all__ = ["TPESampler"]

FloatArray = npt.NDArray[np.float64]


class _TPE(Suggester):
    def __init__(self, columns: Columns, options: native.Options) -> None:
        self._codec = columns.codec
        self._feasible = columns.feasible
        self._d = columns.d
        self._native = native.Suggester(columns.codec, [k == "categorical" for k in columns.kinds], options)

    def suggest(self, history: History, pending: FloatArray, n: int, rng: Rng) -> FloatArray:
        return self._native.suggest(
            self._codec, history.X, history.values, history.state, pending,
            rng.seed_low, rng.seed_high, rng.number, rng.attempt, n, 1,
        )


class TPESampler(Sampler):
    """Draft."""

    def __init__(self, **options: Any) -> None:
        self._options = options

    def bind(self, columns: Columns) -> Suggester:
        """See `Sampler.bind`."""
        o = native.Options()
        for k, v in self._options.items():
            setattr(o, k, v)
        return _TPE(columns, o)
