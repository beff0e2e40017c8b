"""Slices of the surrogate: one parameter varied from the best trial, with uncertainty and all trials."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hpcore.report.look import ACCENT, BAND, INK, layout, packed, robust_range, text
from hpcore.report.section import Material, NothingToShow, Panel, Section

__all__ = ["draw"]

POINTS = 61
SIGMAS = 1.96
MOST_TRIALS = 400  # points of trials in a slice


def draw(material: Material, params: Sequence[str] = (), objective: int | None = None) -> Section:
    """Draw the surrogate over single parameters."""
    names = [material.check(name) for name in params] or list(material.varied())
    if not names:
        raise NothingToShow("no parameter has two values")
    objectives = list(range(material.record.m)) if objective is None else [objective]
    model = material.surrogate(objectives[0])
    measures = " and of ".join(material.record.measures[k] for k in objectives)
    lead = (
        f"The line is the surrogate's mean of {measures} when one parameter changes and the others stay as in the best "
        "trial (or, where the parameter is inactive there, the best that has it); the band holds the true value with "
        f"95% by the model, a Gaussian process of {model.n} trials. Points are trials, darker for later ones, "
        "whatever their other parameters are."
    )
    if material.record.observed.sum() > MOST_TRIALS:
        lead += f" Of all, {MOST_TRIALS} of even ranks are drawn."
    lead += material.record.remark
    return Section(
        "slice",
        "Slices through the surrogate",
        lead,
        [_panel(material, name, k) for k in objectives for name in names],
    )


def _panel(material: Material, name: str, objective: int) -> Panel:
    record, model = material.record, material.surrogate(objective)
    axis = record.axes[name]
    u = axis.grid(POINTS)
    mean, std = model.predict(model.rows(model.base(axis.column), (axis.column,), u[:, None]))
    x = axis.places(u)
    low, high = mean - SIGMAS * std, mean + SIGMAS * std
    rows = np.flatnonzero(record.observed & ~np.isnan(record.X[:, axis.column]))
    if len(rows) > MOST_TRIALS:  # an even choice of all ranks
        ranked = rows[np.argsort(record.compared[rows, objective], kind="stable")]
        rows = np.sort(ranked[np.linspace(0, len(rows) - 1, MOST_TRIALS).astype(int)])
    y = record.compared[rows, objective]
    best = record.front if record.m > 1 else np.array([] if record.best is None else [record.best], dtype=np.int64)
    data: list[dict[str, Any]] = [
        {
            "type": "scatter",
            "mode": "markers",
            "name": "trials",
            "x": packed(axis.places(record.X[rows, axis.column])),
            "y": packed(y),
            "marker": {
                "size": 5,
                "color": packed(rows),
                "colorscale": [[0, "#cbd2d9"], [1, "#52606d"]],
                "opacity": 0.8,
            },
            "hovertemplate": "trial %{marker.color:d}<br>%{y:.5g}<extra></extra>",
        }
    ]
    if axis.coded:
        data.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": "surrogate",
                "x": packed(x),
                "y": packed(mean),
                "error_y": {"type": "data", "array": packed(SIGMAS * std), "color": ACCENT, "thickness": 2},
                "marker": {"color": ACCENT, "size": 10, "symbol": "line-ew-open", "line": {"width": 3}},
            }
        )
    else:
        data += [
            {
                "type": "scatter",
                "mode": "lines",
                "x": packed(np.concatenate([x, x[::-1]])),
                "y": packed(np.concatenate([low, high[::-1]])),
                "fill": "toself",
                "fillcolor": BAND,
                "line": {"width": 0},
                "hoverinfo": "skip",
            },
            {
                "type": "scatter",
                "mode": "lines",
                "name": "surrogate",
                "x": packed(x),
                "y": packed(mean),
                "line": {"color": ACCENT, "width": 2.5},
            },
        ]
    shown = best[~np.isnan(record.X[best, axis.column])]
    if len(shown):
        data.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": "best",
                "x": packed(axis.places(record.X[shown, axis.column])),
                "y": packed(record.compared[shown, objective]),
                "marker": {"symbol": "star", "size": 13, "color": INK, "line": {"width": 1, "color": "white"}},
                "text": [f"best, trial {i}" for i in shown.tolist()],
                "hoverinfo": "text+y",
            }
        )
    keep = [float(v) for v in (*mean, *record.compared[shown, objective]) if np.isfinite(v)]
    return Panel(
        axis.title,
        data,
        layout(
            xaxis={**axis.drawn(narrow=True), "title": axis.title},
            yaxis={"title": text(record.measures[objective]), "range": robust_range(y, keep)},
            height=300,
            showlegend=False,
        ),
    )
