"""Columns and attributes of scikit-learn's halving searches, for any scheduler."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from hpcore.schedulers.resources import exact
from hpcore.sklearn.fidelity import Fidelity
from hpcore.sklearn.results import Evaluated

__all__ = ["summarise"]


def summarise(search: Any, evaluated: Sequence[Evaluated], fidelity: Fidelity) -> dict[str, npt.NDArray[np.int64]]:
    """Set the attributes of a halving search, and return the columns ``iter`` and ``n_resources`` of its table.

    Parameters
    ----------
    search : SearchCV
        Search whose attributes are set.
    evaluated : sequence of Evaluated
        Rows of the table.
    fidelity : Fidelity
        Resource and scheduler of the search.

    Notes
    -----
    Iteration i is the i-th of all levels that candidates were evaluated at, in the order of the resource. In one
    bracket of successive halving that is scikit-learn's iteration.
    """
    column = np.array([candidate.level for candidate in evaluated], dtype=np.int64)
    levels, iteration, counts = np.unique(column, return_inverse=True, return_counts=True)
    search.n_resources_, search.n_candidates_ = levels.tolist(), counts.tolist()
    search.n_iterations_ = len(levels)
    search.n_remaining_candidates_ = math.ceil(int(counts[-1]) / exact(fidelity.factor)) if len(counts) else 0
    search.min_resources_, search.max_resources_ = fidelity.low, fidelity.most
    search.n_required_iterations_ = fidelity.required(len({candidate.number for candidate in evaluated}))
    search.n_possible_iterations_ = fidelity.n_possible
    return {"iter": iteration.astype(np.int64), "n_resources": column}
