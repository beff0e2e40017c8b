"""Trials as points of a figure: one trace for each state, with the words that appear over a point."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from hpcore.records.words import last_line
from hpcore.report.look import STATE_LOOK, number, packed, text, value_text
from hpcore.report.record import Record

__all__ = ["hover", "of", "trial_traces"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

SHOWN = 8  # parameters in the words over a point
MOST_WORDS = 400_000  # characters of the words of a figure, about; beyond, they are without parameters


def hover(record: Record, numbers: IntArray) -> list[str]:
    """Words over the points of trials, as plotly takes them."""
    names = record.space.names[:SHOWN]
    with_params = record.n * 25 * len(names) <= MOST_WORDS
    out = []
    for i in numbers.tolist():
        trial = record.trials[i]
        values = ", ".join(
            f"{text(name)} {number(value)}"
            for name, value in zip(record.measures, record.values[i].tolist(), strict=True)
            if value == value
        )
        words = f"trial {i}, {trial.state.value}" + (f"<br>{values}" if values else "")
        if with_params:
            pairs = [(name, trial.params[name]) for name in names if name in trial.params]
            words += "".join(f"<br>{text(name, 30)}: {text(value_text(value), 40)}" for name, value in pairs)
        if trial.error:
            words += f"<br>{text(last_line(trial.error), 80)}"
        out.append(words)
    return out


def of(params: Mapping[str, Any], name: str) -> str:
    """Text of a parameter in a table; a dash where it is inactive."""
    return value_text(params[name]) if name in params else "–"


def _words(record: Record, rows: IntArray, words: bool) -> dict[str, Any]:
    """Words over points: with parameters, or the number of the trial and its place alone, which take less room."""
    if words:
        return {"text": hover(record, rows), "hoverinfo": "text"}
    return {"customdata": packed(rows), "hovertemplate": "trial %{customdata}<br>%{x:.4g}, %{y:.6g}<extra></extra>"}


def trial_traces(
    record: Record, x: FloatArray, y: FloatArray, *, words: bool = True, skip: tuple[str, ...] = ()
) -> list[dict[str, Any]]:
    """Traces of trials (n,) at places x and y (n,), one for each state that has a place."""
    traces = []
    for name, numbers in record.looks():
        rows = numbers[np.isfinite(x[numbers]) & np.isfinite(y[numbers])]
        if name in skip or not len(rows):
            continue
        colour, symbol = STATE_LOOK[name]
        traces.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": name,
                "x": packed(x[rows]),
                "y": packed(y[rows]),
                "marker": {
                    "color": colour,
                    "symbol": symbol,
                    "size": 7,
                    "opacity": 0.75 if len(rows) < 300 else 0.5,
                    "line": {"width": 0.5, "color": "white"} if not symbol.endswith("open") else {"width": 1.5},
                },
                **_words(record, rows, words),
            }
        )
    return traces
