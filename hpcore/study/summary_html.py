"""Compact summary of a study as HTML, for notebooks: no script, nothing from elsewhere, readable on dark and light.

Every text goes through `hpcore.records.words.escape`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from hpcore.records.history import FAILED, STATES
from hpcore.records.words import duration, escape, last_line, shorten, shown_params, shown_value

if TYPE_CHECKING:
    from hpcore.optimizer import Optimizer
    from hpcore.records.trial import Trial

__all__ = ["facts_of", "page", "params_table", "study_html"]

PARAMS, FRONT, LIMITS = 20, 8, 10  # rows that are shown
TEXT, ROW = 200, 80  # characters of a text, and of the parameters in a row

_FRAME = "border:1px solid;border-color:rgba(128,128,128,.5);border-radius:4px;padding:.6em .9em;margin:.3em 0"
_BOX = f'<div style="{_FRAME};display:inline-block;max-width:60em;overflow-x:auto;color:inherit">'
_TABLE = '<table style="border-collapse:collapse;background:none;color:inherit;margin:.3em 0">'
_CELL = "text-align:left;vertical-align:top;padding:.1em 1em .1em 0;background:none;color:inherit;border:none"


def study_html(optimizer: Optimizer, title: str, further: Mapping[str, str]) -> str:
    """Return the summary of a study.

    Parameters
    ----------
    optimizer : Optimizer
        Optimizer with the trials.
    title : str
        Heading.
    further : mapping of str to str
        Further facts, by name.
    """
    history = optimizer.history
    facts = {**facts_of(optimizer), **further}
    allowed = history.feasible
    if len(optimizer.directions) > 1:
        front = optimizer.pareto_front
        parts = [_heading(f"Pareto front: {len(front)} trials"), _front(optimizer, front) if front else ""]
    elif allowed.any():
        best = optimizer.best_trial
        parts = [params_table(f"best value {_number(best.value)}, trial {best.number}", best.params)]
    else:
        parts = [_heading("no trial is best yet"), _text(_why(optimizer))]
    return page(title, facts, parts)


def facts_of(optimizer: Optimizer) -> dict[str, str]:
    """Return what is known of a search besides its best trial, by name."""
    history = optimizer.history
    counts = np.bincount(history.state, minlength=len(STATES)).tolist()
    states = ", ".join(f"{n} {state.value}" for n, state in zip(counts, STATES, strict=True) if n)
    facts = {"trials": states or "none", "direction": ", ".join(optimizer.directions)}
    facts["sampler"] = type(optimizer.sampler).__name__
    if optimizer.scheduler is not None:
        facts["scheduler"] = type(optimizer.scheduler).__name__
    if optimizer.limits:
        shown = [f"{name}: {limit}" for name, limit in list(optimizer.limits.items())[:LIMITS]]
        more = len(optimizer.limits) - len(shown)
        facts["limits"] = ", ".join(shown) + (f" and {more} more" if more > 0 else "")
    started, finished = history.times.T if history.n else (np.empty(0), np.empty(0))
    known = np.isfinite(started) & np.isfinite(finished)
    if known.any():
        whole = float(finished[known].max() - started[known].min())
        each = float(np.maximum(finished[known] - started[known], 0.0).mean())
        facts["time"] = f"{duration(whole)} from the first start to the last end, {duration(each)} a trial"
    return facts


def _why(optimizer: Optimizer) -> str:
    """Return why no trial is best."""
    history = optimizer.history
    failed = np.flatnonzero(history.state == FAILED)
    if history.n_complete:
        return str(optimizer.no_feasible_trial())
    if not len(failed):
        return ""
    last = int(failed[-1])
    return f"the last failure, of trial {last}: {last_line(history.notes.get(last, {}).get('error'))}"


def page(title: str, facts: Mapping[str, str], parts: Iterable[str]) -> str:
    """Return a summary with a heading, a table of facts, and parts that are HTML already."""
    rows = [(name, text) for name, text in facts.items() if text]
    return f"{_BOX}{_heading(title)}{_table((), rows)}{''.join(parts)}</div>"


def _heading(text: str) -> str:
    return f'<div style="font-weight:bold">{escape(shorten(text, TEXT))}</div>'


def _text(text: str) -> str:
    return f"<div>{escape(shorten(text, 2 * TEXT))}</div>" if text else ""


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    top = "".join(f'<th style="{_CELL};font-weight:bold">{escape(shorten(text, ROW))}</th>' for text in head)
    body = "".join(
        "<tr>" + "".join(f'<td style="{_CELL}">{escape(shorten(text, 2 * TEXT))}</td>' for text in row) + "</tr>"
        for row in rows
    )
    return f"{_TABLE}{f'<tr>{top}</tr>' if top else ''}{body}</table>"


def params_table(title: str, params: Mapping[str, Any]) -> str:
    """Return a table of parameters under a heading; of many the first ones."""
    shown = [(shorten(str(name), ROW), shown_value(value, ROW)) for name, value in list(params.items())[:PARAMS]]
    if len(params) > PARAMS:
        shown.append((f"and {len(params) - PARAMS} more", ""))
    return _heading(title) + _table((), shown)


def _front(optimizer: Optimizer, front: Sequence[Trial]) -> str:
    m = len(optimizer.directions)
    head = ["trial", *(f"value {i} ({way})" for i, way in enumerate(optimizer.directions)), "parameters"]
    first = sorted(front, key=lambda trial: trial.number)[:FRONT]
    rows = [
        [str(trial.number), *map(_number, trial.values or [math.nan] * m), shown_params(trial.params, ROW)]
        for trial in first
    ]
    return _table(head, rows) + (_text(f"and {len(front) - FRONT} more") if len(front) > FRONT else "")


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.6g}"
