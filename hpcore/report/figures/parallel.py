"""Parallel coordinates: each trial a line over the most important parameters and its values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from hpcore.report.axes import SHORT, Axis
from hpcore.report.look import FONT, SCALE, layout, number, packed, robust_range, text
from hpcore.report.section import Material, NothingToShow, Panel, Section

__all__ = ["draw"]

FloatArray = npt.NDArray[np.float64]

MOST_PARAMETERS = 9
INACTIVE = -0.14  # place of an inactive parameter, below its axis
TICKS = 5


def draw(material: Material, params: Sequence[str] = (), objective: int = 0) -> Section:
    """Draw trials as lines over their parameters."""
    record = material.record
    rows = np.flatnonzero(record.observed)
    if len(rows) < 2:
        raise NothingToShow(f"parallel coordinates need two trials with a value, got {len(rows)}")
    names = [material.check(name) for name in params] or list(material.varied(MOST_PARAMETERS))
    if not names:
        raise NothingToShow("no parameter has two values")
    # The best are drawn last, on top.
    lower = record.compared[rows, objective] * record.signs[objective]
    rows = rows[np.argsort(-lower, kind="stable")]
    dimensions = [_parameter(record.axes[name], record.X[rows, record.axes[name].column]) for name in names]
    # With the best value of each objective.
    ranges = [
        robust_range(y, [float(y.min() if sign > 0 else y.max())])
        for y, sign in zip(record.compared[rows].T, record.signs, strict=True)
    ]
    dimensions += [
        _value(text(record.measures[i], SHORT), record.compared[rows, i], ranges[i] or (0.0, 1.0))
        for i in range(record.m)
    ]
    y = record.compared[rows, objective]
    low, high = ranges[objective] or (0.0, 1.0)
    data: list[dict[str, Any]] = [
        {
            "type": "parcoords",
            "dimensions": dimensions,
            "labelangle": -25,
            "labelside": "bottom",
            "line": {
                "color": packed(np.clip(y, low, high)),
                "colorscale": SCALE,
                "reversescale": bool(record.signs[objective] > 0),
                "cmin": low,
                "cmax": high,
                "showscale": True,
                "colorbar": {"title": {"text": text(record.measures[objective]), "side": "right"}, "thickness": 12},
            },
            "unselected": {"line": {"color": "#7b8794", "opacity": 0.08}},
        }
    ]
    left_out = len(record.space) - len(names)
    lead = (
        "A line is a trial; colour is its value. Drag along an axis to keep only the trials that pass there; a click "
        "on the axis shows all again. A line that leaves an axis below it has that parameter inactive."
    )
    if left_out and not params:
        lead += f" The {left_out} least important parameters are left out."
    lead += record.remark
    panel = Panel(
        "parallel",
        data,
        layout(height=460, margin={"l": 60, "r": 20, "t": 30, "b": 90}, font={"family": FONT, "size": 12}),
    )
    return Section("parallel", "All trials at once", lead, [panel])


def _parameter(axis: Axis, u: FloatArray) -> dict[str, Any]:
    ticks, labels = axis.ticks()
    inactive = np.isnan(u)
    tickvals, ticktext = ticks.tolist(), labels
    if inactive.any():
        tickvals, ticktext = [INACTIVE, *tickvals], ["inactive", *ticktext]
    return {
        "label": text(axis.name, SHORT),
        "values": packed(np.where(inactive, INACTIVE, u)),
        "range": [INACTIVE if inactive.any() else 0.0, 1.0],
        "tickvals": tickvals,
        "ticktext": ticktext,
    }


def _value(label: str, y: FloatArray, ends: tuple[float, float]) -> dict[str, Any]:
    low, high = ends
    ticks = np.linspace(low, high, TICKS)
    return {
        "label": label,
        "values": packed(np.clip(y, low, high)),
        "range": [low, high],
        "tickvals": ticks.tolist(),
        "ticktext": [number(float(tick), 3) for tick in ticks],
    }
