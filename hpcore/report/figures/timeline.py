"""When each trial ran, beside the others that ran at the same time."""

from __future__ import annotations

import heapq
from typing import Any

import numpy as np
import numpy.typing as npt

from hpcore.report.look import STATE_LOOK, layout, number, packed
from hpcore.report.section import Material, NothingToShow, Panel, Section

__all__ = ["draw"]

FloatArray = npt.NDArray[np.float64]

UNITS = ((86400.0, 3 * 86400.0, "days"), (3600.0, 3 * 3600.0, "hours"), (60.0, 300.0, "minutes"), (1.0, 0.0, "seconds"))


def draw(material: Material) -> Section:
    """Draw the times of the trials in lanes, one for each that ran at a time."""
    record = material.record
    times = record.times
    rows = np.flatnonzero(np.isfinite(times).all(axis=1) & (times[:, 1] >= times[:, 0]))
    if not len(rows):
        raise NothingToShow("no trial has known times")
    start, end = times[rows, 0], times[rows, 1]
    lanes = _lanes(start, end)
    first, last = float(start.min()), float(end.max())
    whole = max(last - first, 1e-9)
    unit, _, name = next(u for u in UNITS if whole >= u[1])
    lane_of = dict(zip(rows.tolist(), lanes.tolist(), strict=True))
    data: list[dict[str, Any]] = []
    for state, numbers in record.looks():
        mine = numbers[np.isin(numbers, rows)]
        if not len(mine):
            continue
        length = (times[mine, 1] - times[mine, 0]) / unit
        data.append(
            {
                "type": "bar",
                "orientation": "h",
                "name": state,
                "base": packed((times[mine, 0] - first) / unit),
                # A trial of no time is a line that is seen.
                "x": packed(np.maximum(length, 5e-4 * whole / unit)),
                "y": [lane_of[i] for i in mine.tolist()],
                "width": 0.8,
                "marker": {
                    "color": STATE_LOOK[state][0],
                    "line": {"width": 0.5, "color": "white"},
                    "pattern": {"shape": {"failed": "x", "pruned": "/", "paused": "/"}.get(state, "")},
                },
                "customdata": packed(np.column_stack([mine, times[mine, 1] - times[mine, 0]])),
                "hovertemplate": "trial %{customdata[0]}<br>%{customdata[1]:.3g} s<extra></extra>",
            }
        )
    n = int(lanes.max()) + 1
    busy = float((end - start).sum()) / (n * whole)
    lead = (
        f"{len(rows)} trials in {number(whole / unit, 3)} {name}, up to {n} at a time; the lanes were busy {busy:.0%} "
        "of the time. A lane is a place for one trial, not a certain worker."
    )
    panel = Panel(
        "timeline",
        data,
        layout(
            xaxis={"title": f"{name} since the first trial", "range": [0.0, whole / unit * 1.01]},
            yaxis={"title": "lane", "dtick": max(1, n // 10), "range": [n - 0.5, -0.5], "ticks": ""},
            height=min(600, 150 + 28 * n),
            barmode="overlay",
        ),
    )
    return Section("timeline", "Timeline", lead, [panel])


def _lanes(start: FloatArray, end: FloatArray) -> npt.NDArray[np.int64]:
    """Lane of each trial: the lowest one that is free when it starts."""
    lanes = np.zeros(len(start), dtype=np.int64)
    free: list[int] = []
    running: list[tuple[float, int]] = []
    used = 0
    for k in np.lexsort((end, start)).tolist():
        while running and running[0][0] <= start[k]:
            heapq.heappush(free, heapq.heappop(running)[1])
        if free:
            lane = heapq.heappop(free)
        else:
            lane, used = used, used + 1
        lanes[k] = lane
        heapq.heappush(running, (float(end[k]), lane))
    return lanes
