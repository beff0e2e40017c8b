"""Failed trials: one rule for every sampler that learns from results.

A trial counts as failed if it failed, was pruned without an estimate of its value, or returned a penalty in place of a
result, such as 1e5 for what is impossible (`hpcore.samplers.cliffs`). The estimate of a pruned trial is a value.

- The Gaussian process models success as it models limits: as one more outcome, 1 beyond its limit or 1 within. What is
  expected of a point is multiplied by the probability that it succeeds.
- TPE ranks trials, and a failed one is never good: it counts as +infinity, ``csrc/hpcore/records/failures.hpp``. A
  penalty needs no rule there, since a rank does not say how bad a bad trial was. From the first failure on it also
  models failing as one more limit, ``csrc/hpcore/tpe/merit.hpp``.
- Random, Sobol and grid points do not depend on results.

The reasons: where trials fail, others are likely to fail, so that these regions are left; but failures by chance among
good trials must change little, and a model of success learns that there is nothing to learn from them;
``benchmarks/quality/failures.py``.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from hpcore.records.history import FAILED, PRUNED, History
from hpcore.samplers.cliffs import beyond_cliff

__all__ = ["Split", "split"]

BoolArray = npt.NDArray[np.bool_]


class Split(NamedTuple):
    """Masks over the trials, each of shape (n,); a trial that is still running is in none."""

    complete: BoolArray
    """Trials with a result to learn from."""
    failed: BoolArray
    """Trials that count as failed, those with a penalty included."""
    penalised: BoolArray
    """Trials that returned a penalty."""


def split(history: History) -> Split:
    """Tell trials with a result from trials that count as failed.

    With several objectives, a penalty is one in each.
    """
    complete = history.observed
    penalised = np.zeros(history.n, dtype=np.bool_)
    failed = (history.state == FAILED) | ((history.state == PRUNED) & ~complete)
    found = [beyond_cliff(column) for column in history.values[complete].T]
    far = [mask for mask in found if mask is not None]
    if len(far) < len(found):
        return Split(complete, failed, penalised)
    penalised[complete] = np.logical_and.reduce(far)
    return Split(complete & ~penalised, failed | penalised, penalised)
