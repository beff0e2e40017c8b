"""Cost of each trial against its value."""

from __future__ import annotations

import numpy as np

from hpcore.report.figures.points import trial_traces
from hpcore.report.look import INK, layout, number, packed, robust_range, text
from hpcore.report.section import Material, NothingToShow, Panel, Section

__all__ = ["draw"]

WIDE = 30.0


def draw(material: Material, objective: int = 0) -> Section:
    """Draw costs against values."""
    record = material.record
    cost = record.cost
    rows = np.flatnonzero(record.feasible & np.isfinite(cost))
    if len(rows) < 2:
        raise NothingToShow("fewer than two complete trials have a cost or known times")
    # Where none was told, the cost of a trial is the seconds that it took.
    told = bool(np.any(cost[rows] != record.times[rows, 1] - record.times[rows, 0]))
    y = record.values[:, objective]
    cost = np.where(cost > 0.0, cost, np.nan) if (positive := cost[rows] > 0.0).any() else cost
    data = trial_traces(record, cost, y, words=False)
    rows = rows[positive] if positive.any() else rows
    # The best value that each cost buys.
    order = rows[np.lexsort((record.history.values[rows, objective], cost[rows]))]
    lower = record.history.values[order, objective]
    bought = order[lower <= np.minimum.accumulate(lower)]
    bought = bought[np.append(True, np.diff(record.history.values[bought, objective]) < 0.0)]
    data.append(
        {
            "type": "scatter",
            "mode": "lines",
            "name": "best for its cost",
            "x": packed(cost[bought]),
            "y": packed(y[bought]),
            "line": {"shape": "hv", "color": INK, "width": 2},
            "hoverinfo": "skip",
        }
    )
    used = cost[rows]
    ends = robust_range(y[np.isfinite(cost)], [float(y[bought[-1]])])
    log = bool(used.min() > 0.0 and used.max() / used.min() >= WIDE)
    what = "cost" if told else "seconds"
    cheap, best = bought[0], bought[-1]
    lead = (
        f"{what.capitalize()} of a trial against its {record.measures[objective]}. The line is the best value up to "
        f"each {what if told else 'number of seconds'}: from trial {cheap} ({number(float(cost[cheap]), 3)}) to trial "
        f"{best} ({number(float(cost[best]), 3)})."
    )
    panel = Panel(
        "cost",
        data,
        layout(
            xaxis={"title": what, "type": "log" if log else "linear"},
            yaxis={
                "title": text(record.measures[objective]),
                "range": ends,
            },
            height=400,
        ),
    )
    return Section("cost", "Cost against score", lead, [panel])
