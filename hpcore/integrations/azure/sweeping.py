"""A sweep of Azure ML on this machine."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

from hpcore.arguments import check_integer, check_number
from hpcore.errors import InvalidArgument, InvalidType
from hpcore.integrations.azure.command import Command
from hpcore.integrations.azure.documents import LIMITS, Document, read_document, read_trial
from hpcore.integrations.azure.expressions import space_of
from hpcore.integrations.azure.fields import fields_of, one_of, only
from hpcore.integrations.azure.hyperdrive import HyperDriveConfig
from hpcore.integrations.azure.placeholders import Template
from hpcore.integrations.azure.policies import scheduler_of
from hpcore.integrations.azure.samplings import ParameterSampling, sampling_of
from hpcore.integrations.azure.timed import Timed
from hpcore.records.returned import Outcome
from hpcore.records.trial import Trial
from hpcore.samplers import Sampler
from hpcore.schedulers import Scheduler
from hpcore.space import Categorical, Space
from hpcore.study import Study

__all__ = ["Sweep", "sweep"]

_OF_GRID = ("max_total_trials", "grid")
# Of a sweep job that does not say it.
N_TRIALS = 1000


@dataclass
class Sweep:
    """Sweep of Azure ML that runs on this machine. Its attributes may be changed before `run`.

    Attributes
    ----------
    space : Space
        Search space.
    sampler : str or Sampler
        Sampler: ``"random"``, ``"sobol"``, ``"grid"``, or ``"gp"`` for Bayesian sampling.
    scheduler : Scheduler or None
        Early termination policy.
    direction : {"minimize", "maximize"}
        Goal of the primary metric.
    metric : str or None
        Primary metric; None if the sweep has a search space only.
    n_trials, n_jobs : int
        Number of trials, and of those that run at a time.
    timeout : float or None
        Seconds after which no trial begins.
    trial_timeout : float or None
        Seconds after which a trial is ended; it has failed then.
    seed : int or None
        Seed.
    command : Command or None
        Objective that runs the command of the sweep.
    ignored : tuple of str
        Keys of the sweep that have no effect on this machine, such as ``"compute"``.
    """

    space: Space
    sampler: str | Sampler = "random"
    scheduler: Scheduler | None = None
    direction: str = "minimize"
    metric: str | None = None
    n_trials: int = N_TRIALS
    n_jobs: int = 1
    timeout: float | None = None
    trial_timeout: float | None = None
    seed: int | None = None
    command: Command | None = None
    ignored: tuple[str, ...] = field(default=())

    def run(
        self,
        objective: Callable[[Trial], Any] | None = None,
        *,
        storage: str | os.PathLike[str] | None = None,
        name: str | None = None,
        callbacks: Sequence[Callable[[Study, Trial], Any]] = (),
        progress: bool | None = None,
    ) -> Study:
        """Run the sweep, and return its study.

        Parameters
        ----------
        objective : callable, optional
            Function ``objective(trial)`` of a mapping of the parameters. It returns the primary metric, or a mapping of
            metrics that has it; ``trial.report(value, step)`` and ``trial.should_stop()`` serve the policy. With
            `trial_timeout` each trial has a process of its own, which begins with an import of hpcore. By default the
            command of the sweep is run.
        storage, name, callbacks, progress
            Options of `hpcore.Study` and `Study.run`: with a storage the same call continues an earlier run up to
            `n_trials` trials.

        Returns
        -------
        Study
            A trial has failed whose command ended with an error, printed no value of the metric, or took longer than
            `trial_timeout`; its `error` says why.

        Raises
        ------
        InvalidArgument, InvalidType
            An attribute is not allowed, or there is neither an objective nor a command.
        """
        evaluate = self._objective(objective)
        n_trials = check_integer("n_trials", self.n_trials, 1)
        n_jobs = check_integer("n_jobs", self.n_jobs, 1)
        study = Study(
            self.space,
            storage=storage,
            name=name,
            sampler=self.sampler,
            scheduler=self.scheduler,
            direction=self.direction,
            seed=self.seed,
        )
        done = sum(trial.state in ("complete", "pruned", "failed") for trial in study.trials)
        if done >= n_trials:
            return study
        elsewhere = evaluate if isinstance(evaluate, Command | Timed) else None
        if elsewhere is not None:
            elsewhere.begin()
        # Threads that wait for the processes of trials.
        executor = ThreadPoolExecutor(n_jobs) if n_jobs > 1 and elsewhere is not None else None
        with nullcontext() if executor is None else executor:
            try:
                return study.run(evaluate, n_trials - done, self.timeout, n_jobs, executor, callbacks, progress)
            finally:
                if elsewhere is not None:
                    elsewhere.end()

    def _objective(self, objective: Callable[[Trial], Any] | None) -> Callable[[Trial], Any]:
        seconds = self.trial_timeout
        if seconds is not None:
            seconds = check_number("trial_timeout", seconds, 0.0, open_low=True, unit=" of seconds")
        if objective is None:
            if self.command is None:
                raise InvalidArgument("objective must be given, because the sweep has no trial with a command")
            self.command.seconds = seconds
            return self.command
        if not callable(objective):
            raise InvalidType(f"objective must be a function of a trial, got {objective!r:.200}")
        picked = _PrimaryMetric(objective, self.metric)
        return picked if seconds is None else Timed(picked, seconds)


class _PrimaryMetric:
    """Objective whose metrics are reduced to the primary one."""

    def __init__(self, objective: Callable[[Trial], Any], metric: str | None) -> None:
        self._objective, self._metric = objective, metric

    def __call__(self, trial: Trial) -> Any:
        found = self._objective(trial)
        if isinstance(found, Outcome) or not isinstance(found, Mapping):
            return found
        if self._metric is None or self._metric not in found:
            raise InvalidArgument(
                f"the objective must return the primary metric {self._metric!r}, got {', '.join(map(repr, found))}"
            )
        return found[self._metric]


def sweep(source: Any) -> Sweep:
    """Read a sweep of Azure ML, to be run on this machine.

    Parameters
    ----------
    source : path, mapping or object
        Path of a YAML file of a sweep job, the mapping in it, an object of the SDK v2, a `HyperDriveConfig` or one of
        the parameter samplings of SDK v1.

    Returns
    -------
    Sweep

    Raises
    ------
    InvalidArgument, InvalidType, InvalidSpace
        A key, type or value is not known or not allowed; the message names it.
    MissingDependency
        A file is to be read, and PyYAML is not installed.

    Examples
    --------
    >>> from hpcore.integrations.azure import GridParameterSampling, choice, sweep
    >>> study = sweep(GridParameterSampling({"x": choice(1, 2, 3)})).run(lambda trial: (trial["x"] - 2) ** 2)
    >>> study.best_params
    {'x': 2}
    """
    if isinstance(source, ParameterSampling):
        document = Document({"search_space": source.parameter_space, "sampling_algorithm": source}, None)
    elif isinstance(source, HyperDriveConfig):
        document = Document(source.to_fields(), None)
        document.ignored = () if source.run_config is None else ("run_config",)
    else:
        document = read_document(source)
        for key in ("objective", "search_space"):
            if document.fields.get(key) is None:
                raise InvalidArgument(f"{key} must be given in a sweep, got none")
    return _read(document)


def _read(document: Document) -> Sweep:
    fields = document.fields
    sampling = sampling_of(fields.get("sampling_algorithm"))
    found = Sweep(
        space_of(fields["search_space"], sampling.log_base),
        sampling.sampler,
        scheduler_of(fields.get("early_termination")),
        seed=sampling.seed,
        ignored=document.ignored,
    )
    if sampling.sampler == "grid":
        found.n_trials = found.space.n_points or N_TRIALS
        for name, parameter in found.space.items():
            if not isinstance(parameter, Categorical):
                raise InvalidArgument(f"search_space.{name} must be a choice in a grid, got {parameter!r}")
    if fields.get("objective") is not None:
        _read_objective(found, fields["objective"])
    _read_limits(found, fields.get("limits"))
    trial = read_trial(document)
    if trial is not None:
        assert found.metric is not None
        template = Template(trial.command, found.space, trial.inputs, trial.outputs)
        found.command = Command(template, found.metric, trial.folder, trial.environment)
        found.ignored += trial.ignored
    return found


def _read_objective(found: Sweep, given: Any) -> None:
    fields = fields_of("objective", given, ("goal", "primary_metric"))
    only("objective", fields, ("goal", "primary_metric"))
    found.direction = one_of("objective.goal", fields.get("goal"), ("minimize", "maximize"))
    metric = fields.get("primary_metric")
    if not isinstance(metric, str) or not metric:
        raise InvalidArgument(f"objective.primary_metric must be the name of a metric, got {metric!r}")
    found.metric = metric


def _read_limits(found: Sweep, limits: Any) -> None:
    fields = {} if limits is None else fields_of("limits", limits, LIMITS)
    only("limits", fields, LIMITS)
    for key, attribute in (("max_total_trials", "n_trials"), ("max_concurrent_trials", "n_jobs")):
        if fields.get(key) is not None:
            given = check_integer(f"limits.{key}", fields[key], 1)
            # A grid has an end.
            setattr(found, attribute, min(given, found.n_trials) if (key, found.sampler) == _OF_GRID else given)
    for key in ("timeout", "trial_timeout"):
        if fields.get(key) is not None:
            seconds = check_number(f"limits.{key}", fields[key], 0.0, open_low=True, unit=" of seconds")
            setattr(found, key, seconds)
