"""Log of runs in Neptune."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hpcore.errors import require
from hpcore.records.words import last_line, shorten
from hpcore.tracking.base import StudyCallback
from hpcore.tracking.facts import Facts, check_options, number, text, title

if TYPE_CHECKING:
    from hpcore.records.snapshot import TrialSnapshot
    from hpcore.study.trackers import TrackedStudy

__all__ = ["NeptuneCallback"]

# Bytes of the path of a field, and characters of a text.
PATH, TEXT = 1000, 15_000


class NeptuneCallback(StudyCallback):
    """Tracker that logs a study as a run of Neptune, by the package `neptune_scale`.

    Parameters
    ----------
    metric_name : str or sequence of str
        Name of the value, or one for each objective; of several objectives it is otherwise ``NAME_0``, ``NAME_1``, ...
    neptune_kwargs : mapping, optional
        Options of `neptune_scale.Run`, such as ``{"project": "team/digits", "mode": "offline"}``. They come before
        those of this class: the name, and an id by which a study that continues is logged in its earlier run.
    flush_seconds : float
        Longest time in seconds that the end of a run waits for what is not logged yet; what is left then is lost.

    Raises
    ------
    MissingDependency
        neptune_scale is not installed.
    InvalidArgument, InvalidType
        An argument is not allowed.

    Notes
    -----
    The run has the series ``trials/NAME`` and others of the trials' values, cost, seconds, metrics and violations of
    limits, in the order of their ends, with ``trials/number``; ``best/NAME`` is the best value so far. Each trial has
    ``trial/NUMBER/params/NAME``, its state, value and error, and the series ``trial/NUMBER/NAME_report`` of its partial
    results, or ``NAME_fold`` for folds. A number that is NaN or infinite is a text, because Neptune drops it.

    Neptune starts a process: a script needs ``if __name__ == "__main__":``.

    Examples
    --------
    .. code-block:: python

        import hpcore as hp
        from hpcore.tracking import NeptuneCallback

        tracker = NeptuneCallback(neptune_kwargs={"project": "team/digits", "mode": "offline"})
        study = hp.minimize(train, space, n_trials=50, callbacks=[tracker])
    """

    def __init__(
        self,
        metric_name: str | Sequence[str] = "value",
        neptune_kwargs: Mapping[str, Any] | None = None,
        *,
        flush_seconds: float = 30.0,
    ) -> None:
        self.neptune_kwargs = check_options("neptune_kwargs", neptune_kwargs)
        require("neptune_scale", "neptune", "hpcore.tracking.NeptuneCallback")
        super().__init__(metric_name, flush_seconds)

    def _reset(self) -> None:
        self._run: Any = None
        self._running: set[int] = set()

    def begin(self, study: TrackedStudy) -> None:
        """See `Tracker`."""
        neptune = require("neptune_scale", "neptune", "hpcore.tracking.NeptuneCallback")
        self._take(study)
        self._n_ended = study.n_ended  # steps of a series increase
        chosen: dict[str, Any] = {
            "run_id": f"hpcore-{study.key}",
            "experiment_name": shorten(title(study), 700),
            "enable_console_log_capture": False,
            "source_tracking_config": None,
            **self.neptune_kwargs,
        }
        self._run = neptune.Run(**chosen)
        self._configure(
            {
                "hpcore/state": "running",
                "hpcore/directions": ", ".join(study.directions),
                **{f"hpcore/{name}": value for name, value in study.settings.items()},
                **{f"space/{_part(name)}": value for name, value in study.parameters.items()},
            }
        )

    def reported(self, trial: TrialSnapshot, step: float, values: tuple[float, ...]) -> None:
        """See `Tracker`."""
        if trial.number not in self._running:
            self._running.add(trial.number)
            self._configure(_params(trial))
        for name, value in zip(self._names, values, strict=False):
            path = f"trial/{trial.number}/{_part(name)}_{self._study.steps}"
            if abs(value) < float("inf"):
                self._run.log_metrics({path: value}, step=step)
            else:
                self._configure({f"{path}_at/{step:g}": repr(value)})

    def ended(self, trial: TrialSnapshot) -> None:
        """See `Tracker`."""
        facts = Facts(trial, self._names)
        at = f"trial/{trial.number}"
        known = {} if trial.number in self._running else _params(trial)
        self._running.discard(trial.number)
        known |= {f"{at}/{_part(name)}": value for name, value in facts.not_finite.items()}
        known |= {f"{at}/{_part(name)}": value for name, value in facts.numbers.items()}
        known |= {f"{at}/user_attrs/{_part(name)}": _value(value) for name, value in trial.user_attrs.items()}
        known[f"{at}/state"] = str(trial.state)
        if trial.feasible is not None:
            known[f"{at}/feasible"] = trial.feasible
        if trial.error:
            known[f"{at}/error"] = last_line(trial.error)
        self._configure(known)
        self._n_ended += 1
        series: dict[str, float] = {_path(f"trials/{_part(name)}"): value for name, value in facts.numbers.items()}
        if self._incumbent.improves(trial):
            series[_path(f"best/{_part(self._names[0])}")] = self._incumbent.value
        self._run.log_metrics({"trials/number": float(trial.number), **series}, step=self._n_ended)

    def close(self) -> None:
        """See `Tracker`."""
        if self._run is None:
            return
        run, study = self._run, self._study
        known: dict[str, Any] = {"hpcore/state": study.state}
        if study.best is not None:
            known["best/trial"] = study.best.number
            known |= {f"best/params/{_part(name)}": _value(value) for name, value in study.best.params.items()}
        known |= {f"hpcore/user_attrs/{_part(name)}": _value(value) for name, value in study.user_attrs.items()}
        try:
            self._configure(known)
        finally:
            self._run = None
            run.close(timeout=self.flush_seconds)

    def _configure(self, known: Mapping[str, Any]) -> None:
        self._run.log_configs(
            {_path(name): shorten(value, TEXT) if isinstance(value, str) else value for name, value in known.items()}
        )


def _params(trial: TrialSnapshot) -> dict[str, Any]:
    return {f"trial/{trial.number}/params/{_part(name)}": _value(value) for name, value in trial.params.items()}


def _path(path: str) -> str:
    """Cut the path of a field."""
    data = path.encode(errors="replace")
    return data[:PATH].decode(errors="ignore")


def _part(name: str) -> str:
    """Return a name that is one part of a path."""
    return name.replace("/", "_") or "_"


def _value(value: Any) -> bool | int | float | str:
    known = number(value)
    if isinstance(known, bool):
        return known
    # Integers of Neptune have 64 bits; what is not finite is dropped.
    if known is not None and -(2**63) <= known < 2**63:
        return known
    return text(value)
