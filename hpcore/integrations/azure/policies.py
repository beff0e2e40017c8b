"""Early termination policies of Azure ML as schedulers."""

from __future__ import annotations

from typing import Any

from hpcore.arguments import check_integer
from hpcore.errors import InvalidArgument
from hpcore.integrations.azure.fields import EVERYTHING, fields_of, kind_of, only
from hpcore.schedulers import Bandit, MedianStopping, Scheduler, Truncation

__all__ = ["BanditPolicy", "MedianStoppingPolicy", "NoTerminationPolicy", "TruncationSelectionPolicy", "scheduler_of"]

_INTERVALS = ("evaluation_interval", "delay_evaluation")
ARGUMENTS = {
    "bandit": (*_INTERVALS, "slack_factor", "slack_amount"),
    "median_stopping": _INTERVALS,
    "truncation_selection": (*_INTERVALS, "truncation_percentage", "exclude_finished_jobs"),
    "no_termination": (),
}


class BanditPolicy:
    """Policy that stops a trial whose best value is not within a slack of the best trial's.

    Parameters
    ----------
    evaluation_interval : int
        Number of values between two evaluations of the policy.
    slack_factor, slack_amount : float, optional
        Slack as a ratio or as an amount; one of them.
    delay_evaluation : int
        Number of values before which the policy is not applied.
    """

    type = "bandit"

    def __init__(
        self,
        evaluation_interval: int = 1,
        slack_factor: float | None = None,
        slack_amount: float | None = None,
        delay_evaluation: int = 0,
    ) -> None:
        self.evaluation_interval, self.delay_evaluation = evaluation_interval, delay_evaluation
        self.slack_factor, self.slack_amount = slack_factor, slack_amount


class MedianStoppingPolicy:
    """Policy that stops a trial whose best value is worse than the median of the running averages; see BanditPolicy."""

    type = "median_stopping"

    def __init__(self, evaluation_interval: int = 1, delay_evaluation: int = 0) -> None:
        self.evaluation_interval, self.delay_evaluation = evaluation_interval, delay_evaluation


class TruncationSelectionPolicy:
    """Policy that stops a percentage of the worst trials at each interval; see BanditPolicy.

    Parameters
    ----------
    truncation_percentage : int
        Percentage of the trials that stop, 1 .. 99.
    exclude_finished_jobs : bool
        True to compare with trials only that have not ended.
    """

    type = "truncation_selection"

    def __init__(
        self,
        truncation_percentage: int,
        evaluation_interval: int = 1,
        delay_evaluation: int = 0,
        exclude_finished_jobs: bool = False,
    ) -> None:
        self.truncation_percentage, self.exclude_finished_jobs = truncation_percentage, exclude_finished_jobs
        self.evaluation_interval, self.delay_evaluation = evaluation_interval, delay_evaluation


class NoTerminationPolicy:
    """Policy that stops no trial."""

    type = "no_termination"


def scheduler_of(policy: Any) -> Scheduler | None:
    """Make the scheduler of a policy; None without one.

    Raises
    ------
    InvalidArgument, InvalidType
        The policy is not known, or an argument is not allowed.
    """
    where = "early_termination"
    if policy is None:
        return None
    is_ours = isinstance(policy, BanditPolicy | MedianStoppingPolicy | TruncationSelectionPolicy | NoTerminationPolicy)
    fields = fields_of(where, policy, EVERYTHING)
    if is_ours:
        fields["type"] = policy.type
    kind = kind_of(where, fields, ARGUMENTS)
    only(where, fields, ARGUMENTS[kind])
    if kind == "no_termination":
        return None
    # 0, the default of SDK v2, is every value.
    interval = check_integer(f"{where}.evaluation_interval", fields.get("evaluation_interval") or 1, 1)
    delay = check_integer(f"{where}.delay_evaluation", fields.get("delay_evaluation") or 0, 0)
    if kind == "median_stopping":
        return MedianStopping(interval, delay)
    if kind == "truncation_selection":
        if not fields.get("truncation_percentage"):
            raise InvalidArgument(f"{where}.truncation_percentage must be given, 1 .. 99, got none")
        return Truncation(
            fields["truncation_percentage"], interval, delay, fields.get("exclude_finished_jobs") or False
        )
    slack = {name: fields[name] for name in ("slack_factor", "slack_amount") if fields.get(name) is not None}
    if len(slack) == 2:  # objects of SDK v2 have both, one of them 0
        slack = {name: value for name, value in slack.items() if value != 0} or slack
    if len(slack) != 1:
        raise InvalidArgument(f"{where} must have slack_factor or slack_amount, and not both, got {slack!r}")
    return Bandit(**slack, evaluation_interval=interval, delay_evaluation=delay)
