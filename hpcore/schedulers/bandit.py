"""Bandit rule: a trial stops that is too far behind the best one."""

from __future__ import annotations

from hpcore.arguments import check_number
from hpcore.errors import InvalidArgument
from hpcore.schedulers.base import Judge, Scheduler
from hpcore.schedulers.intervals import IntervalJudge, check_intervals
from hpcore.space.columns import Columns

__all__ = ["Bandit"]

# Of the examples in the documentation of Azure ML.
SLACK_FACTOR = 0.1


class _Judge(IntervalJudge):
    def __init__(self, interval: int, delay: int, slack_factor: float | None, slack_amount: float | None) -> None:
        super().__init__(interval, delay)
        self._slack_factor, self._slack_amount = slack_factor, slack_amount

    def limits(self, others: list[float]) -> tuple[float, ...]:
        return tuple(others[:1])

    def is_poor(self, best: float, score: float, limits: tuple[float, ...]) -> bool:
        if not limits:
            return False
        if self._slack_factor is None:
            assert self._slack_amount is not None
            return best > limits[0] + self._slack_amount
        slack = 1.0 + self._slack_factor
        return best > (limits[0] * slack if limits[0] > 0.0 else limits[0] / slack)


class Bandit(Scheduler):
    """Bandit rule: a trial stops if its best value is not within a slack of the best trial's.

    Parameters
    ----------
    slack_factor : float, optional
        Slack as a ratio, at least 0. With 0.2 and a best value of 0.8 that is to be maximized, trials below
        0.8 / 1.2 stop; where it is to be minimized, those above 0.8 * 1.2. If neither slack is given, 0.1.
    slack_amount : float, optional
        Slack as an amount, at least 0. With 0.2 and a best value of 0.8, trials below 0.6 stop, or above 1.0. Not
        together with `slack_factor`.
    evaluation_interval : int
        Number of reports between two evaluations of the rule.
    delay_evaluation : int
        The rule is first applied after so many reports of a trial, at the next multiple of `evaluation_interval`.

    Notes
    -----
    After n reports of a trial, its best value so far is compared with the best of the first n reports of all trials
    that have made so many: BanditPolicy of Azure ML. Its documentation knows positive values only; the ratio of
    negative ones is that of their distances from 0, so that a maximized -0.8 allows -0.8 * 1.2, and a minimized one
    -0.8 / 1.2: the slack always lies on the worse side. Where values have both signs, use `slack_amount`. Of several
    objectives the first one counts. A NaN counts as infinitely bad, and so do all reports of a trial that failed.

    Examples
    --------
    >>> from hpcore.schedulers import Bandit
    >>> scheduler = Bandit(slack_factor=0.1, evaluation_interval=1, delay_evaluation=5)
    """

    def __init__(
        self,
        slack_factor: float | None = None,
        slack_amount: float | None = None,
        evaluation_interval: int = 1,
        delay_evaluation: int = 0,
    ) -> None:
        if slack_factor is not None and slack_amount is not None:
            raise InvalidArgument(
                f"give slack_factor or slack_amount, not both, got slack_factor={slack_factor!r} and "
                f"slack_amount={slack_amount!r}"
            )
        if slack_factor is None and slack_amount is None:
            slack_factor = SLACK_FACTOR
        self.slack_factor = None if slack_factor is None else check_number("slack_factor", slack_factor, 0.0)
        self.slack_amount = None if slack_amount is None else check_number("slack_amount", slack_amount, 0.0)
        self.evaluation_interval, self.delay_evaluation = check_intervals(evaluation_interval, delay_evaluation)

    def bind(self, columns: Columns, directions: tuple[str, ...], seed: int) -> Judge:
        """See `Scheduler.bind`."""
        return _Judge(self.evaluation_interval, self.delay_evaluation, self.slack_factor, self.slack_amount)
