"""Display of a search's progress on stderr: a live bar on a terminal, single lines elsewhere."""

from __future__ import annotations

import logging
import math
import sys
import time
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from hpcore.records.history import FAILED
from hpcore.records.trial import TrialState

if TYPE_CHECKING:
    from rich.progress import TaskID

    from hpcore.optimizer import Optimizer
    from hpcore.records.trial import Trial

__all__ = ["Progress", "open_progress"]

log = logging.getLogger("hpcore")

SECONDS_BETWEEN_LINES = 10.0
LINES = 10


class _Display(Protocol):
    total: int | None

    def show(self, done: int, best: str, failed: int, note: str) -> None: ...
    def close(self) -> None: ...


class Progress:
    """Callback of a search that counts finished trials and shows the best value.

    If the display cannot be written any more, because a pipe broke or a terminal was closed, it ends and the search
    continues.

    Parameters
    ----------
    display : object or None
        Display of the counts; None shows nothing.
    direction : str
        ``"maximize"`` or ``"minimize"``; anything else, for several objectives, shows no best value.

    Attributes
    ----------
    done, failed : int
        Number of finished trials (neither running nor paused), and number of failed ones among them.
    best : float or None
        Best value of the complete trials that keep all limits; None before the first.
    note : str
        Text shown after the counts.
    """

    def __init__(self, display: _Display | None, direction: str) -> None:
        self.done = self.failed = 0
        self.best: float | None = None
        self.note = ""
        self._display = display
        self._better = {"maximize": max, "minimize": min}.get(direction)

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
            True if the display's total does not include these trials.
        """
        history = optimizer.history
        self.done = history.n_ended
        self.failed = int(np.count_nonzero(history.state == FAILED))
        if self._better is not None and history.feasible.any():
            self.best = optimizer.best_value
        if self.done and self._display is not None:
            if more and self._display.total is not None:
                self._display.total += self.done
            self.refresh()

    def __call__(self, search: Any, trial: Trial) -> None:
        """Count one trial and show it."""
        if trial.state in (TrialState.PAUSED, TrialState.WITHDRAWN):
            return
        self.done += 1
        if trial.state == TrialState.FAILED:
            self.failed += 1
        elif trial.feasible is False:
            pass  # it breaks a limit, and is never best
        elif trial.state == TrialState.COMPLETE and trial.value is not None and self._better is not None:
            self.best = trial.value if self.best is None else self._better(self.best, trial.value)
        self.refresh()

    def refresh(self) -> None:
        """Update the display."""
        if self._display is not None:
            best = "none yet" if self.best is None else f"{self.best:.6g}"
            try:
                self._display.show(self.done, best, self.failed, self.note)
            except Exception as error:
                self._end_display(error)

    def _end_display(self, error: Exception) -> None:
        display, self._display = self._display, None
        if display is not None:
            with suppress(Exception):  # closing writes to the same broken stream
                display.close()
        _say_broken(error)

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._display is not None:
            try:
                self._display.close()
            except Exception as broken:
                self._end_display(broken)


def open_progress(n_trials: int | None, name: str, direction: str, shown: bool | None = True) -> Progress:
    """Open a display: a live bar if stderr is a terminal, lines if it is not.

    Parameters
    ----------
    n_trials : int, optional
        Number of trials; None if it is not known.
    name : str
        Name of the value.
    direction : str
        ``"maximize"`` or ``"minimize"``; anything else shows no best value.
    shown : bool, optional
        False shows nothing; None shows a bar on a terminal and nothing elsewhere.
    """
    # A notebook is not a terminal, but can show a bar.
    terminal = sys.stderr.isatty() or "ipykernel" in sys.modules
    if shown is False or (shown is None and not terminal):
        return Progress(None, direction)
    try:
        return Progress(_Bar(n_trials, name) if terminal else _Lines(n_trials, name), direction)
    except (OSError, ValueError) as error:  # the stream is broken or closed
        _say_broken(error)
        return Progress(None, direction)


def _say_broken(error: Exception) -> None:
    log.warning("progress is not shown any more: %s: %s", type(error).__name__, error)


class _Bar:
    def __init__(self, n_trials: int | None, name: str) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as RichProgress

        class Stderr(Console):
            def on_broken_pipe(self) -> None:
                raise  # the current BrokenPipeError; rich would end the program

        self.total = n_trials
        self._bar = RichProgress(
            SpinnerColumn(),
            TextColumn("trials"),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TextColumn("best {task.fields[name]} [bold]{task.fields[best]}[/bold]{task.fields[failed]}"),
            TextColumn("{task.fields[note]}"),
            TimeElapsedColumn(),
            console=Stderr(stderr=True),
        )
        self._task: TaskID = self._bar.add_task("", total=n_trials, name=name, best="none yet", failed="", note="")
        self._bar.start()

    def show(self, done: int, best: str, failed: int, note: str) -> None:
        shown = f" [red]{failed} failed[/red]" if failed else ""
        self._bar.update(self._task, total=self.total, completed=done, best=best, failed=shown, note=note)

    def close(self) -> None:
        self._bar.stop()


class _Lines:
    def __init__(self, n_trials: int | None, name: str) -> None:
        self.total, self._name = n_trials, name
        self._start = self._last = time.monotonic()
        self._done = 0
        self._silent = True

    def show(self, done: int, best: str, failed: int, note: str) -> None:
        if done == self._done:
            return
        self._done = done
        now = time.monotonic()
        every = math.ceil(self.total / LINES) if self.total else None
        due = self._silent or done == self.total or (every is not None and done % every == 0)
        if not due and now - self._last < SECONDS_BETWEEN_LINES:
            return
        self._last, self._silent = now, False
        of = f"/{self.total}" if self.total else ""
        bad = f", {failed} failed" if failed else ""
        more = f", {note}" if note else ""
        seconds = now - self._start
        print(f"trial {done}{of}: best {self._name} {best}{bad}{more}, {seconds:.1f} s", file=sys.stderr, flush=True)

    def close(self) -> None:
        sys.stderr.flush()
