"""Fidelities at which curves are modelled: rungs up to the full resource, and their place between 0 and 1."""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hpcore.schedulers.resources import Resources

__all__ = ["Fidelities", "fidelities"]

FloatArray = npt.NDArray[np.float64]

# Factor between rungs: a training that goes on pays for what is new only, one that begins again for all of it.
RESUMED, REPEATED = 1.6, 3.0
FEW_LEVELS = 5  # as many allowed levels are all rungs


@dataclass(frozen=True)
class Fidelities:
    """Rungs of a resource.

    Attributes
    ----------
    rungs : tuple of float
        Increasing; the last one is the full resource.
    """

    rungs: tuple[float, ...]

    @property
    def full(self) -> float:
        """Full resource."""
        return self.rungs[-1]

    def of(self, steps: FloatArray) -> FloatArray:
        """Fidelities in [0, 1] of steps: their logarithm between the lowest rung and the full resource."""
        span = math.log(self.full / self.rungs[0])
        if span == 0.0:
            return np.ones(np.shape(steps))
        with np.errstate(divide="ignore", invalid="ignore"):
            u = np.log(np.maximum(steps, 0.0) / self.rungs[0]) / span
        return np.where(steps >= self.full, 1.0, np.clip(u, 0.0, 1.0 - 1e-9))

    def nearest(self, share: float) -> int:
        """Index of the rung nearest to a share of the full resource, by their ratio."""
        wanted = math.log(share * self.full)
        return min(range(len(self.rungs)), key=lambda i: abs(math.log(self.rungs[i]) - wanted))

    def above(self, step: float) -> float:
        """Lowest rung above a step; the full resource if there is none."""
        return next((rung for rung in self.rungs if rung > step), self.full)


def fidelities(resources: Resources, full: float, levels: tuple[float, ...] | None) -> Fidelities:
    """Choose the rungs up to the resource `full`: allowed `levels` if there are few, else those nearest above."""
    rungs = resources.levels(full)
    if levels is not None:
        allowed = [level for level in levels if resources.min_resource <= level < full] + [full]
        if len(allowed) <= FEW_LEVELS:
            rungs = tuple(allowed)
        else:
            rungs = tuple(sorted({allowed[min(bisect_left(allowed, rung), len(allowed) - 1)] for rung in rungs}))
    return Fidelities(rungs)
