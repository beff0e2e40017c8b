"""Values in the order of the trials, with the best so far and what random search would have found."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from hpcore._core import records as native
from hpcore.errors import HpcoreError
from hpcore.records.history import FAILED
from hpcore.report.figures.points import hover, trial_traces
from hpcore.report.look import ACCENT, GREY, STATE_LOOK, layout, number, packed, robust_range, text
from hpcore.report.record import Record
from hpcore.report.section import Material, NothingToShow, Panel, Section, Table

__all__ = ["draw"]

FloatArray = npt.NDArray[np.float64]

RANDOM_POINTS = 512
MOST_STEPS = 200  # points of a line that is computed


def draw(material: Material) -> Section:
    """Draw the history of a search."""
    record = material.record
    if not record.complete.any():
        raise NothingToShow("no trial is complete")
    return _of_one(material) if record.m == 1 else _of_several(record)


def _of_one(material: Material) -> Section:
    record = material.record
    y = record.values[:, 0]
    data = trial_traces(record, np.arange(record.n, dtype=float), record.last_values)
    best = record.incumbents
    lead = "Each point is a trial" + (
        ", those that were stopped early at their last report."
        if np.isnan(y[~np.isnan(record.last_values)]).any()
        else "."
    )
    rows: list[list[str]] = []
    if len(best):
        data.append(
            {
                "type": "scatter",
                "mode": "lines",
                "name": "best so far",
                "x": packed(np.append(best, record.n - 1)),
                "y": packed(np.append(y[best], y[best[-1]])),
                "line": {"shape": "hv", "color": ACCENT, "width": 2.5},
                "hoverinfo": "skip",
            }
        )
        lead += (
            f" The line is the best value so far: {number(float(y[best[-1]]))} since trial {best[-1]} of {record.n}."
        )
        rows = [[str(i), number(float(y[i]), 8)] for i in best.tolist()]
    k = np.unique(np.geomspace(1, record.n, MOST_STEPS).astype(int))
    expected = _expected_of_random(material, k)
    if expected is not None:
        data.append(
            {
                "type": "scatter",
                "mode": "lines",
                "name": "random search, expected",
                "x": packed(k - 1),
                "y": packed(expected),
                "line": {"color": GREY, "width": 1.5, "dash": "dot"},
                "hoverinfo": "skip",
            }
        )
        lead += " The dotted line is what a surrogate of the values expects of as many random trials."
    failed = np.flatnonzero(record.state == FAILED)
    if len(failed):
        data.append(_failed(record, failed))
    keep = [float(y[best[-1]])] if len(best) else []
    ends = robust_range(record.last_values, keep)
    if ends is not None:
        beyond = int(((record.last_values < ends[0]) | (record.last_values > ends[1])).sum())
        lead += f" {beyond} trials far from the others are beyond the axis." if beyond else ""
    measure = text(record.measures[0])
    panel = Panel(
        "history",
        data,
        layout(
            xaxis={"title": "trial", "rangemode": "tozero"},
            yaxis={"title": measure, "range": ends},
            **({"yaxis2": {"overlaying": "y", "range": [0, 1], "visible": False}} if len(failed) else {}),
            height=420,
        ),
    )
    return Section(
        "history", "Progress of the search", lead, [panel], table=Table(("trial", f"best {record.measures[0]}"), rows)
    )


def _failed(record: Record, failed: npt.NDArray[np.int64]) -> dict[str, Any]:
    """Failed trials, which have no value, along the upper edge."""
    colour, symbol = STATE_LOOK["failed"]
    return {
        "type": "scatter",
        "mode": "markers",
        "name": "failed",
        "x": packed(failed),
        "y": packed(np.full(len(failed), 0.985)),
        "yaxis": "y2",
        "marker": {"color": colour, "symbol": symbol, "size": 7},
        "text": hover(record, failed),
        "hoverinfo": "text",
    }


def _expected_of_random(material: Material, k: npt.NDArray[np.int64]) -> FloatArray | None:
    """Expected best values of numbers (j,) of random trials, by the surrogate; None where there is none."""
    record = material.record
    if np.isfinite(record.resource):  # the surrogate is of values of a lower resource
        return None
    try:
        model = material.surrogate()
        points = record.space.encode(record.space.sample(RANDOM_POINTS, seed=0))
    except HpcoreError:  # too few trials, or constraints that hardly any point keeps
        return None
    sign = float(record.signs[0])
    return sign * expected_best(sign * model.predict(points)[0], k)


def expected_best(values: FloatArray, k: npt.NDArray[np.int64]) -> FloatArray:
    """Expected lowest value (j,) of numbers (j,) of draws from values (n,), with replacement."""
    # Differences of the chance that all of k draws are at or beyond a rank.
    beyond = 1.0 - np.arange(len(values) + 1) / len(values)
    powers = beyond[None, :] ** k[:, None]
    expected: FloatArray = (powers[:, :-1] - powers[:, 1:]) @ np.sort(values)
    return expected


def _of_several(record: Record) -> Section:
    """Hypervolume that the trials so far dominate, beside the worst values of all."""
    rows = [i for i in record.order.tolist() if record.feasible[i]]
    if not rows:
        raise NothingToShow("no complete trial keeps all limits")
    values = record.history.values[rows]
    low, high = values.min(axis=0), values.max(axis=0)
    scaled = (values - low) / np.where(high > low, high - low, 1.0)
    reference = np.full(record.m, 1.1)
    at = np.unique(np.linspace(1, len(rows), min(len(rows), MOST_STEPS)).astype(int))
    volume = np.array([native.hypervolume(np.ascontiguousarray(scaled[:k]), reference) for k in at])
    final = volume[-1] or 1.0
    data: list[dict[str, Any]] = [
        {
            "type": "scatter",
            "mode": "lines",
            "name": "hypervolume",
            "x": packed(at),
            "y": packed(volume / final),
            "line": {"shape": "hv", "color": ACCENT, "width": 2.5},
        }
    ]
    lead = (
        f"Hypervolume of the trials so far as a share of the last one, with every objective scaled to its range. "
        f"{len(record.front)} trials are on the Pareto front."
    )
    panel = Panel(
        "history",
        data,
        layout(xaxis={"title": "trials with values"}, yaxis={"title": "share", "rangemode": "tozero"}, height=380),
    )
    table = Table(
        ("trials", "share of the hypervolume"),
        [[str(k), number(float(v / final))] for k, v in zip(at, volume, strict=True)][:: max(1, len(at) // 20)],
    )
    return Section("history", "Progress of the search", lead, [panel], table=table)
