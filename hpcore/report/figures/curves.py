"""Learning curves: partial results by step, with what was stopped and why."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from hpcore.records.history import COMPLETE, FAILED, PAUSED, PRUNED, RUNNING
from hpcore.report.look import ACCENT, GREY, INK, ORANGE, RED, layout, number, packed, robust_range, text
from hpcore.report.record import Record
from hpcore.report.section import Material, NothingToShow, Panel, Section, Table

__all__ = ["draw", "why_stopped"]

FloatArray = npt.NDArray[np.float64]

MOST_CURVES = 300
MOST_POINTS = 60_000
WIDE = 20.0  # ratio of the last step to the first, from which steps are on a logarithmic scale
MOST_ROWS = 40


def draw(material: Material) -> Section:
    """Draw partial results by step."""
    record = material.record
    if record.by_folds:
        raise NothingToShow("partial results of this search are folds: see the figure 'folds'")
    curves = _curves(record)
    if not any(len(steps) > 1 for _, steps, _ in curves):
        raise NothingToShow("no trial has reported values of two steps")
    data = []
    for label, states, colour, width in (
        ("went to the end", (COMPLETE,), ACCENT, 1.2),
        ("stopped early", (PRUNED, PAUSED), ORANGE, 1.2),
        ("failed", (FAILED,), RED, 1.2),
        ("running", (RUNNING,), GREY, 1.2),
    ):
        mine = [curve for curve in curves if record.state[curve[0]] in states]
        if mine:
            data += _lines(record, mine, label, colour, width)
    best = record.best
    n = int(np.isin(np.unique(record.history.curves.trial), record.present).sum())
    lead = "Each line is a trial's values as it trained."
    if n > len(curves):
        lead += f" {len(curves)} of {n} trials are drawn."
    stopped = {number for number, _, _ in curves if record.state[number] in (PRUNED, PAUSED)}
    if stopped:
        lead += f" {len(stopped)} of {len(curves)} were stopped early, at the mark that ends their line."
    mine = [curve for curve in curves if curve[0] == best]
    if mine:
        data.append(_line(mine[0], f"best, trial {best}"))
        lead += f" The dark line is the best trial, {best}."
    steps = np.concatenate([steps for _, steps, _ in curves])
    y = np.concatenate([values for _, _, values in curves])
    ends = [float(values[-1]) for _, _, values in curves if np.isfinite(values[-1])]
    best_end = [min(ends) if record.signs[0] > 0 else max(ends)] if ends else []
    positive = steps[steps > 0]
    log = bool(len(positive) == len(steps) and positive.max() / positive.min() >= WIDE and _geometric(curves))
    panel = Panel(
        "curves",
        data,
        layout(
            xaxis={"title": "step", "type": "log" if log else "linear"},
            yaxis={"title": text(record.measures[0]), "range": robust_range(y, best_end)},
            height=440,
        ),
    )
    rows = [
        [str(i), number(float(steps[-1])), number(float(values[-1])), why_stopped(record, i)]
        for i, steps, values in curves
        if i in stopped
    ]
    return Section(
        "curves",
        "Learning curves",
        lead,
        [panel],
        table=Table(("trial", "last step", "last value", "why it was stopped"), rows[:MOST_ROWS]),
    )


def why_stopped(record: Record, i: int) -> str:
    """Say why a trial was stopped, as far as that is recorded."""
    trial = record.trials[i]
    by = record.scheduler or "the objective"
    rival = trial.user_attrs.get("incumbent")
    if rival is not None and record.by_folds:
        return f"the race: it would hardly beat trial {rival} on the folds to come"
    if record.state[i] == PAUSED:
        return f"{by}: others went on from this step first"
    return f"{by}: not good enough at this step"


def _curves(record: Record) -> list[tuple[int, FloatArray, FloatArray]]:
    """Number, steps and values of each trial with reports, sorted by step; of many the best, and evenly spaced ones."""
    found = []
    table = record.history.curves
    for i in record.present.tolist():
        rows = table.of(i)
        if rows:
            steps, values = table.step[rows], table.values[rows, 0] * record.signs[0]
            order = np.argsort(steps, kind="stable")
            found.append((i, steps[order], values[order]))
    if len(found) > MOST_CURVES:
        keep = set(np.linspace(0, len(found) - 1, MOST_CURVES).astype(int).tolist())
        found = [curve for k, curve in enumerate(found) if k in keep or curve[0] == record.best]
    most = max(2, MOST_POINTS // max(len(found), 1))
    return [(i, *_thinned(steps, values, most)) for i, steps, values in found]


def _thinned(steps: FloatArray, values: FloatArray, most: int) -> tuple[FloatArray, FloatArray]:
    if len(steps) <= most:
        return steps, values
    keep = np.unique(np.linspace(0, len(steps) - 1, most).astype(int))
    return steps[keep], values[keep]


def _geometric(curves: list[tuple[int, FloatArray, FloatArray]]) -> bool:
    """Tell whether trials end at steps that are multiples of each other, as the rungs of a scheduler are."""
    ends = np.unique([steps[-1] for _, steps, _ in curves])
    return len(ends) > 1 and bool(ends[-1] / ends[0] >= WIDE)


def _lines(
    record: Record, curves: list[tuple[int, FloatArray, FloatArray]], label: str, colour: str, width: float
) -> list[dict[str, Any]]:
    x = np.concatenate([np.append(steps, np.nan) for _, steps, _ in curves])
    y = np.concatenate([np.append(values, np.nan) for _, _, values in curves])
    lines = {
        "type": "scatter",
        "mode": "lines",
        "name": label,
        "legendgroup": label,
        "x": packed(x),
        "y": packed(y),
        "line": {"color": colour, "width": width},
        "opacity": 0.55,
        "hoverinfo": "skip",
    }
    stopped = label == "stopped early"
    ends = {
        "type": "scatter",
        "mode": "markers",
        "legendgroup": label,
        "showlegend": False,
        "x": packed([steps[-1] for _, steps, _ in curves]),
        "y": packed([values[-1] for _, _, values in curves]),
        "marker": {"color": colour, "size": 7 if stopped else 5, "symbol": "triangle-down" if stopped else "circle"},
        "text": [
            f"trial {i}: {number(float(values[-1]))} at step {number(float(steps[-1]))}"
            + (f"<br>stopped by {text(why_stopped(record, i))}" if stopped else "")
            for i, steps, values in curves
        ],
        "hoverinfo": "text",
    }
    return [lines, ends]


def _line(curve: tuple[int, FloatArray, FloatArray], label: str) -> dict[str, Any]:
    _, steps, values = curve
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": label,
        "x": packed(steps),
        "y": packed(values),
        "line": {"color": INK, "width": 2.5},
        "marker": {"size": 4},
    }
