"""A point of the unit cube that remembers which parameters it was encoded from."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["EncodedPoint"]


class EncodedPoint(np.ndarray[Any, np.dtype[np.float64]]):
    """An array of shape (d,) with the parameters it came from.

    Anything derived from it (a copy, a slice, a sum) forgets them. `Space.decode` trusts the memory only after it
    has encoded it again and found the same coordinates, so a point that was changed in place decodes as it stands.
    """

    params: dict[str, Any] | None

    @classmethod
    def remember(cls, u: npt.NDArray[np.float64], params: dict[str, Any]) -> EncodedPoint:
        """`u` as a point that came from `params`."""
        point = u.view(cls)
        point.params = params
        return point

    def __array_finalize__(self, source: object) -> None:
        self.params = None

    def __reduce__(self) -> Any:
        return (_rebuild, (np.asarray(self), self.params))


def _rebuild(u: npt.NDArray[np.float64], params: dict[str, Any] | None) -> EncodedPoint:
    return EncodedPoint.remember(u, params) if params is not None else u.view(EncodedPoint)
