"""Axes of parameters: between coordinates of the unit cube and what a reader sees."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from hpcore._core import space as native
from hpcore.report.look import bare, number, text, value_text
from hpcore.space.discrete import Categorical, Int
from hpcore.space.space import Space

__all__ = ["SHORT", "Axis"]

FloatArray = npt.NDArray[np.float64]

# Coordinates between which a parameter without bounds is shown.
OPEN_LOW, OPEN_HIGH = 0.01, 0.99
MOST_TICKS = 30  # choices with a label each
NARROW_TICKS = 10  # and those of a narrow figure
FEW_TICKS = 6  # labels of an axis among others
LABEL = 28  # characters of a label
TITLE = 40  # and of a title
SHORT = 14  # and of one where several axes share the width
WHOLE = 1e6  # whole numbers below it are written with all digits
FEW = 10  # whole numbers with a tick each
# Decades of a logarithmic scale with ticks at powers of ten only, and those between two ticks more.
DECADES, MANY = 1.5, 5.5


class Axis:
    """A parameter as an axis.

    Parameters
    ----------
    space : Space
        Space of the search.
    name : str
        Name of the parameter.

    Attributes
    ----------
    name, title : str
        Name of the parameter, and the same as text of a figure.
    column : int
        Column of the space.
    coded : bool
        True if places are numbers of choices, which `labels` name.
    log : bool
        True for a logarithmic scale.
    """

    def __init__(self, space: Space, name: str) -> None:
        self.name, self.title = name, text(name, TITLE)
        self.column = space.names.index(name)
        self._parameter = space[name]
        # Values do not depend on what is active.
        self._codec = native.Space([self._parameter.core.named(name)]).codec
        self.coded = isinstance(self._parameter, Categorical)
        self.log = bool(getattr(self._parameter, "log", False))

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """Labels of the choices, not escaped; empty unless `coded`."""
        return tuple(map(value_text, getattr(self._parameter, "choices", ())))

    def places(self, u: FloatArray) -> FloatArray:
        """Places (n,) on the axis of coordinates (n,); NaN where the parameter is inactive."""
        inactive = np.isnan(u)
        reals, wholes, _ = self._codec.decode(np.where(inactive, 0.5, u)[:, None])
        whole = self.coded or isinstance(self._parameter, Int)
        out: FloatArray = np.where(inactive, np.nan, np.asarray((wholes if whole else reals)[:, 0], dtype=float))
        return out

    def grid(self, n: int) -> FloatArray:
        """Coordinates over the axis: of all values if these are at most n, otherwise n that are evenly spread."""
        parameter, levels = self._parameter, self._parameter.levels
        if levels is not None and levels <= n:
            if self.coded:
                return self._codec.encode_whole(0, np.arange(levels))
            values = [parameter.at(level) for level in range(levels)]
            if isinstance(parameter, Int):
                return self._codec.encode_whole(0, np.array(values, dtype=np.int64))
            return self._codec.encode_real(0, np.array(values))
        low_open, high_open = parameter.open_ends
        return np.linspace(OPEN_LOW if low_open else 0.0, OPEN_HIGH if high_open else 1.0, n)

    def ticks(self) -> tuple[FloatArray, list[str]]:
        """Coordinates and labels of a few round values; the labels are short, for parallel coordinates."""
        if self.coded:
            u = self.grid(len(self.labels))
            step = -(-len(u) // FEW_TICKS)
            return u[::step], [bare(label, SHORT) for label in self.labels[::step]]
        low, high = self.places(self.grid(2) if any(self._parameter.open_ends) else np.array([0.0, 1.0]))
        if not high > low:
            return np.array([0.5]), [number(float(low), 4)]
        if self.log and np.log10(high) - np.log10(low) >= DECADES:
            powers = np.arange(np.ceil(np.log10(low) - 1e-9), np.floor(np.log10(high) + 1e-9) + 0.5)
            values = 10.0 ** powers[:: -(-len(powers) // FEW_TICKS)]
        else:
            step = 10.0 ** np.floor(np.log10((high - low) / 4.0))
            step *= next(k for k in (1.0, 2.0, 5.0, 10.0) if (high - low) / (k * step) <= FEW_TICKS - 1)
            values = step * np.arange(np.ceil(low / step - 1e-9), np.floor(high / step + 1e-9) + 0.5)
        values = np.clip(values, low, high) + 0.0  # no -0
        if isinstance(self._parameter, Int):
            u = self._codec.encode_whole(0, np.unique(np.round(values).astype(np.int64)))
        else:
            u = self._codec.encode_real(0, values)
        # With a step, the values are the nearest of its grid.
        return u, [str(int(v)) if v == round(v) and abs(v) < WHOLE else number(v, 4) for v in self.places(u).tolist()]

    def drawn(self, narrow: bool = False) -> dict[str, Any]:
        """Axis of plotly, without a title; with fewer and shorter labels in a narrow figure."""
        if not self.coded:
            low, high = self.places(self.grid(2))[[0, -1]]
            if self.log:
                decades = float(np.log10(high) - np.log10(low))
                ticks = {"dtick": 1 + int(decades // MANY)} if decades >= DECADES else {}
                return {"type": "log", "exponentformat": "power", "tickangle": 0, **ticks}
            few = isinstance(self._parameter, Int) and high - low <= FEW
            return {"type": "linear", "tickangle": 0, **({"dtick": 1} if few else {})}
        step = -(-len(self.labels) // (NARROW_TICKS if narrow else MOST_TICKS))
        return {
            "type": "linear",
            "tickmode": "array",
            "tickvals": list(range(0, len(self.labels), step)),
            "ticktext": [text(label, SHORT if narrow else LABEL) for label in self.labels[::step]],
            "range": [-0.5, len(self.labels) - 0.5],
        }
