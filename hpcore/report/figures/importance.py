"""Importance of parameters with its intervals."""

from __future__ import annotations

from typing import Any

import numpy as np

from hpcore.errors import HpcoreError
from hpcore.importance import Importances, importance
from hpcore.report.look import ACCENT, GREY, SKY, layout, number, packed, text
from hpcore.report.record import Record
from hpcore.report.section import Material, NothingToShow, Panel, Section, Table

__all__ = ["draw"]

MOST_BARS, MOST_PAIRS = 20, 5
# Resamples for the intervals of fANOVA, each of which fits a Gaussian process: fewer, the more numbers the trials have.
FEWEST, MOST_RESAMPLES = 5, 20
MOST_NUMBERS = 100_000


def draw(material: Material) -> Section:
    """Draw which parameters mattered."""
    record = material.record
    found: list[tuple[str, Importances]] = []
    reason = ""
    for label, options in _methods(record):
        try:
            each = importance(record, **options)
        except HpcoreError as error:
            reason = reason or str(error)
            continue
        if any(part.value > 0.0 for part in each.values()):
            found.append((label, each))
        reason = reason or "no parameter makes a difference"
    if not found:
        raise NothingToShow(reason)
    first = found[0][1]
    top = next(iter(first))
    lead = (
        f"By {found[0][0].partition(':')[0]}, {top} matters most: a share of {first[top].value:.0%}. Bars have "
        f"95% intervals by resampling the {first.n_trials} trials. PED-ANOVA asks what separates the best trials, "
        "fANOVA what makes values differ anywhere; with fANOVA, × is an interaction of two parameters."
    )
    rows = [
        [label, name, number(part.value, 3), f"{number(part.low, 3)} to {number(part.high, 3)}"]
        for label, each in found
        for name, part in list(each.items())[:MOST_BARS]
    ]
    return Section(
        "importance",
        "Importance of the parameters",
        lead,
        [Panel(text(label), *_bars(each)) for label, each in found],
        chosen=True,
        table=Table(("method", "parameter", "importance", "interval"), rows),
    )


def _methods(record: Record) -> list[tuple[str, dict[str, Any]]]:
    # The interval of a parameter is the standard deviation of its values, for which a few resamples do.
    size = max(1, int(record.observed.sum()) * len(record.space))
    fanova = {"method": "fanova", "pairs": True, "n_resamples": min(max(MOST_NUMBERS // size, FEWEST), MOST_RESAMPLES)}
    if record.m == 1:
        return [("PED-ANOVA: what separates the best", {}), ("fANOVA: what makes values differ", fanova)]
    out: list[tuple[str, dict[str, Any]]] = [("PED-ANOVA: what separates the front", {})]
    out += [(f"PED-ANOVA of {name}", {"target": i}) for i, name in enumerate(record.measures)]
    return out + [(f"fANOVA of {name}", {**fanova, "target": i}) for i, name in enumerate(record.measures)]


def _bars(found: Importances) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    bars = [(text(name, 32), part, ACCENT) for name, part in list(found.items())[:MOST_BARS]]
    bars += [
        (f"{text(a, 20)} × {text(b, 20)}", part, SKY)
        for (a, b), part in list(found.pairs.items())[:MOST_PAIRS]
        if part.value >= 0.005
    ]
    bars.reverse()  # plotly draws from below
    value = np.array([part.value for _, part, _ in bars])
    low = np.array([part.low for _, part, _ in bars])
    high = np.array([part.high for _, part, _ in bars])
    places = list(range(len(bars)))
    data: list[dict[str, Any]] = [
        {
            "type": "bar",
            "orientation": "h",
            "x": packed(value),
            "y": places,
            "marker": {"color": [colour for _, _, colour in bars]},
            "error_x": {
                "type": "data",
                "symmetric": False,
                "array": packed(np.maximum(high - value, 0.0)),
                "arrayminus": packed(np.maximum(value - low, 0.0)),
                "color": GREY,
                "thickness": 1.5,
            },
            "text": [f"{name}: {part.value:.3f} ({part.low:.3f} to {part.high:.3f})" for name, part, _ in bars],
            "hoverinfo": "text",
            "textposition": "none",
        }
    ]
    # Numbers as places: two names that look alike once shortened stay two bars.
    return data, layout(
        xaxis={"title": "share", "range": [0.0, max(1.05 * float(np.nanmax(high, initial=0.05)), 0.05)]},
        yaxis={"tickmode": "array", "tickvals": places, "ticktext": [name for name, _, _ in bars], "ticks": ""},
        height=110 + 26 * len(bars),
        bargap=0.35,
        showlegend=False,
    )
