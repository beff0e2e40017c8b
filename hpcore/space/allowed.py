"""Points of the set that constraints allow, where points at random hardly ever lie in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from hpcore.errors import ConstraintError
from hpcore.space.margins import Margin

__all__ = ["AllowedSet"]

FloatArray = npt.NDArray[np.float64]
Params = dict[str, Any]

# Starts for a first allowed point, after some given shapes; and steps from each of them, with few columns.
N_STARTS, N_STEPS = 200, 60
# Steps from all starts together, before it is said that nothing is allowed.
MOST_STEPS = 2_000
# A coordinate's share of the range by which a parameter's slope is differenced.
DIFFERENCE = 1e-6
# Points that the walks start from, at least, and more with more columns.
N_WALKERS = 32
# Rounds in which each walker moves once before the walkers are used, and moves from a walker to a point.
N_ROUNDS, N_MOVES = 40, 12
# Points near each given one.
N_NEAR = 8
# Tries of one move before it stays where it is: an interval halves each time, so the last are a hair's breadth wide.
N_SHRINKS = 40


class AllowedSet:
    """Random points that constraints allow, however small a part of the space these are.

    Parameters
    ----------
    settle : callable
        Parameters of a point (d,) of the cube without NaN; None where it has none.
    allows : callable
        True for parameters that the constraints allow.
    margin : callable
        Margin of parameters, as `hpcore.space.margins.margin` for these constraints.
    names : sequence of str
        Names of the columns.
    unordered : sequence of int
        Columns without an order.

    Notes
    -----
    A first point: Newton steps to the border of the comparison that refuses, and a little beyond it, from corners, the
    middle, ascending and descending values, and random points. Further points: walks of slice moves (Neal 2003, Slice
    sampling) along random directions (hit-and-run, Smith 1984), along columns, and along differences of other walkers,
    which know the shape of thin sets (ter Braak 2006). The walks are uniform over each connected part of the allowed
    set in the limit; how parts that do not touch share the points depends on the starts.
    """

    def __init__(
        self,
        settle: Callable[[FloatArray], Params | None],
        allows: Callable[[Params], bool],
        margin: Callable[[Params], Margin | None],
        names: Sequence[str],
        unordered: Sequence[int],
    ) -> None:
        self._settle, self._allows, self._margin = settle, allows, margin
        self._d = len(names)
        self._column = {name: j for j, name in enumerate(names)}
        self._unordered = frozenset(unordered)
        self._ordered = np.array([j for j in range(self._d) if j not in self._unordered], dtype=np.intp)
        self._n_steps = 0
        self._walkers: FloatArray | None = None

    def __contains__(self, u: FloatArray) -> bool:
        params = self._settle(u.copy())
        try:
            return params is not None and self._allows(params)
        except ConstraintError:  # it answered for random points, and cannot for this one, mostly at an end of a range
            return False

    # --- a first point -------------------------------------------------------------------------------------------

    def find(self) -> FloatArray | None:
        """An allowed point, the same at each call; None if none was found."""
        rng = np.random.default_rng([0, self._d])
        self._n_steps = 0
        for start in self._starts(rng):
            found = self._improve(start, rng)
            if found is not None or self._n_steps > MOST_STEPS:
                return found
        return None

    def _starts(self, rng: np.random.Generator) -> Iterator[FloatArray]:
        d = self._d
        ladder = (np.arange(d) + 0.5) / d
        yield from (np.full(d, level) for level in (0.5, 0.0, 1.0, 1e-3, 1.0 - 1e-3))
        yield from (ladder, ladder[::-1].copy())
        for i in range(N_STARTS):
            u = rng.random(d)
            # Some near a corner: sums that must be small or large.
            shrink = rng.random() ** 4 if i % 3 else 1.0
            yield u * shrink if i % 2 else 1.0 - u * shrink

    def _improve(self, u: FloatArray, rng: np.random.Generator) -> FloatArray | None:
        """The allowed point that steps from here lead to."""
        # Mirrored at the border, values that must ascend are sorted, and stay as spread out as they were.
        mirrored = rng.random() < 0.5
        for _ in range(N_STEPS + self._d**2):
            if u in self:
                return u
            self._n_steps += 1
            params = self._settle(u.copy())
            slope = None if params is None else self._slope(u, params)
            if slope is None:
                return None
            difference, gradient = slope
            # A column at its end moves no further: the others go the whole way.
            step = -np.sign(difference) * gradient
            gradient[(u <= 0.0) & (step < 0.0) | (u >= 1.0) & (step > 0.0)] = 0.0
            square = float(gradient @ gradient)
            if not square > 0.0 or not np.isfinite(square):
                return None
            beyond = 2.0 if mirrored else 1.0 + 10.0 ** rng.uniform(-3.0, 0.0)
            u = np.clip(u - beyond * (difference + np.copysign(1e-12, difference)) / square * gradient, 0.0, 1.0)
        return None

    def _slope(self, u: FloatArray, params: Params) -> tuple[float, FloatArray] | None:
        """The margin at a point and its derivatives by the columns."""
        found = self._margin(params)
        if found is None:
            return None
        difference, slopes = found
        gradient = np.zeros(self._d)
        for name, slope in slopes.items():
            j = self._column.get(name, -1)
            if j >= 0 and j not in self._unordered:
                gradient[j] = slope * self._speed(u, j, name)
        return difference, gradient

    def _speed(self, u: FloatArray, j: int, name: str) -> float:
        """Speed of a parameter against its column: over a step that changes it, for a grid."""
        width = DIFFERENCE
        while width < 1.0:
            low, high = u.copy(), u.copy()
            low[j], high[j] = max(u[j] - width, 0.0), min(u[j] + width, 1.0)
            moved = float(high[j] - low[j])
            at_low, at_high = self._settle(low), self._settle(high)
            if at_low is None or at_high is None or name not in at_low or name not in at_high:
                return 0.0
            change = at_high[name] - at_low[name]
            if change:
                return float(change) / moved
            width *= 4.0
        return 0.0

    # --- further points ------------------------------------------------------------------------------------------

    @property
    def walkers(self) -> FloatArray | None:
        """Allowed points (n, d) that are spread over the set; None if no point was found."""
        if self._walkers is None:
            self._walkers = self._spread()
        return self._walkers if len(self._walkers) else None

    def _spread(self) -> FloatArray:
        n = max(N_WALKERS, 2 * self._d)
        first = self.find()
        if first is None:
            return np.empty((0, self._d))
        rng = np.random.default_rng([1, self._d])
        walkers = np.tile(first, (n, 1))
        for i in range(1, n):
            u = rng.random(self._d)
            found = self._improve(u, rng)
            if found is not None:
                walkers[i] = found
        for _ in range(N_ROUNDS):
            for i in range(n):
                walkers[i] = self._move(walkers[i], walkers, rng)
        return walkers

    def draw(self, rng: np.random.Generator) -> FloatArray | None:
        """A random allowed point (d,), without NaN; None if no point was found."""
        walkers = self.walkers
        if walkers is None:
            return None
        u: FloatArray = walkers[rng.integers(len(walkers))]
        for _ in range(N_MOVES + 2 * self._d):
            u = self._move(u, walkers, rng)
        return u

    def around(self, points: FloatArray, rng: np.random.Generator) -> FloatArray:
        """Allowed points (m, d), without NaN: some all over the set, and some near each of these allowed ones."""
        walkers = self.walkers
        if walkers is None:
            return np.empty((0, self._d))
        starts = np.concatenate([walkers, np.repeat(np.nan_to_num(points, nan=0.5), N_NEAR, axis=0)])
        return np.array([self._move(self._move(u, walkers, rng), walkers, rng) for u in starts])

    def _move(self, u: FloatArray, others: FloatArray, rng: np.random.Generator) -> FloatArray:
        kind = rng.random()
        direction = np.zeros(self._d)
        j = int(rng.integers(self._d))
        if j in self._unordered:
            return self._redraw(u, j, rng)
        if kind < 0.4 and len(others) > 2:
            a, b = rng.choice(len(others), size=2, replace=False)
            direction[self._ordered] = (others[a] - others[b])[self._ordered]
        elif kind < 0.7:
            direction[self._ordered] = rng.standard_normal(len(self._ordered))
        if not direction.any():
            direction[j] = 1.0
        moving = direction != 0.0
        to_low, to_high = -u[moving] / direction[moving], (1.0 - u[moving]) / direction[moving]
        low, high = float(np.minimum(to_low, to_high).max()), float(np.maximum(to_low, to_high).min())
        for _ in range(N_SHRINKS):
            share = rng.uniform(low, high)
            there = np.clip(u + share * direction, 0.0, 1.0)
            if there in self:
                return there
            if share < 0.0:
                low = share
            else:
                high = share
        return u

    def _redraw(self, u: FloatArray, j: int, rng: np.random.Generator) -> FloatArray:
        """Another value of a column without an order, where it is allowed."""
        there = u.copy()
        there[j] = rng.random()
        return there if there in self else u
