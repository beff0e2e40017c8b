"""Scores of the folds of each candidate of a cross-validated search."""

from __future__ import annotations

from typing import Any

import numpy as np

from hpcore.records.history import PRUNED
from hpcore.report.figures.curves import why_stopped
from hpcore.report.look import ACCENT, GREY, LINE_COLOURS, ORANGE, layout, number, packed, robust_range, text
from hpcore.report.section import Material, NothingToShow, Panel, Section, Table

__all__ = ["draw"]

MOST_CANDIDATES = 40


def draw(material: Material) -> Section:
    """Draw the folds of the best candidates."""
    record = material.record
    if not record.by_folds or not len(record.history.curves):
        raise NothingToShow("the trials are no candidates of a cross-validated search")
    curves = record.history.curves
    rows = [i for i in np.flatnonzero(record.observed).tolist() if curves.of(i)]
    if not rows:
        raise NothingToShow("no candidate has a fold")
    lower = record.history.values[rows, 0]
    rows = [rows[k] for k in np.argsort(lower, kind="stable")[:MOST_CANDIDATES]]
    place, score, fold = [], [], []
    for k, i in enumerate(rows):
        for row in curves.of(i):
            place.append(k)
            score.append(float(record.signs[0] * curves.values[row, 0]))
            fold.append(int(curves.step[row]))
    data: list[dict[str, Any]] = []
    folds = sorted(set(fold))
    for f in folds:
        at = [k for k in range(len(fold)) if fold[k] == f]
        data.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": f"fold {f}",
                "x": packed([place[k] for k in at]),
                "y": packed([score[k] for k in at]),
                "marker": {
                    "size": 7,
                    "opacity": 0.75,
                    "color": LINE_COLOURS[f % len(LINE_COLOURS)] if len(folds) <= 2 * len(LINE_COLOURS) else GREY,
                    "symbol": f % 12 if len(folds) <= 12 else "circle",
                },
                "text": [f"trial {rows[place[k]]}, fold {f}: {number(score[k])}" for k in at],
                "hoverinfo": "text",
                "showlegend": len(folds) <= 12,
            }
        )
    means = record.values[rows, 0]
    stopped = record.state[rows] == PRUNED
    for label, mask, colour in (("mean", ~stopped, ACCENT), ("estimated mean, stopped by the race", stopped, ORANGE)):
        if mask.any():
            data.append(
                {
                    "type": "scatter",
                    "mode": "markers",
                    "name": label,
                    "x": packed(np.flatnonzero(mask)),
                    "y": packed(means[mask]),
                    "marker": {"symbol": "line-ew-open", "size": 16, "color": colour, "line": {"width": 3}},
                    "text": [
                        f"trial {rows[k]}: {label} {number(float(means[k]))}"
                        + (f"<br>{text(why_stopped(record, rows[k]))}" if stopped[k] else "")
                        for k in np.flatnonzero(mask).tolist()
                    ],
                    "hoverinfo": "text",
                }
            )
    measure = text(record.measures[0])
    total = int(record.observed.sum())
    lead = f"The {len(rows)} best of {total} candidates, the best on the left; a point is a fold, the bar its mean."
    if (record.state == PRUNED).any():
        lead += f" {int((record.state == PRUNED).sum())} candidates were stopped before their last fold."
    spread = [float(np.std([score[k] for k in range(len(place)) if place[k] == 0]))] if len(folds) > 1 else []
    if spread:
        lead += f" The folds of the best one differ by {number(spread[0], 3)} (standard deviation)."
    step = max(1, len(rows) // 20)
    panel = Panel(
        "folds",
        data,
        layout(
            xaxis={
                "title": "trial",
                "tickmode": "array",
                "tickvals": list(range(0, len(rows), step)),
                "ticktext": [str(i) for i in rows[::step]],
                "range": [-0.6, len(rows) - 0.4],
            },
            yaxis={"title": measure, "range": robust_range(np.array(score), [float(means[0])])},
            height=420,
        ),
    )
    table = [
        [str(i), number(float(record.values[i, 0])), *_scores(record.signs[0], curves, i, folds)] for i in rows[:20]
    ]
    return Section(
        "folds",
        "Folds of the candidates",
        lead,
        [panel],
        table=Table(("trial", "mean", *(f"fold {f}" for f in folds)), table),
    )


def _scores(sign: float, curves: Any, i: int, folds: list[int]) -> list[str]:
    by_fold = {int(curves.step[row]): float(sign * curves.values[row, 0]) for row in curves.of(i)}
    return [number(by_fold.get(f)) for f in folds]
