"""Importance of parameters: a sorted mapping of names to numbers with intervals."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import NamedTuple

__all__ = ["Importance", "Importances"]

BAR = 24  # characters of the longest bar of the table


class Importance(NamedTuple):
    """Importance of a parameter or of a pair.

    Attributes
    ----------
    value : float
        Importance, from 0 to 1.
    low, high : float
        Ends of the bootstrap interval; NaN if none was asked for.
    """

    value: float
    low: float
    high: float

    @property
    def interval(self) -> tuple[float, float]:
        """Both ends of the interval."""
        return self.low, self.high

    def __float__(self) -> float:
        return self.value


class Importances(Mapping[str, Importance]):
    """Importances by parameter, the most important first.

    Attributes
    ----------
    method : str
        ``"ped_anova"`` or ``"fanova"``.
    model : str or None
        ``"gp"`` or ``"forest"``; None for ``"ped_anova"``.
    target : str
        Quantity whose differences are explained.
    n_trials : int
        Number of trials that count.
    pairs : dict of (str, str) to Importance
        Importances of the interactions of two parameters, the most important first; empty if not asked for.
    """

    def __init__(
        self,
        found: Mapping[str, Importance],
        *,
        method: str,
        model: str | None = None,
        target: str,
        n_trials: int,
        pairs: Mapping[tuple[str, str], Importance],
    ) -> None:
        # A stable sort: equal ones stay in the order of the space.
        self._found = dict(sorted(found.items(), key=lambda item: -item[1].value))
        self.pairs = dict(sorted(pairs.items(), key=lambda item: -item[1].value))
        self.method, self.model, self.target, self.n_trials = method, model, target, n_trials

    def __getitem__(self, name: str) -> Importance:
        return self._found[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)

    def __repr__(self) -> str:
        rows = list(self._found.items()) + [(" x ".join(pair), found) for pair, found in self.pairs.items()]
        names = ["".join(c if c.isprintable() else repr(c)[1:-1] for c in name) for name, _ in rows]
        width = max(map(len, names), default=0)
        longest = max((found.value for _, found in rows), default=0.0) or 1.0
        method = self.method if self.model is None else f"{self.method} ({self.model})"
        lines = [f"importance for {self.target} by {method}, {self.n_trials} trials"]
        for name, (_, found) in zip(names, rows, strict=True):
            between = "" if math.isnan(found.low) else f"  {found.low:.3f} .. {found.high:.3f}"
            bar = "#" * round(BAR * found.value / longest)
            lines.append(f"{name:<{width}}  {found.value:.3f}{between}  {bar}".rstrip())
        return "\n".join(lines)
