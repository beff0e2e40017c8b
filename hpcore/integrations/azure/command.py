"""An objective that runs a command line, and reads the metric that it prints."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from hpcore.errors import InvalidArgument, Pruned
from hpcore.integrations.azure.metrics import MetricReader
from hpcore.integrations.azure.placeholders import Template
from hpcore.integrations.azure.processes import Processes
from hpcore.records.trial import Trial

__all__ = ["Command"]


class Command:
    """Objective that runs a command line for each trial.

    Each line of its output that names the metric is a value: a partial result, on which the scheduler decides, and the
    last one is the result of the trial. See `MetricReader` for the forms.

    Parameters
    ----------
    template : Template
        Command line.
    metric : str
        Name of the metric.
    folder : Path, optional
        Working folder; None is that of this process.
    environment : mapping of str to str
        Further variables.

    Attributes
    ----------
    seconds : float or None
        Time limit of a trial.
    outputs : Path
        Folder in which each trial has one of its own for ``${{outputs.NAME}}``.
    processes : Processes
        Processes that run now.
    """

    def __init__(
        self, template: Template, metric: str, folder: Path | None = None, environment: Mapping[str, str] | None = None
    ) -> None:
        self.template, self.metric, self.folder = template, metric, folder
        self.environment = dict(environment or {})
        self.seconds: float | None = None
        self.outputs = Path("outputs")
        self.processes = Processes()
        self._reader = MetricReader(metric)

    def begin(self) -> None:
        """Prepare for a run."""
        self.processes.open()

    def end(self) -> None:
        """End the processes of all trials."""
        self.processes.end()

    def __call__(self, trial: Trial) -> float:
        """Run a trial.

        Raises
        ------
        InvalidArgument
            The command printed no value of the metric.
        hpcore.Pruned
            The scheduler ended the trial.
        FitTimeout, ProgramFailed, OSError
            See `Processes.run`.
        """
        values: list[float] = []

        def line(text: str) -> bool:
            value = self._reader.read(text)
            if value is not None:
                values.append(value)
                trial.report(value, len(values))
            return not trial.should_stop()

        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
        if not self.processes.run(
            self.filled(trial),
            line=line,
            seconds=self.seconds,
            folder=self.folder,
            # The Python of this process, where the command says `python`.
            environment={"PATH": path, "AZUREML_SWEEP_TRIAL": str(trial.number), **self.environment},
        ):
            raise Pruned("the scheduler ended the trial")
        if not values:
            raise InvalidArgument(
                f"the command must print a value of the primary metric, as '{self.metric}: 0.5', and printed none"
            )
        return values[-1]

    def filled(self, trial: Trial) -> str | list[str]:
        """The command line of a trial, as one string for the shell if it needs one."""

        def folder() -> Path:
            return self.outputs.absolute() / f"trial-{trial.number}"

        if self.template.needs_shell:
            return self.template.line(trial.params, folder)
        return self.template.arguments(trial.params, folder)
