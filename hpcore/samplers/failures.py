"""Failed trials: the rule for every sampler that learns from results, ``csrc/hpcore/samplers/failures.hpp``."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from hpcore._core import samplers as native
from hpcore.records.history import History

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
    return Split(*native.split(history.trials))
