"""Counts of proposals by point, and enumeration of the points of a finite space that remain."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt

from hpcore._core import space as native
from hpcore.arguments import check_integer
from hpcore.records.streams import UNSEEN, Rng
from hpcore.space.space import Params, Space

__all__ = ["STORED", "Remaining", "check_repeats"]

FloatArray = npt.NDArray[np.float64]

STORED = "stored"
"""Value of the argument `repeats` of a study that stands for the number of the stored study, or 1."""

# Size up to which a space is listed whole, in a random order given by the seed; a larger one is enumerated in order.
LISTED = 100_000


class Remaining:
    """Points that a search has not proposed yet.

    Parameters
    ----------
    space : Space
        Space of the points.
    seed : int
        Seed of the order in which points are listed.
    repeats : int
        Number of times that a point may be proposed, at least 1.

    Attributes
    ----------
    finite : bool
        True if no column is continuous, so that `next` can enumerate the points. Their number may be too large to be
        known.
    """

    def __init__(self, space: Space, seed: int, repeats: int = 1) -> None:
        self._space, self._seed, self._repeats = space, seed, repeats
        self.finite = 0 not in space.columns.n_levels
        self.begin_anew(np.empty((0, len(space))))

    def begin_anew(self, X: FloatArray) -> None:
        """Start again with these settled points (n, d) as the only proposed ones."""
        # Counts of a finite space; for other spaces a compact set is enough, as counts are not needed.
        self._seen: dict[bytes, int] = {}
        self._rows = native.RowSet()
        # Number of the enumeration, from 1 to `repeats`: the first one gives points that were never proposed.
        self._round = 1
        # Position in the enumeration before which all points are proposed or refused; the point at this position, if it
        # is known, and an iterator over the points after it.
        self._place = 0
        self._here: FloatArray | None = None
        self._rest: Iterator[FloatArray] | None = None
        self.discard_all(X)

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_here": None, "_rest": None}

    @property
    def n_seen(self) -> int:
        """Number of different points that were proposed."""
        return len(self._seen) if self.finite else len(self._rows)

    def __contains__(self, u: FloatArray) -> bool:
        """Tell whether a settled point (d,) may still be proposed."""
        if self.finite:
            return self._seen.get(u.tobytes(), 0) < self._repeats
        return self._repeats > 1 or u not in self._rows

    def discard(self, u: FloatArray) -> None:
        """Count a settled point (d,) as proposed."""
        if self.finite:
            key = u.tobytes()
            self._seen[key] = self._seen.get(key, 0) + 1
        else:
            self._rows.insert(u)

    def discard_all(self, X: FloatArray) -> None:
        """Count settled points (n, d) as proposed."""
        if self.finite:
            for u in X:
                self.discard(u)
        else:
            self._rows.update(X)

    def next(self) -> tuple[FloatArray, Params] | None:
        """Find an allowed point (d,) that may still be proposed, and its parameters.

        Returns None if there is none, or if the space is not finite. The point stays the next one until `discard`.
        """
        size = self._space.columns.finite_size
        if not self.finite or (self._repeats == 1 and size is not None and len(self._seen) >= size):
            return None
        codec = self._space.columns.codec
        if self._rest is None:
            self._rest = islice(self._candidates(size), self._place, None)
        while True:
            if self._here is None:
                self._here = next(self._rest, None)
                if self._here is None:
                    if self._round == self._repeats:
                        return None
                    self._round, self._place = self._round + 1, 0
                    self._rest = iter(self._candidates(size))
                    continue
            u = self._here
            values = codec.settle(u)
            if self._seen.get(u.tobytes(), 0) < self._round:
                params = self._space.coder.assemble(values)
                if self._space.allows(params):
                    return u, params
            self._here = None
            self._place += 1

    def _candidates(self, size: int | None) -> Iterable[FloatArray]:
        if size is None or size > LISTED:
            return self._space.grid_points()
        rows = list(self._space.grid_points())
        shuffle = Rng(self._seed, 0).generator(UNSEEN).permutation(len(rows))
        return (rows[i] for i in shuffle)


def check_repeats(repeats: Any) -> int | None:
    """Check the argument `repeats` of `Optimizer`: an integer >= 1, or None.

    Raises
    ------
    InvalidArgument, InvalidType
        It is neither.
    """
    return None if repeats is None else check_integer("repeats", repeats, 1)
