"""Log of runs in Weights & Biases."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hpcore.arguments import check_flag
from hpcore.errors import InvalidArgument, require
from hpcore.records.words import last_line, shorten
from hpcore.tracking.base import StudyCallback
from hpcore.tracking.facts import Facts, check_options, number, text, title

if TYPE_CHECKING:
    from hpcore.records.snapshot import TrialSnapshot
    from hpcore.study.trackers import TrackedStudy

__all__ = ["WandbCallback"]

# Characters of a name, and of a text in the history.
NAME, TEXT = 128, 2000


class WandbCallback(StudyCallback):
    """Tracker that logs a study as a run of Weights & Biases, or each trial as a run in a group.

    Parameters
    ----------
    metric_name : str or sequence of str
        Name of the value, or one for each objective; of several objectives it is otherwise ``NAME_0``, ``NAME_1``, ...
    wandb_kwargs : mapping, optional
        Options of `wandb.init`, such as ``{"project": "digits", "mode": "offline"}``. They come before those of this
        class: project ``"hpcore"``, name, id, config and `reinit`; with `as_multirun` the study's name is the group.
    as_multirun : bool
        False for one run a study, True for one run a trial.
    flush_seconds : float
        Longest time in seconds that the end of a run waits for what is not logged yet; what is left then is lost.

    Raises
    ------
    MissingDependency
        wandb is not installed.
    InvalidArgument, InvalidType
        An argument is not allowed.

    Notes
    -----
    The run of a study has one row a trial, with ``trial`` as the axis: its parameters under ``params/``, its values,
    state, cost, seconds, metrics, violations of limits, and the error of a failed one; partial results are rows with
    ``report_trial``, ``report_step`` and ``NAME_report``, or ``NAME_fold`` for folds. A run of a trial has the
    parameters as its config, and partial results with ``step``. The summary has the best value and its parameters. A
    study that continues is logged in its earlier run. The console is not captured, unless `wandb_kwargs` has settings
    that say so. Nobody is asked for a key: without one, and without ``mode="offline"``, there is an error in the log.

    Examples
    --------
    .. code-block:: python

        import hpcore as hp
        from hpcore.tracking import WandbCallback

        tracker = WandbCallback(wandb_kwargs={"project": "digits", "mode": "offline"})
        study = hp.minimize(train, space, n_trials=50, callbacks=[tracker])
    """

    def __init__(
        self,
        metric_name: str | Sequence[str] = "value",
        wandb_kwargs: Mapping[str, Any] | None = None,
        as_multirun: bool = False,
        *,
        flush_seconds: float = 30.0,
    ) -> None:
        self.wandb_kwargs = check_options("wandb_kwargs", wandb_kwargs)
        self.as_multirun = check_flag("as_multirun", as_multirun)
        require("wandb", "wandb", "hpcore.tracking.WandbCallback")
        super().__init__(metric_name, flush_seconds)

    def _reset(self) -> None:
        self._run: Any = None
        self._runs: dict[int, Any] = {}

    def begin(self, study: TrackedStudy) -> None:
        """See `Tracker`."""
        self._wandb = require("wandb", "wandb", "hpcore.tracking.WandbCallback")
        self._take(study)
        self._check_key()
        self._config = {**study.settings, "space": dict(study.parameters), "directions": list(study.directions)}
        if self.as_multirun:
            return
        self._run = self._init(title(study), study.key, self._config, job_type="study")
        self._run.define_metric("trial")
        for name in ("params/*", "state", "error", "cost", "seconds", *self._names):
            self._run.define_metric(name, step_metric="trial")

    def _init(self, name: str, key: str, config: dict[str, Any], **options: Any) -> Any:
        given = dict(self.wandb_kwargs)
        config |= given.pop("config", None) or {}
        chosen: dict[str, Any] = {
            "project": os.environ.get("WANDB_PROJECT", "hpcore"),
            "name": shorten(name, NAME),
            "id": key,
            "resume": "allow",
            # Others may have a run of their own in this process.
            "reinit": "create_new",
            "settings": self._wandb.Settings(console="off", silent=True),
            **options,
            **given,
        }
        return self._wandb.init(config=config, **chosen)

    def _check_key(self) -> None:
        mode = self.wandb_kwargs.get("mode") or os.environ.get("WANDB_MODE", "online")
        if mode == "online" and not self._wandb.api.api_key:
            # wandb would ask for it on the terminal.
            raise InvalidArgument(
                "wandb has no key: call wandb.login() first, or give wandb_kwargs={'mode': 'offline'}"
            )

    def reported(self, trial: TrialSnapshot, step: float, values: tuple[float, ...]) -> None:
        """See `Tracker`."""
        row: dict[str, Any] = {f"{n}_{self._study.steps}": v for n, v in zip(self._names, values, strict=False)}
        if self.as_multirun:
            self._run_of(trial).log({"step": step, **row})
        else:
            self._run.log({"report_trial": trial.number, "report_step": step, **row})

    def ended(self, trial: TrialSnapshot) -> None:
        """See `Tracker`."""
        facts = Facts(trial, self._names)
        row: dict[str, Any] = {**facts.numbers, **{name: float(value) for name, value in facts.not_finite.items()}}
        row["state"] = str(trial.state)
        if trial.feasible is not None:
            row["feasible"] = trial.feasible
        if trial.error:
            row["error"] = shorten(last_line(trial.error), TEXT)
        if self.as_multirun:
            run = self._run_of(trial)
            run.summary.update({**row, "trial": trial.number, **trial.user_attrs})
            run.log({name: value for name, value in row.items() if isinstance(value, float)})
            del self._runs[trial.number]
            run.finish(exit_code=int(trial.state == "failed"))
            return
        params = {f"params/{name}": _value(value) for name, value in trial.params.items()}
        self._run.log({"trial": trial.number, **params, **row})
        if self._incumbent.improves(trial):
            self._sum_up(trial)

    def _sum_up(self, best: TrialSnapshot) -> None:
        best_params = {name: _value(value) for name, value in best.params.items()}
        self._run.summary.update(
            {f"best_{self._names[0]}": best.value, "best_trial": best.number, "best_params": best_params}
        )

    def _run_of(self, trial: TrialSnapshot) -> Any:
        run = self._runs.get(trial.number)
        if run is None:
            study = self._study
            config = {**self._config, **{name: _value(value) for name, value in trial.params.items()}}
            run = self._runs[trial.number] = self._init(
                f"trial {trial.number}",
                f"{study.key}-{trial.number}",
                config,
                group=shorten(title(study), NAME),
                job_type="trial",
            )
        return run

    def close(self) -> None:
        """See `Tracker`."""
        code = int(self._study.state == "failed")
        for run in self._runs.values():
            run.summary.update({"state": "unfinished"})
            run.finish(exit_code=code)
        self._runs.clear()
        if self._run is not None:
            run, self._run = self._run, None
            run.summary.update({"state": self._study.state})
            run.finish(exit_code=code)


def _value(value: Any) -> Any:
    known = number(value)
    return shorten(text(value), TEXT) if known is None else known
