"""Median stopping: a trial stops that never was as good as the others are on average."""

from __future__ import annotations

from hpcore.schedulers.base import Judge, Scheduler
from hpcore.schedulers.intervals import IntervalJudge, check_intervals
from hpcore.space.columns import Columns

__all__ = ["MedianStopping"]


class _Judge(IntervalJudge):
    def limits(self, others: list[float]) -> tuple[float, ...]:
        # With one more score the median stays among the middle two or three.
        middle, odd = divmod(len(others), 2)
        return tuple(others[max(middle - 1, 0) : middle + 1 + odd])

    def is_poor(self, best: float, score: float, limits: tuple[float, ...]) -> bool:
        scores = sorted((*limits, score))
        high, low = scores[len(scores) // 2], scores[(len(scores) - 1) // 2]
        return best > (high if high == low else 0.5 * low + 0.5 * high)


class MedianStopping(Scheduler):
    """Median stopping rule: a trial stops if its best value is worse than the median of the trials' running averages.

    Parameters
    ----------
    evaluation_interval : int
        Number of reports between two evaluations of the rule.
    delay_evaluation : int
        The rule is first applied after so many reports of a trial, at the next multiple of `evaluation_interval`.

    Notes
    -----
    After n reports of a trial, its best value so far is compared with the median of the means of the first n reports
    of all trials that have made so many, itself included: MedianStoppingPolicy of Azure ML, after the rule of Golovin
    et al. (2017), "Google Vizier: a service for black-box optimization". Of several objectives the first one counts. A
    NaN counts as infinitely bad, and so do all reports of a trial that failed.

    Microsoft recommends ``evaluation_interval=1, delay_evaluation=5`` as a conservative setting.

    Examples
    --------
    >>> from hpcore.schedulers import MedianStopping
    >>> scheduler = MedianStopping(evaluation_interval=1, delay_evaluation=5)
    """

    def __init__(self, evaluation_interval: int = 1, delay_evaluation: int = 0) -> None:
        self.evaluation_interval, self.delay_evaluation = check_intervals(evaluation_interval, delay_evaluation)

    def bind(self, columns: Columns, directions: tuple[str, ...], seed: int) -> Judge:
        """See `Scheduler.bind`."""
        return _Judge(self.evaluation_interval, self.delay_evaluation, mean=True)
