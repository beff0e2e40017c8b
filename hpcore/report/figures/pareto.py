"""Pareto front of several objectives."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np

from hpcore.report.figures.points import hover, of, trial_traces
from hpcore.report.look import INK, RED, bare, layout, number, packed, robust_range, text
from hpcore.report.record import Record
from hpcore.report.section import Material, NothingToShow, Panel, Section, Table

__all__ = ["draw"]

MOST_ROWS = 30


def draw(material: Material) -> Section:
    """Draw the trials by their objectives, with the front."""
    record = material.record
    if record.m < 2:
        raise NothingToShow("a Pareto front needs two objectives, the search has one")
    if not len(record.front):
        raise NothingToShow("no complete trial keeps all limits")
    panels = [_cloud(record)] if record.m == 3 else []
    panels += [_pair(record, i, j) for i, j in combinations(range(record.m), 2)]
    n = len(record.front)
    lead = (
        f"{n} of {int(record.feasible.sum())} trials are on the Pareto front: no other trial is better in one "
        "objective and as good in the others."
    )
    names = [*record.measures, *record.space.names[:6]]
    rows = [
        [
            str(i),
            *(number(float(v)) for v in record.values[i]),
            *(of(record.trials[i].params, name) for name in record.space.names[:6]),
        ]
        for i in record.front[:MOST_ROWS].tolist()
    ]
    return Section("pareto", "Pareto front", lead, panels, chosen=True, table=Table(("trial", *names), rows))


def _pair(record: Record, i: int, j: int) -> Panel:
    x, y = record.values[:, i], record.values[:, j]
    # Three objectives have three pairs, six fifteen: the words over all points of each would fill the page.
    data = trial_traces(record, x, y, words=record.m == 2, skip=("pruned", "paused"))
    front = record.front
    if record.m == 2:
        order = front[np.argsort(x[front], kind="stable")]
        # Between two trials of the front, what both reach. The one with the better x has the worse y: from left to
        # right, y changes at the second trial where x is to be small, at the first where it is to be large.
        shape = "hv" if record.signs[0] > 0 else "vh"
    else:
        order, shape = front, "linear"
    data.append(
        {
            "type": "scatter",
            "mode": "lines+markers" if record.m == 2 else "markers",
            "name": "Pareto front",
            "x": packed(x[order]),
            "y": packed(y[order]),
            "line": {"shape": shape, "color": RED, "width": 2},
            "marker": {"symbol": "star", "size": 11, "color": RED, "line": {"width": 1, "color": "white"}},
            "text": hover(record, order),
            "hoverinfo": "text",
        }
    )
    a, b = text(record.measures[i]), text(record.measures[j])
    return Panel(
        f"{a} × {b}",
        data,
        layout(
            xaxis={"title": _titled(record, i), "range": robust_range(x[record.complete], x[front].tolist())},
            yaxis={"title": _titled(record, j), "range": robust_range(y[record.complete], y[front].tolist())},
            height=460,
        ),
    )


def _cloud(record: Record) -> Panel:
    data: list[dict[str, Any]] = []
    on_front = np.zeros(record.n, dtype=bool)
    on_front[record.front] = True
    groups = (
        ("trials", np.flatnonzero(record.feasible & ~on_front), INK, 3),
        ("Pareto front", record.front, RED, 5),
    )
    for name, rows, colour, size in groups:
        data.append(
            {
                "type": "scatter3d",
                "mode": "markers",
                "name": name,
                **{axis: packed(record.values[rows, k]) for k, axis in enumerate("xyz")},
                "marker": {"size": size, "color": colour, "opacity": 0.8},
                "text": [f"trial {i}" for i in rows.tolist()],
            }
        )
    scene = {f"{axis}axis": {"title": {"text": bare(record.measures[k], 30)}} for k, axis in enumerate("xyz")}
    return Panel(
        "all three",
        data,
        layout(scene={**scene, "dragmode": "turntable"}, height=520, margin={"l": 0, "r": 0, "t": 8, "b": 0}),
    )


def _titled(record: Record, k: int) -> str:
    return f"{text(record.measures[k])} ({'larger' if record.signs[k] < 0 else 'smaller'} is better)"
