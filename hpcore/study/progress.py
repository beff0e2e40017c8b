"""Progress of a search: what is done, what is best, what is left, shown on a terminal, in a notebook or as lines."""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np

from hpcore.records.pareto import Front, non_dominated
from hpcore.records.trial import TrialState
from hpcore.records.words import clean
from hpcore.study.acknowledging import Acknowledging
from hpcore.study.displays import Bar, Display, Facts, Lines, Notebook

if TYPE_CHECKING:
    from hpcore.optimizer import Optimizer
    from hpcore.records.trial import Trial

__all__ = ["MOST_TRIALS", "Progress", "open_progress"]

log = logging.getLogger("hpcore")

# A larger number of trials stands for a search that something else ends.
MOST_TRIALS = 10**8
# Time left is estimated by the trials that ended a second once each worker has had so many; before, by their length.
PER_WORKER = 2


class Progress:
    """Callback of a search that counts finished trials and shows how the search goes.

    If the display cannot be written any more, because a pipe broke or a terminal was closed, it ends and the search
    continues.

    Parameters
    ----------
    display : Display or None
        Display; None shows nothing.
    name : str
        Name of the value.
    directions : sequence of str
        Direction of each objective. Of several, the size of the Pareto front is shown.
    total : int or None
        Number of trials; None if it is not known.
    deadline : float or None
        Time of the monotonic clock after which no trial begins.
    n_workers : int
        Number of trials at a time.

    Attributes
    ----------
    done, failed, pruned : int
        Number of finished trials (neither running nor paused), and the numbers of failed ones and of those that were
        stopped early among them.
    best : float or None
        Best value of the complete trials that keep all limits; None before the first.
    pieces : tuple or None
        Number of finished folds, or other pieces of trials, their number in all or None, and their name.
    note : str
        Text shown after all else.
    """

    def __init__(
        self,
        display: Display | None,
        name: str,
        directions: Sequence[str],
        total: int | None = None,
        deadline: float | None = None,
        n_workers: int = 1,
    ) -> None:
        self.done = self.failed = self.pruned = 0
        self.best: float | None = None
        self.pieces: tuple[int, int | None, str] | None = None
        self.note = ""
        self._display, self._name = display, clean(name)
        self._total, self._deadline, self._n_workers = total, deadline, n_workers
        self._better = {"maximize": max, "minimize": min}[directions[0]] if len(directions) == 1 else None
        self._signs = np.array([-1.0 if way == "maximize" else 1.0 for way in directions])
        self._front = Front(len(directions))
        self._optimizer: Optimizer | None = None
        self._shared = False  # True if the total is that of the optimizer's trials, whoever evaluates them
        self._start = self._last_end = time.monotonic()
        self._n_here, self._seconds_here = 0, 0.0  # trials that ended since the start, and the sum of their lengths
        self._acknowledging: Acknowledging | None = None

    @property
    def visible(self) -> bool:
        """Tell whether anything is shown."""
        return self._display is not None

    def begin_from(self, optimizer: Optimizer, more: bool = False) -> None:
        """Count the trials of earlier runs, and show them.

        Parameters
        ----------
        optimizer : Optimizer
            Optimizer with the trials.
        more : bool
            True if the total does not include these trials.
        """
        self._optimizer, history, self._shared = optimizer, optimizer.history, not more
        self._recount()
        if self._display is not None and history.feasible.any():
            if self._better is not None:
                self.best = optimizer.best_value
            else:
                values = history.values[history.feasible]
                for row in values[non_dominated(values)]:
                    self._front.add(row)
        if more and self._total is not None:
            self._total += self.done
        if self.done:
            self.refresh()

    @property
    def _paused(self) -> int:
        return 0 if self._optimizer is None else self._optimizer.history.n_paused

    def _recount(self) -> None:
        """Count all trials of the optimizer, those of other processes too."""
        assert self._optimizer is not None
        history = self._optimizer.history
        self.done, self.pruned = history.n_ended, history.n_pruned
        self.failed = history.n_ended - history.n_complete - history.n_pruned

    def __call__(self, search: Any, trial: Trial) -> None:
        """Count one trial, unless it is paused or withdrawn, and show it."""
        state = trial.state
        if state in (TrialState.PAUSED, TrialState.WITHDRAWN):
            self.refresh()
            return
        self.done += 1
        self._n_here += 1
        self._last_end = time.monotonic()
        if trial.started is not None and trial.finished is not None:
            self._seconds_here += max(trial.finished - trial.started, 0.0)
        if state == TrialState.FAILED:
            self.failed += 1
        elif state == TrialState.PRUNED:
            self.pruned += 1
        elif state == TrialState.COMPLETE and trial.feasible is not False:  # one that breaks a limit is never best
            self._take(trial)
        if self._shared:
            self._recount()
        self.refresh()

    def _take(self, trial: Trial) -> None:
        if self._better is None:
            self._front.add(self._signs * np.asarray(trial.values, dtype=float))
        elif trial.value is not None:
            self.best = trial.value if self.best is None else self._better(self.best, trial.value)

    def facts(self) -> Facts:
        """Return what is to be shown now."""
        history = None if self._optimizer is None else self._optimizer.history
        paused = self._paused
        pieces = self.pieces
        if pieces is None and history is not None and len(history.curves):
            pieces = (len(history.curves), None, "reports")
        return Facts(
            done=self.done,
            total=self._total,
            name=self._name,
            best=self.best,
            front=None if self._better is not None else len(self._front),
            failed=self.failed,
            stopped=self.pruned,
            paused=paused,
            pieces=pieces,
            note=self.note,
            start=self._start,
            end=self._end(paused),
        )

    def _end(self, paused: int) -> float | None:
        """Estimate when the search ends, by the monotonic clock; None if that is unknown."""
        end = None
        if self._total is not None and self._n_here:
            left, n = self._total - self.done - paused, self._n_here
            if left <= 0:
                return self._last_end if not paused else self._deadline
            each = (self._last_end - self._start) / n
            if n < PER_WORKER * self._n_workers and self._seconds_here:
                # The first ones end late: until then as many are under way as there are workers.
                each = min(each, self._seconds_here / n / self._n_workers)
            end = self._last_end + left * each
        known = [time for time in (end, self._deadline) if time is not None]
        return min(known, default=None)

    def refresh(self) -> None:
        """Update the display."""
        if self._display is not None:
            try:
                self._display.show(self.facts, self.done + self._paused, self._total)
            except Exception as error:
                self._end_display(error)

    def say(self, text: str) -> None:
        """Show a line."""
        if self._display is not None:
            try:
                self._display.say(text)
            except Exception as error:
                self._end_display(error)

    def _acknowledge(self) -> None:
        """Answer Ctrl-C; called by another thread, at once, also while a fit in C lets no handler run."""
        n = f"{self.done} finished trial{'' if self.done == 1 else 's'}"
        self.say(f"stopping: {n} kept, what runs now is given up; Ctrl-C again interrupts what still runs")

    def _end_display(self, error: Exception) -> None:
        display, self._display = self._display, None
        if display is not None:
            with suppress(Exception):  # closing writes to the same broken stream
                display.close(self.facts)
        _say_broken(error)

    def __enter__(self) -> Progress:
        try:
            if self._display is not None:
                try:
                    self._display.open()
                except Exception as error:
                    self._end_display(error)
                self.refresh()
            if self._display is not None:
                self._acknowledging = Acknowledging(self._acknowledge)
                self._acknowledging.__enter__()
        except BaseException:  # Ctrl-C just then
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if self._acknowledging is not None:
                self._acknowledging.__exit__()
                self._acknowledging = None
        finally:  # also after another Ctrl-C: the terminal is given back
            if self._display is not None:
                try:
                    self._display.close(self.facts)
                except Exception as broken:
                    self._end_display(broken)


def open_progress(
    n_trials: int | None,
    name: str,
    directions: Sequence[str],
    shown: bool | None = True,
    deadline: float | None = None,
    n_workers: int = 1,
) -> Progress:
    """Make a display, which begins as a context: a live line if stderr is a terminal or a notebook, else lines.

    Parameters
    ----------
    n_trials : int, optional
        Number of trials; None if it is not known.
    name : str
        Name of the value.
    directions : sequence of str
        Direction of each objective.
    shown : bool, optional
        False shows nothing; None shows a live line on a terminal or in a notebook, and nothing elsewhere.
    deadline : float, optional
        Time of the monotonic clock after which no trial begins.
    n_workers : int
        Number of trials at a time.
    """
    total = None if n_trials is None or n_trials > MOST_TRIALS else n_trials
    display: Display | None = None
    if shown is not False:
        try:
            display = _display_of(shown)
        except (OSError, ValueError) as error:  # the stream is broken or closed
            _say_broken(error)
    return Progress(display, name, directions, total, deadline, n_workers)


def _display_of(shown: bool | None) -> Display | None:
    if _in_notebook():
        return Notebook()
    if sys.stderr.isatty() and os.environ.get("TERM", "").lower() not in ("dumb", "unknown"):
        return Bar()
    return Lines() if shown or sys.stderr.isatty() else None


def _in_notebook() -> bool:
    """Tell whether this process is the kernel of a notebook; a terminal's IPython is not."""
    shell = sys.modules.get("IPython")
    get = getattr(shell, "get_ipython", None)
    return get is not None and getattr(get(), "kernel", None) is not None


def _say_broken(error: Exception) -> None:
    log.warning("progress is not shown any more: %s: %s", type(error).__name__, error)
