"""Levels of a grid, and how often random search has each."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hpcore._core import space as native
from hpcore.space.parameter import Parameter

__all__ = ["shares_of_levels"]

FloatArray = npt.NDArray[np.float64]


def shares_of_levels(parameter: Parameter, u: FloatArray, n_points: int = 4097) -> tuple[FloatArray, FloatArray]:
    """Coordinates of the levels of a grid, and the shares of [0, 1] that are decoded to them; levels that none of so
    many points on a line meets, and no trial has, are left out."""
    codec = native.Space([parameter.core.named("x")]).codec

    def snapped(u: FloatArray) -> FloatArray:
        points = np.array(u)[:, None]
        codec.snap(points)
        levels: FloatArray = points[:, 0]
        return levels

    nodes = np.unique(snapped(np.concatenate([np.linspace(0.0, 1.0, n_points), u])))
    low, high = nodes[:-1], nodes[1:]
    for _ in range(50):
        middle = 0.5 * (low + high)
        below = snapped(middle) <= nodes[:-1]
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return nodes, np.diff(high, prepend=0.0, append=1.0)
