"""Queues of trackers: a run puts copies of its trials there, and a thread for each tracker logs them."""

from __future__ import annotations

import copy
import logging
import math
import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from hpcore.arguments import check_number
from hpcore.ledger.attributes import user_attributes
from hpcore.records.history import PAUSED, RUNNING
from hpcore.records.trial import Trial
from hpcore.study.trackers import TrackedStudy, Tracker, is_tracker

if TYPE_CHECKING:
    from hpcore.ledger.trial_log import TrialLog
    from hpcore.records.snapshot import TrialSnapshot

__all__ = ["TrackerQueue", "begin_tracking", "split_callbacks"]

log = logging.getLogger("hpcore")

# Records of a queue, each a few kilobytes.
MOST_RECORDS = 10_000

# Seconds that the end of a run waits for a tracker that does not say how long.
FLUSH_SECONDS = 30.0

# First and longest pause in seconds after an error.
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0

# Number of errors in a row that end the logging at the end of a run. One may be the fault of a single record.
MOST_FAILURES = 3

# Seconds for which a thread that has logged everything lets records gather: waking it for each of many short trials
# would cost them more than the records.
GATHER_SECONDS = 0.05

# Thread of each tracker that logs, by the tracker's id; a thread keeps its tracker alive.
_threads: dict[int, TrackerQueue] = {}


class TrackerQueue:
    """Queue of the records of one run for one tracker.

    Parameters
    ----------
    tracker : Tracker
        Tracker, whose methods are called on a thread of their own.

    Raises
    ------
    InvalidArgument, InvalidType
        Its `flush_seconds` is no number of seconds.

    Attributes
    ----------
    n_put, n_logged : int
        Number of results and partial results that the run had for the tracker, and number of those that were logged.
    """

    def __init__(self, tracker: Tracker) -> None:
        self._tracker, self._name = tracker, type(tracker).__name__
        self._flush_seconds = _flush_seconds(tracker)
        self._records: queue.SimpleQueue[tuple[Callable[..., None], tuple[Any, ...]] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._study: TrackedStudy | None = None
        self._log: TrialLog | None = None
        self._show: Callable[[Trial], Trial] | None = None
        self._running: dict[int, TrialSnapshot] = {}
        self._steps: dict[int, set[float]] = {}
        self._counting = threading.Lock()  # partial results come from the threads of an executor
        self.n_put = self.n_logged = 0
        self._ending, self._done = threading.Event(), threading.Event()
        self._given_up = self._has_failed = self._was_full = False
        self._ended_at = 0.0

    # --- called by the run ---------------------------------------------------------------------------------------

    def begin(self, study: TrackedStudy, trial_log: TrialLog, show: Callable[[Trial], Trial] | None = None) -> None:
        """Begin to log a run.

        Parameters
        ----------
        study : TrackedStudy
            Description of the study.
        trial_log : TrialLog
            Log of its trials; its partial results are logged until the run ends.
        show : callable, optional
            Function that returns a trial as the user sees it.
        """
        self._study, self._log, self._show = study, trial_log, show
        # Partial results of earlier runs, of trials that go on, were logged by these.
        history = trial_log.optimizer.history
        for number in np.flatnonzero(np.isin(history.state, (RUNNING, PAUSED))).tolist():
            self.resumed(number)
        trial_log.watchers.append(self.reported)
        before, earlier = _threads.get(id(self._tracker)), None
        if before is not None and before._thread is not None and before._thread.is_alive():  # never so after a fork
            earlier = before._thread
            if not before._ending.is_set():
                log.warning(
                    "tracker %s logs another run already, and begins with this one after it; give each run its own",
                    self._name,
                )
        thread = threading.Thread(target=self._work, args=(earlier,), name=f"hpcore-tracker-{self._name}", daemon=True)
        self._thread, _threads[id(self._tracker)] = thread, self
        try:
            thread.start()
        except RuntimeError as error:  # the system has no more threads
            log.warning("tracker %s logs nothing: %s", self._name, error)
            self._stop_watching()
            del _threads[id(self._tracker)]
            self._thread = None

    def resumed(self, number: int) -> None:
        """Take the partial results of a trial that goes on as logged, by the process that had it before."""
        if self._log is not None:
            curves = self._log.optimizer.history.curves
            self._steps[number] = set(curves.step[curves.of(number)].tolist()) if len(curves) else set()

    def reported(self, number: int, step: float, values: Sequence[float]) -> None:
        """Put a partial result."""
        trial_log = self._log
        steps = self._steps.setdefault(number, set())
        if step in steps or trial_log is None:
            return
        trial = self._running.get(number)
        if trial is None:
            live = trial_log.optimizer.running().get(number)
            if live is None:
                return
            trial = self._running[number] = self._copy(live)
        steps.add(step)
        self._put(self._tracker.reported, trial, step, tuple(values))

    def ended(self, trial: Trial) -> None:
        """Put the result of a trial, after partial results of it that were not known before."""
        if self._log is None:
            return
        copied = self._copy(trial)
        self._report_unknown(copied)
        self._steps.pop(trial.number, None)
        self._running.pop(trial.number, None)
        self._put(self._tracker.ended, copied)

    def paused(self, trial: Trial) -> None:
        """Put the partial results of a trial that may go on later, or never, and that were not known before."""
        if self._log is not None:
            self._report_unknown(trial)

    def _report_unknown(self, trial: Trial | TrialSnapshot) -> None:
        """Put the partial results that came with the result of a job."""
        assert self._log is not None
        number, curves = trial.number, self._log.optimizer.history.curves
        if not len(curves):
            return
        steps, rows = self._steps.setdefault(number, set()), curves.of(number)
        if len(rows) <= len(steps):
            return
        copied = self._copy(trial) if isinstance(trial, Trial) else trial
        for step, values in zip(curves.step[rows].tolist(), curves.values[rows], strict=True):
            if step not in steps:
                steps.add(step)
                self._put(self._tracker.reported, copied, step, self._in_own_sign(values))

    def end(self, state: str) -> None:
        """End the run in a state, see `TrackedStudy.state`; `close` waits for the tracker."""
        if self._log is None or self._study is None:
            return
        study, trial_log = self._study, self._log
        self._stop_watching()
        result = study.result
        stopped = getattr(result, "interrupted_", False)  # by Ctrl-C inside the fit of a search
        study.state = "interrupted" if state == "finished" and stopped else state
        try:
            study.best = _best_of(trial_log, self._show, None if study.state == "failed" else result)
            if study.steps == "report":
                study.user_attrs = _user_attrs(trial_log)
        except Exception as error:  # a store that cannot be read: trackers get what was known before
            log.debug("the last facts of a study are unknown to its trackers: %s", error)
        self._ended_at = time.monotonic()
        self._ending.set()
        self._records.put(None)

    def _stop_watching(self) -> None:
        if self._log is not None:
            self._log.watchers.remove(self.reported)
        self._log = None
        self._running.clear()
        self._steps.clear()

    def close(self) -> None:
        """Wait until all is logged, or the time is over, or Ctrl-C ends the wait."""
        if self._thread is None:
            return
        seconds = self._flush_seconds
        why = f"did not end within flush_seconds={seconds:g} s"
        try:
            left = self._ended_at + seconds - time.monotonic()
            self._done.wait(min(max(0.0, left), threading.TIMEOUT_MAX))
        except KeyboardInterrupt:
            why = "was interrupted"
        done = self._done.is_set()
        self._given_up = True
        self._thread = None if done else self._thread
        n_lost = self.n_put - self.n_logged
        if not done:
            log.warning("tracker %s %s: %d of %d records are lost", self._name, why, n_lost, self.n_put)
        elif n_lost:
            log.warning("tracker %s lost %d of %d records", self._name, n_lost, self.n_put)

    def _in_own_sign(self, values: Any) -> tuple[float, ...]:
        assert self._log is not None
        ways = self._log.optimizer.directions
        return tuple(-v if way == "maximize" else v for v, way in zip(values.tolist(), ways, strict=True))

    def _copy(self, trial: Trial) -> TrialSnapshot:
        return (trial if self._show is None else self._show(trial)).snapshot()

    def _put(self, method: Callable[..., None], *arguments: Any) -> None:
        with self._counting:
            self.n_put += 1
        if self._records.qsize() < MOST_RECORDS:
            self._records.put((method, arguments))
        elif not self._was_full:
            self._was_full = True
            log.warning(
                "tracker %s is too slow: %d records wait, and further ones are dropped until it goes on",
                self._name,
                MOST_RECORDS,
            )

    # --- on the thread -------------------------------------------------------------------------------------------

    def _work(self, earlier: threading.Thread | None) -> None:
        try:
            if earlier is not None:
                earlier.join()
            if self._begin():
                pause, n_failed = 0.0, 0
                while (record := self._records.get()) is not None:
                    if self._given_up:
                        continue
                    method, arguments = record
                    if self._attempt(method, *arguments):
                        self.n_logged += 1
                        pause, n_failed = 0.0, 0
                    else:
                        pause, n_failed = min(max(FIRST_PAUSE, 2.0 * pause), LONGEST_PAUSE), n_failed + 1
                        if n_failed >= MOST_FAILURES and self._ending.is_set():
                            self._given_up = True
                    if pause or self._records.empty():
                        self._ending.wait(pause or GATHER_SECONDS)
                self._attempt(self._tracker.close)
        finally:
            if _threads.get(id(self._tracker)) is self:
                del _threads[id(self._tracker)]
            self._done.set()

    def _begin(self) -> bool:
        """Begin, again and again after errors; False if the run ends before that succeeds."""
        pause = FIRST_PAUSE
        while not self._given_up:
            ending = self._ending.is_set()
            if self._attempt(self._tracker.begin, self._study):
                return True
            if ending:
                return False
            self._ending.wait(pause)
            pause = min(2.0 * pause, LONGEST_PAUSE)
        return False

    def _attempt(self, method: Callable[..., None], *arguments: Any) -> bool:
        try:
            method(*arguments)
        except BaseException as error:  # no end of this thread says anything of the run
            if not self._has_failed:
                self._has_failed = True
                log.warning(
                    "tracker %s failed, and the run goes on; further errors are not logged: %s: %s",
                    self._name,
                    type(error).__name__,
                    error,
                )
            return False
        return True


def _flush_seconds(tracker: Tracker) -> float:
    """Read how long the end of a run waits; before its first trial, as an error at the end would cost the result."""
    seconds = getattr(tracker, "flush_seconds", FLUSH_SECONDS)
    if isinstance(seconds, float) and seconds == math.inf:
        return seconds
    return check_number(f"flush_seconds of the tracker {type(tracker).__name__}", seconds, 0.0)


def split_callbacks(
    callbacks: Sequence[Any], copies: bool = False
) -> tuple[list[Callable[..., Any]], list[TrackerQueue]]:
    """Split callbacks of a run into functions, and queues of its trackers.

    Parameters
    ----------
    callbacks : sequence
        Functions and trackers.
    copies : bool
        True for queues of shallow copies of the trackers.
    """
    plain = [callback for callback in callbacks if not is_tracker(callback)]
    trackers = {id(callback): callback for callback in callbacks if is_tracker(callback)}.values()
    return plain, [TrackerQueue(copy.copy(tracker) if copies else tracker) for tracker in trackers]


def begin_tracking(
    trackers: Sequence[TrackerQueue],
    trial_log: TrialLog,
    result: Any,
    *,
    name: str | None,
    parameters: Mapping[str, Any],
    settings: Mapping[str, Any],
    steps: str = "report",
    show: Callable[[Trial], Trial] | None = None,
) -> None:
    """Begin to log a run by trackers; without any nothing is done.

    Parameters
    ----------
    trackers : sequence of TrackerQueue
        Trackers.
    trial_log : TrialLog
        Log of the trials.
    result : Study or SearchCV
        Study or search.
    name : str or None
        Name of the study.
    parameters, settings : mapping of str to object
        Parameters of the space, and settings besides those of the optimizer.
    steps : str
        Name of partial results.
    show : callable, optional
        Function that returns a trial as the user sees it.
    """
    if not trackers:
        return
    # Imported here: most runs have no tracker.
    import hashlib

    optimizer = trial_log.optimizer
    known: dict[str, Any] = {"sampler": optimizer.sampler, "seed": optimizer.seed}
    if optimizer.scheduler is not None:
        known["scheduler"] = optimizer.scheduler
    if optimizer.limits:
        known["limits"] = {limit: str(bound) for limit, bound in optimizer.limits.items()}
    for tracker in trackers:
        # One description each: a tracker may change it.
        study = TrackedStudy(
            result,
            key=hashlib.sha256(trial_log.identity.encode()).hexdigest()[:32],
            name=name,
            is_stored=trial_log.durable,
            directions=tuple(optimizer.directions),
            parameters={name: _text(value) for name, value in parameters.items()},
            settings={name: _text(value) for name, value in {**known, **settings}.items()},
            user_attrs=_user_attrs(trial_log) if steps == "report" else {},
            n_ended=optimizer.history.n_ended,
            steps=steps,
            best=_best_of(trial_log, show),
        )
        tracker.begin(study, trial_log, show)


def _best_of(trial_log: TrialLog, show: Callable[[Trial], Trial] | None, search: Any = None) -> TrialSnapshot | None:
    """Copy the best trial: that which a search chose, if there is one; None if there is none."""
    optimizer = trial_log.optimizer
    chosen = getattr(search, "best_index_", None)
    if chosen is not None:
        trial = optimizer.trials[int(search.trial_numbers_[chosen])]
    elif len(optimizer.directions) == 1 and optimizer.history.feasible.any():
        trial = optimizer.best_trial
    else:
        return None
    return (trial if show is None else show(trial)).snapshot()


def _user_attrs(trial_log: TrialLog) -> dict[str, Any]:
    return user_attributes(trial_log.attributes())


def _text(value: Any) -> str:
    """Describe a setting or a parameter."""
    try:
        return value if isinstance(value, str) else " ".join(repr(value).split())
    except Exception:  # the value's own repr
        return f"<{type(value).__name__}>"
