"""How often points of a space were proposed, and which one of a finite one is left."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt

from hpcore._core import space as native
from hpcore.records.streams import UNSEEN, Rng
from hpcore.space.space import Params, Space

__all__ = ["Remaining"]

FloatArray = npt.NDArray[np.float64]

# A space up to this size is listed whole, in an order keyed by the seed; a larger one is searched in order.
LISTED = 100_000


class Remaining:
    """The points that a search has yet to propose.

    Parameters
    ----------
    space : Space
        The points' own.
    seed : int
        Orders them.
    repeats : int
        How often a point may be proposed, at least 1.

    Attributes
    ----------
    finite : bool
        Whether no column is continuous, so that `next` can look through the points; there may be more than anybody has
        counted.
    """

    def __init__(self, space: Space, seed: int, repeats: int = 1) -> None:
        self._space, self._seed, self._repeats = space, seed, repeats
        self.finite = 0 not in space.columns.n_levels
        self.begin_anew(np.empty((0, len(space))))

    def begin_anew(self, X: FloatArray) -> None:
        """Note that these settled points (n, d) are proposed, and no other."""
        # Of a space without end only whether a point was met is ever asked, and few bytes answer that.
        self._seen: dict[bytes, int] = {}
        self._rows = native.RowSet()
        # The enumeration comes by as often as points may repeat: first for those that were never proposed.
        self._round = 1
        # What comes before this place of the enumeration is proposed or refused; the point there, if it is known, and
        # the ones after it.
        self._place = 0
        self._here: FloatArray | None = None
        self._rest: Iterator[FloatArray] | None = None
        self.discard_all(X)

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_here": None, "_rest": None}

    @property
    def n_seen(self) -> int:
        """Points that were proposed."""
        return len(self._seen) if self.finite else len(self._rows)

    def __contains__(self, u: FloatArray) -> bool:
        """Whether a settled point is yet to be proposed."""
        if self.finite:
            return self._seen.get(u.tobytes(), 0) < self._repeats
        return self._repeats > 1 or u not in self._rows

    def discard(self, u: FloatArray) -> None:
        """Note that a settled point is proposed."""
        if self.finite:
            key = u.tobytes()
            self._seen[key] = self._seen.get(key, 0) + 1
        else:
            self._rows.insert(u)

    def discard_all(self, X: FloatArray) -> None:
        """The same of settled points (n, d)."""
        if self.finite:
            for u in X:
                self.discard(u)
        else:
            self._rows.update(X)

    def next(self) -> tuple[FloatArray, Params] | None:
        """An allowed point, settled, and its parameters; None if there is none any more, or no end of them."""
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
