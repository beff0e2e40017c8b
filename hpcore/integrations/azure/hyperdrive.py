"""The configuration of a sweep in Azure ML's SDK v1."""

from __future__ import annotations

from enum import Enum
from typing import Any

from hpcore.arguments import check_number
from hpcore.errors import InvalidType
from hpcore.integrations.azure.samplings import ParameterSampling

__all__ = ["HyperDriveConfig", "PrimaryMetricGoal"]


class PrimaryMetricGoal(Enum):
    """Direction of the primary metric."""

    MAXIMIZE = "MAXIMIZE"
    MINIMIZE = "MINIMIZE"


class HyperDriveConfig:
    """Sweep of SDK v1, to be read by `sweep`.

    Parameters
    ----------
    hyperparameter_sampling : ParameterSampling
        Search space with its sampling algorithm.
    primary_metric_name : str
        Name of the metric.
    primary_metric_goal : PrimaryMetricGoal or str
        Direction of the metric.
    max_total_runs, max_concurrent_runs : int, optional
        Number of trials, and of those that run at a time.
    max_duration_minutes : float, optional
        Time after which no trial begins.
    policy : policy, optional
        Early termination policy.
    run_config : object, optional
        Configuration of the runs in the cloud, which has no effect on this machine.
    """

    def __init__(
        self,
        hyperparameter_sampling: ParameterSampling,
        primary_metric_name: str,
        primary_metric_goal: PrimaryMetricGoal | str,
        max_total_runs: int | None = None,
        max_concurrent_runs: int | None = None,
        max_duration_minutes: float | None = None,
        policy: Any = None,
        run_config: Any = None,
    ) -> None:
        if not isinstance(hyperparameter_sampling, ParameterSampling):
            raise InvalidType(
                "hyperparameter_sampling must be a RandomParameterSampling, GridParameterSampling or "
                f"BayesianParameterSampling, got {hyperparameter_sampling!r:.200}"
            )
        self.hyperparameter_sampling, self.policy = hyperparameter_sampling, policy
        self.primary_metric_name, self.primary_metric_goal = primary_metric_name, primary_metric_goal
        self.max_total_runs, self.max_concurrent_runs = max_total_runs, max_concurrent_runs
        self.max_duration_minutes, self.run_config = max_duration_minutes, run_config

    def to_fields(self) -> dict[str, Any]:
        """The same by the keys of the YAML schema."""
        minutes = self.max_duration_minutes
        limits = {
            "max_total_trials": self.max_total_runs,
            "max_concurrent_trials": self.max_concurrent_runs,
            "timeout": None if minutes is None else 60 * check_number("max_duration_minutes", minutes, 0.0),
        }
        fields: dict[str, Any] = {
            "search_space": self.hyperparameter_sampling.parameter_space,
            "sampling_algorithm": self.hyperparameter_sampling,
            "objective": {"primary_metric": self.primary_metric_name, "goal": self.primary_metric_goal},
            "limits": {name: value for name, value in limits.items() if value is not None},
            "early_termination": self.policy,
        }
        return {name: value for name, value in fields.items() if value is not None}
