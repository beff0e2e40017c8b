"""When each trial ran, beside the others that ran at the same time."""

from __future__ import annotations

import heapq
from typing import Any

import numpy as np
import numpy.typing as npt

from hpcore.report.look import GREY, STATE_LOOK, layout, number, packed
from hpcore.report.section import Material, NothingToShow, Panel, Section

__all__ = ["draw"]

FloatArray = npt.NDArray[np.float64]

PAUSE = 0.03  # width of a pause that is cut, as a share of the rest
SHORTEST_PAUSE = 60.0  # seconds
LONG_PAUSE = 2.0  # pauses with less than this multiple of them beside them are cut
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
    pauses = _pauses(start, end)
    whole = max(last - first - float(np.diff(pauses).sum()), 1e-9)
    unit, _, name = next(u for u in UNITS if whole >= u[1])
    room = PAUSE * whole if len(pauses) else 0.0

    def place(at: FloatArray) -> FloatArray:
        """Places of times, each long pause being cut to the same width."""
        passed = np.clip(at[:, None] - pauses[:, 0], 0.0, pauses[:, 1] - pauses[:, 0]).sum(axis=1)
        out: FloatArray = (at - first - passed + room * (at[:, None] >= pauses[:, 1]).sum(axis=1)) / unit
        return out

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
                "base": packed(place(times[mine, 0])),
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
    cuts = place(pauses[:, 1]) - room / unit / 2
    width = (whole + room * len(pauses)) / unit
    dashed = {"type": "line", "y0": 0, "y1": 1, "yref": "paper", "line": {"dash": "dash", "color": GREY}}
    if len(pauses):
        lead += f" Without {'pauses' if len(pauses) > 1 else 'a pause'} of {_lengths(pauses)}, at the dashed lines."
    panel = Panel(
        "timeline",
        data,
        layout(
            xaxis={
                "title": f"{name} since the first trial",
                "range": [0.0, 1.01 * width],
            },
            yaxis={"title": "lane", "dtick": max(1, n // 10), "range": [n - 0.5, -0.5], "ticks": ""},
            height=min(600, 150 + 28 * n),
            barmode="overlay",
            shapes=[{**dashed, "x0": x, "x1": x} for x in cuts.tolist()],
        ),
    )
    return Section("timeline", "Timeline", lead, [panel])


def _pauses(start: FloatArray, end: FloatArray) -> FloatArray:
    """Begin and end (k, 2) of the pauses that would leave little room for the trials, as when a study is resumed."""
    order = np.argsort(start, kind="stable")
    begin, until = np.maximum.accumulate(end[order])[:-1], start[order][1:]
    rest, found = float(end.max() - start.min()), list[int]()
    for k in np.argsort(begin - until, kind="stable").tolist():
        length = float(until[k] - begin[k])
        if length < SHORTEST_PAUSE or not 0.0 < rest - length < LONG_PAUSE * length:
            break
        rest -= length
        found.append(k)
    found.sort()
    return np.column_stack([begin[found], until[found]])


def _lengths(pauses: FloatArray) -> str:
    words = []
    for seconds in (pauses[:, 1] - pauses[:, 0]).tolist():
        unit, _, name = next(u for u in UNITS if seconds >= u[1])
        words.append(f"{number(seconds / unit, 2)} {name}")
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


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
