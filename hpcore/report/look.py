"""Look of the report: colours, fonts and the layout that every figure has; text and arrays as plotly takes them."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from hpcore.records.words import escape
from hpcore.space.labels import label_of

__all__ = [
    "ACCENT",
    "BAND",
    "FAINT",
    "FONT",
    "GREY",
    "INK",
    "LARGEST",
    "LINE_COLOURS",
    "ORANGE",
    "RED",
    "SCALE",
    "SKY",
    "STATE_LOOK",
    "bare",
    "layout",
    "number",
    "packed",
    "plain",
    "robust_range",
    "text",
    "value_text",
]

FloatArray = npt.NDArray[np.float64]

# Okabe & Ito (2008), "Color universal design": apart for all kinds of colour vision; states differ in shape as well.
BLUE, ORANGE, GREEN, RED, SKY, PURPLE = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#56B4E9", "#CC79A7"
INK, GREY, FAINT, PAPER = "#1f2933", "#7b8794", "#e4e7eb", "#ffffff"
ACCENT, BAND = BLUE, "rgba(0,114,178,0.16)"
LINE_COLOURS = (BLUE, ORANGE, GREEN, RED, SKY, PURPLE)
# Of lightness that only rises, so that it is read in grey, too.
SCALE = "Viridis"
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif"

# By state: colour, and symbol of plotly.
STATE_LOOK = {
    "complete": (BLUE, "circle"),
    "pruned": (ORANGE, "triangle-down"),
    "paused": (ORANGE, "triangle-right"),
    "failed": (RED, "x"),
    "running": (GREY, "circle-open"),
    "infeasible": (PURPLE, "diamond-open"),
}

DOTTED = re.compile(r"[^\W\d]\w*(\.<?\w+>?)+")  # the name of a class or function in its module

LONGEST = 200  # characters of a text on a figure
# plotly computes with the differences of numbers: these stay finite.
LARGEST = 1e150
# Values this many widths of the middle ones beyond these are left out of a range; and its margins, as a share of it.
FENCE, MARGIN = 6.0, 0.05


def plain(value: Any, longest: int = LONGEST) -> str:
    """Text of one line without characters that steer a terminal."""
    shown = str(value).encode("utf-8", "replace").decode()
    if len(shown) > longest:
        shown = shown[: longest - 1] + "…"
    return "".join(c if c.isprintable() else " " if c.isspace() else "\N{REPLACEMENT CHARACTER}" for c in shown)


def bare(value: Any, longest: int = LONGEST) -> str:
    """Text for the places where plotly reads no entities: titles of scenes, ticks of parallel coordinates.

    It has other brackets, so that nothing is a tag there, whatever plotly reads.
    """
    return plain(value, longest).translate({ord("<"): "‹", ord(">"): "›"})


def text(value: Any, longest: int = LONGEST) -> str:
    """Text for HTML and for plotly, which reads tags in labels: nothing of it is a tag, and none steers a terminal."""
    return escape(plain(value, longest))


def number(value: float | None, digits: int = 5) -> str:
    """Short decimal text of a number; a dash for None and NaN."""
    if value is None or math.isnan(value):
        return "–"
    return f"{value:.{digits}g}"


def value_text(value: Any, digits: int = 5) -> str:
    """Text of a parameter's value, not escaped: short numbers, and classes and functions without their modules."""
    if isinstance(value, str):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return number(value, digits)
    label = label_of(value)
    return label.rpartition(".")[2] if DOTTED.fullmatch(label) else label


def packed(values: npt.ArrayLike) -> Any:
    """Numbers for a figure: four bytes each where these can hold them to what a screen shows, cut to what it can draw.

    Numbers beyond 1e150 are drawn at that place; an infinity is drawn nowhere, as NaN is.
    """
    array = np.asarray(values, dtype=float)
    array = np.where(np.isfinite(array), np.clip(array, -LARGEST, LARGEST), math.nan)
    finite = np.abs(array[np.isfinite(array) & (array != 0.0)])
    if not finite.size:
        return array.astype(np.float32)
    low, high = array[np.isfinite(array)].min(), array[np.isfinite(array)].max()
    # Seven digits: a range far from zero, as that of 1e9 + 0.1, would become steps.
    narrow = finite.max() > 1e3 * max(high - low, 1e-300) and high > low
    if finite.max() < 1e37 and finite.min() > 1e-37 and not narrow:
        return array.astype(np.float32)
    return array


def layout(**more: Any) -> dict[str, Any]:
    """Layout of every figure, with changes; axes are given as `xaxis` and `yaxis`."""
    axis = {
        "gridcolor": FAINT,
        "zeroline": False,
        "linecolor": GREY,
        "ticks": "outside",
        "tickcolor": GREY,
        "automargin": True,
        "title": {"standoff": 8},
    }
    base: dict[str, Any] = {
        "font": {"family": FONT, "size": 13, "color": INK},
        "paper_bgcolor": PAPER,
        "plot_bgcolor": PAPER,
        "colorway": LINE_COLOURS,
        "margin": {"l": 56, "r": 16, "t": 24, "b": 48},
        "hoverlabel": {"font": {"family": FONT}, "align": "left"},
        "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
        "template": None,
        "hovermode": "closest",
        "dragmode": False,
    }
    for name, value in more.items():
        if name.startswith(("xaxis", "yaxis")):
            given = dict(value)
            if isinstance(given.get("title"), str):
                given["title"] = {"text": given["title"], "standoff": 8}
            base[name] = {**axis, **given}
        else:
            base[name] = value
    return base


def robust_range(values: FloatArray, keep: Sequence[float] = ()) -> tuple[float, float] | None:
    """Range, with a margin, without the few values that would press all others flat; it always has `keep` in it.

    None if no value is finite.
    """
    shown = np.clip(values[np.isfinite(values)], -LARGEST, LARGEST)
    if not shown.size:
        return None
    # Where half of the values or more are the same one, all others would be far off.
    for share in (0.25, 0.1):
        low, high = np.quantile(shown, (share, 1.0 - share))
        if high > low:
            shown = shown[(shown >= low - FENCE * (high - low)) & (shown <= high + FENCE * (high - low))]
            break
    shown = np.concatenate([shown, np.clip(np.asarray(keep, dtype=float), -LARGEST, LARGEST)])
    low, high = float(shown.min()), float(shown.max())
    margin = MARGIN * (high - low) if high > low else MARGIN * max(abs(high), 1.0)
    return low - margin, high + margin
