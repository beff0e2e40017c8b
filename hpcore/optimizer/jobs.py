"""Jobs of an optimizer as logs and workers see them: which is next, the way of its reports, and what it came to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from hpcore.optimizer.record import Record
from hpcore.optimizer.suggestions import Suggestions
from hpcore.optimizer.turn import Turn
from hpcore.records.channel import Channel, Decision, Direct
from hpcore.records.curves import Curves
from hpcore.records.history import History
from hpcore.records.outcome import Outcome
from hpcore.records.progress import Rooted
from hpcore.records.trial import Trial

if TYPE_CHECKING:
    from hpcore.optimizer.scheduling import Scheduling
    from hpcore.schedulers.base import Resume, Start

__all__ = ["Jobs"]


class Jobs:
    """Jobs of an optimizer; a trial has one, and another one each time that it is resumed.

    Parameters
    ----------
    record : Record
        Record of the optimizer.
    suggestions : Suggestions
        Suggestions of its sampler, which reports make stale.
    scheduling : Scheduling or None
        Its scheduler at work.
    lock : Turn
        Lock of the optimizer.
    """

    def __init__(self, record: Record, suggestions: Suggestions, scheduling: Scheduling | None, lock: Turn) -> None:
        self._record, self._suggestions, self._scheduling = record, suggestions, scheduling
        self.lock = lock
        self.set_channel(Direct(self.receive))

    @property
    def has_scheduler(self) -> bool:
        """True if a scheduler decides which job is next."""
        return self._scheduling is not None

    # --- before a job --------------------------------------------------------------------------------------------

    @property
    def keeps_checkpoints(self) -> bool:
        """True if the scheduler lets trials go on from the checkpoints of others."""
        return self._scheduling is not None and self._scheduling.judge.keeps_checkpoints

    def next(self, as_of: int | None = None) -> Start | Resume | None:
        """Return what the scheduler orders next, without beginning it; None if it needs results of running trials.

        `Optimizer.ask` begins a job by itself; this method, and `Optimizer.begin_job`, are for callers that store it
        first.
        """
        assert self._scheduling is not None
        with self.lock:
            return self._scheduling.next_job(self.know_full(as_of), self._record.history.n_jobs)

    def know_full(self, as_of: int | None = None) -> History:
        """Find the resource of a full evaluation for jobs that begin now; return the history as of a job."""
        seen = self._seen(as_of)
        if self._scheduling is not None:
            self._record.full = self._scheduling.full_resource(seen)
        return seen

    def resume(self, trial: Trial | int, job: int | None, until: float) -> Trial:
        """Begin another job of a paused trial; see `Optimizer.resume`."""
        resumed = self._record.resume(trial, job, until)
        self._suggestions.changed()
        return resumed

    def restored(self, first: int) -> None:
        """Tell the running trials from number `first` on, which were restored, the resource of a full evaluation."""
        if self._scheduling is None:
            return
        self.know_full()
        for number, trial in self._record.running.items():
            if number >= first and trial.progress is not None:
                trial.progress.full = self._record.full

    def set_channel(self, channel: Channel) -> None:
        """Set the way of the reports of trials, also of those that run."""
        self._record.channel = channel
        for trial in self._record.running.values():
            if trial.progress is not None:
                trial.progress.channel = channel

    def set_checkpoints(self, root: Rooted | None) -> None:
        """Set the folder of the checkpoints of trials, also of those that run."""
        self._record.root = root
        for trial in self._record.running.values():
            if trial.progress is not None:
                trial.progress.root = root

    def decide_there(self, trial: Trial, as_of: int | None) -> None:
        """Let the scheduler decide on a job's reports from what is known now, or as of a job, wherever the job runs.

        Parameters
        ----------
        trial : Trial
            Trial that is about to run.
        as_of : int or None
            Last job whose reports count; None for all.
        """
        with self.lock:
            progress = trial.progress
            if self._scheduling is None or progress is None:
                return
            seen = self._seen(as_of)
            progress.channel = self._scheduling.snapshot(progress, trial.number, seen, self._record.channel)

    def seen_by(self, number: int) -> tuple[Curves, npt.NDArray[np.uint8]] | None:
        """Return the reports and states that the scheduler decides from on the reports of a trial, as of now."""
        assert self._scheduling is not None
        with self.lock:
            history = self._record.history
            return self._scheduling.judge.snapshot(number, history.curves, history.for_schedulers().state)

    def _seen(self, as_of: int | None) -> History:
        history = self._record.history
        return history if as_of is None else history.as_of(as_of)

    # --- reports -------------------------------------------------------------------------------------------------

    def receive(self, number: int, step: float, values: Sequence[float], cost: float | None = None) -> Decision:
        """Record a checked report of a running trial, unless its step is known, and decide; see `Optimizer.report`."""
        with self.lock:
            known = self._record.find(number)
            if self._scheduling is not None:
                return self.report(known, step, values, cost)
            self._take(known, step, values, cost)
            return Decision.CONTINUE

    def report(self, known: Trial, step: float, values: Sequence[float], cost: float | None) -> Decision:
        """Record a checked report of a running trial of this optimizer, and decide."""
        progress = known.progress
        if self._scheduling is None or progress is None:
            self._record.report(known, values, step, cost)
            self._suggestions.changed()
            return Decision.CONTINUE
        if step > progress.step:
            self._take(known, step, values, cost)
            progress.step, progress.has_reported = step, True
            progress.decision = self._scheduling.decide(progress, known.number, step, self._record.history)
        return progress.decision

    def take_report(self, number: int, step: float, values: Sequence[float], cost: float | None = None) -> bool:
        """Record a checked report of a job that decides elsewhere, unless this or a larger step of the trial is known.

        Returns
        -------
        bool
            True if it was recorded.
        """
        with self.lock:
            known = self._record.running.get(number)
            return known is not None and self._take(known, step, values, cost)

    def last_step(self, number: int) -> float:
        """Return the last step that was recorded of a trial; minus infinity if there is none."""
        with self.lock:
            return self._record.last_step(number)

    def _take(self, known: Trial, step: float, values: Sequence[float], cost: float | None) -> bool:
        taken = self._record.take_report(known, step, values, cost)
        if taken:
            self._suggestions.changed()
        return taken

    # --- after a job ---------------------------------------------------------------------------------------------

    def conclude(self, told: Trial | int, known: Trial, outcome: Outcome, pruned: bool = False) -> Outcome:
        """Return the outcome of a job, given what its objective returned and what was decided; see `scheduling`.

        Parameters
        ----------
        told : Trial or int
            Trial as it was told, which knows what was decided where it ran.
        known : Trial
            Running trial of this optimizer.
        outcome : Outcome
            Checked return of the objective.
        pruned : bool
            True if the objective raised `hpcore.Pruned`.
        """
        from hpcore.optimizer.scheduling import conclude

        progress = told.progress if isinstance(told, Trial) and told.progress is not None else known.progress
        last: Sequence[float] | None = None
        if progress is not None and progress.reports:
            last = progress.reports[-1][1]
        elif (rows := self._record.history.curves.of(known.number)) and outcome.values is None:
            last = self._record.in_own_sign(self._record.history.curves.values[rows[-1]])
        return conclude(outcome, progress, pruned, last)
