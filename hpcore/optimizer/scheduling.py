"""Scheduler of an optimizer: which job is next, and what follows from a report."""

from __future__ import annotations

import math
from collections.abc import Sequence

from hpcore.errors import InvalidArgument
from hpcore.optimizer.snapshot import Snapshot
from hpcore.records.channel import Channel, Decision
from hpcore.records.history import COMPLETE, PAUSED, PRUNED, History
from hpcore.records.outcome import Outcome
from hpcore.records.progress import Progress
from hpcore.records.streams import Rng
from hpcore.schedulers.base import Judge, Resume, Scheduler, Start
from hpcore.space.columns import Columns

__all__ = ["Scheduling", "conclude"]


class Scheduling:
    """Scheduler at work on the history of an optimizer.

    Parameters
    ----------
    scheduler : Scheduler
        Scheduler that decides.
    columns : Columns
        Columns of the space.
    directions : tuple of str
        Direction of each objective.
    seed : int
        Seed; random numbers depend on it and on the number of jobs.
    """

    def __init__(self, scheduler: Scheduler, columns: Columns, directions: tuple[str, ...], seed: int) -> None:
        self._seed = seed
        self.judge: Judge = scheduler.bind(columns, directions, seed)
        self._signs = tuple(-1.0 if way == "maximize" else 1.0 for way in directions)

    def next_job(self, history: History, job: int) -> Start | Resume | None:
        """Choose the next job, which gets the number `job`; see `Judge.next`."""
        order = self.judge.next(history.for_schedulers(), Rng(self._seed, job))
        if isinstance(order, Resume) and history.state[order.number] != PAUSED:
            raise InvalidArgument(f"the scheduler resumes trial {order.number}, which is not paused")
        return order

    def full_resource(self, history: History) -> float:
        """Resource of a full evaluation, as far as it is known."""
        return self.judge.full_resource(history.curves, history.for_schedulers().state)

    def decide(self, progress: Progress, number: int, step: float, history: History) -> Decision:
        """Decide on a trial after a report, which is in the history."""
        return progress.decide(step, self.judge.decide(number, step, history.curves, history.for_schedulers().state))

    def snapshot(self, progress: Progress, number: int, history: History, forward: Channel | None) -> Snapshot:
        """Make a channel that decides from the history as it is now, wherever the job runs."""
        seen = self.judge.snapshot(number, history.curves, history.for_schedulers().state)
        return Snapshot(self.judge, seen, self._signs, history.job_of(number), progress.until, progress.full, forward)


def conclude(outcome: Outcome, progress: Progress | None, pruned: bool, last: Sequence[float] | None) -> Outcome:
    """Return the outcome of a job, given what its objective returned and what was decided on its last report.

    Parameters
    ----------
    outcome : Outcome
        Checked return of the objective; failed if that raised an error, or returned nothing useful.
    progress : Progress or None
        Progress of the job where it ran.
    pruned : bool
        True if the objective raised `hpcore.Pruned`.
    last : sequence of float or None
        Values of the last report, in the user's own sign.
    """
    decision = Decision.CONTINUE if progress is None else progress.decision
    if decision is Decision.CONTINUE:
        return outcome._replace(values=None, state=PRUNED, error=None) if pruned else outcome
    assert progress is not None
    if progress.is_full:
        if outcome.state == COMPLETE or last is None or not all(map(math.isfinite, last)):
            return outcome
        return outcome._replace(values=tuple(last), state=COMPLETE, error=None)
    state = PAUSED if decision is Decision.PAUSE else PRUNED
    return outcome._replace(values=None, state=state, std_error=None, error=None)
