"""Displays of a search's progress: a live line on a terminal, an output of a notebook's cell, plain lines."""

from __future__ import annotations

import math
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from hpcore.records.words import duration, escape, shorten

if TYPE_CHECKING:
    from rich.text import Text

__all__ = ["Bar", "Display", "Facts", "Lines", "Notebook", "fitted"]

SECONDS_BETWEEN_LINES = 10.0
LINES = 10
SECONDS_BETWEEN_FRAMES = 0.2
SECONDS_BETWEEN_OUTPUTS = 0.5  # of a notebook
NAME, BAR, SHORT_BAR = 24, 30, 10  # widths
SPINNER, ASCII_SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏", "|/-\\"


@dataclass(frozen=True)
class Facts:
    """Facts that are shown of a search.

    Attributes
    ----------
    done, total : int and int or None
        Number of finished trials, and of all if it is known.
    name : str
        Name of the value.
    best : float or None
        Best value; None before the first.
    front : int or None
        Number of trials of the Pareto front, if there are several objectives.
    failed, stopped, paused : int
        Number of trials that failed, that were stopped early, and that may go on later.
    pieces : tuple or None
        Number of finished folds or reports, their number in all or None, and their name.
    note : str
        Text shown after all else.
    start, end : float and float or None
        Time of the monotonic clock at which the search began, and at which it will probably end.
    """

    done: int
    total: int | None
    name: str
    best: float | None
    front: int | None
    failed: int
    stopped: int
    paused: int
    pieces: tuple[int, int | None, str] | None
    note: str
    start: float
    end: float | None

    @property
    def counts(self) -> str:
        """Number of trials, of how many."""
        return f"{self.done}{_of(self.total)}"

    def shown_best(self, named: bool) -> str:
        """Return the best value as text."""
        if self.front is not None:
            return f"Pareto front {self.front}" if named else f"front {self.front}"
        value = "none yet" if self.best is None else f"{self.best:.6g}"
        return f"best {shorten(self.name, NAME)} {value}" if named else f"best {value}"

    @property
    def shown_pieces(self) -> str:
        """Number of folds or reports, of how many."""
        return "" if self.pieces is None else f"{self.pieces[0]}{_of(self.pieces[1])} {self.pieces[2]}"

    @property
    def ended_otherwise(self) -> list[str]:
        """Numbers of trials without a result of their own."""
        counts = {"failed": self.failed, "stopped early": self.stopped, "paused": self.paused}
        return [f"{n} {word}" for word, n in counts.items() if n]

    def left(self, now: float) -> str:
        """Return the time that is left as text; empty if it is unknown, or over."""
        return "" if self.end is None or self.end <= now else f"{duration(self.end - now)} left"


def _of(total: int | None) -> str:
    return "" if total is None else f"/{total}"


class Display(Protocol):
    """Display of a search's progress."""

    def open(self) -> None:
        """Begin; `close` must follow."""
        ...

    def show(self, facts: Callable[[], Facts], n: int, total: int | None) -> None:
        """Show the facts, at once or a little later; `n` of `total` trials are finished or paused."""
        ...

    def say(self, text: str) -> None:
        """Show a line; called by any thread."""
        ...

    def close(self, facts: Callable[[], Facts]) -> None:
        """Show the facts, for the last time."""
        ...


# --- a live line -----------------------------------------------------------------------------------------------------

# What is left out of a line that is too long, one after the other.
_LEFT_OUT = (
    *("note", "elapsed", "long bar", "name", "pieces", "bar", "trials", "paused", "stopped", "left", "failed", "best"),
)


def fitted(facts: Facts, width: int, now: float, spinner: str = "", ascii_only: bool = False) -> list[tuple[str, str]]:
    """Return the words of a line that fits into a width, as pairs of text and style; no word is broken.

    Parameters
    ----------
    facts : Facts
        What is shown.
    width : int
        Number of cells of the terminal.
    now : float
        Time of the monotonic clock.
    spinner : str
        First word.
    ascii_only : bool
        True if the terminal has no other characters.
    """
    for n in range(len(_LEFT_OUT) + 1):
        words = _words(facts, frozenset(_LEFT_OUT[:n]), now, spinner, ascii_only)
        if sum(_cells(text) for text, _ in words) + 2 * (len(words) - 1) <= width:
            return words
    return [(facts.counts, "bold")]


def _cells(text: str) -> int:
    from rich.cells import cell_len

    return cell_len(text)


def _words(facts: Facts, without: frozenset[str], now: float, spinner: str, ascii_only: bool) -> list[tuple[str, str]]:
    words = [(spinner, "")]
    if facts.total and "bar" not in without:
        part = (facts.done + facts.paused) / facts.total
        words.append((_bar(part, SHORT_BAR if "long bar" in without else BAR, ascii_only), "cyan"))
    words.append((facts.counts if "trials" in without else f"{facts.counts} trials", "bold"))
    words += [
        ("" if name in without else text, style)
        for name, text, style in (
            ("best", facts.shown_best("name" not in without), "green"),
            ("failed", f"{facts.failed} failed" if facts.failed else "", "red"),
            ("stopped", f"{facts.stopped} stopped" if facts.stopped else "", ""),
            ("paused", f"{facts.paused} paused" if facts.paused else "", ""),
            ("pieces", facts.shown_pieces, ""),
            ("left", facts.left(now), ""),
            ("elapsed", duration(now - facts.start), "dim"),
            ("note", facts.note, "dim"),
        )
    ]
    return [(text, style) for text, style in words if text]


def _bar(part: float, width: int, ascii_only: bool) -> str:
    full = min(width, math.floor(width * part))
    return ("#" * full).ljust(width, "-") if ascii_only else "━" * full + "·" * (width - full)


class Bar:
    """Live line on a terminal, drawn by a thread."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.live import Live

        class Stderr(Console):
            def on_broken_pipe(self) -> None:
                raise  # the current BrokenPipeError; rich would end the program

        self._console = Stderr(stderr=True)
        self._facts: Callable[[], Facts] | None = None
        self._frame = 0
        self._error: Exception | None = None
        self._ended = threading.Event()
        # What is printed appears above the line; where stdout is a file, it goes there.
        both = sys.stdout is not None and sys.stdout.isatty()
        self._live = Live(console=self._console, auto_refresh=False, get_renderable=self._line, redirect_stdout=both)
        self._thread = threading.Thread(target=self._draw, name="hpcore-progress", daemon=True)

    def open(self) -> None:
        """See `Display`."""
        self._live.start()
        self._thread.start()

    def _line(self) -> Text:
        from rich.text import Text

        if self._facts is None:
            return Text("")
        ascii_only = self._console.options.ascii_only
        spinner = (
            ""
            if self._ended.is_set()
            else (frames := ASCII_SPINNER if ascii_only else SPINNER)[self._frame % len(frames)]
        )
        # Not into the last column: some terminals begin a new line with it.
        words = fitted(self._facts(), self._console.width - 1, time.monotonic(), spinner, ascii_only)
        line = Text("  ").join(Text(text, style) for text, style in words)
        line.no_wrap, line.overflow = True, "crop"
        return line

    def _draw(self) -> None:
        while not self._ended.wait(SECONDS_BETWEEN_FRAMES):
            self._frame += 1
            try:
                self._live.refresh()
            except Exception as error:  # raised by the next call
                self._error = error
                return

    def _check(self) -> None:
        if self._error is not None:
            error, self._error = self._error, None
            raise error

    def show(self, facts: Callable[[], Facts], n: int, total: int | None) -> None:
        """See `Display`."""
        self._facts = facts
        self._check()

    def say(self, text: str) -> None:
        """See `Display`."""
        self._check()
        self._console.print(text, markup=False, highlight=False)

    def close(self, facts: Callable[[], Facts]) -> None:
        """See `Display`."""
        self._facts = facts
        self._ended.set()
        try:
            if self._thread.ident is not None:
                self._thread.join()
            self._check()
            self._live.refresh()
        finally:
            self._live.stop()  # gives cursor and stderr back


# --- lines -----------------------------------------------------------------------------------------------------------


def as_line(facts: Facts, now: float) -> str:
    """Return all facts in a line."""
    left = facts.left(now)
    parts = [
        f"trial {facts.counts}: {facts.shown_best(True)}",
        *facts.ended_otherwise,
        facts.shown_pieces,
        facts.note,
        duration(now - facts.start) if facts.done or facts.paused else "",
        f"about {left}" if left else "",
    ]
    return ", ".join(part for part in parts if part)


class Lines:
    """Lines on stderr: the first trial, every tenth of all, or one in a while, and the last."""

    def __init__(self) -> None:
        self._last = -math.inf
        self._shown = 0  # finished and paused trials

    def open(self) -> None:
        """See `Display`."""

    def show(self, facts: Callable[[], Facts], n: int, total: int | None) -> None:
        """See `Display`."""
        if n == self._shown:
            return
        every = math.ceil(total / LINES) if total else None
        due = not self._shown or n == total or (every is not None and n // every > self._shown // every)
        if due or time.monotonic() - self._last >= SECONDS_BETWEEN_LINES:
            self._print(facts())

    def _print(self, facts: Facts) -> None:
        now = time.monotonic()
        print(as_line(facts, now), file=sys.stderr, flush=True)
        self._last, self._shown = now, facts.done + facts.paused

    def say(self, text: str) -> None:
        """See `Display`."""
        print(text, file=sys.stderr, flush=True)

    def close(self, facts: Callable[[], Facts]) -> None:
        """See `Display`."""
        now = facts()
        if now.done + now.paused != self._shown:
            self._print(now)
        sys.stderr.flush()


# --- a notebook ------------------------------------------------------------------------------------------------------


class Notebook:
    """Output of a cell, which is updated and stays in a saved notebook; nothing but IPython is needed."""

    def __init__(self) -> None:
        self._handle: Any = None
        self._facts: Callable[[], Facts] | None = None
        self._last = -math.inf
        self._said: list[str] = []

    def open(self) -> None:
        """See `Display`."""

    def show(self, facts: Callable[[], Facts], n: int, total: int | None) -> None:
        """See `Display`."""
        self._facts = facts
        now = time.monotonic()
        if now - self._last >= SECONDS_BETWEEN_OUTPUTS:
            self._last = now
            self._put(facts(), now)

    def _put(self, facts: Facts, now: float) -> None:
        from IPython.display import display  # type: ignore[import-not-found, unused-ignore]

        line = as_line(facts, now)
        part = (
            "" if not facts.total else f'<progress value="{facts.done + facts.paused}" max="{facts.total}"></progress> '
        )
        lines = [part + escape(line), *map(escape, self._said)]
        data = {"text/plain": "\n".join([line, *self._said]), "text/html": f"<div>{'<br>'.join(lines)}</div>"}
        if self._handle is None:
            self._handle = display(data, raw=True, display_id=True)
        else:
            self._handle.update(data, raw=True)

    def say(self, text: str) -> None:
        """See `Display`."""
        self._said.append(text)
        if self._facts is not None:
            self._put(self._facts(), time.monotonic())

    def close(self, facts: Callable[[], Facts]) -> None:
        """See `Display`."""
        self._put(facts(), time.monotonic())
