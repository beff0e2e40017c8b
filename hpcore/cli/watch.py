"""``hpcore watch``: a stored study on the terminal, while others write it."""

from __future__ import annotations

import shutil
import sys
import textwrap
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime, timezone
from itertools import islice
from typing import TYPE_CHECKING, Any

import click

from hpcore.cli.keys import Keys
from hpcore.cli.stores import store_path
from hpcore.errors import DamagedStore, StorageError, UnsupportedStore, UntrustedStore
from hpcore.records.words import clean, cut, duration, shown_params, texts_of

if TYPE_CHECKING:
    from hpcore.ledger.following import Follower
    from hpcore.records.table import Row
    from hpcore.storage import Storage

__all__ = ["frame", "watch"]

PATIENCE = 2.0  # seconds for which a busy store is tried; keys wait for it
WIDTH, HEIGHT = 100, 60  # of what is printed where there is no terminal
PARAMS_LINES, TROUBLE_LINES, FAILURES = 3, 3, 3
STATES = ("complete", "running", "waiting", "paused", "pruned", "failed", "withdrawn")

Line = tuple[str, str]
"""Text and style."""


class _Watched:
    """Study that may not exist yet, with the lines that show it."""

    def __init__(self, store: Storage, name: str | None) -> None:
        self._store, self._name = store, name
        self._follower: Follower | None = None
        self._trouble = ""

    def refresh(self, patient: bool) -> None:
        """Read what is new; a store that cannot be read now is tried again later, if `patient`."""
        try:
            if self._follower is None:
                self._follower = self._find()
            if self._follower is not None:
                self._follower.refresh()
            self._trouble = ""
        except StorageError as error:
            if not patient or isinstance(error, DamagedStore | UnsupportedStore | UntrustedStore):
                raise
            self._trouble = str(error)

    def _find(self) -> Follower | None:
        from hpcore.ledger.following import Follower
        from hpcore.ledger.studies import find

        if self._name is None and not self._store.read(lambda t: t.studies()):
            return None
        return Follower(self._store, find(self._store, self._name))

    def lines(self, width: int, height: int) -> list[Line]:
        """Return the lines that show the study."""
        trouble = [(text, "red") for text in textwrap.wrap(clean(self._trouble), width)[:TROUBLE_LINES]]
        if self._follower is None:
            return [*trouble, (cut("no study in this store", width), "")]
        return [*trouble, *frame(self._follower, width, height - len(trouble))]


def watch(store: str, name: str | None, interval: float, once: bool) -> None:
    """Show a study until q or Ctrl-C is pressed; where stdout is no terminal, or with `once`, show it once.

    Raises
    ------
    InvalidArgument, UnknownStudy, StorageError
        There is no such store or study, or it cannot be read.
    """
    from hpcore.storage import open_storage

    watched = _Watched(open_storage(store_path(store), create=False, read_only=True, patience=PATIENCE), name)
    if once or not sys.stdout.isatty():
        watched.refresh(patient=False)
        size = shutil.get_terminal_size((WIDTH, HEIGHT))
        for text, _ in watched.lines(size.columns, max(size.lines, HEIGHT)):
            click.echo(text)
        return
    watched.refresh(patient=False)
    with suppress(KeyboardInterrupt, EOFError):  # Ctrl-C, or the terminal was closed
        _live(watched, interval)
    size = shutil.get_terminal_size((WIDTH, HEIGHT))
    for text, _ in watched.lines(size.columns, size.lines):
        click.echo(text)


def _live(watched: _Watched, interval: float) -> None:
    from rich.console import Console, Group
    from rich.live import Live
    from rich.text import Text

    console = Console()
    end = f"q or Ctrl-C ends; every {interval:g} s"

    def drawn() -> Group:
        width, height = console.size
        lines = watched.lines(width, height - 1)[: height - 1]
        lines += [("", "")] * (height - 1 - len(lines))
        return Group(
            *(Text(text, style, no_wrap=True, overflow="crop") for text, style in [*lines, (cut(end, width), "dim")])
        )

    with Keys() as keys:
        live = Live(drawn(), console=console, screen=True, auto_refresh=False)
        try:  # as a context it would not be left if it is interrupted while it is entered
            live.start(refresh=True)
            while True:
                until = time.monotonic() + interval
                while (seconds := until - time.monotonic()) > 0:
                    if "q" in keys.wait(seconds).lower():
                        return
                watched.refresh(patient=True)
                live.update(drawn(), refresh=True)
        finally:
            live.stop()


# --- what is shown ---------------------------------------------------------------------------------------------------


def frame(study: Follower, width: int, height: int) -> list[Line]:
    """Return the lines that show a study in so many cells; what is less important is left out if there is no room."""
    head = [*_about(study, width), *_best(study, width)]
    failures = _failures(study, width)
    room = max(height - len(head) - len(failures), 0)
    most = max(room // 2, room - len(study.recent) - 2)
    title = f"{'running' if study.states['running'] else 'waiting'} ({len(study.work)})"
    working = _table(title, _work_rows(study), len(study.work), width, most, counts=True)
    recent = _table("recent", _recent_rows(study), len(study.recent), width, room - len(working))
    return [*head, *working, *recent, *failures][: max(height, 1)]


def _about(study: Follower, width: int) -> list[Line]:
    ways = study.directions[0] if len(study.directions) == 1 else f"{len(study.directions)} objectives"
    begun = datetime.fromtimestamp(study.record.created, timezone.utc)
    facts = [ways, study.sampler, study.scheduler or "", f"begun {begun:%Y-%m-%d %H:%M} UTC"]
    out = [(cut(clean(study.record.name), width), "bold")]
    out += [(text, "dim") for text in _wrapped([clean(fact) for fact in facts if fact], width)]
    states = [f"{study.states[state]} {state}" for state in STATES if study.states[state]]
    out += [(text, "") for text in _wrapped([f"{study.record.n_trials} trials", *states], width)]
    rate, ends = study.rate(), [row.finished for row in study.recent[:1] if row.finished is not None]
    times = [
        f"{_rate(rate)}" if rate else "",
        f"{duration(study.seconds)} a trial" if study.seconds is not None else "",
        f"last end {_ago(study, ends[0])}" if ends else "",
    ]
    return out + [(text, "") for text in _wrapped([time for time in times if time], width)]


def _rate(rate: float) -> str:
    for seconds, unit in ((1.0, "second"), (60.0, "minute")):
        if rate * seconds >= 1.0:
            return f"{rate * seconds:.3g} trials a {unit}"
    return f"{rate * 3600.0:.3g} trials an hour"


def _ago(study: Follower, when: float) -> str:
    return f"{duration(max(study.now - when, 0.0))} ago"


def _best(study: Follower, width: int) -> list[Line]:
    if len(study.directions) > 1:
        return [("", ""), (f"Pareto front  {len(study.front)}", "green")]
    if study.best is None:
        return [("", ""), (cut("best  none yet", width), "green")]
    best = study.best
    when = "" if best.finished is None else _ago(study, best.finished)
    facts = [f"best  {_values(best)}", f"trial {best.number}", when]
    params = _wrapped(texts_of(best.params), width - 6, ", ")
    if len(params) > PARAMS_LINES:
        params = [*params[: PARAMS_LINES - 1], cut(f"and more, {len(best.params)} parameters in all", width - 6)]
    out = [(text, "green") for text in _wrapped([fact for fact in facts if fact], width)]
    return [("", ""), *out, *((f"      {text}", "") for text in params)]


def _values(row: Row) -> str:
    return "-" if not row.values else ", ".join(f"{value:.6g}" for value in row.values)


def _work_rows(study: Follower) -> Iterable[Sequence[Any]]:
    for work in study.work:
        trial = work.trial
        where = f"{work.host}:{work.pid}" if work.pid and trial.state == "running" else trial.state
        last = "-" if trial.last is None else f"{trial.last[1]:.6g} at {trial.last[0]:g}"
        yield str(trial.number), clean(where), last, trial.params


def _recent_rows(study: Follower) -> Iterable[Sequence[Any]]:
    for row in study.recent:
        took = "-" if row.started is None or row.finished is None else duration(row.finished - row.started)
        if row.state == "failed":
            yield str(row.number), row.state, "-", took, clean(_last(row.error))
        else:
            yield str(row.number), row.state, _values(row), took, row.params


def _last(error: str | None) -> str:
    return ((error or "").strip().splitlines() or ["no reason given"])[-1]


def _table(
    title: str, rows: Iterable[Sequence[Any]], n: int, width: int, most: int, counts: bool = False
) -> list[Line]:
    """Return a table of at most so many lines; the last column takes what room there is.

    Parameters
    ----------
    title : str
        Heading.
    rows : iterable of sequence
        Rows of text, or of parameters in the last column.
    n : int
        Number of rows.
    width, most : int
        Largest number of cells, and of lines.
    counts : bool
        True if the number of rows without room is shown.
    """
    if not n or most < 3:
        return []
    n_shown = min(n, most - 2)
    n_shown -= counts and n_shown < n
    shown = list(islice(rows, n_shown))
    sizes = [max(len(row[i]) for row in shown) for i in range(len(shown[0]) - 1)] if shown else []
    while sizes and sum(sizes) + 2 * len(sizes) + 2 > width * 3 // 4 and max(sizes) > 8:
        sizes[sizes.index(max(sizes))] -= 1
    room = width - sum(sizes) - 2 * len(sizes) - 2
    out: list[Line] = [("", ""), (cut(title, width), "bold")]
    for row in shown:
        cells = [cut(cell, size).ljust(size) for cell, size in zip(row[:-1], sizes, strict=True)]
        last = row[-1] if isinstance(row[-1], str) else shown_params(row[-1], max(room, 1))
        text = "  " + "  ".join([*cells, cut(last, max(room, 1))])
        out.append((cut(text.rstrip(), width), "red" if row[1] == "failed" else ""))
    if counts and n_shown < n:
        out.append((cut(f"  and {n - n_shown} more", width), "dim"))
    return out


def _failures(study: Follower, width: int) -> list[Line]:
    reasons = [(reason, n) for reason, n in study.reasons.most_common(FAILURES) if n]
    if not reasons:
        return []
    return [("", ""), ("failures", "bold"), *((cut(f"  {n} x {clean(why)}", width), "red") for why, n in reasons)]


def _wrapped(parts: Sequence[str], width: int, between: str = "   ") -> list[str]:
    """Put parts into lines; a part that is longer than a line is cut."""
    lines: list[str] = []
    for part in parts:
        short = cut(part, width)
        if lines and len(lines[-1]) + len(between) + len(short) <= width:
            lines[-1] += between + short
        else:
            lines.append(short)
    return lines
