"""Trials of a run as jobs for `hpcore.workers.engine`, each of one piece of work."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hpcore.errors import LeaseExpired, StorageError
from hpcore.records.outcome import Outcome
from hpcore.records.returned import Outcome as Returned
from hpcore.records.trial import Trial
from hpcore.study.objective import Evaluation
from hpcore.study.run import Run
from hpcore.workers.engine import Job
from hpcore.workers.waiting import Patience, Wait

if TYPE_CHECKING:
    from hpcore.study.live import Listener

__all__ = ["TrialJob", "TrialSource"]


class TrialJob(Job):
    """Job of one piece of work: the evaluation of a trial."""

    __slots__ = ("trial",)

    def __init__(self, trial: Trial, source: TrialSource) -> None:
        # As the base does, without the factories of its fields.
        self.unsent, self.n_sent, self.n_running, self.n_lost = [0], 0, 0, {}
        self.trial, self.source = trial, source


class TrialSource:
    """Source of a run's trials; methods are those of `hpcore.workers.engine.Source`.

    Parameters
    ----------
    run : Run
        Run that begins trials.
    remote : bool
        True if the trials are evaluated in other processes, where a scheduler decides from a snapshot.
    listener : Listener, optional
        Reader of the reports that workers make while they run.
    """

    learns = True
    n_pieces = 1
    n_expected: int | None = None

    def __init__(self, run: Run, remote: bool = False, listener: Listener | None = None) -> None:
        self._run, self._remote, self._listener = run, remote, listener
        self._waiting = False
        self._patience = Patience()
        self.n_open = 0

    def may_begin(self, most_open: int) -> bool:
        """See `Source`."""
        return not self._run.over and not self._waiting and self.n_open < most_open

    def begin(self) -> TrialJob | None:
        """See `Source`."""
        trial = self._run.next_trial()
        if isinstance(trial, Wait):
            self._waiting = True
            return None
        if trial is None:
            return None
        self.n_open += 1
        if self._remote:
            self._run.decide_there(trial)
            if self._listener is not None:
                self._listener.attach(trial)
        return TrialJob(trial, self)

    def wait(self) -> bool:
        """See `Source`."""
        if not self._waiting or self._run.over:
            return False
        self._patience.wait()
        self._run.refresh()
        self._waiting = False
        return True

    def end(self) -> None:
        """See `Source`."""
        self._run.end()

    def refresh(self, job: TrialJob) -> bool:
        """See `Source`; no part of a trial is known before its end."""
        return True

    def store(self, job: TrialJob, position: int, result: Evaluation) -> None:
        """See `Source`."""
        job.n_running = 0
        self.n_open -= 1
        self._waiting = False
        self._patience.reset()
        trial = job.trial
        if self._listener is not None:
            self._listener.detach(trial.number)
        if result.trial is not trial:
            trial.adopt(result.trial)
        trouble = _trouble_of(result)
        if isinstance(trouble, LeaseExpired):
            self._run.drop(trial)
            return
        if trouble is not None:
            raise trouble  # the trial is given back at the end of the run
        recorded = self._run.finish(trial, self._outcome(trial, result))
        if recorded is not None:
            self._run.tell_hooks(trial, recorded)

    def _outcome(self, trial: Trial, result: Evaluation) -> Outcome:
        outcome = self._run.judge(result.value, None, result.error, params=trial.params)
        # An error is a failure whatever was decided before.
        failed = result.error is not None or (isinstance(result.value, Returned) and result.value.error is not None)
        if not failed:
            outcome = self._run.conclude(trial, outcome, result.pruned)
        return self._run.with_cost(trial, outcome)

    def skip(self, job: TrialJob, positions: Sequence[int]) -> None:
        """See `Source`; never called, as a trial is one piece."""
        raise AssertionError(f"trial {job.trial.number} has no other piece")

    def broken(self, cause: Exception) -> None:
        """See `Source`."""
        raise cause

    def late(self, job: TrialJob, position: int, result: Evaluation) -> None:
        """See `Source`."""
        trial = job.trial
        if result.trial is not trial:
            trial.adopt(result.trial)
        if _trouble_of(result) is None:
            self._run.finish_late(trial, self._outcome(trial, result))

    def give_up(self) -> None:
        """See `Source`."""
        self._run.give_up()


def _trouble_of(result: Evaluation) -> StorageError | None:
    """Return the error for which a report was not stored, if the objective ended with it: it is no failure of it."""
    progress = result.trial.progress
    return None if result.error is None or progress is None else progress.trouble
