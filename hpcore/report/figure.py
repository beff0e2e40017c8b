"""Figures by name, for notebooks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from hpcore.arguments import check_integer
from hpcore.errors import InvalidArgument, InvalidType, closest, require
from hpcore.report.figures import (
    cost,
    curves,
    failures,
    folds,
    history,
    importance,
    parallel,
    pareto,
    slices,
    surface,
    timeline,
)
from hpcore.report.record import read
from hpcore.report.section import Material, Panel, Section

if TYPE_CHECKING:
    import plotly.graph_objects as go

__all__ = ["FIGURES", "figure", "names"]

# In the order of the page.
FIGURES: dict[str, Callable[..., Section]] = {
    "history": history.draw,
    "pareto": pareto.draw,
    "importance": importance.draw,
    "slice": slices.draw,
    "surface": surface.draw,
    "contour": surface.draw_contour,
    "parallel": parallel.draw,
    "curves": curves.draw,
    "folds": folds.draw,
    "cost": cost.draw,
    "timeline": timeline.draw,
    "failures": failures.draw,
}
_WITH_PARAMS = ("slice", "surface", "contour", "parallel")
_WITH_OBJECTIVE = (*_WITH_PARAMS, "cost")

ACROSS = 3  # panels side by side
GAP = 0.09


def names() -> tuple[str, ...]:
    """Names of all figures."""
    return tuple(FIGURES)


def figure(source: Any, name: str, *, params: Sequence[str] | None = None, objective: int | None = None) -> go.Figure:
    """Draw one figure of a search.

    Parameters
    ----------
    source : Study, Optimizer or fitted SearchCV
        Search; `minimize` returns a study.
    name : str
        ``"history"``, ``"pareto"``, ``"importance"``, ``"slice"``, ``"surface"``, ``"contour"``, ``"parallel"``,
        ``"curves"``, ``"folds"``, ``"cost"``, ``"timeline"`` or ``"failures"``.
    params : sequence of str, optional
        Parameters of ``"slice"`` and ``"parallel"``, or the two of ``"surface"`` and ``"contour"``; by default the
        most important ones.
    objective : int, default=0
        Number of the objective, for the figures with `params` and for ``"cost"``.

    Returns
    -------
    plotly.graph_objects.Figure
        Figure; several panels become subplots, of panels to choose from it is the first.

    Raises
    ------
    InvalidArgument, InvalidType
        An unknown name, arguments that the figure does not have, or a search without what it shows.
    MissingDependency
        plotly is not installed: ``pip install "hpcore[report]"``.

    Examples
    --------
    >>> import hpcore as hp
    >>> study = hp.minimize(lambda t: t["x"] ** 2, {"x": hp.Float(-1, 1)}, sampler="random", n_trials=20, seed=0)
    >>> figure = hp.report.figure(study, "history")
    """
    section = drawn(Material(read(source)), name, params, objective)
    go = require("plotly.graph_objects", "report", "hpcore.report")
    panels = section.panels
    if section.chosen or len(panels) == 1:
        data, layout = panels[0].data, panels[0].layout
    else:
        data, layout = _side_by_side(panels)
    return go.Figure({"data": data, "layout": layout})


def drawn(material: Material, name: str, params: Sequence[str] | None = None, objective: int | None = None) -> Section:
    """Draw the section of a figure; see `figure`."""
    if name not in FIGURES:
        raise InvalidArgument(
            f"name must be one of {', '.join(map(repr, FIGURES))}, got {name!r}{closest(str(name), FIGURES)}"
        )
    options: dict[str, Any] = {}
    if params is not None:
        if name not in _WITH_PARAMS:
            raise InvalidArgument(f"params belongs to {', '.join(map(repr, _WITH_PARAMS))}, not to {name!r}")
        if isinstance(params, str) or not isinstance(params, Sequence):
            raise InvalidType(f"params must be a list of names, got {params!r}")
        options["params"] = params
    if objective is not None:
        if name not in _WITH_OBJECTIVE:
            raise InvalidArgument(f"objective belongs to {', '.join(map(repr, _WITH_OBJECTIVE))}, not to {name!r}")
        options["objective"] = check_integer("objective", objective, 0, material.record.m - 1)
    return FIGURES[name](material, **options)


def _side_by_side(panels: Sequence[Panel]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Merge panels into one figure of subplots."""
    across = min(ACROSS, len(panels))
    down = -(-len(panels) // across)
    width, height = (1.0 + GAP) / across - GAP, (1.0 + GAP) / down - GAP
    layout = {key: value for key, value in panels[0].layout.items() if not key.startswith(("xaxis", "yaxis"))}
    layout["height"] = 280 * down + 40
    data = []
    for k, panel in enumerate(panels):
        suffix = "" if k == 0 else str(k + 1)
        left, top = (k % across) * (width + GAP), 1.0 - (k // across) * (height + GAP)
        layout[f"xaxis{suffix}"] = {
            **panel.layout["xaxis"],
            "domain": [left, min(left + width, 1.0)],
            "anchor": f"y{suffix}",
        }
        layout[f"yaxis{suffix}"] = {
            **panel.layout["yaxis"],
            "domain": [max(top - height, 0.0), top],
            "anchor": f"x{suffix}",
        }
        data += [{**trace, "xaxis": f"x{suffix}", "yaxis": f"y{suffix}"} for trace in panel.data]
    return data, layout
