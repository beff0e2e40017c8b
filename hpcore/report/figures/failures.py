"""Failures by their reasons."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from hpcore.records.history import FAILED
from hpcore.records.words import last_line
from hpcore.report.look import RED, layout, packed, text
from hpcore.report.section import Material, NothingToShow, Panel, Section, Table

__all__ = ["draw"]

MOST_REASONS = 12
MOST_NUMBERS = 12


def draw(material: Material) -> Section:
    """Draw how often trials failed for which reason."""
    record = material.record
    failed = np.flatnonzero(record.state == FAILED)
    if not len(failed):
        raise NothingToShow("no trial has failed")
    groups: dict[str, list[int]] = {}
    words: dict[str, str] = {}
    for i in failed.tolist():
        reason = last_line(record.trials[i].error)
        key = re.sub(r"[-+]?\d+(\.\d+)?(e[-+]?\d+)?", "#", reason)  # numbers differ between trials
        groups.setdefault(key, []).append(i)
        words.setdefault(key, reason)
    ranked = sorted(groups, key=lambda key: -len(groups[key]))
    shown = ranked[:MOST_REASONS]
    places = list(range(len(shown)))[::-1]
    data: list[dict[str, Any]] = [
        {
            "type": "bar",
            "orientation": "h",
            "x": packed([len(groups[key]) for key in shown]),
            "y": places,
            "marker": {"color": RED},
            "text": [f"{len(groups[key])} × {text(words[key], 120)}" for key in shown],
            "hoverinfo": "text",
            "textposition": "none",
        }
    ]
    lead = f"{len(failed)} of {record.n} trials failed, for {len(ranked)} reason{'s' if len(ranked) > 1 else ''}."
    panel = Panel(
        "failures",
        data,
        layout(
            xaxis={"title": "trials", "rangemode": "tozero", "dtick": max(1, -(-max(map(len, groups.values())) // 8))},
            yaxis={
                "tickmode": "array",
                "tickvals": places,
                "ticktext": [text(words[key], 40) for key in shown],
                "ticks": "",
            },
            height=110 + 30 * len(shown),
            bargap=0.4,
        ),
    )
    rows = [[words[key], str(len(groups[key])), _numbers(groups[key])] for key in shown]
    return Section("failures", "Failures", lead, [panel], table=Table(("reason", "trials", "numbers"), rows))


def _numbers(numbers: list[int]) -> str:
    more = ", …" if len(numbers) > MOST_NUMBERS else ""
    return ", ".join(map(str, numbers[:MOST_NUMBERS])) + more
