"""Costs of trials: whether they count in suggestions, and a cost function that is known in advance."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from hpcore._core import rng as native
from hpcore.arguments import check_flag, check_number
from hpcore.errors import InvalidArgument, InvalidType
from hpcore.records.history import History
from hpcore.space.space import Space

__all__ = ["CostFunction", "Costs", "read_costs"]

FloatArray = npt.NDArray[np.float64]
CostFunction = Callable[[dict[str, Any]], float]

# Points at which a cost function is evaluated, and points of the sequence that are tried for them.
N_POINTS, N_TRIES = 64, 1024


class Costs(NamedTuple):
    """Use of costs in a search.

    Attributes
    ----------
    per_cost : bool or None
        Whether a result is weighed by its cost; None for as soon as a cost is known.
    known : tuple of ndarray, or None
        Points (q, d) and costs (q,) of a cost function.
    """

    per_cost: bool | None = None
    known: tuple[FloatArray, FloatArray] | None = None

    def count(self, history: History) -> bool:
        """True if costs count in a suggestion from this history."""
        if self.per_cost is not None:
            return self.per_cost
        return self.known is not None or (history.cost is not None and not np.isnan(history.cost).all())


def read_costs(space: Space, per_cost: Any, cost: Any, seed: int) -> Costs:
    """Check the arguments `per_cost` and `cost` of `Optimizer`, and evaluate the cost function.

    Raises
    ------
    InvalidArgument, InvalidType
        An argument is not allowed, or the function fails or returns what is not a cost; the message has the params.
    """
    per_cost = None if per_cost is None else check_flag("per_cost", per_cost)
    if cost is None:
        return Costs(per_cost)
    if not callable(cost):
        raise InvalidType(f"cost must be a function of the params, got {cost!r}")
    rows, params = _spread(space, seed)
    return Costs(per_cost, (rows, np.array([_cost_at(cost, one) for one in params])))


def _cost_at(cost: CostFunction, params: Mapping[str, Any]) -> float:
    try:
        answer = cost(dict(params))
    except Exception as error:
        raise InvalidArgument(
            f"cost must answer for all allowed params, but raised {type(error).__name__}: {error} for {params!r}"
        ) from error
    try:
        return check_number("cost", answer, 0.0, open_low=True)
    except (InvalidArgument, InvalidType) as error:
        raise type(error)(f"{error} for {params!r}") from None


def _spread(space: Space, seed: int) -> tuple[FloatArray, list[dict[str, Any]]]:
    """Different points (q, d) that are spread over the allowed part of a space, at most `N_POINTS`, and their
    parameters."""
    found: dict[bytes, tuple[FloatArray, dict[str, Any]]] = {}
    for u in native.sobol(seed % 2**64, seed // 2**64, 0, N_TRIES, len(space)):
        params = space.coder.settle(u)
        if space.allows(params):
            found.setdefault(u.tobytes(), (u, params))
        if len(found) == N_POINTS:
            break
    if not found:
        # A sequence that ignores the constraints hardly ever meets a rare allowed set; walks do.
        for params in space.sample(N_POINTS, seed % 2**64):
            u = np.asarray(space.encode(params))
            found.setdefault(u.tobytes(), (u, params))
    rows, allowed = zip(*found.values(), strict=True)
    return np.array(rows), list(allowed)
