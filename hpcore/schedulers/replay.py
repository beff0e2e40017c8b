"""Replay of a schedule of hyperparameters that population-based training found."""

from __future__ import annotations

import math

import numpy as np

from hpcore.arguments import check_number
from hpcore.errors import InvalidArgument, InvalidType
from hpcore.records.history import PAUSED, RUNNING, History
from hpcore.records.schedule import Schedule, chain
from hpcore.records.streams import Rng
from hpcore.schedulers.base import Judge, Resume, Scheduler, Start
from hpcore.space.columns import Columns

__all__ = ["Replay"]


class _Judge(Judge):
    def __init__(self, schedule: Schedule, max_resource: float) -> None:
        self._schedule, self.max_resource = schedule, max_resource

    def next(self, history: History, rng: Rng) -> Start | Resume | None:
        """See `Judge.next`."""
        steps, points = self._schedule.steps, self._schedule.points
        until = [*steps[1:], self.max_resource]
        begun = [] if history.until is None else np.flatnonzero(~np.isnan(history.until)).tolist()
        if not begun:
            return Start(until[0], points[0])
        last = begun[-1]
        state, at = int(history.state[last]), len(chain(history, last)) - 1
        if state == PAUSED:
            rows = history.curves.of(last)
            if not rows or history.curves.step[rows[-1]] < until[at]:  # its worker was lost
                return Resume(last, until[at])
            return Start(until[at + 1], points[at + 1], last, history.job_of(last))
        # A training that has ended, in any way, is followed by another one, which stands for it.
        return None if state == RUNNING else Start(until[0], points[0], replaces=last)


class Replay(Scheduler):
    """Replay of a schedule: one training whose hyperparameters change as they did on the way to another trial.

    Parameters
    ----------
    schedule : Schedule
        Schedule that `Study.schedule` returned, of a study with the same space.
    max_resource : float, optional
        Resource of the training, after the beginning of the last part; the end of the schedule by default.

    Notes
    -----
    The objective is that of the study with population-based training: each part of the schedule is a trial of its own,
    which goes on from the checkpoint of the one before. With ``n_trials=1`` one training is run; the trial that
    completes it is the best trial. A training that was written anew can ask `Schedule.at` instead.

    Examples
    --------
    >>> import hpcore as hp
    >>> from hpcore.schedulers import PopulationBasedTraining, Replay
    >>> study = hp.Study({"lr": hp.Float(1e-4, 1.0, log=True)}, scheduler=PopulationBasedTraining(100))
    >>> study.run(train, n_trials=10)  # doctest: +SKIP
    >>> again = hp.Study(study.space, scheduler=Replay(study.schedule()))  # doctest: +SKIP
    >>> again.run(train, n_trials=1)  # doctest: +SKIP
    """

    def __init__(self, schedule: Schedule, max_resource: float | None = None) -> None:
        if not isinstance(schedule, Schedule):
            raise InvalidType(f"schedule must be a Schedule, as Study.schedule returns, got {schedule!r}")
        full = schedule.end if max_resource is None else check_number("max_resource", max_resource, 0.0, open_low=True)
        if not full > schedule.steps[-1] or math.isinf(full):
            raise InvalidArgument(
                f"max_resource must be > {schedule.steps[-1]:g}, where the last part of the schedule begins, "
                f"got {full:g}"
            )
        self.schedule, self.max_resource = schedule, full

    def bind(self, columns: Columns, directions: tuple[str, ...], seed: int) -> Judge:
        """See `Scheduler.bind`."""
        if self.schedule.points.shape[1] != columns.d:
            raise InvalidArgument(
                f"schedule must belong to the space, which has {columns.d} parameters, got one of "
                f"{self.schedule.points.shape[1]}"
            )
        known = {name for params in self.schedule.params for name in params}
        if not known <= set(columns.names):
            raise InvalidArgument(
                f"schedule must belong to the space of {', '.join(map(repr, columns.names))}, got one of "
                f"{', '.join(map(repr, sorted(known)))}"
            )
        return _Judge(self.schedule, self.max_resource)
