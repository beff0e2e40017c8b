"""Estimate of the time that the fit of the best candidate to all rows takes, while the search still runs."""

from __future__ import annotations

from collections.abc import Sequence

from hpcore.evaluation.workload import FoldScore
from hpcore.sklearn.fidelity import Fidelity

__all__ = ["RefitTime"]


class RefitTime:
    """Estimated time of the refit.

    Parameters
    ----------
    n_folds : int
        Number of folds k. A fit to all rows is taken to be k / (k - 1) times as long as one to the rows of a fold.
    fidelity : Fidelity or None
        Resource of the fits; the time is taken to be proportional to it.

    Attributes
    ----------
    seconds : float or None
        Estimate for the best candidate so far; None before the first.
    """

    def __init__(self, n_folds: int, fidelity: Fidelity | None) -> None:
        self.seconds: float | None = None
        self._share, self._fidelity = n_folds / max(1, n_folds - 1), fidelity
        self._best: tuple[int, float] | None = None

    def note(self, value: float, scores: Sequence[FoldScore], level: int | None = None) -> None:
        """Note a candidate with its value and its folds; one at a higher level is better than any at a lower one."""
        if self._best is not None and (level or 0, value) <= self._best:
            return
        self._best = (level or 0, value)
        self.seconds = self._share * sum(score.fit_time for score in scores) / max(1, len(scores))
        if level is not None and self._fidelity is not None:
            self.seconds *= self._fidelity.full / level
