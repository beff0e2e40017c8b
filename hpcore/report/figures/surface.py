"""Surface of the surrogate over two parameters, in three dimensions and as a map."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt

from hpcore.errors import InvalidArgument
from hpcore.report.axes import Axis
from hpcore.report.look import INK, LARGEST, RED, SCALE, bare, layout, packed, text
from hpcore.report.model import Surrogate
from hpcore.report.section import Material, NothingToShow, Panel, Section

__all__ = ["draw", "draw_contour"]

FloatArray = npt.NDArray[np.float64]

POINTS = 29
SCENE_TITLE = 30  # characters; titles of a scene have no entities
MOST_PARAMETERS, MOST_PAIRS = 6, 15
MOST_TRIALS = 200  # points of trials on a surface, the best of them


def draw(material: Material, params: Sequence[str] = (), objective: int | None = None) -> Section:
    """Draw the surrogate over two parameters in three dimensions."""
    return _draw(material, params, objective, deep=True)


def draw_contour(material: Material, params: Sequence[str] = (), objective: int | None = None) -> Section:
    """Draw the surrogate over two parameters as a map with lines of equal height."""
    return _draw(material, params, objective, deep=False)


def _draw(material: Material, params: Sequence[str], objective: int | None, deep: bool) -> Section:
    record = material.record
    pairs = _pairs(material, params, deep)
    objectives = list(range(record.m)) if objective is None else [objective]
    panels = []
    drawable = {name: _drawable(record.axes[name]) for pair in pairs for name in pair}
    for k in objectives:
        model = material.surrogate(k)
        for a, b in pairs[: max(1, MOST_PAIRS // len(objectives))]:
            if not (_together(model, record.axes[a], record.axes[b]) and drawable[a] and drawable[b]):
                continue
            label = f"{record.axes[a].title} × {record.axes[b].title}"
            if len(objectives) > 1:
                label = f"{text(record.measures[k])}: {label}"
            panels.append((_surface if deep else _map)(material, record.axes[a], record.axes[b], k, label))
    if not panels:
        raise NothingToShow("no two of these parameters are active together and have several values that can be drawn")
    what = "Surface" if deep else "Map"
    lead = (
        f"{what} of the surrogate's mean over two parameters, the others as in the best trial. Points are trials at "
        "their own values"
        + (", which lie off the surface where other parameters differ." if deep else "; the star is the best.")
    )
    if deep:
        lead += " Drag turns it."
    lead += record.remark
    return Section(
        "surface" if deep else "contour",
        "Surface of two parameters" if deep else "Map of two parameters",
        lead,
        panels,
        chosen=True,
    )


def _drawable(axis: Axis) -> bool:
    """Tell whether plotly can draw a plane over a parameter: between two places at least, within `LARGEST`."""
    places = np.clip(axis.places(axis.grid(POINTS)), -LARGEST, LARGEST)
    return bool(np.all(np.diff(places) > 0.0)) and len(places) > 1


def _together(model: Surrogate, a: Axis, b: Axis) -> bool:
    """Tell whether two parameters are active together in a trial that was seen."""
    return not bool(np.isnan(model.base(a.column, b.column)[[a.column, b.column]]).any())


def _pairs(material: Material, params: Sequence[str], deep: bool) -> list[tuple[str, str]]:
    if params:
        names = [material.check(name) for name in params]
        if len(names) != 2 or names[0] == names[1]:
            raise InvalidArgument(f"params must name two parameters, got {list(params)!r}")
        return [(names[0], names[1])]
    names = list(material.varied())
    if deep:  # a surface over choices without an order would show slopes that are not there
        names = [name for name in names if not material.record.axes[name].coded]
    if len(names) < 2:
        kind = "numeric parameters" if deep else "parameters with two values"
        raise NothingToShow(f"a surface needs two {kind}, got {len(names)}")
    return list(combinations(names[:MOST_PARAMETERS], 2))


def _heights(
    material: Material, a: Axis, b: Axis, objective: int
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Places (k,) and (l,), mean and standard deviation (l, k)."""
    model = material.surrogate(objective)
    u, v = a.grid(POINTS), b.grid(POINTS)
    grid = np.array([(x, y) for y in v for x in u])
    X = model.rows(model.base(a.column, b.column), (a.column, b.column), grid)
    mean, std = model.predict(X)
    # Where one of the two is inactive there is no surface.
    mean[np.isnan(X[:, [a.column, b.column]]).any(axis=1)] = np.nan
    shape = len(v), len(u)
    return a.places(u), b.places(v), mean.reshape(shape), std.reshape(shape)


def _shown_trials(material: Material, a: Axis, b: Axis, objective: int) -> npt.NDArray[np.int64]:
    record = material.record
    both = ~np.isnan(record.X[:, [a.column, b.column]]).any(axis=1)
    rows = np.flatnonzero(record.observed & both)
    return record.ranked(rows, objective)[:MOST_TRIALS]


def _surface(material: Material, a: Axis, b: Axis, objective: int, label: str) -> Panel:
    record = material.record
    x, y, mean, _ = _heights(material, a, b, objective)
    rows = _shown_trials(material, a, b, objective)
    z = record.compared[rows, objective]
    measure = text(record.measures[objective])
    low, high = _range(mean, z)
    data: list[dict[str, Any]] = [
        {
            "type": "surface",
            "x": packed(x),
            "y": packed(y),
            "z": packed(mean),
            "colorscale": SCALE,
            "reversescale": bool(record.signs[objective] > 0),
            "colorbar": {"title": {"text": measure, "side": "right"}, "thickness": 12, "len": 0.7},
            "contours": {"z": {"show": True, "usecolormap": True, "project": {"z": True}}},
            "hovertemplate": "%{z:.5g}<extra></extra>",
            "opacity": 0.95,
        },
        {
            "type": "scatter3d",
            "mode": "markers",
            "x": packed(a.places(record.X[rows, a.column])),
            "y": packed(b.places(record.X[rows, b.column])),
            "z": packed(np.where((z >= low) & (z <= high), z, np.nan)),
            "marker": {"size": 3, "color": INK, "opacity": 0.8},
            "customdata": packed(rows),
            "hovertemplate": "trial %{customdata}<br>%{z:.5g}<extra></extra>",
        },
    ]
    return Panel(
        label,
        data,
        layout(
            scene={
                "xaxis": {**a.drawn(), "title": {"text": bare(a.name, SCENE_TITLE)}},
                "yaxis": {**b.drawn(), "title": {"text": bare(b.name, SCENE_TITLE)}},
                "zaxis": {"title": {"text": bare(record.measures[objective], SCENE_TITLE)}, "range": [low, high]},
                "camera": {"center": {"x": 0, "y": 0, "z": -0.12}, "eye": {"x": 1.45, "y": -1.5, "z": 0.85}},
                "aspectmode": "cube",
                "dragmode": "turntable",
            },
            margin={"l": 0, "r": 0, "t": 8, "b": 0},
            height=520,
            showlegend=False,
        ),
    )


def _map(material: Material, a: Axis, b: Axis, objective: int, label: str) -> Panel:
    record = material.record
    x, y, mean, std = _heights(material, a, b, objective)
    rows = _shown_trials(material, a, b, objective)
    best = rows[:1][record.feasible[rows[:1]]]
    measure = text(record.measures[objective])
    smooth = not (a.coded or b.coded)
    field: dict[str, Any] = {
        "type": "contour" if smooth else "heatmap",
        "x": packed(x),
        "y": packed(y),
        "z": packed(mean),
        "customdata": packed(std),
        "colorscale": SCALE,
        "reversescale": bool(record.signs[objective] > 0),
        "colorbar": {"title": {"text": measure, "side": "right"}, "thickness": 12},
        "hovertemplate": "%{z:.5g} ± %{customdata:.2g}<extra></extra>",
    }
    if smooth:
        field["contours"] = {"coloring": "heatmap", "showlines": True}
        field["line"] = {"width": 0.5, "color": "rgba(255,255,255,0.7)"}
    data = [
        field,
        {
            "type": "scatter",
            "mode": "markers",
            "x": packed(a.places(record.X[rows, a.column])),
            "y": packed(b.places(record.X[rows, b.column])),
            "marker": {"size": 5, "color": "white", "line": {"width": 1, "color": INK}},
            "customdata": packed(rows),
            "hovertemplate": "trial %{customdata}<extra></extra>",
        },
        {
            "type": "scatter",
            "mode": "markers",
            "x": packed(a.places(record.X[best, a.column])),
            "y": packed(b.places(record.X[best, b.column])),
            "marker": {"symbol": "star", "size": 15, "color": RED, "line": {"width": 1, "color": "white"}},
            "text": ["best"],
            "hoverinfo": "text",
        },
    ]
    return Panel(
        label,
        data,
        layout(
            xaxis={**_ending(a, x), "title": a.title, "showgrid": False},
            yaxis={**_ending(b, y), "title": b.title, "showgrid": False},
            height=460,
            showlegend=False,
        ),
    )


def _ending(axis: Axis, places: FloatArray) -> dict[str, Any]:
    """Axis of plotly that ends where the map does."""
    if axis.coded:
        return axis.drawn()
    ends = [float(places.min()), float(places.max())]
    return {**axis.drawn(), "range": np.log10(ends).tolist() if axis.log else ends}


def _range(mean: FloatArray, z: FloatArray) -> tuple[float, float]:
    """Range of heights: that of the surface, wider for trials that are not far off it."""
    finite = mean[np.isfinite(mean)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    width = high - low or max(abs(high), 1.0) * 0.1
    near = z[(z >= low - width) & (z <= high + width)]
    if near.size:
        low, high = min(low, float(near.min())), max(high, float(near.max()))
    return low - 0.05 * width, high + 0.05 * width
