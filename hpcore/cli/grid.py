"""A grid that fits the number of trials and covers the whole space."""

from __future__ import annotations

from itertools import islice

from hpcore.samplers import GridSampler
from hpcore.space import Categorical, Space

__all__ = ["grid_of"]


def grid_of(space: Space, n_trials: int) -> tuple[GridSampler, int]:
    """Build the finest grid with at most `n_trials` points.

    Parameters
    ----------
    space : Space
        Search space.
    n_trials : int
        Maximum number of points. The coarsest grid has two values of each number; if it has more points than
        `n_trials`, the search ends before its last point.

    Returns
    -------
    sampler : GridSampler
        Sampler with the same number of levels for every number, or all values where there are fewer.
    n_points : int
        Number of points that will be tried.
    """
    numbers = {name: space[name].levels for name in space if not isinstance(space[name], Categorical)}

    def levels(most: int) -> dict[str, int]:
        return {name: min(most, of or most) for name, of in numbers.items()}

    def size(most: int) -> int:
        return sum(1 for _ in islice(space.grid(levels(most)), n_trials + 1))

    finest = 2
    while finest < n_trials and levels(finest + 1) != levels(finest) and size(finest + 1) <= n_trials:
        finest += 1
    return GridSampler(levels(finest)), min(size(finest), n_trials)
