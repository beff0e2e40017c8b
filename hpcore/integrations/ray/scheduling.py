"""Scheduler for Ray Tune."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import cloudpickle
import numpy as np

from hpcore.errors import InvalidArgument, InvalidType, require
from hpcore.integrations.ray.results import number
from hpcore.integrations.stopping import stopping_scheduler
from hpcore.records.channel import Decision
from hpcore.records.curves import Curves
from hpcore.records.history import COMPLETE, FAILED, PRUNED, RUNNING
from hpcore.schedulers import Judge, Scheduler
from hpcore.space import Float, Space

__all__ = ["HpcoreScheduler"]

_schedulers: Any = require("ray.tune.schedulers", "ray")
_result: Any = require("ray.tune.result", "ray")


class HpcoreScheduler(_schedulers.FIFOScheduler):
    """Scheduler of Ray Tune that stops trials by a scheduler of hpcore.

    Parameters
    ----------
    scheduler : str or Scheduler, default="asha"
        ``"asha"``, ``"hyperband"``, ``"halving"``, ``"median"``, ``"bandit"``, ``"truncation"``, ``"patience"``,
        ``"threshold"``, or an object of `hpcore.schedulers` with its options.
    metric : str, optional
        Metric, where the Tuner does not name it.
    mode : {"min", "max"}, optional
        Direction, where the Tuner does not name it.
    time_attr : str, default="training_iteration"
        Entry of a result that says how far a trial is.

    Raises
    ------
    InvalidArgument, InvalidType
        An argument is not allowed, or the scheduler pauses trials or copies checkpoints.

    Notes
    -----
    Trials are stopped and never paused, because a trainable without checkpoints would begin again: `ASHA` has the kind
    ``"stopping"`` here, `SuccessiveHalving` is the same with one bracket, and `Hyperband` with all brackets, to which
    trials are dealt in the order in which they begin. A trial that has come to the ``max_resource`` of the scheduler is
    stopped too, and one whose metric is NaN.

    Examples
    --------
    >>> from hpcore.integrations.ray import HpcoreScheduler  # doctest: +SKIP
    >>> from hpcore.schedulers import ASHA  # doctest: +SKIP
    >>> tune.TuneConfig(metric="loss", mode="min", scheduler=HpcoreScheduler(ASHA(max_resource=81)))  # doctest: +SKIP
    """

    def __init__(
        self,
        scheduler: str | Scheduler = "asha",
        metric: str | None = None,
        mode: str | None = None,
        time_attr: str = _result.TRAINING_ITERATION,
    ) -> None:
        self.scheduler, self._rule = stopping_scheduler(scheduler, "HpcoreScheduler")
        for name, value in (("metric", metric), ("time_attr", time_attr)):
            if not (isinstance(value, str) or (name == "metric" and value is None)):
                raise InvalidType(f"{name} must be a str, got {value!r}")
        _check_mode(mode)
        super().__init__()
        self._metric, self._mode, self._time_attr = metric, mode, time_attr
        self._judge: Judge | None = None
        self._curves = Curves(1)
        # Trials in the order in which they began, their states, and the last step of each.
        self._places: dict[str, int] = {}
        self._states: list[int] = []
        self._steps: list[float] = []

    def set_search_properties(self, metric: str | None, mode: str | None, **spec: Any) -> bool:
        """See `ray.tune.schedulers.TrialScheduler`; False if there is a metric or a mode already."""
        if (self._metric and metric) or (self._mode and mode):
            return False
        if isinstance(metric, list) or isinstance(mode, list):
            raise InvalidArgument(f"HpcoreScheduler must have one metric, got metric={metric!r}, mode={mode!r}")
        _check_mode(mode)
        self._metric, self._mode = metric or self._metric, mode or self._mode
        if self._metric is None and self._mode:
            self._metric = _result.DEFAULT_METRIC
        return True

    def on_trial_add(self, tune_controller: Any, trial: Any) -> None:
        """See `ray.tune.schedulers.TrialScheduler`."""
        if not self._metric or not self._mode:
            raise InvalidArgument(
                f"metric and mode must be given to HpcoreScheduler or tune.TuneConfig, got metric={self._metric!r}, "
                f"mode={self._mode!r}"
            )
        place = self._place(trial)
        if self._states[place] == FAILED:  # Tune runs it again
            self._states[place] = RUNNING

    def on_trial_result(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> str:
        """See `ray.tune.schedulers.TrialScheduler`."""
        place, step, told = self._place(trial), number(result.get(self._time_attr)), result.get(self._metric or "")
        if told is None or not self._steps[place] < step < math.inf:
            return str(self.CONTINUE)
        if self._judge is None:
            direction = "maximize" if self._mode == "max" else "minimize"
            self._judge = self._rule.bind(Space({"x": Float(0.0, 1.0)}).columns, (direction,), 0)
        value = -number(told) if self._mode == "max" else number(told)
        self._steps[place] = step
        self._curves.append(place, step, (value,))
        if step >= self._judge.max_resource:
            return str(self.STOP)
        states = np.array(self._states, dtype=np.uint8)
        decision = self._judge.decide(place, step, self._curves, states)
        if math.isnan(value) or decision is Decision.STOP:
            self._states[place] = PRUNED
            return str(self.STOP)
        return str(self.CONTINUE)

    def on_trial_complete(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> None:
        """See `ray.tune.schedulers.TrialScheduler`."""
        self._end(trial, COMPLETE)

    def on_trial_error(self, tune_controller: Any, trial: Any) -> None:
        """See `ray.tune.schedulers.TrialScheduler`."""
        self._end(trial, FAILED)

    def on_trial_remove(self, tune_controller: Any, trial: Any) -> None:
        """See `ray.tune.schedulers.TrialScheduler`."""
        self._end(trial, PRUNED)

    def debug_string(self) -> str:
        """See `ray.tune.schedulers.TrialScheduler`."""
        n = sum(state == PRUNED for state in self._states)
        return f"Using {self.scheduler!r} of hpcore: {n} of {len(self._states)} trials stopped early."

    def save(self, checkpoint_path: str) -> None:
        """See `ray.tune.schedulers.TrialScheduler`."""
        Path(checkpoint_path).write_bytes(cloudpickle.dumps(self.__dict__))

    def restore(self, checkpoint_path: str) -> None:
        """See `ray.tune.schedulers.TrialScheduler`; a file of ``save``, which is unpickled, must be trusted."""
        self.__dict__.update(cloudpickle.loads(Path(checkpoint_path).read_bytes()))

    def _place(self, trial: Any) -> int:
        """Place of a trial in the order in which they began."""
        place = self._places.setdefault(trial.trial_id, len(self._states))
        if place == len(self._states):
            self._states.append(RUNNING)
            self._steps.append(-math.inf)
        return place

    def _end(self, trial: Any, state: int) -> None:
        place = self._place(trial)
        if self._states[place] == RUNNING:
            self._states[place] = state


def _check_mode(mode: Any) -> None:
    if mode is not None and mode not in ("min", "max"):
        raise InvalidArgument(f"mode must be 'min' or 'max', got {mode!r}")
