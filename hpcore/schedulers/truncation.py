"""Truncation: the worst trials of each interval stop."""

from __future__ import annotations

from hpcore.arguments import check_flag, check_integer
from hpcore.schedulers.base import Judge, Scheduler
from hpcore.schedulers.intervals import IntervalJudge, check_intervals
from hpcore.space.columns import Columns

__all__ = ["Truncation"]


class _Judge(IntervalJudge):
    def __init__(self, interval: int, delay: int, percentage: int, exclude_finished: bool) -> None:
        super().__init__(interval, delay, exclude_finished=exclude_finished)
        self._percentage = percentage

    def limits(self, others: list[float]) -> tuple[float, ...]:
        # A trial stops if fewer others than are truncated are as bad: if it is worse than the last of those.
        n = (len(others) + 1) * self._percentage // 100
        return (others[-n],) if n else ()

    def is_poor(self, best: float, score: float, limits: tuple[float, ...]) -> bool:
        return bool(limits) and best > limits[0]


class Truncation(Scheduler):
    """Truncation selection: the given percentage of trials with the worst values stops at each interval.

    Parameters
    ----------
    percentage : int
        Percentage of the trials that stop, 1 .. 99.
    evaluation_interval : int
        Number of reports between two evaluations of the rule.
    delay_evaluation : int
        The rule is first applied after so many reports of a trial, at the next multiple of `evaluation_interval`.
    exclude_finished : bool
        True to compare with trials only that have not ended: that are neither complete, pruned nor failed.

    Notes
    -----
    After n reports of a trial, its best value so far is ranked among the best of the first n reports of all trials
    that have made so many; of k trials with this one, the worst floor(k percentage / 100) stop:
    TruncationSelectionPolicy of Azure ML. Trials of equal value do not stop for each other. Of several objectives the
    first one counts. A NaN counts as infinitely bad, and so do all reports of a trial that failed.

    Examples
    --------
    >>> from hpcore.schedulers import Truncation
    >>> scheduler = Truncation(percentage=20, evaluation_interval=1, delay_evaluation=5, exclude_finished=True)
    """

    def __init__(
        self,
        percentage: int = 20,
        evaluation_interval: int = 1,
        delay_evaluation: int = 0,
        exclude_finished: bool = False,
    ) -> None:
        self.percentage = check_integer("percentage", percentage, 1, 99)
        self.evaluation_interval, self.delay_evaluation = check_intervals(evaluation_interval, delay_evaluation)
        self.exclude_finished = check_flag("exclude_finished", exclude_finished)

    def bind(self, columns: Columns, directions: tuple[str, ...], seed: int) -> Judge:
        """See `Scheduler.bind`."""
        return _Judge(self.evaluation_interval, self.delay_evaluation, self.percentage, self.exclude_finished)
